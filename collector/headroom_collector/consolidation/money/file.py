"""The user's prices, ``estate.toml``: read strictly, completed with defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.money.defaults import INPUTS
from headroom_collector.consolidation.money.figures import Figure, Given
from headroom_collector.consolidation.money.schema import EstateFile, Licence, Model
from headroom_core.settings import SettingsError, load, read

GROUPS = tuple(dict.fromkeys(one.key.split(".")[0] for one in INPUTS))
"""Tables of the file whose keys are inputs."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Every input by its key, None where it is unknown; licences and models as the user has them."""

    currency: str
    figures: Mapping[str, Figure | None]
    licences: tuple[Licence, ...] = ()
    models: Mapping[str, Model] = field(default_factory=dict)

    def stated(self) -> list[Figure]:
        """Return the figures that are known, in the file's order."""
        return [figure for figure in self.figures.values() if figure is not None]

    def rates(self) -> dict[str, float]:
        """Return the value of each figure that is known."""
        return {figure.key: figure.value for figure in self.stated()}


def _short(table: Any) -> Any:
    """Write a plain number as ``{value = ...}`` and a date as text."""
    if isinstance(table, (int, float)) and not isinstance(table, bool):
        return {"value": table}
    if isinstance(table, dict):
        return {
            key: item.isoformat() if isinstance(item, date) else item
            for key, item in table.items()
        }
    return table


def _spelt(raw: Mapping[str, Any]) -> dict[str, Any]:
    spelt = dict(raw)
    for group in GROUPS:
        if isinstance(raw.get(group), dict):
            spelt[group] = {key: _short(value) for key, value in raw[group].items()}
    for group, key in (("licences", "price_per_year"), ("models", "price")):
        items = raw.get(group)
        if isinstance(items, list):
            spelt[group] = [_with_short(item, key) for item in items]
        elif isinstance(items, dict):
            spelt[group] = {name: _with_short(item, key) for name, item in items.items()}
    return spelt


def _with_short(item: Any, key: str) -> Any:
    return {**item, key: _short(item[key])} if isinstance(item, dict) and key in item else item


def _figures(file: EstateFile, source: str) -> dict[str, Figure | None]:
    found: dict[str, Figure | None] = {}
    faults = []
    for one in INPUTS:
        group, name = one.key.split(".")
        given: Given | None = getattr(getattr(file, group), name)
        if given is not None and one.most is not None and given.value > one.most:
            hint = f"; did you mean {given.value / 100:g}?" if given.value <= 100 else ""
            faults.append(
                f"{source}: '{one.key}' = {given.value:g}: expected at most {one.most:g}{hint}"
            )
        found[one.key] = (
            one.default(file.currency) if given is None else given.figure(one.key, one.unit)
        )
    for licence in file.licences:
        unit = f"money/{licence.per}-year"
        if licence.key in found:
            faults.append(f"{source}: licence '{licence.name}' is there twice: remove one of them")
        found[licence.key] = licence.price_per_year.figure(licence.key, unit)
    if faults:
        raise SettingsError(faults)
    return found


def prices_of(raw: Mapping[str, Any], source: str) -> Prices:
    """Complete a table with the defaults; raises SettingsError with one line a fault."""
    file, unknown = read(EstateFile, _spelt(raw), source)
    if unknown:
        raise SettingsError(unknown)
    return Prices(file.currency, _figures(file, source), tuple(file.licences), file.models)


FILE = "estate.toml"
"""Name of the file with the user's prices, in the data folder where no other is configured."""


def find_prices(named: Path | None, data: Path) -> Prices:
    """
    Read the file that the configuration names, else the data folder's, else only defaults.

    Raises SettingsError with one line a fault.
    """
    return load_prices(named or (data / FILE if (data / FILE).exists() else None))


def load_prices(path: Path | None) -> Prices:
    """Read the file, only defaults without one; raises SettingsError with one line a fault."""
    return prices_of({}, "defaults") if path is None else prices_of(load(path), str(path))
