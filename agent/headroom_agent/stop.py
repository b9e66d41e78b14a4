"""Being told to stop: SIGTERM and SIGINT as something that can be waited for."""

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """
    Waits for SIGTERM or SIGINT. Only in the main thread, as a context.

    The handler does nothing but write to a socket (signal.set_wakeup_fd): a signal can come in the
    middle of anything, and a lock taken in a handler may be held already.
    """

    def __enter__(self) -> Self:
        """Take over the two signals."""
        # A pair of sockets, not a pipe: Windows can wait for nothing else.
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._told = False
        self._wakeup = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True

    def wait(self, seconds: float) -> bool:
        """Wait that long at most; returns whether the process was told to stop."""
        if not self._told:
            select.select([self._ear], [], [], max(0.0, seconds))
        return self._told

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._ear.close()
        self._mouth.close()
