"""The embedded store: DuckDB, one writer, many readers."""
