#!/bin/sh
# Installs the real engines that the tests use, from Debian's packages.
# They are not started here: each test starts its own on loopback and stops it again.
set -eu

PACKAGES="chromium dmidecode gcc influxdb iproute2 ipmitool libc6-dev libopenipmi-dev libvirt-clients libvirt-daemon-system
libvirt-dev e2fsprogs iptables openipmi pkg-config prometheus prometheus-alertmanager python3-dev qemu-system-x86 victoria-metrics"
# The report as PDF: WeasyPrint's libraries and a font.
PACKAGES="$PACKAGES fonts-dejavu-core libharfbuzz-subset0 libpangoft2-1.0-0"
# Packages and documents are tried on machines of their own.
PACKAGES="$PACKAGES curl debootstrap systemd systemd-container"
# The role of deploy/ansible is checked, and in make test-install run, as Debian's Ansible does it.
PACKAGES="$PACKAGES ansible-core python3-apt"
# Not where there is a Node.js that brings its own npm: Debian's would displace it.
command -v npm >/dev/null || PACKAGES="$PACKAGES nodejs npm"

missing=""
for package in $PACKAGES; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "headroom: this is no Debian or Ubuntu; the tests that need$missing will be skipped"
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "headroom: the tests need engines from Debian's packages. Run this once, then make test again:" >&2
    echo "    sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends$missing'" >&2
    exit 1
fi

echo "headroom: installing what the tests need from Debian's packages:$missing"
# Debian starts a daemon when its package is installed, unless policy-rc.d says no (man policy-rc.d).
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT INT TERM
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "headroom: apt-get failed; the whole log is in $log" >&2
    exit 1
fi
rm -f "$log"
