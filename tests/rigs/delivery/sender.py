"""A sender: the agent's real spool and transport under cycles that an oracle knows."""

import argparse
import itertools
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from headroom_agent.backoff import Backoff
from headroom_agent.channel import Endpoint, Keepalive
from headroom_agent.notices import Notices
from headroom_agent.spool import Limits, Spool
from headroom_agent.spool_schema import SpoolError
from headroom_agent.transport import Speaker, Transport
from rigs.delivery.values import cycle

log = logging.getLogger("sender")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--host", "--spool", "--tls", "--collector", "--log"):
        parser.add_argument(name, required=True)
    parser.add_argument("--base", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.01)
    parser.add_argument("--max-bytes", type=int, default=64 << 20)
    parser.add_argument("--keep", type=float, default=60.0)
    parser.add_argument("--idle", type=float, default=1.0)
    parser.add_argument("--answer", type=float, default=1.0)
    return parser.parse_args()


def produce(given: argparse.Namespace, spool: Spool, transport: Transport, stop: threading.Event):
    """Spool cycle after cycle; write down (serial, epoch, seq) of each that is on the disk."""
    ledger = os.open(given.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for serial in itertools.count(given.first):
        payload = cycle(given.host, serial, given.base).SerializeToString()
        try:
            seq = spool.append(payload, "boot-1")
        except SpoolError as error:
            os.write(ledger, f"{serial} failed -\n".encode())
            log.warning("%s", error)
        else:
            os.write(ledger, f"{serial} {spool.epoch.hex()} {seq}\n".encode())
        transport.wake()
        if stop.wait(given.pause):
            return


def main() -> None:
    given = arguments()
    logging.basicConfig(stream=sys.stderr, format="%(created).3f %(message)s", level="INFO")
    notices = Notices(log)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spool = Spool(Path(given.spool), Limits(given.max_bytes, keep_seconds=given.keep), notices)
    tls = Path(given.tls)
    files = (tls / "ca.pem", tls / "cert.pem", tls / "key.pem")
    endpoint = Endpoint(given.collector, *files, Keepalive(given.idle, given.answer))
    # The oracle's cycles have times of their own, by no clock.
    speaker = Speaker("boot-1", "1.0", 1.0, clocks=lambda: (0, 0))
    transport = Transport(endpoint, spool, speaker, notices, Backoff(0.05, 0.5))
    transport.start()
    try:
        produce(given, spool, transport, stop)
    finally:
        said = transport.stop(20.0)
        log.info("stopped: goodbye %s, %d wait", said, spool.state().batches)
        spool.close()


if __name__ == "__main__":
    main()
