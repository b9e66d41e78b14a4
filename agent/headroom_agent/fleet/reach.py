"""Which simulated hosts reach the collector, told once per change and not once per host."""

import logging


class Reach:
    """Knows who is connected; one line when the first is cut off and when all are back."""

    def __init__(self, address: str, log: logging.Logger) -> None:
        self._address = address
        self._log = log
        self._down: set[str] = set()

    def down(self, host: str, code: str, detail: str) -> None:
        """Note that a host is cut off, and why."""
        if not self._down:
            self._log.warning(
                "collector %s does not take %s's stream (%s: %s): "
                "check that it runs and that it knows these certificates; trying again",
                self._address, host, code, detail.partition("\n")[0],
            )  # fmt: skip
        self._down.add(host)

    def up(self, host: str) -> None:
        """Note that a host is connected."""
        if host in self._down:
            self._down.discard(host)
            if not self._down:
                self._log.info("collector %s takes the streams again", self._address)
