"""Powercap trees as kernels lay them out: zones below devices, flat links in the class."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RANGE = 65532610987
"""max_energy_range_uj of counters in units of 2^-16 J."""
RANGE_OLD = 262143328850
"""The same in units of 2^-14 J."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A sysfs root to build in."""

    sysfs: Path

    def zone(
        self, path: str, name: str, energy: str = "1000", told: int | None = RANGE, watts: int = 0
    ) -> Path:
        """
        Make a zone, ``path`` such as intel-rapl:0/intel-rapl:0:1; returns its ``energy_uj``.

        ``told`` is its range, ``watts`` the power it is made for, 0 for none.
        """
        control = path.partition(":")[0]
        root = self.sysfs / "devices" / "virtual" / "powercap"
        folder = root / control / path
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text(f"{energy}\n")
        if told is not None:
            (folder / "max_energy_range_uj").write_text(f"{told}\n")
        if watts:
            (folder / "constraint_0_max_power_uw").write_text(f"{watts * 10**6}\n")
        listing = self.sysfs / "class" / "powercap"
        listing.mkdir(parents=True, exist_ok=True)
        (listing / folder.name).symlink_to(os.path.relpath(folder, listing))
        # The links that make a walk find each zone again and again.
        (folder / "subsystem").symlink_to(os.path.relpath(listing, folder))
        (folder / "device").symlink_to(os.path.relpath(folder.parent, folder))
        if not (listing / control).exists():
            (listing / control).symlink_to(os.path.relpath(root / control, listing))
        return folder / "energy_uj"

    def package(
        self, number: int, *parts: str, control: str = "intel-rapl", name: str = ""
    ) -> None:
        """Make package ``number`` (its zone id is that in hexadecimal) with zones inside it."""
        top = f"{control}:{number:x}"
        self.zone(top, name or f"package-{number}")
        for place, part in enumerate(parts):
            self.zone(f"{top}/{top}:{place:x}", part)


def desktop(tree: Tree) -> None:
    """One package with cores, graphics and the whole platform beside it."""
    tree.package(0, "core", "uncore")
    tree.zone("intel-rapl:1", "psys")


def laptop_with_mmio(tree: Tree) -> None:
    """The same package through MSRs and through memory-mapped registers."""
    desktop(tree)
    tree.package(0, control="intel-rapl-mmio")


def mmio_only(tree: Tree) -> None:
    """Without the MSR driver only the memory-mapped counter is there."""
    tree.package(0, control="intel-rapl-mmio")


def two_sockets(tree: Tree) -> None:
    """A Xeon with memory counters."""
    tree.package(0, "dram")
    tree.package(1, "dram")


def two_sockets_with_psys(tree: Tree) -> None:
    """psys stands beside the packages and holds them a second time."""
    two_sockets(tree)
    tree.zone("intel-rapl:2", "psys")


def two_sockets_with_cores(tree: Tree) -> None:
    """A core counter before the memory's, so that memory is not always the first."""
    tree.package(0, "core", "dram")
    tree.package(1, "core", "dram")


def dies(tree: Tree) -> None:
    """Two dies in each of two packages."""
    for place in range(4):
        name = f"package-{place // 2}-die-{place % 2}"
        tree.package(place, "dram", name=name)


def sockets(number: int) -> Callable[[Tree], None]:
    """Return a layout of many sockets: from ten on the ids are letters."""

    def build(tree: Tree) -> None:
        for place in range(number):
            tree.package(place, "dram")

    return build


def amd(tree: Tree) -> None:
    """AMD has the package and a core counter that is wrong on some; both in intel-rapl."""
    tree.package(0, "core")
    tree.package(1, "core")


def tpmi(tree: Tree) -> None:
    """A newer Xeon: psys and packages through TPMI under the same control type."""
    tree.zone("intel-rapl:0", "psys", told=RANGE_OLD)
    tree.zone("intel-rapl:1", "package-0", told=RANGE_OLD)
    tree.zone("intel-rapl:1/intel-rapl:1:0", "dram", told=RANGE)


def unsorted_ids(tree: Tree) -> None:
    """Packages that were found in the other order."""
    tree.package(1, name="package-0")
    tree.package(0, name="package-1")


