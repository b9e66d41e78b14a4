"""A folder of generated files: written whole, or held against what the code makes."""

import os
from pathlib import Path


def differences(wanted: dict[str, str], folder: Path) -> list[str]:
    """Return one line for each file that is missing, differs or should not be there."""
    lines = []
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{path} is missing")
        elif path.read_text(encoding="utf-8") != text:
            lines.append(f"{path} differs from what the code makes")
    endings = {Path(name).suffix for name in wanted}
    known = {path.name for path in folder.glob("*") if path.suffix in endings}
    lines += [f"{folder / name} is made by nothing" for name in sorted(known - set(wanted))]
    return lines


def write(wanted: dict[str, str], folder: Path) -> None:
    """Write the files, each whole or not at all; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        half = folder / f".{name}.{os.getpid()}"
        half.write_text(text, encoding="utf-8")
        half.replace(folder / name)
