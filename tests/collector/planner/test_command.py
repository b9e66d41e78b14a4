"""``headroom plan --from``: what it prints, that the schema describes it, and what it refuses."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from headroom_collector.cli.__main__ import make
from headroom_collector.cli.client import CliError

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "plan-output.schema.json"
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def mismatches(value, schema, at="$"):
    """Yield where a value is not what the schema says; the part of JSON Schema that ours uses."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{at}: {type(value).__name__}, expected {kinds}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r}, expected one of {schema['enum']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: {value}, expected at least {schema['minimum']}"
    if isinstance(value, dict):
        yield from (f"{at}: no {name}" for name in schema.get("required", []) if name not in value)
        for name, one in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            yield from mismatches(one, inner, f"{at}.{name}")
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from mismatches(one, schema.get("items", {}), f"{at}[{number}]")


def headroom(*arguments):
    """Run the command line in this process."""
    return CliRunner().invoke(make(), arguments, env={"COLUMNS": "80"})


@pytest.fixture
def folder(make_estate, tmp_path):
    """Return the folder of a random estate, with what it describes."""
    estate = make_estate(np.random.default_rng(3), 10, 30, placed=True)
    estate.write(tmp_path)
    return tmp_path, estate.facts


@pytest.mark.parametrize("mode", ["repack", "empty"])
def test_the_object_is_what_the_schema_describes(folder, checker, mode):
    where, facts = folder
    asked = ("--mode", mode, "--time-limit", "0.5", "--curve", "--reserve", "1")
    result = headroom("plan", "--from", str(where), *asked, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    schema = json.loads(SCHEMA.read_text())
    assert list(mismatches(found, schema)) == []
    assert set(found) <= set(schema["properties"])
    assert checker.faults(facts, found) == []
    assert found["confidence"]["power_off_recommended"] is False
    assert [point["ceiling_ratio"] for point in found["ceiling_curve"]][:2] == [0.3, 0.4]


def test_the_moves_as_csv(folder):
    result = headroom("plan", "--from", str(folder[0]), "--time-limit", "0.2", "--csv")
    head, first, *_ = result.stdout.splitlines()
    assert head == "step,night,vm,from,to"
    assert first.startswith("1,1,v")


def test_people_get_a_table_that_fits_80_columns(folder):
    result = headroom("plan", "--from", str(folder[0]), "--time-limit", "0.2")
    assert "No plan keeps fewer than" in result.stdout
    assert "Not yet a reason to power hosts off" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantile", "95"], "--quantile 95: expected a ratio.*did you mean 0.95"),
        (["--mode", "shrink"], "--mode shrink: expected repack or empty"),
        (["--reserve", "-1"], "--reserve: expected 0 or more"),
        (["--json", "--csv"], "--json and --csv: expected one of them"),
    ],
)
def test_options_that_mean_nothing_are_refused_in_one_line(folder, arguments, message):
    result = headroom("plan", "--from", str(folder[0]), *arguments)
    assert isinstance(result.exception, CliError)
    assert re.search(message, str(result.exception))


def test_a_faulty_file_ends_in_one_line_and_status_1(folder):
    (folder[0] / "vms.csv").write_text("vm,vcpus,memory_mib\nv0,x,1\n")
    command = [sys.executable, "-m", "headroom_collector.cli", "plan", "--from", str(folder[0])]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "vms.csv, line 2: vcpus is 'x'" in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_ctrl_c_gives_the_best_plan_so_far(make_estate, checker, tmp_path):
    estate = make_estate(np.random.default_rng(5), 40, 300)
    estate.write(tmp_path)
    command = [sys.executable, "-m", "headroom_collector.cli", "plan", "--from", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--time-limit", "3600", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        spent = Path(f"/proc/{process.pid}/schedstat")
        for _ in range(1200):  # the commands' imports take 1 to 2 s of CPU, reading next to none
            if float(spent.read_text().split()[0]) > 2.5e9:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    found = json.loads(output)
    assert found["lower_bound"] < len(found["hosts_kept"]), "a proof would have ended the search"
    assert checker.faults(estate.facts, found) == []
