"""
Templates that the server and the browser fill alike.

``data-f="key"`` on an empty element takes a text, ``data-a="name:key ..."`` attributes, and
``data-w`` and ``data-v`` do the same with the page's fixed words. An empty value leaves the
attribute out. Everything is escaped, always.
"""

import re
from collections.abc import Mapping
from html import escape

TEXT = re.compile(r' data-(?P<mark>[fw])="(?P<key>\w+)"(?P<rest>[^<>]*)>')
ATTRIBUTES = re.compile(r' data-(?P<mark>[av])="(?P<pairs>[^"]*)"')


def _attributes(pairs: str, values: Mapping[str, str]) -> str:
    named = (pair.split(":", 1) for pair in pairs.split())
    return "".join(f' {name}="{escape(values[key])}"' for name, key in named if values[key])


def _fill(template: str, values: Mapping[str, str], marks: str, keep: bool) -> str:
    def attributes(match: re.Match[str]) -> str:
        if match["mark"] not in marks:
            return match[0]
        return (match[0] if keep else "") + _attributes(match["pairs"], values)

    def text(match: re.Match[str]) -> str:
        if match["mark"] not in marks:
            return match[0]
        mark = f' data-{match["mark"]}="{match["key"]}"' if keep else ""
        return f"{mark}{match['rest']}>{escape(values[match['key']], quote=False)}"

    # Attributes first: what they bring in has its quotes escaped and cannot pass for a mark.
    return TEXT.sub(text, ATTRIBUTES.sub(attributes, template))


def words(template: str, values: Mapping[str, str]) -> str:
    """Fill in the fixed words, once and for all; KeyError for one that does not exist."""
    return _fill(template, values, "wv", keep=False)


def figures(template: str, values: Mapping[str, str], *, keep: bool = False) -> str:
    """Fill in figures; with ``keep`` the marks stay for the browser to fill in later ones."""
    return _fill(template, values, "fa", keep=keep)
