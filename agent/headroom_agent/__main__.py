"""Command line of the agent: ``headroom-agent``."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from headroom_agent import __version__
from headroom_agent.logs import make_logger
from headroom_agent.notices import Notices
from headroom_agent.options import Start, configure
from headroom_agent.stop import StopSignal
from headroom_core.settings import SettingsError

WRONG_USE = 2


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _once(start: Start, notices: Notices) -> int:
    from headroom_agent import once  # noqa: PLC0415 - the service needs none of it

    reading = once.take(start.config, notices)
    _write(once.to_json(reading) if start.json else once.to_table(reading))
    return 0


def _doctor(start: Start) -> int:
    import json  # noqa: PLC0415 - the service needs none of it

    from headroom_agent.doctor import finding, run  # noqa: PLC0415 - the same

    found = list(run.look(start.config, start.warnings))
    if start.json:
        _write(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _write(finding.to_table(found))
    return int(any(one.state == "bad" for one in found))


def _certificate(start: Start) -> int:
    from headroom_agent.enrol.command import enrol, renew  # noqa: PLC0415 - loads gRPC: 20 MB
    from headroom_agent.enrol.files import CertificateError, Files  # noqa: PLC0415 - the same

    config, files = start.config, Files(*start.config.tls.files())
    if start.command == "enrol" and not (start.token_file and start.ca_fingerprint):
        sys.stderr.write(
            "headroom-agent: enrol: expected --token-file FILE and --ca-fingerprint SHA256, as"
            " `headroom enrol-token create` prints them on the collector\n"
        )
        return WRONG_USE
    try:
        if start.command == "renew":
            renew(config.collector.split(",")[0], files)
            _write(f"renewed: {files.cert}")
        else:
            token = Path(start.token_file)
            name = enrol(
                config.collector.split(",")[0], token, start.ca_fingerprint, start.name, files
            )
            _write(f"enrolled as {name}: {files.cert}")
    except CertificateError as error:
        sys.stderr.write(f"headroom-agent: {error}\n")
        return 1
    return 0


def _serve(start: Start, notices: Notices) -> int:
    with StopSignal() as stop:
        return _run(start, notices, stop)


def _run(start: Start, notices: Notices, stop: StopSignal) -> int:
    from headroom_agent import agent  # noqa: PLC0415 - loads the transport, which --once needs not
    from headroom_agent.spool_schema import SpoolError  # noqa: PLC0415 - the same

    try:
        agent.run(start.config, notices.logger, stop)
    except SpoolError as error:
        notices.logger.error("%s", error)  # noqa: TRY400 - a person reads it: one line, no trace
        return 1
    return 0


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command line; returns the exit code: 0, 1 for a fault, 2 for wrong use."""
    try:
        start = configure(arguments, environment)
    except SettingsError as error:
        for line in error.lines:
            sys.stderr.write(f"headroom-agent: {line}\n")
        return WRONG_USE
    if start.version:
        _write(f"headroom-agent {__version__}")
        return 0
    if start.command == "doctor":
        return _doctor(start)
    if start.command:
        return _certificate(start)
    logger = make_logger(start.verbose, form=start.log_format)
    for line in start.warnings:
        logger.warning("%s", line)
    try:
        return _once(start, Notices(logger)) if start.once else _serve(start, Notices(logger))
    except KeyboardInterrupt:
        return 130


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:], os.environ))


if __name__ == "__main__":
    main()
