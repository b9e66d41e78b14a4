"""Grafana dashboards out of the catalogue."""
