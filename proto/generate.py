"""
Generated code from the contract.

Run by ``make proto`` with the interpreter of ``.venv-proto``, which holds the pinned generator.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TARGET = ROOT / "headroom_proto" / "v1"
PLUGINS = ("python", "grpc_python", "mypy", "mypy_grpc")

# The contract's files name each other `headroom/v1/x.proto`, as buf wants it, so protoc writes
# imports of `headroom.v1`. Our package is headroom_proto, because a wheel that ships a top-level
# `headroom` would claim a name that is not only ours. One prefix, in four spellings.
IMPORTS = (
    ("from headroom.v1 import", "from headroom_proto.v1 import"),
    ("import headroom.v1.", "import headroom_proto.v1."),
    ("headroom.v1.options_pb2.", "headroom_proto.v1.options_pb2."),
    ("headroom.v1.samples_pb2.", "headroom_proto.v1.samples_pb2."),
    ("headroom.v1.telemetry_pb2.", "headroom_proto.v1.telemetry_pb2."),
)


def generate(out: Path) -> int:
    """Run protoc into ``out``; returns its exit status."""
    sources = sorted((ROOT / "headroom" / "v1").glob("*.proto"))
    beside = Path(sys.executable).parent
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{ROOT}",
        f"--plugin=protoc-gen-mypy={beside}/protoc-gen-mypy",
        f"--plugin=protoc-gen-mypy_grpc={beside}/protoc-gen-mypy_grpc",
        *(f"--{plugin}_out={out}" for plugin in PLUGINS),
        *(str(source) for source in sources),
    ]
    (out / "headroom" / "v1").mkdir(parents=True)
    return subprocess.run(command, check=False).returncode


def made(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file that belongs into ``headroom_proto/v1``, with its text."""
    for file in sorted(folder.iterdir()):
        # options and samples define no service: an empty module helps nobody.
        if file.name.startswith(("options_pb2_grpc", "samples_pb2_grpc")):
            continue
        text = file.read_text(encoding="utf-8")
        for old, new in IMPORTS:
            text = text.replace(new, old).replace(old, new)
        yield TARGET / file.name, text


def main(arguments: Sequence[str]) -> int:
    """
    Write ``headroom_proto/v1``, or with ``--check`` only compare.

    Returns the exit status for the shell.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        status = generate(out)
        if status:
            return status
        files = list(made(out / "headroom" / "v1"))
    if "--check" in arguments:
        stale = [p.name for p, text in files if not p.exists() or p.read_text("utf-8") != text]
        for name in stale:
            print(f"proto/headroom_proto/v1/{name} is not what the contract gives: run make proto")
        return int(bool(stale))
    for path, text in files:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
