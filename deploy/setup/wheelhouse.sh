#!/bin/sh
# Collects all that an installation without a network needs into one archive: Headroom's wheel, those
# of everything it uses, and install.sh. For RHEL 8 and 9 with their Python 3.11, and any other Linux
# with the same version of Python as PYTHON (python3 when not given).
# usage: wheelhouse.sh [FOLDER]     FOLDER gets the archive (dist/ when not given)
set -eu
cd "$(dirname "$0")/../.."
out=${1:-dist}
mkdir -p "$out"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
name=headroom-$version-wheels
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
house=$work/$name
mkdir "$house"

printf '%s\n' "headroom: collecting wheels (some minutes the first time)"
.venv/bin/pip --disable-pip-version-check --quiet download --only-binary :all: --require-hashes \
    -r requirements.lock -d "$house/wheels"
.venv/bin/python -m hatchling build -t wheel -d "$house/wheels" >/dev/null 2>&1
cp requirements.lock requirements-agent.lock deploy/setup/install.sh "$house"
cp -r deploy/systemd deploy/config "$house"
cp deploy/energy/headroom-rapl.conf "$house/systemd"
tar -C "$work" -czf "$out/$name.tar.gz" "$name"
printf '%s\n' "headroom: made $out/$name.tar.gz"
