"""
Runs a program under the terms of a unit, as far as the kernel keeps them without systemd.

What holds then: another user without capabilities and without new ones, a file system that can be
written in the state folder only, no memory that is both written and run, the unit's system calls,
its address families. Started as root by the tests: ``python sandbox.py TERMS.json PROGRAM...``.
"""

import ctypes
import json
import os
import re
import stat
import struct
import sys
from pathlib import Path
from subprocess import run

ROOT = Path(__file__).resolve().parents[2]
LIBC = ctypes.CDLL(None, use_errno=True)
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
NUMBER = re.compile(r"#define __NR_(\w+) (\d+)")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}

PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 22, 24, 38, 65
SECCOMP_MODE_FILTER = 2
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC = 0x1000, 0x4000
ARCH_X86_64 = 0xC000003E
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, EAFNOSUPPORT = 1, 97


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def _prctl(option: int, *arguments: object) -> None:
    _checked(LIBC.prctl(option, *arguments, *([0] * (4 - len(arguments)))), f"prctl {option}")


def program(calls: list[int], sockets: int, families: list[int]) -> bytes:
    """Return the filter: these calls pass, ``socket`` for these families only (seccomp(2))."""
    lines = [
        (LOAD, 0, 0, 4),
        (JUMP_EQUAL, 1, 0, ARCH_X86_64),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),
    ]
    lines += [(JUMP_EQUAL, 0, 3 + 2 * len(families) - 1, sockets), (LOAD, 0, 0, 16)]
    for family in families:
        lines += [(JUMP_EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    lines.append((RETURN, 0, 0, ERRNO | EAFNOSUPPORT))
    for call in calls:
        lines += [(JUMP_EQUAL, 0, 1, call), (RETURN, 0, 0, ALLOW)]
    lines.append((RETURN, 0, 0, ERRNO | EPERM))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def confine(calls: set[str], families: list[str]) -> None:
    """Let this process make these calls and no others from here on."""
    numbers = {name: int(number) for name, number in NUMBER.findall(HEADER.read_text())}
    code = program(
        sorted(numbers[name] for name in calls if name in numbers and name != "socket"),
        numbers["socket"],
        [FAMILIES[name] for name in families],
    )
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    made = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(made))


def _closed(path: Path) -> Path | None:
    """Return the uppermost folder on the way to ``path`` that others may not enter."""
    ways = [*reversed(path.parents), path]
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)


def open_up(trees: list[Path]) -> None:
    """Let others reach trees that lie in somebody's home, such as an interpreter of their own."""
    closed = {tree: found for tree in trees if (found := _closed(tree))}
    handles = {tree: os.open(tree, os.O_PATH) for tree in closed}
    for folder in set(closed.values()):
        run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder], check=True)
    for tree, handle in handles.items():
        tree.mkdir(mode=0o755, parents=True, exist_ok=True)
        # mount(8) would follow the name, which now leads to the empty folder above.
        source = f"/proc/self/fd/{handle}".encode()
        _checked(LIBC.mount(source, str(tree).encode(), None, MS_BIND | MS_REC, None), str(tree))
        os.close(handle)


def protect(state: Path, trees: list[Path]) -> None:
    """Make everything but the state folder read-only, for this process and its children."""
    _checked(LIBC.unshare(CLONE_NEWNS), "unshare")
    run(["mount", "--make-rprivate", "/"], check=True)
    open_up(trees)
    run(["mount", "--bind", str(state), str(state)], check=True)
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in mounts:
        if mount.startswith(("/proc", "/sys", "/dev", str(state))):
            continue
        run(["mount", "-o", "remount,bind,ro", mount], check=False, capture_output=True)


def main() -> None:
    terms = json.loads(Path(sys.argv[1]).read_text())
    protect(Path(terms["state"]), [Path(sys.base_prefix), Path(sys.prefix), ROOT])
    for capability in range(64):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(terms["gid"], terms["gid"], terms["gid"])
    os.setresuid(terms["uid"], terms["uid"], terms["uid"])
    os.umask(0o077)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if terms["mdwe"]:
        _prctl(PR_SET_MDWE, 1)
    command = sys.argv[2:]
    confine(set(terms["calls"]), terms["families"])
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
