"""The ceiling is a ratio, and the most particular one wins."""

import pytest

from headroom_core.ceiling import Ceiling


def test_the_most_particular_ceiling_wins() -> None:
    ceiling = Ceiling(0.4, sites={"paris": 0.5}, clusters={"paris/db": 0.3}, classes={"edge": 0.6})
    assert ceiling.of() == 0.4
    assert ceiling.of("lyon", "db") == 0.4
    assert ceiling.of("paris", "web") == 0.5
    assert ceiling.of("paris", "db") == 0.3
    assert ceiling.of("paris", "db", "edge") == 0.6


@pytest.mark.parametrize("ratio", [0, -0.1, 40, 1.01])
def test_what_is_no_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="expected a ratio above 0 and up to 1"):
        Ceiling(ratio)
    with pytest.raises(ValueError, match=r"sites\.paris"):
        Ceiling(sites={"paris": ratio})
