"""The journal's file: where it is, its tables, what opening it checks, and how what was deleted is gone from it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from wizframe.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SCHEMA_VERSION", "as_journal_error", "connect_file", "forget_deleted", "journal_path", "open_file"]

SCHEMA_VERSION = 2
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
    before TEXT, after TEXT, changed_at TEXT NOT NULL, PRIMARY KEY (push_id, number)
) WITHOUT ROWID;
CREATE INDEX changes_by_id ON changes (id);
"""
_FROM_VERSION_1 = """
ALTER TABLE changes ADD COLUMN table_name TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN customer_reference_id TEXT;
UPDATE changes SET table_name = (SELECT table_name FROM pushes WHERE pushes.push_id = changes.push_id);
"""
#: From a version to the present one.
_STEPS = {0: _SCHEMA, 1: _FROM_VERSION_1}


def journal_path() -> Path:
    """Tell where the journal is: ``WIZFRAME_STATE_DIR``, else the user's state folder.

    Returns
    -------
    Path
    """
    folder = os.environ.get("WIZFRAME_STATE_DIR")
    if not folder:
        import platformdirs  # noqa: PLC0415 - only where the folder is not given

        folder = platformdirs.user_state_dir("wizframe", appauthor=False)
    return Path(folder) / "journal.sqlite3"


@contextlib.contextmanager
def as_journal_error(path: Path) -> Iterator[None]:
    """Raise what SQLite and the disk complain of as an error that says what to do.

    Parameters
    ----------
    path : Path

    Raises
    ------
    JournalError
    """
    try:
        yield
    except JournalError:  # an OSError, too, and says what to do
        raise
    except (sqlite3.Error, OSError) as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        step = (
            "it is damaged: move it away, keep it for the record" if damaged else "make room or give WIZFRAME_STATE_DIR"
        )
        raise JournalError(f"the journal {path} cannot be used ({error}), so nothing is sent; {step}") from error


def connect_file(path: Path) -> sqlite3.Connection:
    """Connect to the file as it is.

    Parameters
    ----------
    path : Path

    Returns
    -------
    sqlite3.Connection
        In autocommit mode; threads may share it.
    """
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, and make it, with its folder and tables, where it is not there.

    Parameters
    ----------
    path : Path

    Returns
    -------
    sqlite3.Connection
        As of :func:`connect_file`.

    Raises
    ------
    JournalError
        It cannot be opened, is damaged, or was written by a newer wizframe.
    """
    with as_journal_error(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
        with contextlib.suppress(PermissionError):  # somebody else's file: its owner decides
            path.chmod(0o600)  # one that was copied to its place, say, could be anybody's to read
        connection = connect_file(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def forget_deleted(path: Path) -> None:
    """Leave nothing of what was deleted readable: neither in the file, nor in the log beside it.

    Parameters
    ----------
    path : Path

    Raises
    ------
    JournalError
        Another process kept reading, so that the log could not be emptied.
    """
    with as_journal_error(path), contextlib.closing(connect_file(path)) as connection:
        connection.execute("VACUUM")
        # The log lives on, with every page as it was before, as long as any process has the journal open.
        is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if is_busy:
        raise JournalError(
            f"what was removed can still be read beside {path}, since another process is reading it: purge again later"
        )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # where that cannot work (a network folder), SQLite stays as it was
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
    if version > SCHEMA_VERSION:
        raise JournalError(f"the journal {path} was written by a newer wizframe: update, or give WIZFRAME_STATE_DIR")
    if version and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise JournalError(f"the journal {path} is damaged, so nothing is sent: move it away, keep it for the record")
    if version < SCHEMA_VERSION:
        for statement in _STEPS[version].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
