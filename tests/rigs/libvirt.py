"""
A real libvirtd with real QEMU guests, apart from the machine's own.

The daemon runs in a mount namespace in which /etc/libvirt, /run and libvirt's folders under /var
are folders of the rig, so nothing of the machine's libvirt is read or written.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rigs import need

BINDS = {
    "etc": "/etc/libvirt",
    "run": "/run",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
namespaces = [ ]
cgroup_controllers = [ ]
remember_owner = 0
stdio_handler = "file"
"""
LIBVIRTD_CONF = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
"""
GUEST = """\
<domain type='{kind}'><name>{name}</name><uuid>{uuid}</uuid>
<memory unit='MiB'>64</memory><vcpu>{vcpus}</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os><features><acpi/></features>
<on_poweroff>destroy</on_poweroff><on_crash>destroy</on_crash>
<devices><emulator>{emulator}</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/>
<target dev='vda' bus='virtio'/><readonly/></disk>
<memballoon model='virtio'/><serial type='null'/></devices></domain>
"""
SPIN = bytes([0xEB, 0xFE])
"""x86 program: jump to itself."""
REST = bytes.fromhex("ba0206 b80001 ef fb  f4 ba0006 ed f6c401 74f6  ba0406 b80020 ef ebfe")
"""
x86 program: halt, and switch off when the power button is pressed.

It enables the button's event (bit 8 of port 0x602), and after every interrupt looks for it (bit 8
of 0x600); then it asks for S5 (0x2000 to 0x604). SeaBIOS has ACPI's registers there.
"""
DISK_BYTES = 1 << 20
"""The BIOS boots from no disk that is smaller than a cylinder."""
START_SECONDS = 60.0
WARM_SECONDS = 120.0
"""The first guest of a daemon makes it ask QEMU for everything it can do."""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait until it holds; fails naming ``what`` when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


def accelerator() -> str:
    """Return kvm where /dev/kvm can be used, else qemu (emulated)."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return "qemu"
    return "kvm"


