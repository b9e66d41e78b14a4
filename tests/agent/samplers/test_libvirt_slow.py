"""Domains asked one by one, one of which hangs."""

import threading
from collections.abc import Callable
from typing import Any

from rigs.libvirt import wait_for

from headroom_agent.samplers.libvirt_slow import MOST_HUNG, Slow

SOON, NEVER = 0.05, 3600.0


class Daemon:
    """Answers for every domain, save for those that hang until they are let go."""

    def __init__(self) -> None:
        self.hanging: dict[str, threading.Event] = {}
        self.asked: list[str] = []
        self.connections = 0
        self.gone: set[str] = set()

    def ask(self, connection: Any, uuid: str) -> tuple[Any, dict[str, Any]]:
        self.asked.append(uuid)
        if connection is None:
            self.connections += 1
        if uuid in self.hanging:
            assert self.hanging[uuid].wait(60)
        if uuid in self.gone:
            raise LookupError(uuid)
        return "connection", {"vcpu.current": 2}

    def hang(self, *uuids: str) -> None:
        self.hanging.update({uuid: threading.Event() for uuid in uuids})

    def let_go(self) -> None:
        for event in self.hanging.values():
            event.set()


def slow(daemon: Daemon, interval: float = NEVER, hang: float = SOON) -> Slow:
    return Slow(daemon.ask, LookupError, interval, hang)


def until(
    made: Slow, keys: set[tuple[str, int]], condition: Callable[[], bool], what: str
) -> None:
    """Want the domains cycle after cycle until the condition holds."""

    def cycle() -> bool:
        made.want(keys)
        made.settle(0.01)
        return condition()

    wait_for(cycle, what)


def test_every_domain_is_asked_once_an_interval() -> None:
    daemon = Daemon()
    made = slow(daemon)
    keys = {("a", 1), ("b", 2)}
    for _ in range(3):
        made.want(keys)
        made.settle(30)
    assert sorted((uuid, id_, values["vcpus"]) for uuid, id_, _, values in made.take()) == [
        ("a", 1, 2),
        ("b", 2, 2),
    ]
    assert sorted(daemon.asked) == ["a", "b"]
    assert not made.take()


def test_a_domain_that_began_anew_is_asked_at_once() -> None:
    daemon = Daemon()
    made = slow(daemon)
    made.want({("a", 1)})
    made.settle(30)
    made.want({("a", 2)})
    made.settle(30)
    assert [(uuid, id_) for uuid, id_, *_ in made.take()] == [("a", 1), ("a", 2)]


def test_a_domain_that_hangs_is_left_and_asked_again_only_after_it_came_back() -> None:
    daemon = Daemon()
    daemon.hang("bad")
    made = slow(daemon, interval=0.0)
    keys = {("bad", 1), ("good", 2)}
    until(made, keys, lambda: made.hung() == ["bad"] and daemon.asked.count("good") > 3, "left")
    assert daemon.asked.count("bad") == 1
    assert {uuid for uuid, *_ in made.take()} == {"good"}
    daemon.let_go()
    until(made, keys, lambda: not made.hung() and daemon.asked.count("bad") > 1, "asked again")
    until(made, keys, lambda: "bad" in {uuid for uuid, *_ in made.take()}, "bad is read")


def test_a_hang_has_a_connection_of_its_own() -> None:
    daemon = Daemon()
    daemon.hang("bad")
    made = slow(daemon)
    keys = {("bad", 1), ("good", 2)}
    until(made, keys, lambda: "good" in daemon.asked and made.hung() == ["bad"], "good is asked")
    assert daemon.connections == 2 if daemon.asked[0] == "bad" else 1
    daemon.let_go()


def test_so_many_may_hang_and_no_more() -> None:
    daemon = Daemon()
    names = [f"bad-{n}" for n in range(MOST_HUNG + 3)]
    daemon.hang(*names)
    made = slow(daemon)
    keys = {(name, n) for n, name in enumerate(names)}
    until(made, keys, lambda: len(made.hung()) == MOST_HUNG, "as many hang as may")
    for _ in range(5):
        made.want(keys)
        made.settle(SOON)
    assert len(daemon.asked) == MOST_HUNG
    daemon.let_go()
    until(made, keys, lambda: len(set(daemon.asked)) == len(names), "all are asked in the end")


def test_a_domain_that_vanished_is_no_hang_and_not_asked_again() -> None:
    daemon = Daemon()
    daemon.gone.add("gone")
    made = slow(daemon)
    for _ in range(3):
        made.want({("gone", 1)})
        made.settle(30)
    assert daemon.asked == ["gone"]
    assert not made.take()
    assert not made.hung()
