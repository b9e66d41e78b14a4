"""Log lines that are said once for each change, not once for each cycle."""

import logging
from dataclasses import dataclass, field


@dataclass(slots=True)
class Notices:
    """
    What was last said about each thing.

    A fault that lasts is one line when it starts, one when it changes and one when it ends.
    """

    logger: logging.Logger
    _said: dict[str, str] = field(default_factory=dict)

    def fault(self, thing: str, line: str) -> None:
        """Say ``line`` as a warning, unless it is what was said of ``thing`` last."""
        self._say(logging.WARNING, thing, line)

    def debug(self, thing: str, line: str) -> None:
        """Say ``line`` to who wants to know more, unless it was said of ``thing`` last."""
        self._say(logging.DEBUG, thing, line)

    def news(self, thing: str, line: str) -> None:
        """Say ``line``, which is no fault, unless it was said of ``thing`` last."""
        self._say(logging.INFO, thing, line)

    def fine(self, thing: str, line: str) -> None:
        """Say ``line`` where a fault of ``thing`` has ended; nothing where there was none."""
        if self._said.pop(thing, None) is not None:
            self.logger.info("%s", line)

    def _say(self, level: int, thing: str, line: str) -> None:
        if self._said.get(thing) != line:
            self._said[thing] = line
            self.logger.log(level, "%s", line)
