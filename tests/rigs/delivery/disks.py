"""Small and failing disks: tmpfs with a size, ext4 on a loop device that can lose its power."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

EXT4_IOC_SHUTDOWN = 0x8004587D
"""_IOR('X', 125, __u32): fs/ext4/ext4.h of the kernel."""
NO_LOG_FLUSH = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: what is not on the disk yet is gone."""


def need_root() -> None:
    """Skip where this user may not mount."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a file system of its own")


def run(*command: str) -> None:
    """Run a command; skips the test where the kernel or the machine does not allow it."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")


@dataclass
class Disk:
    """A mounted file system."""

    folder: Path

    def remount(self, options: str) -> None:
        run("mount", "-o", f"remount,{options}", str(self.folder))


@contextmanager
def tmpfs(folder: Path, kib: int) -> Iterator[Disk]:
    """Mount a tmpfs of that size."""
    need_root()
    folder.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


@dataclass
class Ext4:
    """An ext4 on a loop device; ``cut`` takes its power, ``mount`` brings it back."""

    image: Path
    folder: Path

    def mount(self) -> None:
        # A long commit interval: nothing reaches the disk by itself.
        run("mount", "-o", "loop,commit=300", str(self.image), str(self.folder))

    def cut(self) -> None:
        """Lose everything that was not made durable; the folder fails every call from now on."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            pytest.skip(f"EXT4_IOC_SHUTDOWN: {error.strerror}")
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=False, capture_output=True, timeout=60)


@contextmanager
def ext4(where: Path, mib: int = 64) -> Iterator[Ext4]:
    """Make and mount an ext4 of that size below ``where``."""
    need_root()
    image, folder = where / "disk.img", where / "disk"
    folder.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(mib << 20)
    run("mkfs.ext4", "-q", "-F", str(image))
    made = Ext4(image, folder)
    made.mount()
    try:
        yield made
    finally:
        made.unmount()
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
