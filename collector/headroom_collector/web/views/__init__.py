"""One file a view: what it makes of a request for its template."""
