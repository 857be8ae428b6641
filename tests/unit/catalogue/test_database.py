"""The file of the catalogue: made whole, opened, brought up to date; SQLite's errors told as ours."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image.catalogue import create, has_older_layout, schema
from echo_image.catalogue.database import Database
from echo_image.catalogue.translation import translated
from echo_image.errors import (
    LibraryBusy,
    LibraryCorrupt,
    LibraryError,
    LibraryNotFound,
    LibraryReadOnly,
    SpecMismatch,
    StorageFull,
    UsageError,
)


@pytest.fixture
def writer(path: Path) -> Iterator[Database]:
    database = Database(path, writable=True)
    yield database
    database.close()


def set_meta(database: Database, key: str, value: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def test_a_new_catalogue_is_whole_and_alone(path: Path) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == ["catalogue.sqlite"]
    reader = Database(path, writable=False)
    assert reader.get_meta("fingerprint") == "f1"
    assert reader.get_meta("colour") is None
    assert reader.problems() == []
    reader.close()


def test_what_a_killed_maker_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "catalogue.new").write_bytes(b"half a file")
    (tmp_path / "catalogue.new-journal").write_bytes(b"half a journal")
    create(tmp_path / "catalogue.sqlite", {"fingerprint": "f2"})
    assert Database(tmp_path / "catalogue.sqlite", writable=False).get_meta("fingerprint") == "f2"


def test_readers_see_commits_and_learn_that_there_was_one(path: Path, writer: Database) -> None:
    reader = Database(path, writable=False)
    before = reader.data_version()
    assert reader.data_version() == before
    set_meta(writer, "colour", "blue")
    assert reader.data_version() != before
    assert reader.get_meta("colour") == "blue"
    reader.close()


def test_a_transaction_is_all_or_nothing(writer: Database) -> None:

    def fail() -> None:
        with writer.transaction():
            set_meta(writer, "colour", "blue")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert writer.get_meta("colour") is None
    with writer.transaction(), writer.transaction():
        set_meta(writer, "colour", "red")
    assert writer.get_meta("colour") == "red"


def test_what_is_read_together_belongs_to_one_moment(path: Path, writer: Database) -> None:
    set_meta(writer, "colour", "blue")
    reader = Database(path, writable=False)
    with reader.consistent():
        assert reader.get_meta("colour") == "blue"
        set_meta(writer, "colour", "red")
        assert reader.get_meta("colour") == "blue"
    assert reader.get_meta("colour") == "red"
    reader.close()


def test_a_durable_transaction_waits_for_the_disk_and_the_next_does_not(writer: Database) -> None:
    def synchronous() -> int:
        with writer.reading() as connection:
            return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    with writer.transaction(durable=True):
        assert synchronous() == 2
    assert synchronous() == 1
    with pytest.raises(ZeroDivisionError), writer.transaction(durable=True):
        raise ZeroDivisionError
    assert synchronous() == 1


def test_threads_share_a_connection(path: Path) -> None:
    reader = Database(path, writable=False)
    seen: list[str | None] = []
    threads = [threading.Thread(target=lambda: seen.append(reader.get_meta("fingerprint"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["f1"] * 8


def test_a_closed_one_says_so(path: Path) -> None:
    reader = Database(path, writable=False)
    reader.close()
    reader.close()
    with pytest.raises(UsageError, match="was closed"):
        reader.get_meta("fingerprint")


def test_a_reader_cannot_write(path: Path) -> None:
    reader = Database(path, writable=False)
    with pytest.raises(LibraryReadOnly), reader.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    reader.close()


@pytest.mark.parametrize("writable", [True, False])
def test_opening_makes_nothing(tmp_path: Path, writable: bool) -> None:
    with pytest.raises(LibraryNotFound):
        Database(tmp_path / "catalogue.sqlite", writable=writable)
    assert list(tmp_path.iterdir()) == []


# Layouts


def later_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the program one more migration than the file has."""
    scripts = [*schema.scripts(), "ALTER TABLE images ADD COLUMN colour TEXT;"]
    monkeypatch.setattr(schema, "scripts", lambda: scripts)
    monkeypatch.setattr(schema, "READABLE_FROM", len(scripts))


