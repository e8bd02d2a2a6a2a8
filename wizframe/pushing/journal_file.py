"""The journal's file: its path, its tables, the checks when it is opened, and the erasing of deleted data."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from wizframe.errors import Hint, JournalError
from wizframe.pushing.journal_entries import ENTRY_COLUMNS, PUSH_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SCHEMA_VERSION", "FileState", "as_journal_error", "connect_file", "forget_deleted", "has_journal", "journal_path",
    "open_file", "reading",
]  # fmt: skip

#: The version of the tables, as in SQLite's user_version. A new version also needs a step in _STEPS.
SCHEMA_VERSION = 3
#: In seconds: how long SQLite waits for another process that writes. Its longest transaction takes under a second.
BUSY_S = 5.0
_SCHEMA = """
CREATE TABLE pushes (
    push_id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, base_url TEXT NOT NULL, account TEXT NOT NULL,
    table_name TEXT NOT NULL, user TEXT NOT NULL, note TEXT NOT NULL, on_conflict TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT, owner TEXT, alive_at REAL
) WITHOUT ROWID;
CREATE TABLE changes (
    push_id TEXT NOT NULL REFERENCES pushes ON DELETE CASCADE, number INTEGER NOT NULL, table_name TEXT NOT NULL,
    action TEXT NOT NULL, id TEXT, customer_id TEXT, customer_reference_id TEXT, reference_id TEXT,
    name TEXT NOT NULL, label TEXT NOT NULL,
    cells TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'planned', code TEXT NOT NULL DEFAULT '',
    what_happened TEXT NOT NULL DEFAULT '', next_step TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    before TEXT, after TEXT, changed_at TEXT NOT NULL, displaced TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (push_id, number)
) WITHOUT ROWID;
CREATE INDEX changes_by_id ON changes (id);
"""
_FROM_VERSION_2 = "ALTER TABLE changes ADD COLUMN displaced TEXT NOT NULL DEFAULT '[]';"
_FROM_VERSION_1 = """
ALTER TABLE changes ADD COLUMN table_name TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN customer_reference_id TEXT;
UPDATE changes SET table_name = (SELECT table_name FROM pushes WHERE pushes.push_id = changes.push_id);
"""
#: The statements that convert each version to the current one.
_STEPS = {0: _SCHEMA, 1: _FROM_VERSION_1 + _FROM_VERSION_2, 2: _FROM_VERSION_2}
#: Columns that tables of older versions do not have, with the version that added them.
_ADDED = {"table_name": 2, "customer_reference_id": 2, "displaced": 3}
# The files that SQLite keeps next to the journal.
_SIDE_FILES = ("-wal", "-shm", "-journal")
_MOVE_AWAY = "Move the file away, and keep it for the record."
_OTHER_FOLDER = "Set WIZFRAME_STATE_DIR to a folder that only you can write to."
#: Threads of a process open the file one after the other. Closing a file drops all locks that SQLite has on it in this
#: process (POSIX), so a new file must be closed before another thread can lock it.
_opening = threading.Lock()


def journal_path() -> Path:
    """Return the path of the journal: in ``WIZFRAME_STATE_DIR``, or else in the user's state folder."""
    folder = os.environ.get("WIZFRAME_STATE_DIR")
    if not folder:
        import platformdirs  # noqa: PLC0415 - only where the folder is not given

        folder = platformdirs.user_state_dir("wizframe", appauthor=False)
    return Path(folder) / "journal.sqlite3"


def has_journal() -> bool:
    """Return whether a journal exists. A folder that cannot be read is an error, not a missing journal."""
    path = journal_path()
    with as_journal_error(path):
        try:
            path.lstat()  # a broken link counts as existing, and is rejected when it is opened
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


@contextlib.contextmanager
def as_journal_error(path: Path) -> Iterator[None]:
    """Convert errors of SQLite and the disk to a JournalError with a hint."""
    try:
        yield
    except JournalError:  # it already has a hint; it is also an OSError
        raise
    except (sqlite3.Error, OSError) as error:
        is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        why = "is damaged" if is_damaged else "cannot be used"
        step = _MOVE_AWAY if is_damaged else "Make room, or set WIZFRAME_STATE_DIR to another folder."
        raise JournalError(f"the journal {path} {why} ({error}), so nothing is sent", hint=step) from error


def connect_file(path: Path) -> sqlite3.Connection:
    """Connect to the file, which must exist, in autocommit mode; threads may share the connection."""
    address = path.absolute().as_uri()
    # Without mode=rw, SQLite would create an empty file if the journal was removed. It does not support network shares.
    name, is_uri = (f"{address}?mode=rw", True) if address.startswith("file:///") else (str(path), False)
    return sqlite3.connect(name, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=is_uri)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file. It is created with its folder and tables if it does not exist.

    Files and folders of another user or another program are neither used nor changed.
    """
    with as_journal_error(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _opening:
            _check_trusted(path)
            with contextlib.suppress(FileExistsError):
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
                os.close(os.open(path, flags, 0o600))  # SQLite gives its side files the same mode
        _check_ours(path)
        _hide(path)
        connection = connect_file(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the file only to read; None if it has an older form."""
    with as_journal_error(path):
        _check_trusted(path)
        _check_ours(path)
        with contextlib.closing(connect_file(path)) as connection:
            is_present = connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
            yield connection if is_present else None


