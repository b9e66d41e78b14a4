"""Texts of the view of plan."""

TEXTS: dict[str, tuple[str, str]] = {}
