"""Recording and alerting rules for Prometheus, vmalert and Mimir, from the collector's own definitions."""
