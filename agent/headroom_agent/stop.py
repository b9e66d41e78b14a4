"""Being told to stop: SIGTERM and SIGINT as something that can be waited for."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """
    Waits for SIGTERM or SIGINT. Only in the main thread, as a context.

    The handler does nothing but write to a pipe (signal.set_wakeup_fd): a signal can come in the
    middle of anything, and a lock taken in a handler may be held already.
    """

    def __enter__(self) -> Self:
        """Take over the two signals."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._told = False
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True

    def wait(self, seconds: float) -> bool:
        """Wait that long at most; returns whether the process was told to stop."""
        if not self._told:
            select.select([self._read], [], [], max(0.0, seconds))
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
        os.close(self._read)
        os.close(self._write)
