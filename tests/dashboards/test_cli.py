"""``headroom dashboards generate``: files in step with the code."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headroom_core.ceiling import Ceiling
from headroom_dashboards.cli import app, files
from headroom_dashboards.folder import differences

COMMITTED = Path(__file__).parents[2] / "dashboards" / "generated"


def run(*arguments):
    return CliRunner().invoke(app, ["generate", *arguments])


def test_the_committed_files_are_what_the_code_makes():
    assert differences(files(Ceiling()), COMMITTED) == []


def test_what_is_written_passes_the_check(tmp_path):
    assert run("--out", str(tmp_path)).exit_code == 0
    result = run("--out", str(tmp_path), "--check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == set(files(Ceiling()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_text("{}"), "differs"),
        (lambda path: path.with_name("old.json").write_text("{}"), "old.json is made by nothing"),
    ],
)
def test_the_check_names_what_is_not_in_step_and_what_to_do(tmp_path, change, said):
    run("--out", str(tmp_path))
    change(tmp_path / "consolidation-headroom.json")
    result = run("--out", str(tmp_path), "--check")
    assert result.exit_code == 1
    assert said in result.stderr
    assert "headroom dashboards generate" in result.stderr


def test_another_ceiling_moves_the_thresholds_only(tmp_path):
    assert run("--out", str(tmp_path), "--ceiling", "0.6").exit_code == 0
    shown = {"alerts.json", "consolidation-headroom.json", "estate.json", "host.json"}
    assert differences(files(Ceiling()), tmp_path) == [
        f"{tmp_path / name} differs from what the code makes"
        for name in files(Ceiling())
        if name in shown
    ]


def test_a_ceiling_that_is_no_ratio_is_one_line(tmp_path):
    result = run("--out", str(tmp_path), "--ceiling", "40")
    assert result.exit_code == 1
    assert result.stderr == (
        "headroom: ratio = 40.0: expected a ratio above 0 and up to 1, such as 0.40\n"
    )


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("--out", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "choose another with --out" in result.stderr


def test_without_grafanalib_the_command_line_loads_and_says_what_to_install(tmp_path):
    script = (
        "import sys; sys.modules['grafanalib'] = None\n"
        "from headroom_dashboards.cli import app\n"
        f"app(['generate', '--out', {str(tmp_path)!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "headroom: grafanalib is not installed: pip install 'headroom[dashboards]'\n"
    )
