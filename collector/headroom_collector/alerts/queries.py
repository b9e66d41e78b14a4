"""What others may read of alerting: alerts that are open now, and the history."""

from dataclasses import dataclass

from headroom_collector.store.api import Reader


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """
    An alert that is pending, firing or clearing; times in UTC nanoseconds.

    ``value`` and ``ceiling``, which is the rule's level, are in the metric's unit. ``notified``:
    when a receiver accepted it, None where none did; ``problem`` says why not. ``acknowledged`` is
    who took it on.
    """

    rule: str
    host: str
    state: str
    since: int
    started: int
    value: float | None
    ceiling: float | None
    updated: int
    simulated: bool
    notified: int | None
    problem: str
    acknowledged: str


@dataclass(frozen=True, slots=True)
class PastEvent:
    """A line of the history; (``commit_id``, ``position``) is its place in it, newest highest."""

    commit_id: int
    position: int
    rule: str
    host: str
    event: str
    time: int
    started: int
    value: float | None
    ceiling: float | None
    historical: bool
    reason: str
    simulated: bool


NOW = """
    WITH letters AS (
        SELECT m.dedup_key, m.started, min(o.sent) AS sent,
            arg_max(o.reason, o.commit_id) FILTER (NOT o.dropped) AS reason
        FROM letter_member m JOIN outbox o ON o.id = m.letter_id
        WHERE m.ended IS NULL GROUP BY ALL
    ), acks AS (
        SELECT dedup_key, started, any_value(author) AS author FROM alert_ack GROUP BY ALL
    )
    SELECT s.rule, s.host, s.state, s.since, s.started, s.value, s.ceiling, s.updated,
        coalesce(h.simulated, false) AS simulated, l.sent AS notified,
        CASE WHEN l.sent IS NULL THEN coalesce(l.reason, '') ELSE '' END AS problem,
        coalesce(a.author, '') AS acknowledged
    FROM alert_state s
    LEFT JOIN letters l ON l.dedup_key = s.dedup_key AND l.started = s.told
    LEFT JOIN acks a ON a.dedup_key = s.dedup_key AND a.started = s.told
    LEFT JOIN hosts h ON h.name = s.host
    WHERE s.state <> 'inactive'
"""

PAST = """
    SELECT e.commit_id, e.position, e.rule, e.host, e.event, e.time, e.started, e.value,
        e.ceiling, e.historical, e.reason, coalesce(h.simulated, false) AS simulated
    FROM alert_history e LEFT JOIN hosts h ON h.name = e.host
    WHERE (?::VARCHAR[] IS NULL OR list_contains(?::VARCHAR[], e.host))
        AND (e.commit_id, e.position) < (?, ?)
    ORDER BY e.commit_id DESC, e.position DESC LIMIT ?
"""

NEWEST = (2**62, 0)
"""A place in the history behind every line."""


def open_alerts(reader: Reader) -> list[OpenAlert]:
    """Return every open alert, in no order. Raises StoreError."""
    return [OpenAlert(**row) for row in reader.query(NOW).to_pylist()]


def history(
    reader: Reader,
    hosts: list[str] | None = None,
    before: tuple[int, int] = NEWEST,
    limit: int = 100,
) -> list[PastEvent]:
    """
    Return the lines before a place in the history, newest first. Raises StoreError.

    ``hosts`` are names as the store has them, None for all.
    """
    rows = reader.query(PAST, [hosts, hosts, *before, limit])
    return [PastEvent(**row) for row in rows.to_pylist()]


def history_size(reader: Reader, hosts: list[str] | None = None) -> int:
    """Return how many lines the history has, of these hosts or of all. Raises StoreError."""
    rows = reader.query(
        "SELECT count(*) AS size FROM alert_history"
        " WHERE ?::VARCHAR[] IS NULL OR list_contains(?::VARCHAR[], host)",
        [hosts, hosts],
    )
    return int(rows["size"].to_pylist()[0])
