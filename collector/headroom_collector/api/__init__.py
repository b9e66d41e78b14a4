"""JSON and Prometheus text over HTTP."""
