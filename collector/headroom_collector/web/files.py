"""The page's own files: scripts, styles and the library of charts, served from the package alone."""

import hashlib
from dataclasses import dataclass
from functools import cache

from headroom_collector.web.render import HERE

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class File:
    """One of the page's own files."""

    body: bytes
    media_type: str
    etag: str


@cache
def files() -> dict[str, File]:
    """Read the page's own files, once, by name."""
    found = {}
    for path in sorted((HERE / "static").rglob("*")):
        if path.suffix in TYPES:
            body = path.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            found[path.name] = File(body, TYPES[path.suffix], etag)
    return found
