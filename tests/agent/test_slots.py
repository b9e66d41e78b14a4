"""The text in two halves: the newest whole one is read, whatever became of the other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_agent.slots import SLOT, Slots


def written(path: Path, *texts: str) -> None:
    slots = Slots(path)
    for text in texts:
        slots.write(text)
    slots.close()


def test_the_newest_text_is_read_and_written_on(tmp_path: Path) -> None:
    path = tmp_path / "state"
    written(path, "one", "two", "three")
    slots = Slots(path)
    assert slots.read() == "three"
    slots.write("four")
    slots.close()
    assert Slots(path).read() == "four"


@given(st.integers(0, 999), st.integers(0, 255))
def test_a_torn_write_leaves_the_text_before_it(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("slots") / "state"
    written(path, "first " * 3, "older " * 3, "newer " * 3)
    data = bytearray(path.read_bytes())
    where = SLOT + at % (len(data) - SLOT)  # the third went where the first was
    if data[where] == byte:
        byte ^= 1
    data[where] = byte
    path.write_bytes(bytes(data))
    assert Slots(path).read() == "older " * 3


def test_a_file_that_is_taken_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "state"
    slots = Slots(path)
    slots.write("one")
    path.unlink()
    slots.write("two")
    slots.close()
    assert Slots(path).read() == "two"


def test_a_file_without_halves_is_read_as_it_is_and_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with pytest.raises(FileNotFoundError):
        Slots(path).read()
    path.write_text('{"version": 1}')
    assert Slots(path).read() == '{"version": 1}'


def test_a_text_that_is_too_long_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "state"
    slots = Slots(path)
    slots.write("one")
    with pytest.raises(OSError, match="more than"):
        slots.write("x" * SLOT)
    slots.close()
    assert Slots(path).read() == "one"
