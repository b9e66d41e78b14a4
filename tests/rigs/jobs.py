"""Jobs that misbehave, in a module that a child process can import."""

import os
import time
from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True)
class Ask:
    """Runs something odd in the child."""

    what: str

    def __call__(self, store, check):
        if self.what == "pid":
            return str(os.getpid())
        if self.what == "die":
            os._exit(9)
        if self.what == "eat":
            return str(len(bytearray(8 * GIB)))
        if self.what == "hang":
            time.sleep(60)
        while True:  # busy, and looks now and then whether it is still wanted
            sum(range(10_000))
            check()
