"""The store's read interface over another engine: what it holds, read by the Prometheus HTTP API."""
