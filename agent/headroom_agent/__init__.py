"""The agent: reads a host, spools what it read, hands it to a collector."""

__version__ = "0.1.0"
