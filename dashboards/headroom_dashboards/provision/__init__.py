"""What makes a Grafana show the dashboards: files that it reads, or calls of its HTTP API."""
