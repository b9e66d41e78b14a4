#!/bin/sh
# Makes .venv from the lock file, or brings it up to date.
# usage: venv.sh run|dev|proto     PYTHON=python3.12 venv.sh run
set -eu
cd "$(dirname "$0")/../.."
want=${1:?usage: venv.sh run|dev|proto}

say() { printf '%s\n' "headroom: $*"; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    say "no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
}

# Debian's python3 comes without the module that makes environments.
need_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    install="apt-get update && apt-get install -y --no-install-recommends $package"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $package"
        sh -c "$install" >/dev/null
    else
        say "$1 cannot make environments. Run this once, then the same command again:" >&2
        say "    sudo sh -c '$install'" >&2
        exit 1
    fi
}

case $want in
    run) folder=.venv locks=requirements.lock ;;
    dev) folder=.venv locks=requirements-dev.lock ;;
    proto) folder=.venv-proto locks=proto/requirements-gen.lock ;;
    *) say "unknown: $want; expected run, dev or proto" >&2; exit 2 ;;
esac

made() { cat $locks pyproject.toml "$0" | cksum; }
stamp=$folder/.made-for-$want
if [ -x $folder/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(made)" ]; then
    exit 0
fi

python=$(find_python)
need_venv "$python"
[ -x $folder/bin/python ] || "$python" -m venv $folder
say "installing into $folder from $locks (about a minute the first time)"
pip="$folder/bin/python -m pip --disable-pip-version-check --quiet"
$pip install --require-hashes -r $locks
if [ $want != proto ]; then
    $pip install --no-deps --no-build-isolation --editable .
fi
# The hypervisor's interface is built against the host's own libvirt, so only where there is one.
if [ $want = run ] && pkg-config --exists libvirt 2>/dev/null && command -v gcc >/dev/null; then
    $pip install --require-hashes -r requirements-libvirt.lock \
        || say "libvirt-python could not be built; virtual machines will not be seen" >&2
elif [ $want = run ] && [ -d /run/libvirt ] && ! $folder/bin/python -c 'import libvirt' 2>/dev/null; then
    say "libvirt runs here, but its Python interface is missing: virtual machines will not be seen."
    say "    sudo apt-get install -y gcc libc6-dev libvirt-dev pkg-config python3-dev && make clean install"
fi
made >"$stamp"
