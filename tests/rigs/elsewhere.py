"""
Runs the agent as it would run on a system that is not Linux: ``python -m rigs.elsewhere SYSTEM FLAGS...``.

What such a system lacks is taken away first: modules, functions, clocks, and every file under /proc
and /sys. The libraries below the agent (psutil, sqlite3, ssl) are Linux's still.
"""

import importlib
import os
import sys
import time
from types import FrameType
from typing import Any

LIBRARIES = (
    *("argparse", "asyncio", "ctypes", "getpass", "json", "logging", "platform", "psutil"),
    *("random", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess"),
    *("tempfile", "threading", "tomllib", "traceback", "urllib.parse", "uuid", "zipfile"),
    *("google.protobuf.message", "headroom_proto.v1.telemetry_pb2", "h2.connection"),
    *("headroom_proto.catalogue", "importlib.metadata", "multiprocessing"),
)
"""What has a Linux of its own inside and is loaded before anything is taken away."""
LINUX = (
    *(
        "os.posix_fallocate",
        "os.sched_getaffinity",
        "os.pidfd_open",
        "os.eventfd",
        "os.memfd_create",
    ),
    *("time.CLOCK_BOOTTIME", "time.CLOCK_MONOTONIC_RAW", "select.epoll"),
)
WINDOWS = (
    *("os.uname", "os.geteuid", "os.getuid", "os.pread", "os.pwrite", "os.fchmod"),
    *("os.getloadavg", "os.O_CLOEXEC", "os.set_blocking", "os.setsid", "os.fork"),
    *("time.clock_gettime", "time.clock_gettime_ns", "time.CLOCK_MONOTONIC", "select.poll"),
    *("signal.pthread_sigmask", "signal.SIGKILL", "signal.SIGHUP", "os.O_NONBLOCK"),
)
WINDOWS_MODULES = ("fcntl", "resource", "pwd", "grp", "termios")
OURS = ("headroom_agent", "headroom_core")


def keep_from_us(name: str) -> None:
    """Let the libraries below have a function that Windows lacks, and not the agent."""
    function = getattr(os, name)

    def guarded(*arguments: object) -> object:
        if sys._getframe(1).f_globals.get("__name__", "").startswith(OURS):
            raise AttributeError(f"module 'os' has no attribute {name!r}")
        return function(*arguments)

    setattr(os, name, guarded)


def take_away(name: str) -> None:
    module, _, attribute = name.partition(".")
    vars(importlib.import_module(module)).pop(attribute, None)


def asked_by_us(frame: FrameType | None) -> str:
    """Return who asks where it is the agent itself and no library below it."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(OURS):
            return f"{module}.{frame.f_code.co_name}"
        if module.partition(".")[0] in {"psutil", "_strptime", "importlib"}:
            return ""
        frame = frame.f_back
    return ""


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not isinstance(arguments[0], (str, bytes)):
        return
    path = os.fsdecode(arguments[0])
    if path.startswith(("/proc", "/sys", "/run/libvirt")) and (
        who := asked_by_us(sys._getframe(1))
    ):
        sys.stderr.write(f"elsewhere: {who} opens {path}\n")
        raise FileNotFoundError(2, "there is no such file on this system", path)


def main() -> int:
    system, *flags = sys.argv[1:]
    for name in LIBRARIES:
        importlib.import_module(name)
    names = LINUX + (WINDOWS if system == "win32" else ())
    if system == "win32":
        for name in ("sysconf", "statvfs"):
            keep_from_us(name)
        for module in WINDOWS_MODULES:
            sys.modules[module] = None  # type: ignore[assignment]  # import says there is none
        sys.modules["msvcrt"] = importlib.import_module("rigs.windows_locks")
    sys.platform = system
    for name in names:
        take_away(name)
    assert not hasattr(time, "CLOCK_BOOTTIME")
    sys.addaudithook(refuse)
    from headroom_agent.__main__ import run

    return run(flags, {})


if __name__ == "__main__":
    sys.exit(main())