def twice_linked(tree: Tree) -> None:
    """A second link of the listing leads to the same zone."""
    tree.package(0, "dram")
    listing = tree.sysfs / "class" / "powercap"
    (listing / "intel-rapl:9").symlink_to((listing / "intel-rapl:0").readlink())


def no_range(tree: Tree) -> None:
    """A zone whose driver tells no range, beside one that does."""
    tree.zone("intel-rapl:0", "package-0", told=None)
    tree.zone("intel-rapl:1", "package-1")


def guest(tree: Tree) -> None:
    """What some hypervisors show: counters with a range of 0."""
    tree.zone("intel-rapl:0", "package-0", told=0)


def dtpm(tree: Tree) -> None:
    """The power-management tree of ARM boards is a control type of its own, without energy."""
    tree.package(0)
    listing = tree.sysfs / "class" / "powercap"
    (listing / "dtpm").mkdir()
    (listing / "dtpm:0").mkdir()
    (listing / "dtpm:0" / "name").write_text("cpu0-cpufreq\n")


def dangling(tree: Tree) -> None:
    """A link whose zone is gone."""
    tree.package(0)
    (tree.sysfs / "class" / "powercap" / "intel-rapl:1").symlink_to("../../devices/gone")


def orphan_memory(tree: Tree) -> None:
    """Memory without its package cannot be told which it belongs to."""
    tree.package(0, "dram")
    tree.zone("intel-rapl:5/intel-rapl:5:0", "dram")


def mixed_units(tree: Tree) -> None:
    """Memory counts in another unit than its package."""
    tree.zone("intel-rapl:0", "package-0", told=RANGE_OLD)
    tree.zone("intel-rapl:0/intel-rapl:0:0", "dram", told=RANGE)


def odd_names(tree: Tree) -> None:
    """Names that only look like a package's."""
    tree.package(0)
    tree.zone("intel-rapl:1", "package")
    tree.zone("intel-rapl:2", "package-x")
    tree.zone("intel-rapl:3", "mypackage-1")


def empty(tree: Tree) -> None:
    """A class without zones."""
    (tree.sysfs / "class" / "powercap").mkdir(parents=True)


def absent(tree: Tree) -> None:
    """A kernel without powercap."""
    tree.sysfs.mkdir(exist_ok=True)


def _pairs(numbers: int) -> list[str]:
    return [f"{kind}-{n}" for n in range(numbers) for kind in ("package", "dram")]


DIES = [f"{kind}-{n // 2}-die-{n % 2}" for n in range(4) for kind in ("package", "dram")]
LAYOUTS: dict[str, tuple[Callable[[Tree], None], list[str]]] = {
    "desktop": (desktop, ["package-0"]),
    "laptop with mmio": (laptop_with_mmio, ["package-0"]),
    "mmio only": (mmio_only, ["package-0"]),
    "one socket": (sockets(1), _pairs(1)),
    "two sockets": (two_sockets, _pairs(2)),
    "two sockets with psys": (two_sockets_with_psys, _pairs(2)),
    "two sockets with cores": (two_sockets_with_cores, _pairs(2)),
    "dies": (dies, DIES),
    "four sockets": (sockets(4), _pairs(4)),
    "eight sockets": (sockets(8), _pairs(8)),
    "twelve sockets": (sockets(12), _pairs(12)),
    "eighteen sockets": (sockets(18), _pairs(18)),
    "amd": (amd, ["package-0", "package-1"]),
    "tpmi": (tpmi, ["package-0", "dram-0"]),
    "unsorted ids": (unsorted_ids, ["package-1", "package-0"]),
    "twice linked": (twice_linked, ["package-0", "dram-0"]),
    "no range": (no_range, ["package-1"]),
    "guest": (guest, []),
    "dtpm": (dtpm, ["package-0"]),
    "dangling": (dangling, ["package-0"]),
    "orphan memory": (orphan_memory, ["package-0", "dram-0"]),
    "mixed units": (mixed_units, ["package-0", "dram-0"]),
    "odd names": (odd_names, ["package-0"]),
    "empty": (empty, []),
    "absent": (absent, []),
}
"""Each layout with the domains that count in it, in order."""
