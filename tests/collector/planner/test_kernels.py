"""Compiled kernels: the same answers as numpy alone, which is enough to plan with."""

import os
import subprocess
import sys
from itertools import count

import numpy as np
import pytest

from headroom_collector.consolidation.planner import eject, fill, fit, packing
from headroom_collector.consolidation.planner.kernels import COMPILED, limit_of
from headroom_collector.consolidation.planner.model import Options
from headroom_collector.consolidation.planner.plan import plan

needs_numba = pytest.mark.skipif(not COMPILED, reason="numba is not installed")


def planned(problem, *, calls, **options):
    """Plan with a clock that ticks once a call, so that time means steps and is the same for both."""
    ticks = count()
    asked = Options(time_limit=calls, holdout=False, **options)
    return plan(problem, asked, clock=lambda: float(next(ticks)))


@needs_numba
@pytest.mark.parametrize("samples", [6, 30, 900])
@pytest.mark.parametrize("quantile", [1.0, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_plans_are_the_same_with_and_without_numba(
    make_estate, monkeypatch, seed, quantile, samples
):
    rng = np.random.default_rng(seed)
    estate = make_estate(rng, 12, 40, samples)
    for number in range(0, 40, 5):
        estate.vms[f"v{number}"]["anti_affinity"] = f"group{number % 2}"
    problem = estate.problem()
    asked = {"calls": 400, "quantile": quantile}
    compiled = planned(problem, **asked)
    for module in (eject, fill, fit, packing):
        monkeypatch.setattr(module, "COMPILED", False)
    plain = planned(problem, **asked)
    assert compiled.placement == plain.placement
    assert compiled.moves == plain.moves
    assert compiled.kept == plain.kept


@needs_numba
@pytest.mark.parametrize("late", [0, 1, 3, 10])
def test_the_crest_of_a_sum_is_the_value_that_few_samples_exceed(late):
    rng = np.random.default_rng(late)
    top = np.zeros(late + 1, dtype=np.int64)
    for _ in range(200):
        load = rng.integers(0, 100, 10).astype(np.int32)
        row = rng.integers(0, 100, 10).astype(np.int16)
        allow, hard = int(rng.integers(20, 200)), int(rng.integers(150, 200))
        hard = max(hard, allow)
        total = np.sort(load + row)
        fine = (total > allow).sum() <= late and total[-1] <= hard
        wanted = (0 if late >= 10 else int(total[9 - late])) if fine else -1
        assert limit_of(load, row, late, allow, hard, top) == wanted


def test_nothing_but_numpy_is_needed():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from headroom_collector.consolidation.planner import kernels\n"
        "import numpy as np\n"
        "from headroom_collector.consolidation.planner.model import Host, Options, Problem, Vm\n"
        "from headroom_collector.consolidation.planner.plan import plan\n"
        "hosts = tuple(Host(f'h{n}', 10, 1000, 1000) for n in range(4))\n"
        "vms = tuple(Vm(f'v{n}', 1, 100, n % 4) for n in range(8))\n"
        "demand = np.full((8, 20), 400, dtype=np.int16)\n"
        "made = plan(Problem(hosts, vms, demand, np.ones(8)), Options(time_limit=0.2))\n"
        "print(kernels.COMPILED, len(made.kept), made.bound.hosts)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "HEADROOM_PLAIN"}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout == "False 1 1\n"
