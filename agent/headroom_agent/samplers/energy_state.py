"""What the energy samplers keep over a restart of the agent: totals, last readings, what was learnt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.slots import Slots
from headroom_core.energy_counter import Mark
from headroom_core.energy_fit import Fit

VERSION = 2
"""1 had one total for all sources of the input."""
FIT = tuple(one.name for one in fields(Fit))


@dataclass(frozen=True, slots=True)
class SavedCounter:
    """Total in microjoules and last reading of one hardware counter."""

    total: int
    mark: Mark | None


@dataclass(slots=True)
class EnergyState:
    """
    The state, in memory and in a small file beside the spool.

    Readings of hardware counters are worth nothing after a reboot, totals are. The file holds the
    newest state or the one before (see ``Slots``); a file that makes no sense is told of once, and
    the counters begin anew. ``wall`` has the microjoules by source, ``wall_source`` source, kind
    and basis of the last figure.
    """

    path: Path | None = None
    boot_id: str = ""
    counters: dict[str, SavedCounter] = field(default_factory=dict)
    wall: dict[str, int] = field(default_factory=dict)
    wall_at: float | None = None
    wall_source: tuple[str, str, str] | None = None
    fit: Fit = field(default_factory=Fit)
    floor: list[float] = field(default_factory=list)
    _slots: Slots | None = None

    def counter(self, domain: str) -> SavedCounter | None:
        """Return what was saved of a power domain."""
        return self.counters.get(domain)

    def keep(self, domain: str, saved: SavedCounter) -> None:
        """Remember a power domain's counter."""
        self.counters[domain] = saved

    def save(self, notices: Notices) -> None:
        """Write the file, where there is one."""
        if self.path is None:
            return
        if self._slots is None:
            self._slots = Slots(self.path)
        try:
            self._slots.write(json.dumps(self._document()))
        except OSError as error:
            notices.fault("energy state", f"{self.path}: cannot be written: {error.strerror}")
            return
        notices.fine("energy state", f"{self.path}: can be written again")

    def keep_in(self, slots: Slots) -> None:
        """Write on in the file that was read."""
        self._slots = slots

    def close(self) -> None:
        """Close the file; a later save opens it again."""
        if self._slots is not None:
            self._slots.close()

    def _document(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "boot_id": self.boot_id,
            "counters": {
                domain: [saved.total, *([saved.mark.counts, saved.mark.at] if saved.mark else [])]
                for domain, saved in self.counters.items()
            },
            "wall": self.wall,
            "wall_at": self.wall_at,
            "source": self.wall_source,
            "fit": [getattr(self.fit, name) for name in FIT],
            "floor": self.floor,
        }


def _counter(saved: list[float], *, same_boot: bool) -> SavedCounter:
    total, *mark = saved
    known = same_boot and len(mark) == 2
    return SavedCounter(int(total), Mark(int(mark[0]), float(mark[1])) if known else None)


def _second(found: Mapping[str, object]) -> Mapping[str, object]:
    """Turn a state of the first version into one of the second; its total is the last source's."""
    if not isinstance(found["wall"], list):
        raise TypeError("expected a list for the input")
    source = _source(found.get("source"))
    wall = {source[0] if source is not None else "model": found["wall"][0]}
    return {**found, "version": 2, "wall": wall, "wall_at": found["wall"][1]}


def _source(saved: object) -> tuple[str, str, str] | None:
    """Return source, kind and basis of the last figure; a state of an earlier version has none."""
    if not isinstance(saved, list):
        return None
    source, kind, basis = (str(part) for part in saved)
    return source, kind, basis


def _parse(path: Path, boot_id: str, found: Mapping[str, object]) -> EnergyState:
    if found["version"] == 1:
        found = _second(found)
    if found["version"] != VERSION:
        raise ValueError(f"version {found['version']}, expected {VERSION}")
    same = found["boot_id"] == boot_id and boot_id != ""
    counters, wall, fit, floor = (found[name] for name in ("counters", "wall", "fit", "floor"))
    at = found["wall_at"]
    if not (isinstance(counters, dict) and isinstance(wall, dict) and isinstance(fit, list)):
        raise TypeError("expected tables of counters and of sources, and a list for the line")
    if not isinstance(floor, list):
        raise TypeError("expected a list for the floor")
    return EnergyState(
        path,
        boot_id,
        {str(name): _counter(saved, same_boot=same) for name, saved in counters.items()},
        {str(source): int(total) for source, total in wall.items()},
        float(at) if same and isinstance(at, int | float) else None,
        _source(found.get("source")),
        Fit(*(float(value) for value in fit)),
        [float(watts) for watts in floor],
    )


def open_state(path: Path | None, boot_id: str, notices: Notices) -> EnergyState:
    """Read the state of an earlier run; an empty one where there is none."""
    empty = EnergyState(path, boot_id)
    if path is None:
        return empty
    slots = Slots(path)
    try:
        found = _parse(path, boot_id, json.loads(slots.read()))
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        notices.fault(
            "energy state", f"{path}: is no state of energy ({error}); totals begin at 0 again"
        )
        return empty
    found.keep_in(slots)
    return found
