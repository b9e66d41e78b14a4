"""Money of a plan that comes from files."""

import numpy as np
import pytest

from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.money.plan import freed, with_money
from headroom_collector.consolidation.planner.model import NOWHERE, Host, Problem, Vm
from headroom_collector.consolidation.planner.savings import energy

HYPERVISOR = {"name": "hypervisor", "price_per_year": 350}
PRICES = prices_of({"licences": [HYPERVISOR]}, "test")


def problem(**status):
    hosts = [
        Host(f"h{n}", 16, 2000, 65_536, idle_watts=100.0, max_watts=300.0, age_years=4.0)
        for n in range(3)
    ]
    hosts += [Host(name, 16, 2000, 65_536, status=one) for name, one in status.items()]
    vms = tuple(Vm(f"v{n}", 2, 1024, host=n) for n in range(3))
    return Problem(tuple(hosts), vms, np.full((3, 4), 3200, np.int32), np.ones(3))


def test_hosts_that_are_empty_afterwards_are_saved_line_by_line():
    case = problem()
    found = with_money(PRICES)(case, [0, 1, 2], [0, 0, 0])
    kwh = energy(case, [0, 1, 2], [0, 0, 0])["energy_kwh_per_year"]
    assert found["energy_kwh_per_year"] == kwh
    assert found["money_per_year"] == {
        "energy": pytest.approx(kwh * 1.5 * 0.13),
        "support": 2 * 145.0,
        "staff": 2 * 46 * 41.0,
        "rack": 2 * 143.0,
        "licence.hypervisor": 2 * 16 * 350.0,
    }
    assert found["money_per_year_total"] == pytest.approx(sum(found["money_per_year"].values()))
    assert found["money_once"]["work"] == pytest.approx((2 * 0.25 + 2 * 4) * 41)
    assert (found["currency"], found["not_counted"]) == ("USD", [])


def test_a_host_that_is_left_as_it_is_is_not_freed():
    case = problem(aside="excluded")
    assert [host.name for host in freed(case, [0, 0, NOWHERE])] == ["h1", "h2"]


def test_what_the_files_do_not_say_is_named():
    licence = {**HYPERVISOR, "minimum_per_socket": 16}
    prices = prices_of({"licences": [licence]}, "test")
    found = with_money(prices)(problem(spare="active"), [0, 1, 2], [0, 0, 0])
    assert found["not_counted"] == ["age (hosts: 1)", "licence.hypervisor (hosts: 3)"]
    told = with_money(prices, cores_a_socket=8.0)(problem(), [0, 1, 2], [0, 0, 0])
    assert told["money_per_year"]["licence.hypervisor"] == 2 * 32 * 350.0
