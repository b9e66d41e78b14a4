"""What agent, collector and dashboards share, and what does no I/O."""
