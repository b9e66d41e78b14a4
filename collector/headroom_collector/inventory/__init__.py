"""Where a host stands, and whether it counts."""