def test_layouts_are_numbered_from_one(path: Path) -> None:
    folder = Path(schema.__file__).parent / "migrations"
    numbers = [int(script.name[:4]) for script in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1)) == list(range(1, len(schema.scripts()) + 1))
    connection = sqlite3.connect(path)
    assert schema.version_of(connection) == len(numbers)
    connection.close()


def test_an_older_layout_is_brought_up_to_date_by_a_writer_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later_script(monkeypatch)
    assert has_older_layout(path)
    before = path.read_bytes()
    with pytest.raises(
        SpecMismatch, match=rf"layout {len(schema.scripts()) - 1}.* reads layout {len(schema.scripts())}"
    ) as caught:
        Database(path, writable=False)
    assert "for writing" in caught.value.hint
    assert path.read_bytes() == before
    Database(path, writable=True).close()
    assert not has_older_layout(path)
    reader = Database(path, writable=False)
    assert reader.get_meta("fingerprint") == "f1"
    with reader.reading() as connection:
        assert connection.execute("SELECT colour FROM images").fetchall() == []
    reader.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = [*schema.scripts(), "CREATE TABLE one (a); INSERT INTO nowhere VALUES (1);"]
    monkeypatch.setattr(schema, "scripts", lambda: scripts)
    monkeypatch.setattr(schema, "READABLE_FROM", len(scripts))
    with pytest.raises(LibraryCorrupt):
        Database(path, writable=True)
    monkeypatch.undo()
    reader = Database(path, writable=False)
    with reader.reading() as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'one'").fetchall() == []
    reader.close()


@pytest.mark.parametrize("writable", [True, False])
def test_a_later_layout_is_refused(path: Path, writable: bool) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpecMismatch, match="layout 99") as caught:
        Database(path, writable=writable)
    assert caught.value.hint == "update echo-image"
    assert not has_older_layout(path)


# Damage


@pytest.mark.parametrize("content", [b"", b"something else entirely, and long enough" * 100])
def test_what_is_no_catalogue_is_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(content)
    with pytest.raises(LibraryCorrupt) as caught:
        Database(path, writable=False)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == content


def test_another_program_s_database_is_no_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(LibraryCorrupt, match="not a catalogue"):
        Database(path, writable=False)


# Errors of SQLite


class FakeError(sqlite3.OperationalError):
    def __init__(self, code: int) -> None:
        super().__init__("told by SQLite")
        self.sqlite_errorcode = code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, LibraryBusy),
        (sqlite3.SQLITE_LOCKED, LibraryBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, LibraryBusy),
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_IOERR_WRITE, StorageFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StorageFull),
        (sqlite3.SQLITE_IOERR_READ, LibraryError),
        (sqlite3.SQLITE_READONLY, LibraryReadOnly),
        (sqlite3.SQLITE_READONLY_DBMOVED, LibraryNotFound),
        (sqlite3.SQLITE_CORRUPT, LibraryCorrupt),
        (sqlite3.SQLITE_NOTADB, LibraryCorrupt),
        (sqlite3.SQLITE_ERROR, LibraryCorrupt),
        (0, LibraryCorrupt),
    ],
)
def test_each_code_has_its_error(path: Path, code: int, expected: type[LibraryError]) -> None:
    with pytest.raises(LibraryError) as caught, translated(path):
        raise FakeError(code)
    assert type(caught.value) is expected
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound), translated(tmp_path / "gone.sqlite"):
        raise FakeError(sqlite3.SQLITE_CANTOPEN)


def test_no_connection_is_left_open_by_a_failure(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    for writable in (True, False):
        with pytest.raises(SpecMismatch):
            Database(path, writable=writable)
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == before
