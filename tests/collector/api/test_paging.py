import base64

import pytest
from fastapi import HTTPException
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_collector.api.paging import cut, decode, encode, sort_key

ITEMS = st.lists(
    st.tuples(st.text(max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    unique_by=lambda item: item[0],
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(items=ITEMS, limit=st.integers(1, 7), reverse=st.booleans())
def test_pages_together_are_the_sorted_list_with_the_unknown_last(items, limit, reverse) -> None:
    def key(item):
        return sort_key(item[1], item[0], reverse=reverse)

    found: list[tuple[str, float | None]] = []
    cursor = ""
    for _ in range(len(items) + 1):
        page, after, total = cut(items, key, limit, cursor, reverse=reverse)
        assert total == len(items)
        found += page
        if after is None:
            break
        cursor = after

    known = [item for item in items if item[1] is not None]
    known.sort(key=lambda item: (item[1], item[0]), reverse=reverse)
    unknown = sorted((item for item in items if item[1] is None), reverse=reverse)
    assert found == known + unknown


def test_a_cursor_comes_back_as_it_went_out() -> None:
    assert decode(encode((False, 0.25, "h\u00f4te"))) == (False, 0.25, "h\u00f4te")


@pytest.mark.parametrize(
    "cursor", ["x", "!!!", "\u20ac", "e30", base64.b64encode(b"[" * 1400).decode(), "bnVsbA"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(HTTPException, match="is not a next_cursor of this list"):
        decode(cursor)
