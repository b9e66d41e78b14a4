"""The command ``python -m headroom_agent.fleet``: simulated hosts, or their inventory."""

import argparse
import asyncio
import logging
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from headroom_agent.fleet.estate import inventory
from headroom_agent.fleet.link import FleetError, Target
from headroom_agent.fleet.run import Plan, run
from headroom_core.clock import SystemClock

MOST_HOSTS = 5000


def _hosts(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= MOST_HOSTS:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r}: expected a number of hosts from 1 to {MOST_HOSTS}"
    )


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if least <= value <= most:
            return value
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds from {least:g} to {most:g}")

    return read


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if host and colon and port.isdigit() and int(port) < 65536:
        return text
    raise argparse.ArgumentTypeError(f"{text!r}: expected HOST:PORT such as 127.0.0.1:9440")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m headroom_agent.fleet", description=__doc__)
    parser.add_argument("--inventory", type=_hosts, metavar="N", help="print their inventory.toml")
    parser.add_argument("--collector", type=_address, default="127.0.0.1:9440", metavar="H:P")
    parser.add_argument("--hosts", type=_hosts, default=50, metavar="N")
    parser.add_argument(
        "--tls-root", type=Path, metavar="DIR", help="holds NAME/{ca,cert,key}.pem for each host"
    )
    parser.add_argument("--interval", type=_seconds(0.1, 3600), default=10.0, metavar="S")
    parser.add_argument(
        "--history", type=_seconds(0, 86400 * 13), nargs="?", const=7200.0, default=0.0,
        metavar="S", help="send so many seconds of the past first (7200 where no number is given)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=Path, metavar="FILE",
        help="remembers until when figures have arrived, so that no past is sent twice",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="another estate")
    return parser


def _room_for_sockets() -> None:
    """Lift the soft limit on open files: each host holds a connection of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.inventory is not None:
        sys.stdout.write(inventory(given.seed, given.inventory))
        return 0
    if given.tls_root is None:
        parser.error("--tls-root is missing: the folder that holds NAME/{ca,cert,key}.pem")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s fleet: %(message)s")
    _room_for_sockets()
    target = Target(given.collector, given.tls_root)
    plan = Plan(
        target, given.hosts, given.interval, given.history, given.seed, given.memory
    )  # fmt: skip
    log = logging.getLogger("headroom.fleet")
    code = 0
    try:
        asyncio.run(run(plan, SystemClock(), random.SystemRandom(), log))
    except* FleetError as errors:
        sys.stderr.write(f"headroom fleet: {errors.exceptions[0]}\n")
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
