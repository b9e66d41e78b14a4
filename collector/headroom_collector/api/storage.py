"""The store's own work, over the admin socket: backup, check, export."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.api.services import Given
from headroom_collector.api.times import Moment, parse
from headroom_collector.store.backup import backup
from headroom_collector.store.check import check
from headroom_collector.store.export import export
from headroom_proto.catalogue import Kind, catalogue

router = APIRouter(prefix="/admin/store", tags=["administration"])


class Where(BaseModel):
    """A folder on the collector's machine."""

    model_config = ConfigDict(extra="forbid")

    to: Path = Field(description="Absolute path of the folder")


class Span(Where):
    """What is to be exported."""

    kinds: list[str] = Field(default_factory=list, description="Kinds of samples; none: all")
    since: Moment
    until: Moment


class BackupOut(BaseModel):
    """A backup that was taken."""

    folder: str
    commit_id: int = Field(description="Newest commit in it")
    size_bytes: int
    files: int
    left_out: list[str] = Field(description="What a collector may have and the backup does not")


class Part(BaseModel):
    """What one part of a check found."""

    what: str
    good: bool
    detail: str


class FileOut(BaseModel):
    """A file that was exported."""

    file: str
    rows: int


def _absolute(folder: Path) -> Path:
    if not folder.is_absolute():
        raise HTTPException(400, f"to = {str(folder)!r}: expected an absolute path")
    return folder


@router.post("/backup")
def take_backup(given: Given, where: Where) -> BackupOut:
    """Write a backup to a new folder, while samples go on coming in."""
    folder = _absolute(where.to)
    made = backup(given.store, given.config.data, folder, given.clock.now(), given.version)
    return BackupOut(
        folder=str(folder),
        commit_id=made.commit_id,
        size_bytes=sum(size for size, _ in made.files.values()),
        files=len(made.files),
        left_out=list(made.left_out),
    )


@router.get("/check")
def check_store(given: Given) -> list[Part]:
    """Read the whole store and say what is wrong with it."""
    return [
        Part(what=found.what, good=found.good, detail=found.detail)
        for found in check(given.store, catalogue())
    ]


def _kinds(names: list[str]) -> list[Kind]:
    known = {kind.name: kind for kind in catalogue().kinds}
    for name in names:
        if name not in known:
            raise HTTPException(400, f"kinds: {name!r} is none: expected {', '.join(known)}")
    return [known[name] for name in names or known]


@router.post("/export")
def export_samples(given: Given, span: Span) -> list[FileOut]:
    """Write samples as Parquet, a file a kind and day."""
    start, end = parse(span.since, "since"), parse(span.until, "until")
    if start >= end:
        raise HTTPException(400, f"until = {span.until!r}: expected a time after since")
    written = export(given.store, _kinds(span.kinds), start, end, _absolute(span.to))
    return [FileOut(file=one.file, rows=one.rows) for one in written]
