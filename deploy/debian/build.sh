#!/bin/sh
# Builds headroom-agent and headroom-collector as Debian packages, each with its own environment
# under /opt, so that nothing but Debian's python3 is asked of a host.
# usage: build.sh [FOLDER]     FOLDER gets the packages (dist/ when not given)
# PYTHON names Debian's interpreter (/usr/bin/python3); the packages run with that version only.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
out=${1:-dist}
python=${PYTHON:-/usr/bin/python3}
mkdir -p "$out"
out=$(cd "$out" && pwd)

say() { printf '%s\n' "headroom: $*"; }

for tool in dpkg-deb "$python" .venv/bin/pip; do
    command -v "$tool" >/dev/null || { say "$tool is missing; packages are built on Debian or Ubuntu, after make dev" >&2; exit 1; }
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
architecture=$(dpkg --print-architecture)
minor=$("$python" -c 'import sys; print(sys.version_info[1])')
# The time of the last commit, so that the same commit gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

say "building the wheel of $version"
.venv/bin/python -m hatchling build -t wheel -d "$work/wheel" >"$work/wheel.log" 2>&1 || { cat "$work/wheel.log" >&2; exit 1; }
wheel=$(echo "$work"/wheel/*.whl)

# environment PACKAGE LOCK COMMAND: an environment in the stage, as it will stand under /opt
environment() {
    home=/opt/headroom-$1
    stage=$work/headroom-$1
    mkdir -p "$stage/opt" "$stage/usr/bin"
    "$python" -m venv --without-pip "$stage$home"
    pip=".venv/bin/pip --python $stage$home/bin/python --disable-pip-version-check --quiet install --no-compile"
    $pip --require-hashes -r "$2"
    $pip --no-deps "$wheel"
    # What was written with the stage's path has to name the place where it will stand.
    grep -rlI "$stage" "$stage$home/bin" "$stage$home/pyvenv.cfg" | xargs -r sed -i "s#$stage##g"
    find "$stage$home" -name direct_url.json -delete
    find "$stage$home" -path '*.dist-info/RECORD' -exec sed -i '/direct_url.json/d' {} +
    "$python" -m compileall -q -s "$stage" -p / --invalidation-mode unchecked-hash "$stage$home/lib"
    ln -s "$home/bin/$3" "$stage/usr/bin/$3"
}

# documents PACKAGE: what every Debian package has under /usr/share/doc
documents() {
    doc=$work/headroom-$1/usr/share/doc/headroom-$1
    mkdir -p "$doc"
    {
        echo "Upstream-Name: headroom"
        echo "License: Apache-2.0"
        echo "On Debian the whole licence is in /usr/share/common-licenses/Apache-2.0."
        echo
        echo "The Python packages under /opt/headroom-$1 carry licences of their own, each in its"
        echo "*.dist-info folder there."
    } >"$doc/copyright"
    gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
}

# finish PACKAGE: control files, sizes, sums, and the package itself
finish() {
    stage=$work/headroom-$1
    control=$stage/DEBIAN
    mkdir -p "$control"
    find "$stage" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    size=$(du -sk --exclude=DEBIAN "$stage" | cut -f1)
    sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/" \
        -e "s/@MINOR@/$minor/; s/@NEXT@/$((minor + 1))/" "deploy/debian/$1/control" >"$control/control"
    for script in postinst prerm postrm; do
        install -m 0755 "deploy/debian/$1/$script" "$control/$script"
    done
    (cd "$stage" && find etc -type f | sort | sed 's#^#/#') >"$control/conffiles"
    (cd "$stage" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$control/md5sums"
    find "$control" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zzstd -z12 --build "$stage" "$out" >/dev/null
    say "made $out/headroom-$1_${version}_$architecture.deb"
}

# place SOURCE TARGET: a file of the project into the stage, readable for all
place() { install -D -m 0644 "$root/$1" "$stage$2"; }

# unit PACKAGE PAGE: systemd's files, and the page that the unit leads to
unit() {
    place "deploy/systemd/headroom-$1.service" "/usr/lib/systemd/system/headroom-$1.service"
    place "deploy/systemd/headroom-$1.sysusers.conf" "/usr/lib/sysusers.d/headroom-$1.conf"
    place "docs/$2" "/usr/share/doc/headroom-$1/$2"
}

say "building headroom-agent"
environment agent requirements-agent.lock headroom-agent
# libvirt's Python interface belongs to the host's libvirt, so it comes from Debian (python3-libvirt).
sed -i 's/^include-system-site-packages = .*/include-system-site-packages = true/' "$stage/opt/headroom-agent/pyvenv.cfg"
place deploy/config/agent.toml /etc/headroom/agent.toml
unit agent agent.md
place deploy/energy/headroom-rapl.conf /usr/lib/tmpfiles.d/headroom-rapl.conf
documents agent
finish agent

say "building headroom-collector"
environment collector requirements.lock headroom
for file in collector.toml inventory.toml estate.toml; do
    place "deploy/config/$file" "/etc/headroom/$file"
done
unit collector operations.md
documents collector
finish collector