def _check_trusted(path: Path) -> None:
    """Reject a folder or file that another user made, or could change."""
    if os.name != "posix":  # elsewhere, the permissions of the user's profile protect it
        return
    folder = path.parent
    for one, found in ((folder, folder.lstat()), (folder, folder.stat())):
        _check_owner("the folder", one, found)
    for one in _files(path):
        found = one.lstat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a regular file"
            raise _unsafe(f"{one} is {kind}", _MOVE_AWAY)
        _check_owner("the file", one, found)
        if found.st_nlink > 1:
            raise _unsafe(f"the file {one} has a second name (a hard link)", _MOVE_AWAY)


def _check_owner(kind: str, one: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise _unsafe(f"{kind} {one} belongs to another user", _OTHER_FOLDER)
    if not stat.S_ISLNK(found.st_mode) and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        step = f"If only you have used it, take their right away (`chmod go-w {one}`). Otherwise: "
        raise _unsafe(f"other users can write to {kind} {one}", step + _OTHER_FOLDER[0].lower() + _OTHER_FOLDER[1:])


def _unsafe(why: str, step: Hint | str) -> JournalError:
    return JournalError(f"the journal is not safe to use: {why}, so nothing is sent", hint=step)


def _files(path: Path) -> Iterator[Path]:
    """Yield the file and SQLite's side files, if they exist."""
    for suffix in ("", *_SIDE_FILES):
        one = path.with_name(path.name + suffix)
        if os.path.lexists(one):
            yield one


def _hide(path: Path) -> None:
    """Remove other users' permission to read the file, which a copied file may have. It is not a link."""
    if os.name == "posix":
        for one in _files(path):
            with contextlib.suppress(FileNotFoundError):  # another process closed the journal
                if one.lstat().st_mode & 0o077:
                    one.chmod(0o600)


def _check_ours(path: Path) -> None:
    """Reject another program's database before it is changed."""
    with contextlib.closing(connect_file(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        rows = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
        made = {(kind, name) for kind, name in rows if not name.startswith("sqlite_")}
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in ("pushes", "changes")
        }
    is_empty = version == 0 and not made
    has_tables = {("table", "pushes"), ("table", "changes")} <= made
    if version > SCHEMA_VERSION and has_tables:
        raise JournalError(
            f"the journal {path} was written by a newer wizframe, so nothing is sent",
            hint="Update wizframe, or set WIZFRAME_STATE_DIR to another folder.",
        )
    needed = {name for name in ENTRY_COLUMNS if _ADDED.get(name, 1) <= version}
    is_ours = version > 0 and needed <= columns["changes"] and {*PUSH_COLUMNS, "owner"} <= columns["pushes"]
    if not is_empty and not (is_ours and {kind for kind, _ in made} <= {"table", "index"}):
        raise JournalError(
            f"the file {path} is not a journal that wizframe made (version {version}), so nothing is sent",
            hint="Move the file away, or set WIZFRAME_STATE_DIR to another folder.",
        )


class FileState:
    """The identity of the journal's file, to notice that it was removed, replaced or cut off after it was opened.

    SQLite continues to write into a file that was removed. What it commits is then lost when the process ends.
    """

    def __init__(self, path: Path) -> None:
        self._paths = [path, path.with_name(f"{path.name}-wal")]
        self._path = path
        self._files = [self._found(one) for one in self._paths]

    def check(self) -> None:
        """Raise a JournalError if the file is no longer the same."""
        found = [self._found(one) for one in self._paths]
        pairs = list(zip(self._files, found, strict=True))
        if any(was and (now is None or was[0] != now[0]) for was, now in pairs):
            raise self._lost("was removed or replaced")
        is_shorter = any(was and now and now[1] < was[1] for was, now in pairs)
        self._files = found
        if is_shorter and not self._is_whole():  # a purge by another process also makes the file shorter
            raise self._lost("was cut off")

    def _is_whole(self) -> bool:
        if not self._path.stat().st_size:  # SQLite would treat an empty file as new, and remove the log
            return False
        # A separate connection, because an open one has pages in memory that the file may have lost.
        with contextlib.closing(connect_file(self._path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def _found(self, path: Path) -> tuple[tuple[int, int], int] | None:
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        return (found.st_dev, found.st_ino), found.st_size

    def _lost(self, what: str) -> JournalError:
        return JournalError(
            f"the journal {self._path} {what} after it was opened, so nothing more is sent",
            hint=Hint("Only the result says what was sent: save it.", "Only this output says what was sent: save it."),
        )


def forget_deleted(path: Path) -> None:
    """Erase deleted data, so that they cannot be read in the file or in the log next to it."""
    with as_journal_error(path), contextlib.closing(connect_file(path)) as connection:
        connection.execute("VACUUM")
        # While any process has the journal open, the log keeps the old pages.
        is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if is_busy:
        raise JournalError(
            f"the removed pushes can still be read in the log next to {path}, because another process reads it",
            hint="Purge again later.",
        )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # on a network folder this fails, and SQLite keeps its own mode
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _bring_up_to_date(connection, path)
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise JournalError(f"the journal {path} is damaged, so nothing is sent", hint=_MOVE_AWAY)
    if version < SCHEMA_VERSION:
        for statement in _STEPS[version].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
