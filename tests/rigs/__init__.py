"""Real engines for the tests, started on loopback and stopped by pid."""
