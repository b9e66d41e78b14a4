"""From samples to a page on on-call's phone."""
