"""When a rule fires, in PromQL: level, hold, and what keeps it firing until it is clear again."""

from collections.abc import Iterator, Sequence

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.rules.figures import Figure, UnsayableError, duration

CEILING_METRIC = "cpu_utilisation_ratio"


def levels(rule: Rule, ceiling: Ceiling) -> Iterator[tuple[str, float]]:
    """
    Yield (matchers, level) for the parts of the estate that have a level of their own.

    The most particular comes first and each is left out of those behind it.
    """
    if rule.threshold is not None:
        yield "", rule.threshold
        return
    if rule.metric != CEILING_METRIC:
        raise UnsayableError("its level is looked up by the collector: there is no threshold")
    classes = '",class!="'.join(ceiling.classes)
    other = f'class!="{classes}"' if classes else ""
    for name, level in ceiling.classes.items():
        yield f'class="{name}"', level
    for name, level in ceiling.clusters.items():
        site, _, cluster = name.partition("/")
        yield _joined(f'site="{site}"', f'cluster="{cluster}"', other), level
    for site, level in ceiling.sites.items():
        own = "|".join(
            name.partition("/")[2] for name in ceiling.clusters if name.startswith(f"{site}/")
        )
        yield _joined(f'site="{site}"', f'cluster!~"{own}"' if own else "", other), level
    sites = "|".join(ceiling.sites)
    yield _joined(f'site!~"{sites}"' if sites else "", other), ceiling.ratio


def _joined(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def _on(labels: Sequence[str]) -> str:
    return f"on ({', '.join(labels)})"


def firing(rule: Rule, figure: Figure, ceiling: Ceiling, step: int) -> tuple[str, str]:
    """
    Return expression and ``for`` of the alert; raises UnsayableError.

    It fires above the level for the hold, and goes on while the figure was not below the level to
    clear at all through the time to clear. ``step``: seconds between two evaluations.
    """
    parts, hold = [], duration(rule.hold_seconds) if rule.hold_seconds else ""
    more = "<" if rule.below else ">"
    falling = rule.falling_factor
    for matchers, level in levels(rule, ceiling):
        name = f"{figure.record}{{{matchers}}}" if matchers else figure.record
        over = f"{name} {more} {level:g}"
        if falling:
            over = _not_falling(rule, figure, name, level, step)
            hold = ""
        parts += [over, _clearing(rule, figure, name, level)]
    return " or ".join(part for part in parts if part), hold


def _not_falling(rule: Rule, figure: Figure, name: str, level: float, step: int) -> str:
    """
    Return the condition that all windows of the hold are over, and the last not on its way down.

    The windows are looked up by their distance, so it does not matter when an engine evaluates.
    """
    side = "<" if rule.below else ">"
    times = [duration(step * count) for count in range(1, int(rule.hold_seconds // step) + 1)]
    windows = [name, *(f"{name} offset {time}" for time in times)]
    over = " and ".join(f"{window} {side} {level:g}" for window in windows)
    context = f"{rule.falling_factor:g} * {figure.record}_and_hold"
    return f"({over} and {name} {'<=' if rule.below else '>='} {context})"


def clear_level(rule: Rule, level: float) -> float:
    """Return the level that a figure must pass to clear."""
    return round(rule.clear_level(level), 9)


def _clearing(rule: Rule, figure: Figure, name: str, level: float) -> str:
    """Return what is true of an alert that fires and is not clear yet."""
    if not rule.clear_hold_seconds and clear_level(rule, level) == level:
        return ""
    width = duration(max(rule.clear_hold_seconds, 60))
    most, side = ("min", "<=") if rule.below else ("max", ">=")
    alerts = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    both = f"and {_on(figure.labels)} {alerts}" if figure.labels else f"and on () {alerts}"
    return f"({most}_over_time({name}[{width}]) {side} {clear_level(rule, level):g} {both})"
