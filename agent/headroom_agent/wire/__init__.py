"""How a stream travels to the collector: one seam, and two clients behind it."""
