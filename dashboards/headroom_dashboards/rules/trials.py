"""Promtool's unit tests for the rules: just below the level nothing fires, just above it does, and clears."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from headroom_core.ceiling import Ceiling
from headroom_core.rules import AGENT_SILENT, MANY_SILENT, Rule
from headroom_dashboards.rules.expression import clear_level, levels
from headroom_dashboards.rules.figures import LONG, NAMES, RATIOS, UTILISATION, column_of, duration
from headroom_dashboards.rules.file import HEADER, STEP, Made, step_of

Json = dict[str, Any]
VALUES = {"host": "h1", "site": "s1", "cluster": "c1", "class": "k1"}
MARGIN = 0.025
"""How far the trials are from the level, as a share of it: 0.41 for 0.40 fires, 0.40 does not."""
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Course:
    """Values of a figure, each held for so many seconds."""

    parts: Sequence[tuple[float, float]]

    def notation(self, interval: float, *, rate: bool) -> str:
        """Return promtool's notation of a series with a sample every ``interval`` seconds."""
        made, total = [], 0.0
        for value, seconds in self.parts:
            count = int(seconds // interval)
            if rate:
                made.append(f"{total:.9g}+{value * interval:.9g}x{count - 1}")
                total += value * interval * count
            else:
                made.append(f"{value:.9g}x{count - 1}")
        return " ".join(made)


def _labels(names: Sequence[str], fixed: Sequence[tuple[str, str]]) -> str:
    pairs = [*((name, VALUES[name]) for name in names if name in VALUES), *fixed]
    return f"{{{','.join(f'{name}={chr(34)}{value}{chr(34)}' for name, value in pairs)}}}"


def _series(rule: Rule, course: Course, interval: float) -> list[Json]:
    if rule.metric in RATIOS:
        used, total = RATIOS[rule.metric]
        labels = _labels(NAMES["host"], ())
        whole = Course([(1.0, seconds) for _, seconds in course.parts])
        return [
            {"series": f"{used}{labels}", "values": course.notation(interval, rate=False)},
            {"series": f"{total}{labels}", "values": whole.notation(interval, rate=False)},
        ]
    kind, column = column_of(rule.metric)
    labels = _labels(NAMES[kind], column.labels)
    values = course.notation(interval, rate=rule.aggregate == "rate")
    return [{"series": f"{column.metric}{labels}", "values": values}]


def _expected(rule: Rule, at: float, fires: bool) -> Json:
    alerts = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    return {
        "expr": f"count({alerts}) or vector(0)",
        "eval_time": duration(at),
        "exp_samples": [{"labels": "{}", "value": int(fires)}],
    }


def _trial(rule: Rule, course: Course, looks: Sequence[tuple[float, bool]]) -> Json:
    interval = 60 if rule.window_seconds < LONG else 240
    return {
        "interval": duration(interval),
        "input_series": _series(rule, course, interval),
        "promql_expr_test": [_expected(rule, at, fires) for at, fires in looks],
    }


def trials(rule: Rule, ceiling: Ceiling) -> Iterator[Json]:
    """Yield the trials of one rule; raises UnsayableError as ``figure`` does."""
    if rule.name in {AGENT_SILENT, MANY_SILENT}:
        yield _silence(rule)
        return
    level = list(levels(rule, ceiling))[-1][1]
    sign = -1 if rule.below else 1
    step = max(step_of(rule), HOUR if slow(rule) else STEP)
    warm = rule.window_seconds + rule.hold_seconds + 2 * step
    at_level, over = Course([(level, warm + step)]), round(level * (1 + sign * MARGIN), 9)
    yield _trial(rule, at_level, [(warm, False)])
    if slow(rule):
        yield _trial(rule, Course([(over, warm + 2 * step)]), [(warm + step, True)])
        return
    clear = clear_level(rule, level)
    between = round((clear + level) / 2, 9)
    rest = rule.window_seconds + rule.clear_hold_seconds + 3 * step
    held = rule.window_seconds + 2 * step
    parts = [(over, 2 * warm), (between, held), (round(clear * (1 - sign * 0.1), 9), rest + step)]
    looks = [(warm + step, True), (2 * warm + rest + held, False)]
    if between != clear:
        looks.insert(1, (2 * warm + held - step, True))
    if rule.hold_seconds > 2 * step:
        looks.insert(0, (rule.hold_seconds / 2, False))
    yield _trial(rule, Course(parts), [(at // 60 * 60, fires) for at, fires in looks])


def _silence(rule: Rule) -> Json:
    """Return a trial in which every host stops sending after ten minutes."""
    labels = _labels(NAMES["host"], ())
    return {
        "interval": "30s",
        "input_series": [{"series": f"{UTILISATION}{labels}", "values": "0.1x20"}],
        "promql_expr_test": [_expected(rule, 600, False), _expected(rule, 1200, True)],
    }


def slow(rule: Rule) -> bool:
    """Return whether a trial of the rule takes days of samples: it is evaluated by the hour."""
    return max(rule.window_seconds, rule.hold_seconds, rule.clear_hold_seconds) >= 6 * HOUR


def text(
    rules: Sequence[Rule], ceiling: Ceiling, made: Made, file: str, *, slowly: bool = False
) -> str:
    """Return the test file for the rules in ``file``; ``slowly`` for those that take days."""
    tests = [
        trial
        for rule in rules
        if rule.name not in made.left and slow(rule) is slowly
        for trial in trials(rule, ceiling)
    ]
    interval = duration(HOUR if slowly else STEP)
    body = {"rule_files": [file], "evaluation_interval": interval, "tests": tests}
    how = "# Run them: promtool test rules FILE\n"
    return f"{HEADER}{how}{yaml.safe_dump(body, sort_keys=False, width=100)}"
