"""Colours of the page, against the contrast that WCAG 2.1 asks for at level AA."""

import re

import pytest

from headroom_collector.web.render import HERE

TEXTS = [
    *((ink, ground) for ink in ("ink", "soft") for ground in ("card", "back")),
    *((ink, "card") for ink in ("main", "free", "warn", "alert")),
    ("note-ink", "note"),
    ("alert", "alert-back"),
    ("ink", "wash"),
    ("main", "wash"),
    ("ink", "track"),
]
SHAPES = [
    *((shape, "track") for shape in ("fill", "warn-fill", "alert", "ceil")),
    ("fill", "card"),
    ("soft", "card"),
]


def palettes() -> list[dict[str, str]]:
    """Return the light and the dark colours by name, as six hexadecimal digits."""
    styles = (HERE / "static" / "style.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\(#([0-9a-f]+), #([0-9a-f]+)\);", styles)
    return [{name: six(pair[side]) for name, *pair in found} for side in (0, 1)]


def six(colour: str) -> str:
    return colour if len(colour) == 6 else "".join(sign * 2 for sign in colour)


def luminance(colour: str) -> float:
    """Return the relative luminance, as WCAG 2.1 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(
        weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_there_is_a_light_and_a_dark_palette_of_the_same_names() -> None:
    light, dark = palettes()

    assert light.keys() == dark.keys()
    assert luminance(light["back"]) > 0.5 > luminance(dark["back"])


@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (SHAPES, 3.0)])
@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_everything_can_be_told_from_its_ground(palette, pairs, least) -> None:
    faint = {
        f"{ink} on {ground}": round(contrast(palette[ink], palette[ground]), 2)
        for ink, ground in pairs
        if contrast(palette[ink], palette[ground]) < least
    }

    assert faint == {}
