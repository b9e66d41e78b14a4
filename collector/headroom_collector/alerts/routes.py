"""Which receivers an alert goes to, and with which others it shares a notification."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from headroom_collector.alert_settings import Route


def fits(patterns: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Return whether every pattern (* ? [...]) fits its label; a missing label is an empty one."""
    return all(fnmatchcase(labels.get(name, ""), text) for name, text in patterns.items())


def receivers_of(
    labels: Mapping[str, str], routes: Sequence[Route], known: Sequence[str]
) -> Iterator[str]:
    """Yield the receivers of an alert with these labels: without routes all that are known."""
    if not routes:
        yield from known
        return
    given: set[str] = set()
    for route in routes:
        if not fits(route.match, labels):
            continue
        if route.receiver not in given:
            given.add(route.receiver)
            yield route.receiver
        if not route.go_on:
            return


def group_labels(labels: Mapping[str, str], by: Sequence[str]) -> dict[str, str]:
    """Return the labels that name the group of an alert."""
    return {name: labels[name] for name in sorted(by) if name in labels}


def group_id(receiver: str, labels: Mapping[str, str]) -> str:
    """Return the group's name for receivers that tell incidents apart, the same for ever."""
    text = json.dumps([receiver, sorted(labels.items())], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