def _mounts() -> list[list[str]]:
    """Return the mounts that this process can reach, as proc(5) has their fields."""
    return [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def propagation() -> str:
    """
    Return how the daemon's mounts are kept to itself, in unshare's words.

    The root of a chroot may be no mount point, and then nothing can be said of it: what comes back
    to us is taken away at the end.
    """
    return "private" if any(fields[4] == "/" for fields in _mounts()) else "unchanged"


class Libvirt:
    """The daemon and its guests; ``folder`` has to have a short path, for sockets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        self._libvirtd = need.engine("libvirtd")
        self._virsh = need.engine("virsh")
        self._emulator = need.engine("qemu-system-x86_64")
        self._kind = accelerator()
        for name in BINDS:
            (folder / name).mkdir()
        (folder / "etc" / "qemu.conf").write_text(QEMU_CONF)
        (folder / "etc" / "libvirtd.conf").write_text(LIBVIRTD_CONF)

    @property
    def uri(self) -> str:
        """What a client connects to, reading only."""
        return f"qemu+unix:///system?socket={self._socket}-ro"

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        assert self._daemon is not None
        return self._daemon.pid

    @property
    def _socket(self) -> Path:
        return self._folder / "run" / "libvirt" / "libvirt-sock"

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        mounts = [f"mount --bind {self._folder / name} {at}" for name, at in BINDS.items()]
        # libvirt asks every emulator that it finds for all it can do, which takes seconds each.
        found, kept = self._emulator.parent.glob("qemu-system-*"), self._emulator.resolve()
        others = [path for path in found if path.resolve() != kept]
        mounts += [f"mount --bind /dev/null {path}" for path in others]
        script = " && ".join([*mounts, f"exec {self._libvirtd}"])
        with (self._folder / "libvirtd.out").open("ab") as out:
            self._daemon = subprocess.Popen(
                ["unshare", "--mount", "--propagation", propagation(), "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        wait_for(self._answers, f"libvirtd answers; it said {self._said()}", START_SECONDS)

    def kill(self) -> None:
        """End the daemon the hard way; the guests go on."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        os.kill(self.pid, number)

    def virsh(self, *arguments: str, seconds: float = 30.0) -> str:
        """Run virsh against the daemon and return what it prints; fails with what it said."""
        uri = f"qemu+unix:///system?socket={self._socket}"
        command = [str(self._virsh), "-q", "-c", uri, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert done.returncode == 0, f"virsh {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start virsh and go on; its exit code tells whether it worked."""
        uri = f"qemu+unix:///system?socket={self._socket}"
        return subprocess.Popen([str(self._virsh), "-q", "-c", uri, *arguments])

    def define(self, name: str, vcpus: int = 1, *, busy: bool = False) -> str:
        """Define a tiny guest, switched off; ``busy`` keeps one vCPU busy. Returns its UUID."""
        made = str(uuid.uuid4())
        path = self._folder / f"{name}.xml"
        disk = self._folder / f"{name}.img"
        boot = (SPIN if busy else REST).ljust(510, b"\0") + bytes([0x55, 0xAA])
        disk.write_bytes(boot.ljust(DISK_BYTES, b"\0"))
        path.write_text(
            GUEST.format(
                kind=self._kind,
                name=name,
                uuid=made,
                vcpus=vcpus,
                emulator=self._emulator,
                disk=disk,
            )
        )
        self.virsh("define", str(path), seconds=WARM_SECONDS)
        return made

    def boot(self, name: str) -> None:
        """Start a guest."""
        self.virsh("start", name, seconds=WARM_SECONDS)

    def shut_down(self, name: str) -> None:
        """Press a guest's power button and wait until it is off; it may be booting still."""

        def is_off() -> bool:
            if self.virsh("domstate", name).strip() == "shut off":
                return True
            with contextlib.suppress(AssertionError):  # it may be off by now
                self.virsh("shutdown", name)
            time.sleep(0.5)
            return False

        wait_for(is_off, f"{name} switches itself off", START_SECONDS)

    def domstats(self) -> dict[str, dict[str, str]]:
        """Return what ``virsh domstats`` says, by domain and key."""
        found: dict[str, dict[str, str]] = {}
        for line in self.virsh("domstats").splitlines():
            key, _, value = line.strip().partition("=")
            if key.startswith("Domain: "):
                found[key.removeprefix("Domain: ").strip("'")] = current = {}
            elif key:
                current[key] = value
        return found

    def guest_pid(self, name: str) -> int:
        """Return the process id of a guest that runs."""
        return int((self._folder / "run" / "libvirt" / "qemu" / f"{name}.pid").read_text())

    def stop(self) -> None:
        """End the guests and the daemon, by process id."""
        guests = [int(p.read_text()) for p in self._folder.glob("run/libvirt/qemu/*.pid")]
        for pid in guests:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
        for fields in _mounts():
            if self._folder.name in fields[3]:
                subprocess.run(["umount", "--lazy", fields[4]], check=False)

    def _answers(self) -> bool:
        assert self._daemon is not None
        if self._daemon.poll() is not None:
            pytest.fail(f"libvirtd ended: {self._said()}")
        if not self._socket.exists():
            return False
        uri = f"qemu+unix:///system?socket={self._socket}"
        command = [str(self._virsh), "-q", "-c", uri, "list"]
        return (
            subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
        )

    def _said(self) -> str:
        out = self._folder / "libvirtd.out"
        return out.read_text(errors="replace")[-500:] if out.exists() else "nothing"


@contextlib.contextmanager
def running_libvirt() -> Iterator[Libvirt]:
    """Give a running daemon without guests. Needs root: fails in CI without, else skips."""
    if os.geteuid() != 0:
        reason = "a libvirtd of its own needs root: run the tests as root"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="hr-virt-"))
    folder.chmod(0o755)  # anybody may connect to the read-only socket, as on a real host
    rig = Libvirt(folder)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()
        shutil.rmtree(folder, ignore_errors=True)
