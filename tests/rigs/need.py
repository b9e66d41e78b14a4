"""Engines that tests need: from Debian's packages, a failure in CI where missing, else a skip."""

import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "ansible-playbook": "ansible-core",
    "chromium": "chromium",
    "debootstrap": "debootstrap",
    "gcc": "gcc libopenipmi-dev",
    "influxd": "influxdb",
    "ipmi_sim": "openipmi",
    "ipmitool": "ipmitool",
    "libvirtd": "libvirt-daemon-system",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
    "sdrcomp": "openipmi",
    "qemu-system-x86_64": "qemu-system-x86",
    "victoria-metrics": "victoria-metrics",
    "systemd-analyze": "systemd",
    "systemd-nspawn": "systemd-container",
    "virsh": "libvirt-clients",
    "vmalert": "victoria-metrics",
}


def engine(name: str) -> Path:
    """Return the path of a program; without it fail in CI and skip elsewhere, saying why."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found:
        return Path(found)
    reason = f"{name} is not installed: apt-get install {PACKAGES.get(name, name)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
