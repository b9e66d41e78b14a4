"""Which letters go out, when, and about whom; receivers that accept, refuse or are away."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.alert_settings import Groups, Receiver, Route
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.planner import Planner, Settings

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
HOOK = Receiver(url="http://127.0.0.1:1/")


def member(host, started=0, cluster="c1", **labels):
    known = {"alertname": "Hot", "host": host, "site": "s", "cluster": cluster, **labels}
    return Member(host, "Hot", host, START + started * SECOND, None, 0.5, 0.4, known)


@dataclass
class Desk:
    """A planner with a clock and receivers that accept at once unless they are away."""

    settings: Settings = field(default_factory=lambda: Settings({"hook": HOOK}, (), Groups()))
    sent: list[Letter] = field(default_factory=list)
    away: bool = False
    acked: frozenset = frozenset()

    def __post_init__(self):
        self.planner = Planner(self.settings, [])

    def plan(self, second, *members):
        """Plan at a second; returns what every letter says, as (firing hosts, resolved hosts)."""
        now = START + round(second * SECOND)
        found = self.planner.plan(
            members, now, lambda gone: {m.told: (now, 0.1) for m in gone}, self.acked
        )
        self.dropped = found.dropped
        self.due = found.due_seconds
        for letter in found.letters:
            self.sent.append(letter)
            if not self.away:
                self.planner.settled(letter.id, accepted=True)
        return [said(letter) for letter in found.letters]


def said(letter):
    return (
        [m.host for m in letter.members if m.ended is None],
        [m.host for m in letter.members if m.ended is not None],
    )


@pytest.fixture
def desk():
    return Desk()


def test_a_new_group_waits_for_company_and_then_goes_out_once(desk):
    assert desk.plan(0, member("a")) == []
    assert desk.due == pytest.approx(2.0)
    assert desk.plan(1, member("a"), member("b")) == []
    assert desk.plan(2, member("a"), member("b")) == [(["a", "b"], [])]
    assert desk.plan(3, member("a"), member("b")) == []


def test_a_group_that_changes_is_told_of_after_the_interval(desk):
    desk.plan(0, member("a"))
    desk.plan(2, member("a"))
    assert desk.plan(10, member("a"), member("b")) == []
    assert desk.due == pytest.approx(292)
    assert desk.plan(302, member("a"), member("b")) == [(["a", "b"], [])]


def test_a_resolve_names_who_is_over_and_who_still_fires(desk):
    desk.plan(0, member("a"), member("b"))
    desk.plan(2, member("a"), member("b"))
    assert desk.plan(400, member("b")) == [(["b"], ["a"])]
    assert desk.plan(800) == [([], ["b"])]
    assert desk.plan(2000) == []


def test_an_alert_that_comes_back_after_all_was_over_is_a_new_group_again(desk):
    desk.plan(0, member("a"))
    desk.plan(2, member("a"))
    desk.plan(400)
    assert desk.plan(410, member("a", started=405)) == []
    assert desk.plan(412, member("a", started=405)) == [(["a"], [])]


def test_what_still_fires_is_repeated_after_the_repeat_interval_unless_somebody_took_it_on(desk):
    desk.plan(0, member("a"))
    desk.plan(2, member("a"))
    assert desk.plan(14_401, member("a")) == []
    assert desk.plan(14_402, member("a")) == [(["a"], [])]
    desk.acked = frozenset({member("a").told})
    assert desk.plan(30_000, member("a")) == []
    assert desk.plan(30_000, member("a"), member("b")) == [(["a", "b"], [])]


def test_what_is_below_its_clear_level_is_not_repeated_and_goes_on_when_it_is_back(desk):
    hot = member("a")
    assert desk.plan(0, hot) == []
    assert desk.plan(2, hot) == [(["a"], [])]
    calm = replace(hot, clearing=True)
    assert desk.plan(14_500, calm) == []
    assert desk.plan(20_000, calm) == []
    assert desk.plan(20_001, hot) == [(["a"], [])]
    assert desk.plan(20_400) == [([], ["a"])]


def test_mere_information_is_repeated_once_a_week_and_company_brings_it_back(desk):
    idle = member("a", severity="info")
    desk.plan(0, idle)
    assert desk.plan(2, idle) == [(["a"], [])]
    assert desk.plan(15_000, idle) == []
    assert desk.plan(700_000, idle) == [(["a"], [])]
    hot = member("b", severity="warning")
    assert desk.plan(700_400, idle, hot) == [(["a", "b"], [])]
    assert desk.plan(715_000, idle, hot) == [(["a", "b"], [])]


def test_a_receiver_that_was_away_is_told_the_present_and_no_past(desk):
    desk.away = True
    desk.plan(0, member("a"))
    desk.plan(2, member("a"))
    (first,) = desk.sent
    assert desk.plan(400) == []
    assert desk.dropped == [first.id]
    assert desk.plan(500, member("b")) == []
    assert desk.plan(502, member("b")) == [(["b"], [])]


def test_a_resolve_goes_only_to_who_accepted_the_firing():
    settings = Settings({"one": HOOK, "two": HOOK}, (), Groups())
    planner = Planner(settings, [])

    def plan(second, *members):
        now = START + second * SECOND
        return planner.plan(members, now, lambda _: {}).letters

    plan(0, member("a"))
    for letter in plan(2, member("a")):
        planner.settled(letter.id, accepted=letter.receiver == "one")
    assert [(one.receiver, said(one)) for one in plan(400)] == [("one", ([], ["a"]))]


def test_ten_thousand_hosts_at_once_are_at_most_three_notifications(desk):
    hosts = [member(f"h{n}", cluster=f"c{n % 100}") for n in range(10_000)]
    for second in [*range(20), *range(60, 4000, 120)]:
        there = min(10_000, second * 700)  # as their samples come in, within 15 s
        desk.plan(second, *hosts[:there])
    assert sum(len(said(letter)[0]) for letter in desk.sent) >= 10_000
    assert {m.host for letter in desk.sent for m in letter.members} == {m.host for m in hosts}
    assert len(desk.sent) <= 3


def test_a_slow_storm_of_groups_ends_in_one(desk):
    hosts = [member(f"h{n}", cluster=f"c{n}") for n in range(40)]
    for n in range(41):
        desk.plan(3 * n, *hosts[:n])
        desk.plan(3 * n + 2, *hosts[:n])
    assert len(desk.sent) <= Groups().storm_groups + 1


def test_after_a_storm_groups_are_their_own_again(desk):
    hosts = [member(f"h{n}", cluster=f"c{n}") for n in range(60)]
    desk.plan(0, *hosts)
    assert len(desk.plan(2, *hosts)) == 1
    assert desk.plan(400) != []
    desk.plan(1000, member("z", started=999))
    assert desk.sent[-1].labels == {}
    desk.plan(1002, member("z", started=999))
    assert desk.sent[-1].labels == {"alertname": "Hot", "cluster": "c1", "site": "s"}


def test_routes_choose_receivers_by_labels_in_order():
    settings = Settings(
        {"phone": HOOK, "mail": HOOK},
        (
            Route("phone", {"severity": "crit*"}, go_on=True),
            Route("mail", {"cluster": "c1"}),
            Route("phone"),
        ),
        Groups(by=("host",), wait_seconds=0.0),
    )
    desk = Desk(settings)
    desk.plan(
        0,
        member("a", severity="critical"),
        member("b", severity="info"),
        member("c", cluster="c2", severity="info"),
    )
    assert sorted((one.receiver, *said(one)[0]) for one in desk.sent) == [
        ("mail", "a"),
        ("mail", "b"),
        ("phone", "a"),
        ("phone", "c"),
    ]


def test_alertmanager_is_told_every_minute_for_it_groups_for_itself():
    receiver = Receiver(type="alertmanager", url="http://127.0.0.1:1/")
    desk = Desk(Settings({"am": receiver}, (), Groups()))
    desk.acked = frozenset({member("a").told})
    assert desk.plan(0, member("a")) == [(["a"], [])]
    assert desk.plan(59, member("a")) == []
    assert desk.plan(60, member("a")) == [(["a"], [])]


ACTS = st.lists(
    st.tuples(
        st.integers(1, 600),
        st.frozensets(st.sampled_from("abcd")),
        st.sampled_from(["accepts", "refuses", "hangs"]),
    ),
    max_size=25,
)


@given(ACTS)
def test_in_the_end_every_receiver_knows_exactly_the_truth(acts):
    """Whatever it answered meanwhile: after it accepts again, it was told of all and of no other."""
    planner = Planner(Settings({"hook": HOOK}, (), Groups(by=("cluster",))), [])
    known: dict[str, int] = {}
    waiting: list[Letter] = []
    since: dict[str, int] = {}
    second = 0

    def step(firing, answer):
        nonlocal waiting
        now = START + second * SECOND
        for host in firing:
            since.setdefault(host, second)
        for host in set(since) - set(firing):
            del since[host]
        members = [member(host, since[host], cluster=f"c{host < 'c'}") for host in firing]
        plan = planner.plan(members, now, lambda _: {})
        waiting = [one for one in waiting if one.id not in plan.dropped] + plan.letters
        if answer == "hangs":
            return
        for letter in waiting:
            planner.settled(letter.id, accepted=answer == "accepts")
            for one in letter.members if answer == "accepts" else ():
                if one.ended is None:
                    known[one.host] = one.started
                else:
                    assert known.pop(one.host) == one.started
        waiting = []

    firing: frozenset = frozenset()
    for seconds, firing, answer in acts:
        second += seconds
        step(firing, answer)
    for _ in range(60):
        second += 300
        step(firing, "accepts")
    assert known == {host: START + since[host] * SECOND for host in firing}
