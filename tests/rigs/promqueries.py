"""Queries made at random, of everything that the evaluator knows."""

import random

GAUGES = ("util", "load", "bytes", "domains", "flat", "ceiling")
COUNTERS = ("cpu_seconds_total",)
LABELS = ("host", "site", "cluster", "state")
WINDOWS = ("30s", "1m", "2m", "5m", "7m30s", "20m")
GAUGE_RANGES = (
    "avg_over_time", "changes", "count_over_time", "delta", "deriv", "idelta", "last_over_time",
    "max_over_time", "min_over_time", "present_over_time", "stddev_over_time",
    "stdvar_over_time", "sum_over_time",
)  # fmt: skip
COUNTER_RANGES = ("rate", "increase", "irate", "resets")
SIMPLE = ("abs", "ceil", "exp", "floor", "ln", "log10", "log2", "sgn", "sqrt", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "round",
    "timestamp")  # fmt: skip
CALENDAR = (
    "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year",
)  # fmt: skip
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group")
ARITHMETIC = ("+", "-", "*", "/", "%", "^")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")


class Queries:
    """An endless row of queries, the same for the same seed."""

    def __init__(self, seed: int, start: int, end: int) -> None:
        self._dice = random.Random(seed)
        self._start, self._end = start, end

    def next(self) -> str:
        """Return a query."""
        return self.scalar(2) if self._dice.random() < 0.05 else self.vector(3)

    def selector(self, names=GAUGES + COUNTERS) -> str:
        return self._choose(names) + self._matchers()

    def _choose(self, options):
        return self._dice.choice(options)

    def _matchers(self) -> str:
        chosen = self._dice.sample(
            [
                'site="paris"', 'site!="paris"', 'site=~"par.*|lyon"', 'site!~"l.*"', 'cluster=~".+"',
                'host=~"h[0-4]"', 'host="h3"', 'state=""', 'state!=""', 'state="user"', 'cluster=""',
                'host=~"h1|h2|h6"', 'host!="h6"', 'site=~".*"', 'host=~"h\\\\d"', 'nothing=""',
            ],
            self._choose((0, 0, 1, 1, 2)),
        )  # fmt: skip
        return "{" + ",".join(chosen) + "}" if chosen else ""

    def _moved(self) -> str:
        kind = self._dice.random()
        offset = " offset " + self._choose(("30s", "3m", "-2m", "11m"))
        at = " @ " + self._choose(
            ("start()", "end()", str(self._dice.randrange(self._start, self._end) / 1000))
        )
        return offset if kind < 0.12 else at if kind < 0.2 else at + offset if kind < 0.24 else ""

    def _range(self, names, depth: int, *, exact: bool = False) -> str:
        """Return a range; ``exact``: what reads it makes much of the last digit of computed values."""
        if depth > 0 and self._dice.random() < 0.15:
            step = self._choose(("15s", "1m", "90s"))
            width = self._choose(("5m", "8m", "15m"))
            inner = self.selector(names) if exact else self.vector(depth - 1)
            return f"({inner})[{width}:{step}]{self._moved()}"
        return f"{self.selector(names)}[{self._choose(WINDOWS)}]{self._moved()}"

    def scalar(self, depth: int) -> str:
        kind = self._dice.randrange(6)
        if depth <= 0 or kind <= 1:
            return self._choose(("0.5", "2", "-3", "1e3", "time()", "pi()", "0"))
        if kind == 2:
            return f"scalar({self.selector()})"
        if kind == 3:
            return f"({self.scalar(depth - 1)} {self._choose(COMPARISONS)} bool {self.scalar(depth - 1)})"
        return f"({self.scalar(depth - 1)} {self._choose(ARITHMETIC)} {self.scalar(depth - 1)})"

    def vector(self, depth: int) -> str:
        if depth <= 0:
            return self.selector() + self._moved()
        make = self._choose(
            (self._plain, self._over_time, self._over_time, self._over_time, self._mapped,
             self._aggregated, self._aggregated, self._aggregated, self._with_scalar,
             self._matched, self._matched, self._set, self._rare)
        )  # fmt: skip
        return make(depth)

    def _plain(self, depth: int) -> str:
        del depth
        return self.selector() + self._moved()

    def _over_time(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.4:
            return f"{self._choose(COUNTER_RANGES)}({self._range(COUNTERS, depth, exact=True)})"
        if kind < 0.8:
            name = self._choose(GAUGE_RANGES)
            return f"{name}({self._range(GAUGES, depth, exact=name == 'changes')})"
        if kind < 0.9:
            share = self._choose(("0.5", "0.95", "0", "1", "1.5", "-1"))
            return f"quantile_over_time({share}, {self._range(GAUGES, depth)})"
        return (
            f"predict_linear({self._range(GAUGES, depth)}, {self._choose(('60', '3600', '-300'))})"
        )

    def _mapped(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        kind = self._dice.random()
        if kind < 0.7:
            return f"{self._choose(SIMPLE)}({inner})"
        if kind < 0.8:
            return f"round({inner}, {self._choose(('0.1', '5', '0.25'))})"
        name = self._choose(("clamp_min", "clamp_max"))
        if kind < 0.9:
            return f"{name}({inner}, {self._choose(('0.3', '-1', '1e6'))})"
        return f"clamp({inner}, {self._choose(('0', '0.1'))}, {self._choose(('0.5', '9'))})"

    def _grouping(self) -> str:
        labels = ", ".join(self._dice.sample(LABELS, self._choose((0, 1, 1, 2, 3))))
        return self._choose(("", f" by ({labels})", f" by ({labels})", f" without ({labels})"))

    def _aggregated(self, depth: int) -> str:
        inner, grouping = self.vector(depth - 1), self._grouping()
        kind = self._dice.random()
        if kind < 0.75:
            return f"{self._choose(AGGREGATIONS)}{grouping} ({inner})"
        if kind < 0.87:
            share = self._choose(("0.5", "0.95", "0", "1", "-1", "2"))
            return f"quantile{grouping} ({share}, {inner})"
        if kind < 0.95:
            name = self._choose(("topk", "bottomk"))
            # Of equal values either side may keep any, so these are of values that differ.
            apart = self._choose(
                (
                    f"util{self._matchers()}{self._moved()}",
                    f"bytes{self._matchers()}{self._moved()}",
                    f"avg_over_time({self._range(('bytes',), 0)})",
                    "sum by (host, site) (bytes)",
                )
            )
            return f"{name}{grouping} ({self._choose(('1', '3', '2.7', '0'))}, {apart})"
        return f'count_values{grouping} ("value", domains{self._matchers()})'

    def _operator(self) -> str:
        kind = self._dice.random()
        if kind < 0.55:
            return self._choose(ARITHMETIC)
        return self._choose(COMPARISONS) + self._choose(("", " bool"))

    def _with_scalar(self, depth: int) -> str:
        sides = [self.vector(depth - 1), self.scalar(depth - 1)]
        self._dice.shuffle(sides)
        return f"({sides[0]} {self._operator()} {sides[1]})"

    def _matched(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.4:
            name = self._choose(GAUGES)
            return f"({name}{self._matchers()} {self._operator()} {name}{self._moved()})"
        if kind < 0.6:
            by = self._choose(("host", "host, site", "site", "site, cluster"))
            left = f"sum by ({by}) ({self.vector(depth - 1)})"
            right = f"avg by ({by}) ({self.vector(depth - 1)})"
            how = self._choose(("", f"on ({by})", "ignoring (state)"))
            return f"({left} {self._operator()} {how} {right})"
        if kind < 0.9:
            how = self._choose(
                ("on (site, cluster) group_left ()", "on (site) group_left (cluster)")
            )
            inner = self._choose(("util", "load", "rate(cpu_seconds_total[2m])", "bytes"))
            return f"({inner} {self._operator()} {how} ceiling)"
        how = self._choose(("on (host)", "ignoring (state)", "on (site, cluster) group_right ()"))
        return f"({self.selector()} {self._operator()} {how} {self.selector()})"

    def _set(self, depth: int) -> str:
        how = self._choose(("", "on (host)", "on (site)", "ignoring (state)", "on ()"))
        name = self._choose(("and", "or", "unless"))
        return f"({self.vector(depth - 1)} {name} {how} {self.vector(depth - 1)})"

    def _rare(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        return self._choose(
            (
                f'label_replace({inner}, "room", "$1-x", "host", "h(.)")',
                f'label_replace({inner}, "site", "", "site", "lyon")',
                f'label_join({inner}, "place", "/", "site", "cluster")',
                f"absent({self.selector()})",
                f'absent(util{{host="h9",site=~"x"}}{self._moved()})',
                f"absent_over_time({self.selector()}[1m])",
                f"vector({self.scalar(depth - 1)})",
                # An infinite number of seconds is no date; Go's conversion makes one of it.
                f"{self._choose(CALENDAR)}({self._choose(('', self.selector(('flat', 'domains'))))})",
                f"{self._choose(CALENDAR)}(vector(time() - 86400 * {self._dice.randrange(9999)}))",
                f"{self._choose(CALENDAR)}(timestamp({self.selector()}) + 1e7)",
                f"sort({inner})",
                f"sort_desc({inner})",
                f"-{self.selector()}",
                f"-({inner})",
                f"sum(scalar({inner}) * {self.selector()})",
                f"({inner}) or vector(0)",
            )
        )
