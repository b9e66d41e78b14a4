"""
The generated Prometheus rules and this engine say the same of the same data.

Debian's promtool runs the rules on Prometheus' own evaluator. Samples lie half a minute beside the
evaluations, as they mostly do: whether a window's first moment belongs to it differs between versions
of Prometheus. What only the collector does is left out: damping, and no verdict on a thin window.
"""

import random
import subprocess

import pytest
import yaml
from rigs.need import engine

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.replay import replay
from headroom_core.ceiling import Ceiling
from headroom_core.rules import ALL_SHIPPED, Rule
from headroom_dashboards.rules import file

RULES = {rule.name: rule for rule in ALL_SHIPPED}
HOSTS = 8
HALF = 30


def walk(seed, level, steps):
    """
    Return values a minute that wander round a level, with plateaus on both sides of it.

    They begin below it: the collector gives no verdict on the first windows, which are thin.
    """
    dice, value, found = random.Random(seed), level, [level / 2] * 10
    while len(found) < steps:
        value = min(max(value + dice.uniform(-0.35, 0.35) * level, 0.2 * level), 1.6 * level)
        stay = range(dice.choice([2, 5, 9, 17, 30, 55, 120]))
        found += [round(value + dice.uniform(-0.06, 0.06) * level, 6) for _ in stay]
    return found[:steps]


def firing_here(rule, series, level):
    """Return (fired, resolved) spans in seconds, as the collector judges without damping."""
    samples = [((n * 60 + HALF) * SECOND, value) for n, value in enumerate(series)]
    shift = 0 if rule.step_seconds else HALF
    return [
        (
            one.fired // SECOND + shift,
            None if one.resolved is None else one.resolved // SECOND + shift,
        )
        for one in replay(rule, "h", samples, level, 60.0, damped=False)
    ]


def fires(spans, at):
    return any(start <= at and (end is None or at < end) for start, end in spans)


def trial(rule, metric, level, seconds, step, worlds):
    """Return promtool's test: at every evaluation, the hosts that fire."""
    spans = {host: firing_here(rule, series, level) for host, series in worlds.items()}
    alerts = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    looks = [
        {
            "expr": f"count by (host) ({alerts})",
            "eval_time": f"{at}s",
            "exp_samples": [
                {"labels": f'{{host="{host}"}}', "value": 1}
                for host in worlds
                if fires(spans[host], at)
            ],
        }
        for at in range(step, seconds, step)
    ]
    series = [
        {
            "series": f'{metric}{{host="{host}",site="s",cluster="c",class="k"}}',
            "values": " ".join(f"_ {value}" for value in values),
        }
        for host, values in worlds.items()
    ]
    return spans, {"interval": "30s", "input_series": series, "promql_expr_test": looks}


def promtool(tmp_path, rule, step, test):
    made = file.groups([rule], Ceiling())
    assert not made.left
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": list(made.groups)}))
    body = {"rule_files": ["rules.yml"], "evaluation_interval": f"{step}s", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(body))
    done = subprocess.run(
        [str(engine("promtool")), "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


CASES = {
    "HostAboveCeiling": ("headroom_host_cpu_utilisation_ratio", 0.4, 36, 300),
    "HostSteal": ("headroom_host_cpu_steal_ratio", 0.05, 20, 60),
    "HostVmDensity": ("headroom_host_vcpus_per_core", 6.0, 20, 60),
}


@pytest.mark.parametrize("name", list(CASES))
def test_prometheus_fires_when_the_collector_does(tmp_path, name):
    metric, level, hours, step = CASES[name]
    worlds = {f"h{n:02}": walk(f"{name}{n}", level, hours * 60) for n in range(HOSTS)}
    spans, test = trial(RULES[name], metric, level, hours * 3600, step, worlds)
    ended = [end for each in spans.values() for _, end in each if end is not None]
    assert len(ended) >= 5  # it has something to say
    status, said = promtool(tmp_path, RULES[name], step, test)
    assert status == 0, said[-3000:]


def test_a_difference_would_be_seen(tmp_path):
    """A rule that is a little more patient than what is generated from it does not agree."""
    rule = RULES["HostSteal"]
    metric, level, hours, step = CASES["HostSteal"]
    worlds = {f"h{n:02}": walk(f"HostSteal{n}", level, hours * 60) for n in range(HOSTS)}
    patient = Rule(
        rule.name, metric=rule.metric, threshold=level, hold_seconds=660.0, clear_factor=0.5
    )
    _, test = trial(patient, metric, level, hours * 3600, step, worlds)
    status, _ = promtool(tmp_path, rule, step, test)
    assert status != 0
