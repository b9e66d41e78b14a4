"""The what-if over the real store."""

from datetime import date

import pytest
from rigs.samples import NOON

from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.refresh.models import server
from headroom_collector.consolidation.refresh.whatif import Question, what_if
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement

GIB = 1 << 30
PRICES = prices_of({}, "test")
MEDIAN = server("median-2025", PRICES)


class Places:
    def member(self, host):
        bought = {"o": date(2016, 7, 1), "y": date(2025, 1, 1)}.get(host[0])
        return Member(host, Placement("paris", "web", purchase_date=bought, assigned=True))


@pytest.fixture
def estate(past):
    """Eight hosts of 2016 and one of unknown age at 20 %, one of 2025, and one that does nothing."""
    for host in (*(f"o{number}" for number in range(8)), "u1", "y1", "o-idle"):
        past.host(host, domains_running=0 if host == "o-idle" else 4, facts={"cores": 44})
        load = 0.01 if host == "o-idle" else 0.2
        known = {"memory_used_bytes_max": 4 * GIB, "memory_total_bytes_max": 64 * GIB}
        past.past("host", host, days=29, cpu_utilisation_ratio_mean=load, **known)
    return past


def ask(estate, **question):
    return what_if(estate.store, Places(), Ceiling(), PRICES, Question(MEDIAN, **question), NOON)


def test_the_idle_go_then_the_unneeded_and_only_then_something_is_bought(estate):
    found = ask(estate)
    (part,) = found.parts
    assert (part.hosts, part.old, part.unknown_age, part.retired) == (11, 9, 1, 1)
    steps = {line.step: (line.hosts_out, line.hosts_in) for line in found.lines}
    assert steps["retirement"] == (1, 0)
    assert part.answer is not None
    assert steps["consolidation"] == (len(part.answer.emptied), 0)
    assert steps["refresh"] == (len(part.answer.replaced), part.answer.bought)
    assert part.answer.replaced <= {f"o{number}" for number in range(8)}


def test_the_three_factors_give_the_hosts_that_are_needed(estate):
    direct = ask(estate).direct
    assert direct is not None
    factors = direct.factors
    needed = direct.old / (factors.throughput_ratio * factors.utilisation_gain)
    assert needed * factors.packing_loss == pytest.approx(direct.likely)
    assert direct.low <= direct.likely <= direct.high
    assert factors.throughput_ratio == pytest.approx(23_131_900 / (44 * 80_700), rel=0.01)


def test_without_a_price_only_the_price_at_which_it_pays_is_said(estate):
    found = ask(estate)
    assert found.in_place.outcomes
    if found.lines[-1].hosts_in:
        assert not found.refresh.outcomes
        assert "model.price" in found.not_counted


def test_hosts_younger_than_asked_are_left_alone(estate):
    found = ask(estate, older_than=30.0)
    assert found.direct is None
    assert found.lines[-1].hosts_out == 0


def test_what_the_answer_lacks_is_said(estate):
    notes = " ".join(ask(estate).notes)
    assert "Hosts of unknown age, not counted as old: 1;" in notes
    assert "Memory of median-2025 is not known" in notes
    assert "less than 21 days" not in notes


def test_a_short_history_powers_nothing_off(past):
    past.host("o1", cpu_utilisation_ratio=0.1, memory_used_bytes=GIB)
    found = ask(past)
    assert "no host of theirs should be powered off" in " ".join(found.notes)


def test_an_empty_estate_has_an_empty_answer(past):
    found = ask(past)
    assert (found.parts, found.direct) == ([], None)
