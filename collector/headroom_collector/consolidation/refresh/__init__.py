"""What replacing hosts by newer ones would give, and what emptying them gives without."""
