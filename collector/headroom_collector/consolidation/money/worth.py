"""Worth of a change, put together: spent once, over each horizon, with bands, and the price to pay at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headroom_collector.consolidation.money.figures import Figure, Given
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.tco import (
    HORIZONS,
    PRICE,
    Band,
    Flow,
    Outcome,
    bands,
    break_even_price,
    once_cost,
    outcomes,
    priced,
)

SEED = 20_080_601
"""Of the draws: the same inputs give the same bands, on every machine."""


@dataclass(frozen=True, slots=True)
class Worth:
    """
    Money of one change.

    ``once`` by line, None where unknown. ``outcomes`` and ``bands`` are empty where hosts are bought
    whose price is not known; ``break_even``: by years, the price of a bought host at which the change
    is worth nothing, None where none is bought or it does not pay even for nothing.
    """

    once: Mapping[str, float | None]
    outcomes: Sequence[Outcome]
    bands: Sequence[Band]
    break_even: Mapping[int, float | None]


def with_price(prices: Prices, price: Given | None) -> Prices:
    """Return the prices together with that of the model to buy, where it is known."""
    figure = None if price is None else price.figure(PRICE, "money/host")
    return replace(prices, figures={**prices.figures, PRICE: figure})


def worth(change: Flow, prices: Prices, seed: int = SEED) -> Worth:
    """Return what a change is worth; the bands follow from the inputs and the seed alone."""
    rates = prices.rates()
    figures: list[Figure] = prices.stated()
    known = priced(change.once, rates)
    rng = np.random.default_rng(seed)
    return Worth(
        once=once_cost(change.once, rates),
        outcomes=outcomes(change, rates, prices) if known else (),
        bands=bands(change, figures, prices, rng) if known else (),
        break_even={years: break_even_price(change, rates, prices, years) for years in HORIZONS},
    )
