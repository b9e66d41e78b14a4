"""What is in a release: the same wheel twice, and a list of every library in it."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_is_the_same_when_it_is_built_twice(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "deploy" / "setup" / "wheel.sh"), sys.executable, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the same twice" in done.stdout
    assert len(list(tmp_path.glob("headroom-*.whl"))) == 1


def test_the_list_of_libraries_has_every_pinned_one_with_its_hashes(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    tool = Path(sys.executable).parent / "cyclonedx-py"
    subprocess.run(
        [
            str(tool),
            "requirements",
            "--output-reproducible",
            "--of",
            "JSON",
            "-o",
            str(target),
            str(ROOT / "requirements.lock"),
        ],
        check=True,
        capture_output=True,
    )
    found = {one["name"]: one for one in json.loads(target.read_text())["components"]}
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    assert {name: one["version"] for name, one in found.items()} == pinned
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert all(one.get("externalReferences") or one.get("hashes") for one in found.values())


def test_every_lock_file_pins_by_hash() -> None:
    for path in [*ROOT.glob("requirements*.lock"), ROOT / "proto" / "requirements-gen.lock"]:
        blocks = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
        pinned = [block for block in blocks if "==" in block.partition("\n")[0]]
        assert pinned, path
        assert all("--hash=sha256:" in block for block in pinned), path
