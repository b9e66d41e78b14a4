"""A certificate names exactly one host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_core.identity import IdentityError, check_name, host_of, uri_of


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?", fullmatch=True))
def test_a_name_survives_the_way_through_a_certificate(name: str) -> None:
    assert host_of([uri_of(name)]) == name


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a b", "a\nb", "é", "a" * 256, "../etc"])
def test_what_cannot_name_a_host_is_refused(name: str) -> None:
    with pytest.raises(IdentityError):
        check_name(name)
    with pytest.raises(IdentityError):
        uri_of(name)


@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["spiffe://other/host/a"],
        [uri_of("a"), uri_of("b")],
        ["headroom://estate/host/"],
        ["headroom://estate/host/a%2Fb"],
    ],
)
def test_none_two_or_odd_names_are_refused(uris: list[str]) -> None:
    with pytest.raises(IdentityError):
        host_of(uris)
