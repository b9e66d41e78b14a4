"""Numbers as Prometheus writes them."""

import math

import numpy as np


def plain_number(value: float) -> str:
    """Return a value without exponent and in the fewest digits that read back as the same."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")
