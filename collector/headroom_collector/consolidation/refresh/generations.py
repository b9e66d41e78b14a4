"""
Generations of two-socket servers: medians of what makers published, year by year.

Derived from 1,088 SPECpower_ssj2008 results as of March 2026 (collected by the project Cloud Carbon
Footprint): results with two chips, by year of publication, each column's median. Operations at full
load are not in that table; the benchmark's result is the sum of the operations of ten load levels
over the sum of the watts of eleven, so with power linear in load they are the result times the sum
of idle and full power. Makers publish their better machines: an estate's own are rather below.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

SOURCE = "SPECpower_ssj2008, medians of two-socket results of the year"
DATE = "2026-03"


@dataclass(frozen=True, slots=True)
class Generation:
    """
    Medians of one year.

    ``ops`` and ``ops_per_core``: ssj_ops at full load; watts at the server's input, idle and at full
    load. The columns are medians each by itself, so ``ops`` is not ``cores * ops_per_core``.
    """

    year: int
    results: int
    ops: float
    cores: int
    ops_per_core: float
    idle_watts: float
    full_watts: float

    def watts(self, utilisation: float) -> float:
        """Return the power at that utilisation, a ratio, by the straight line from idle to full."""
        return self.idle_watts + (self.full_watts - self.idle_watts) * min(1.0, utilisation)


GENERATIONS = (
    Generation(2008, 37, 276_210.0, 8, 34_957.0, 147.0, 254.0),
    Generation(2012, 86, 1_454_861.0, 16, 90_348.0, 56.2, 254.0),
    Generation(2016, 11, 3_438_891.0, 44, 78_541.0, 44.6, 266.0),
    Generation(2021, 28, 9_157_345.0, 80, 103_681.0, 119.0, 566.0),
    Generation(2025, 37, 23_131_900.0, 172, 110_075.0, 196.0, 827.0),
)


class GenerationError(ValueError):
    """A year of which no medians are known; the text says which there are."""


def of_year(year: int) -> Generation:
    """Return the medians of a year; raises GenerationError where the table does not have it."""
    for one in GENERATIONS:
        if one.year == year:
            return one
    known = ", ".join(str(one.year) for one in GENERATIONS)
    raise GenerationError(f"no medians of {year}: expected one of {known}")


def ops_per_core(year: float) -> float:
    """
    Return the speed of a core bought in ``year``, in ssj_ops at full load.

    Between the table's years in equal ratios, before and after them as in the first and last.
    """
    before, after = GENERATIONS[0], GENERATIONS[-1]
    for one, other in pairwise(GENERATIONS):
        if one.year <= year <= other.year:
            before, after = one, other
            break
    else:
        return after.ops_per_core if year > after.year else before.ops_per_core
    share = (year - before.year) / (after.year - before.year)
    return before.ops_per_core * math.pow(after.ops_per_core / before.ops_per_core, share)
