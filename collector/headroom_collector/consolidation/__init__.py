"""How many hosts are needed."""
