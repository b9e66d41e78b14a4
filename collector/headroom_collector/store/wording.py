"""Errors of the database in words for a person: one line each."""


def one_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
