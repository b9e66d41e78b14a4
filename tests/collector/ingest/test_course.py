"""Sequence numbers of one spool on one stream: what is asked for, and what may be skipped."""

from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.ingest.course import Course


def test_a_stream_without_holes_asks_for_nothing_and_skips_nothing() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    for seq in (5, 6, 7):
        course.arrives(seq)
        assert not course.unsure(seq)
        assert not course.gap_before(seq)
        course.durable(seq)
    assert course.high_water == 7


def test_a_hole_is_asked_for_once_a_run() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(7)
    assert course.ask(course.run) == 5
    course.arrives(8)
    assert course.ask(course.run) is None
    course.arrives(5)
    assert not course.gap_before(5)


def test_what_was_on_its_way_before_a_rewind_asks_for_nothing() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(7)
    course.arrives(8)
    old = course.run
    assert course.ask(old) == 5
    course.arrives(5)
    assert course.run == old + 1
    assert course.ask(old) is None


def test_a_run_that_begins_later_than_asked_is_hopeless() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(9)
    assert course.ask(course.run) == 5
    course.arrives(8)
    assert course.hopeless
    assert not course.gap_before(8)


def test_a_run_that_goes_on_although_it_was_asked_is_hopeless_in_the_end() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(7)
    assert course.ask(course.run) == 5
    for seq in range(8, 16):
        course.arrives(seq)
        assert course.ask(course.run) is None
        assert not course.hopeless
    course.arrives(16)
    assert course.ask(course.run) is None
    assert course.hopeless


def test_a_batch_that_was_stored_after_all_is_not_waited_for() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(5)
    course.arrives(6)
    assert course.ask(course.run) == 5
    course.durable(6)
    course.arrives(8)
    assert course.ask(course.run) == 7


def test_what_the_hello_says_is_gone_is_a_gap() -> None:
    course = Course(high_water=4, first_seq=9, patience=8)
    course.arrives(9)
    assert course.gap_before(9)
    assert course.unsure(9)
    assert not course.gap_before(10)


def test_a_hole_inside_a_spool_is_no_gap_until_the_agent_says_so() -> None:
    course = Course(high_water=4, first_seq=5, patience=8)
    course.arrives(9)
    assert not course.gap_before(9)


def test_an_unknown_spool_begins_with_its_oldest_batch() -> None:
    course = Course(high_water=0, first_seq=40, patience=8)
    assert course.premature(41)
    assert not course.premature(40)
    assert course.unsure(40)
    course.arrives(41)
    assert course.ask(course.run) == 40


@given(st.data())
def test_whatever_an_agent_leaves_out_every_batch_of_its_spool_is_stored_in_order(
    data: st.DataObject,
) -> None:
    """A faulty agent and the store's rule against the course; each new stream is a new course."""
    end = data.draw(st.integers(1, 20), "batches")
    dropped = data.draw(st.sets(st.integers(1, end), max_size=5), "dropped by the spool")
    held = [seq for seq in range(1, end + 1) if seq not in dropped]
    faults = data.draw(st.lists(st.booleans(), max_size=40), "leaves one out")
    stored: list[int] = []
    for _ in range(200):
        high = stored[-1] if stored else 0
        left = [seq for seq in held if seq > high]
        if not left:
            break
        stream(Course(high, left[0], patience=3), left, stored, faults)
    assert stored == held


def stream(course: Course, left: list[int], stored: list[int], faults: list[bool]) -> None:
    """Send what is left until it is through or the stream is hopeless."""
    at = 0
    while at < len(left) and not course.hopeless:
        if faults and faults.pop():
            at += 1
            continue
        seq = left[at]
        at += 1
        course.arrives(seq)
        high = course.high_water
        if not course.premature(seq) and (high == 0 or seq == high + 1 or course.gap_before(seq)):
            stored.append(seq)
            course.durable(seq)
        elif seq > high:
            asked = course.ask(course.run)
            later = [place for place, found in enumerate(left) if asked and found >= asked]
            at = later[0] if later else at
