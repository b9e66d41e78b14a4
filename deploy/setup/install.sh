#!/bin/sh
# Installs the agent or the collector from this folder, without a network.
# usage: install.sh agent|collector     PYTHON=/usr/bin/python3.11 install.sh agent
# Run as root. What it makes: /opt/headroom-agent or -collector, /etc/headroom (files that are there stay), a unit
# of systemd, and the unit's user. Run it again with a newer archive to upgrade.
set -eu
cd "$(dirname "$0")"
what=${1:?usage: install.sh agent|collector}
case $what in
agent) lock=requirements-agent.lock command=headroom-agent configs=agent.toml state=headroom-agent ;;
collector) lock=requirements.lock command=headroom configs="collector.toml inventory.toml estate.toml" state=headroom ;;
*) echo "install.sh: unknown: $what; expected agent or collector" >&2; exit 2 ;;
esac
home=/opt/headroom-$what

python=${PYTHON:-python3.11}
if ! command -v "$python" >/dev/null; then
    echo "install.sh: $python is not installed (RHEL 8 and 9: dnf install python3.11), or name another: PYTHON=..." >&2
    exit 1
fi
"$python" -m venv --clear "$home"
pip="$home/bin/python -m pip --disable-pip-version-check --quiet install --no-index --find-links wheels"
$pip --require-hashes -r $lock
$pip --no-deps wheels/headroom-*.whl

mkdir -p "/etc/headroom" "/etc/systemd/system" "/usr/local/bin"
for file in $configs; do
    [ -e "/etc/headroom/$file" ] || install -m 0644 "config/$file" "/etc/headroom/$file"
done
install -m 0644 "systemd/headroom-$what.service" "/etc/systemd/system/headroom-$what.service"
ln -sf "$home/bin/$command" "/usr/local/bin/$command"

install -D -m 0644 "systemd/headroom-$what.sysusers.conf" "/usr/lib/sysusers.d/headroom-$what.conf"
systemd-sysusers "headroom-$what.conf"
install -d -m 0700 -o $state -g $state /var/lib/$state
if [ $what = agent ]; then
    install -D -m 0644 systemd/headroom-rapl.conf /etc/tmpfiles.d/headroom-rapl.conf
    systemd-tmpfiles --create headroom-rapl.conf || true
fi
systemctl daemon-reload
systemctl enable "headroom-$what"
systemctl restart "headroom-$what"
