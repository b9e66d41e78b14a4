"""Of Windows' msvcrt what the agent uses, over a lock that this system has."""

import ctypes

LK_NBLCK = 2
"""Lock, and fail at once where another has it."""
LOCK_EX, LOCK_NB = 2, 4
LIBC = ctypes.CDLL(None, use_errno=True)


def locking(descriptor: int, mode: int, count: int) -> None:
    """Lock; raises OSError where another has it."""
    assert (mode, count) == (LK_NBLCK, 1)
    if LIBC.flock(descriptor, LOCK_EX | LOCK_NB) != 0:
        raise OSError(13, "Permission denied")
