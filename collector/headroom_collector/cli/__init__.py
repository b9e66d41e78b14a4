"""The command line."""

import sys

from headroom_collector.security.core_log import prepare

if sys.argv[1:2] == ["collector"]:
    # Here, because the commands import gRPC, which reads its settings when it is imported.
    prepare()
