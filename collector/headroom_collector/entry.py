"""The console script ``headroom``, which says what to install where only the agent is."""

import sys


def main() -> None:
    """Run the command line; one line where the collector's libraries are missing."""
    try:
        from headroom_collector.cli.__main__ import main as run  # noqa: PLC0415  # it may be missing
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("headroom"):
            raise
        print(  # noqa: T201  # there is no command line yet that could say it
            f"headroom: {error.name} is not installed: this is the agent alone;"
            " pip install 'headroom[collector,dashboards]' brings the rest",
            file=sys.stderr,
        )
        sys.exit(1)
    run()
