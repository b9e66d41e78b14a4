"""Templates into documents: everything in them is escaped, and a name that is not there is an error."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from headroom_collector.web import draw
from headroom_collector.web.site import LANGUAGE, THEME, VIEWS, Site
from headroom_collector.web.tongue import NONE, foreign, stamp

HERE = Path(__file__).parent
__all__ = ["HERE", "LANGUAGE", "THEME", "render"]


@cache
def environment() -> Environment:
    """Return the environment of all templates, made once."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters.update(foreign=foreign, stamp=stamp)
    made.globals.update(draw=draw, NONE=NONE, VIEWS=VIEWS)
    return made


def render(name: str, site: Site, /, **figures: Any) -> str:
    """Return a view as HTML; it needs no script to be read."""
    template = environment().get_template(f"{name}.html")
    return template.render(site=site, t=site.tongue, say=site.tongue.say, **figures)
