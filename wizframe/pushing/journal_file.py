"""The journal's file: where it is, its tables, what is checked when it is opened, and how deleted data is erased."""

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
#: How long SQLite waits for another process that writes: its longest transaction takes well under a second.
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
_MOVE_AWAY = "Move the file away, and keep it for the record."
#: From a version to the present one.
_STEPS = {0: _SCHEMA, 1: _FROM_VERSION_1}


def journal_path() -> Path:
    """Tell where the journal is: ``WIZFRAME_STATE_DIR``, else the user's state folder."""
    folder = os.environ.get("WIZFRAME_STATE_DIR")
    if not folder:
        import platformdirs  # noqa: PLC0415 - only where the folder is not given

        folder = platformdirs.user_state_dir("wizframe", appauthor=False)
    return Path(folder) / "journal.sqlite3"


@contextlib.contextmanager
def as_journal_error(path: Path) -> Iterator[None]:
    """Raise what SQLite and the disk complain about as a JournalError that says what to do."""
    try:
        yield
    except JournalError:  # it says what to do, and is an OSError, too
        raise
    except (sqlite3.Error, OSError) as error:
        is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        why = "is damaged" if is_damaged else "cannot be used"
        step = _MOVE_AWAY if is_damaged else "Make room, or set WIZFRAME_STATE_DIR to another folder."
        raise JournalError(f"the journal {path} {why} ({error}), so nothing is sent", hint=step) from error


def connect_file(path: Path) -> sqlite3.Connection:
    """Connect to the file in autocommit mode; threads may share the connection."""
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file; make it, with its folder and tables, if it does not exist."""
    with as_journal_error(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
        with contextlib.suppress(PermissionError):  # another user's file: its owner decides
            path.chmod(0o600)  # a copied file may be readable by other users
        connection = connect_file(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def forget_deleted(path: Path) -> None:
    """Leave nothing of what was deleted readable, neither in the file nor in the log next to it."""
    with as_journal_error(path), contextlib.closing(connect_file(path)) as connection:
        connection.execute("VACUUM")
        # As long as a process has the journal open, the log keeps every page as it was.
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
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"the journal {path} was written by a newer wizframe, so nothing is sent",
            hint="Update wizframe, or set WIZFRAME_STATE_DIR to another folder.",
        )
    if version and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise JournalError(f"the journal {path} is damaged, so nothing is sent", hint=_MOVE_AWAY)
    if version < SCHEMA_VERSION:
        for statement in _STEPS[version].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
