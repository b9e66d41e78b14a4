"""Drawings as the attributes of SVG shapes: bars 100 wide, sparklines 60 wide and 100 high."""

from collections.abc import Sequence


def width(ratio: float | None) -> str:
    """Return how far a bar goes, of 100; empty where the ratio is not known."""
    return "" if ratio is None else f"{min(max(ratio, 0.0), 1.0) * 100:.4g}"


def mark(ratio: float | None) -> str:
    """Return the path of the ceiling's mark across a bar 8 high."""
    return "" if ratio is None else f"M{ratio * 100:.4g} 0V8"


def spark(ratios: Sequence[float | None]) -> str:
    """Return the path of a line, 0 at 100 and 1 at 0, broken where a value is not known."""
    path, pen = "", "M"
    for x, ratio in enumerate(ratios):
        if ratio is None:
            pen = "M"
            continue
        y = round((1 - min(max(ratio, 0.0), 1.0)) * 100)
        # A line of no length makes a lone value a dot.
        path += f"{pen}{x} {y}h0" if pen == "M" else f"{pen}{x} {y}"
        pen = "L"
    return path


def level(ratio: float) -> str:
    """Return the path of the ceiling across a sparkline."""
    return f"M0 {round((1 - ratio) * 100)}H60"
