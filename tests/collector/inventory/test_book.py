import asyncio
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from headroom_collector.inventory.book import Book, BookError
from headroom_collector.inventory.entries import InventoryError
from headroom_collector.store.api import Store, StoreError
from headroom_core.clock import Clock
from headroom_core.estate import Placement, Status
from headroom_core.identity import IdentityError

HOUR = 3_600_000_000_000
Report = Callable[[str], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.csv"
    path.write_text("host,site,cluster,purchase_date\nweb-*,fra1,web,\ndb-1,fra1,db,2020-01-02\n")
    return path


@pytest.fixture
def book(store: Store, path: Path, clock: Clock) -> Book:
    return Book(store, path, clock)


def test_a_member_has_its_place_and_an_unknown_host_has_none(book: Book) -> None:
    assert book.member("web-7").placement.labels() == {
        "site": "fra1",
        "cluster": "web",
        "class": "",
    }
    assert book.member("db-1").placement.purchase_date == date(2020, 1, 2)
    stranger = book.member("stranger")
    assert (stranger.placement, stranger.status) == (Placement(), Status.PRESENT)


def test_a_host_that_reports_and_has_no_place_is_listed(book: Book, report: Report) -> None:
    report("stranger")
    report("web-1")
    book.poll()

    assert book.unassigned() == ["stranger"]

    book.retire("stranger").result(30)
    assert book.unassigned() == []


def test_without_a_file_every_host_is_unassigned(
    store: Store, clock: Clock, report: Report
) -> None:
    report("web-1")

    assert Book(store, None, clock).unassigned() == ["web-1"]


def test_a_change_of_the_file_is_said_and_holds_from_then_on(
    book: Book, path: Path, clock
) -> None:
    before = clock.time
    clock.time += HOUR
    path.write_text("host,site,cluster,owner\ndb-1,par1,db,data\nnew-1,fra1,web,\n")

    assert book.poll() == [
        "db-1: site fra1 -> par1, owner - -> data, purchase_date 2020-01-02 -> -",
        "new-1: added to fra1/web",
    ]
    assert book.member("db-1").placement.site == "par1"
    assert book.placement_at("db-1", before).site == "fra1"
    assert book.placement_at("db-1", clock.time).site == "par1"
    assert book.poll() == []


def test_the_first_placement_holds_for_all_of_a_hosts_history(
    book: Book, report: Report, clock
) -> None:
    report("web-1")
    clock.time += HOUR

    assert book.poll() == ["web-1: added to fra1/web"]
    assert book.placement_at("web-1", clock.time - 2 * HOUR).cluster == "web"


def test_a_host_taken_out_and_put_back_was_unassigned_between(
    book: Book, path: Path, clock
) -> None:
    whole = path.read_text()
    clock.time += HOUR
    path.write_text("host,site,cluster\n")
    assert book.poll() == ["db-1: is no longer in the inventory"]
    gone = clock.time
    clock.time += HOUR
    path.write_text(whole)
    book.poll()

    sites = [book.placement_at("db-1", at).site for at in (gone - 1, gone, clock.time)]
    assert sites == ["fra1", "", "fra1"]


def test_placements_of_the_store_are_not_written_again_at_the_next_start(
    store: Store, path: Path, clock
) -> None:
    Book(store, path, clock)
    clock.time += HOUR

    assert Book(store, path, clock).reload() == []
    assert store.query("SELECT * FROM placements").num_rows == 1


def test_a_broken_file_keeps_the_old_book_and_is_said_once(
    book: Book, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("host,sight\ndb-1,par1\n")

    assert (book.poll(), book.poll()) == ([], [])
    assert book.member("db-1").placement.site == "fra1"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"inventory: kept the one before: {path}: line 1: unknown column 'sight';"
        " did you mean 'site'?"
    )
    with pytest.raises(InventoryError):
        book.reload()

    path.unlink()
    assert book.poll() == []
    assert "cannot be read" in caplog.records[-1].getMessage()
    path.write_text("host,site,cluster\ndb-1,par1,db\n")
    book.poll()
    assert book.member("db-1").placement.site == "par1"


def test_a_broken_file_at_the_start_is_refused(store: Store, path: Path, clock: Clock) -> None:
    path.write_text("hots\n")

    with pytest.raises(InventoryError, match="did you mean 'host'"):
        Book(store, path, clock)


async def follow(book: Book, said: asyncio.Event) -> None:
    watching = asyncio.create_task(book.watch())
    async with asyncio.timeout(30):
        await said.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


class Ear(logging.Handler):
    """Sets an event when a line is logged."""

    def __init__(self, said: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._said, self._loop = said, loop
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._loop.call_soon_threadsafe(self._said.set)


def heard(book: Book) -> list[str]:
    """Let a book watch until it logs something, and return that."""
    log = logging.getLogger("headroom_collector.inventory.book")
    with asyncio.Runner() as runner:
        said = asyncio.Event()
        ear = Ear(said, runner.get_loop())
        log.addHandler(ear)
        log.setLevel(logging.INFO)
        runner.run(follow(book, said))
    log.removeHandler(ear)
    log.setLevel(logging.NOTSET)
    return ear.lines


def test_watching_follows_the_file(book: Book, path: Path) -> None:
    path.write_text("host,site,cluster,purchase_date\ndb-1,par1,db,2020-01-02\n")

    assert heard(book) == ["inventory: db-1: site fra1 -> par1"]


class Reluctant:
    """A store that refuses changes while ``fault`` is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fault = False

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def change(self, change):
        if self.fault:
            raise StoreError("the disk is full")
        return self._store.change(change)


def test_a_change_that_the_store_did_not_take_is_tried_again(
    store: Store, path: Path, clock
) -> None:
    reluctant = Reluctant(store)
    book = Book(reluctant, path, clock)
    path.write_text("host,site,cluster\ndb-1,par1,db\n")
    clock.time += HOUR
    reluctant.fault = True
    with pytest.raises(StoreError, match="the disk is full"):
        book.poll()
    assert book.member("db-1").placement.site == "fra1"

    reluctant.fault = False
    assert len(book.poll()) == 1
    assert book.member("db-1").placement.site == "par1"
    assert book.placement_at("db-1", clock.time).site == "par1"


def test_watching_outlives_a_store_that_fails(store: Store, path: Path, clock) -> None:
    reluctant = Reluctant(store)
    book = Book(reluctant, path, clock)
    path.write_text("host,site,cluster\ndb-1,par1,db\n")
    reluctant.fault = True

    lines = heard(book)

    assert lines == ["inventory: cannot be kept in step, tried again: the disk is full"]


def test_retired_and_restored_survive_a_restart(
    store: Store, path: Path, book: Book, clock
) -> None:
    book.retire("db-1", "sold", "eve").result(30)
    retired = book.member("db-1")
    assert (retired.status, retired.reason, retired.since) == (
        Status.RETIRED,
        "sold",
        clock.time,
    )
    assert Book(store, path, clock).member("db-1") == retired

    clock.time += HOUR
    book.restore("db-1").result(30)
    assert book.member("db-1").status is Status.PRESENT
    assert Book(store, path, clock).member("db-1").status is Status.PRESENT
    rows = store.query("SELECT status, author FROM lifecycle ORDER BY since").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("retired", "eve"), ("present", "")]


def test_maintenance_ends_by_itself(book: Book, clock) -> None:
    book.maintenance("db-1", clock.time + HOUR, "new disks").result(30)
    during = book.member("db-1")
    assert (during.status, during.until) == (Status.MAINTENANCE, clock.time + HOUR)

    clock.time += HOUR
    assert book.member("db-1").status is Status.PRESENT


def test_maintenance_without_an_end_lasts_until_restored(book: Book, clock) -> None:
    book.maintenance("db-1", None).result(30)
    clock.time += 10_000 * HOUR
    assert book.member("db-1").status is Status.MAINTENANCE

    book.restore("db-1").result(30)
    assert book.member("db-1").status is Status.PRESENT


def test_what_makes_no_sense_is_refused_in_one_line(book: Book, clock) -> None:
    with pytest.raises(BookError, match="host 'db-2' is not known; did you mean 'db-1'"):
        book.retire("db-2")
    with pytest.raises(BookError, match="end is in the past"):
        book.maintenance("db-1", clock.time)
    with pytest.raises(BookError, match="has that name already"):
        book.rename("db-1", "db-1")
    with pytest.raises(IdentityError, match="expected letters"):
        book.rename("db-1", "db 1")
    book.retire("db-1").result(30)
    with pytest.raises(BookError, match="it is retired; restore it first"):
        book.maintenance("db-1", None)


def test_a_renamed_host_keeps_its_place_and_status(
    store: Store, path: Path, book: Book, report: Report, clock
) -> None:
    report("db-1")
    book.maintenance("db-1", None, "moving").result(30)
    book.rename("db-1", "sql-1").result(30)

    for each in (book, Book(store, path, clock)):
        assert each.present_name("db-1") == "sql-1"
        assert each.former_names("sql-1") == ["db-1"]
        for name in ("db-1", "sql-1"):
            member = each.member(name)
            assert (member.host, member.placement.cluster) == ("sql-1", "db")
            assert (member.status, member.reason) == (Status.MAINTENANCE, "moving")


def test_the_old_identity_counts_no_more_once_the_new_one_reports(
    book: Book, report: Report
) -> None:
    report("db-1")
    book.rename("db-1", "sql-1").result(30)
    assert book.member("db-1").status is Status.PRESENT

    report("sql-1")
    book.poll()

    assert book.member("sql-1").status is Status.PRESENT
    old = book.member("db-1")
    assert (old.status, old.reason) == (Status.RETIRED, "renamed to sql-1")


def test_two_hosts_that_reported_side_by_side_are_not_made_one(
    book: Book, report: Report, clock
) -> None:
    report("web-1")
    clock.time += HOUR
    report("web-2")

    with pytest.raises(BookError, match="'web-1' is another host, both reported"):
        book.rename("web-2", "web-1")
    book.rename("web-1", "web-2").result(30)


def test_renames_follow_each_other_and_may_go_back(
    store: Store, path: Path, book: Book, clock
) -> None:
    book.rename("db-1", "b").result(30)
    book.rename("b", "c").result(30)
    assert [book.present_name(name) for name in ("db-1", "b", "c")] == ["c", "c", "c"]

    book.rename("c", "db-1").result(30)
    for each in (book, Book(store, path, clock)):
        assert [each.present_name(name) for name in ("db-1", "b", "c")] == ["db-1"] * 3
