"""The wheel carries what it must, and the agent asks for little."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BARE = {"google", "grpc", "headroom_agent", "headroom_core", "headroom_proto", "psutil"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("*.whl")
    return zipfile.ZipFile(made)


def test_the_wheel_holds_every_source_and_every_file_of_the_page(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    roots = ["agent", "collector", "core", "dashboards", "proto"]
    for package in (path for root in roots for path in (ROOT / root).glob("headroom_*")):
        for file in package.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert str(file.relative_to(package.parent)) in packed


def test_the_wheel_claims_no_name_but_our_own(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.startswith("headroom")} == set()


def test_the_agent_imports_nothing_beyond_the_bare_install() -> None:
    code = (
        "import sys, headroom_agent.__main__\n"
        "print(*{getattr(m, '__file__', None) and n.split('.')[0]"
        " for n, m in list(sys.modules.items()) if 'site-packages' in str(getattr(m, '__file__', ''))"
        " or n.startswith('headroom')} - {None})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    beyond = {name for name in found if not name.startswith(("_", "typing_extensions"))} - BARE
    assert beyond == set()


def test_headroom_without_the_collectors_libraries_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['typer'] = None\n"
        "from headroom_collector.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "pip install 'headroom[collector,dashboards]'" in done.stderr


def test_neither_the_collector_nor_a_command_loads_the_planners_compiler() -> None:
    code = "import sys, headroom_collector.app, headroom_collector.cli.__main__ as m; m.make();"
    code += "print('headroom_collector.consolidation.planner.kernels' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
