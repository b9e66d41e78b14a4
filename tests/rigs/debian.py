"""A fresh Debian 12, made once by debootstrap and kept for the next time."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rigs.need import engine

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "debian-12"
TRUST = Path("etc/ssl/certs/ca-certificates.crt")
INCLUDED = (
    "adduser,ca-certificates,curl,dbus,git,iproute2,make,procps,python3,systemd,systemd-sysv"
)


def mirror() -> str:
    """Return the package source that this machine itself uses."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def fresh(folder: Path = KEPT, *more: str) -> Path:
    """Return the root folder of a Debian 12 with git, make, Python 3, systemd and ``more``."""
    if (folder / "complete").exists():
        return folder / "root"
    shutil.rmtree(folder, ignore_errors=True)
    root = folder / "root"
    root.mkdir(parents=True)
    command = [
        str(engine("debootstrap")),
        "--variant=minbase",
        f"--include={','.join([INCLUDED, *more])}",
    ]
    done = subprocess.run(
        [*command, "bookworm", str(root), mirror()], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"debootstrap: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    # What this machine trusts on its way to the package index, the new one has to trust as well.
    shutil.copy(Path("/") / TRUST, root / TRUST)
    (folder / "complete").touch()
    return root
