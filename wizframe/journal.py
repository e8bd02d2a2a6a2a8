"""The record of every push, on this machine: what was planned, what was sent, what became of it. Knows no HTTP.

One SQLite file in the user's state folder, readable by nobody else. It is what makes a push that was cut off
resumable, a push undoable, and an edit traceable. It holds customers' data: :meth:`Journal.purge` removes it.

A change goes ``planned → sent → done | failed | conflict | unknown``; ``unsent`` is ``planned`` again. ``sent`` is
committed before the first byte of a write leaves, so that whatever a crash leaves behind is at worst *unknown*, and is
looked up.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sqlite3
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from wizframe.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Entry", "Journal", "PushEntry", "journal_path", "new_push_id", "now"]

SCHEMA_VERSION = 1
LEASE_S = 30.0
BUSY_S = 5.0
_HEARTBEAT_S = 5.0
_BATCH = 256
_SCHEMA = """
CREATE TABLE pushes (
    push_id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, base_url TEXT NOT NULL, account TEXT NOT NULL,
    table_name TEXT NOT NULL, user TEXT NOT NULL, note TEXT NOT NULL, on_conflict TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT, owner TEXT, alive_at REAL
) WITHOUT ROWID;
CREATE TABLE changes (
    push_id TEXT NOT NULL REFERENCES pushes ON DELETE CASCADE, number INTEGER NOT NULL,
    action TEXT NOT NULL, id TEXT, customer_id TEXT, reference_id TEXT, name TEXT NOT NULL, label TEXT NOT NULL,
    cells TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'planned', code TEXT NOT NULL DEFAULT '',
    what_happened TEXT NOT NULL DEFAULT '', next_step TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    before TEXT, after TEXT, changed_at TEXT NOT NULL, PRIMARY KEY (push_id, number)
) WITHOUT ROWID;
CREATE INDEX changes_by_id ON changes (id);
"""


@dataclass(frozen=True)
class PushEntry:
    """One push.

    Parameters
    ----------
    push_id, plan_id : str
    base_url, account : str
        Where it goes; the account's name may be empty.
    table_name : str
    user : str
        Of this machine.
    note : str
        The user's own words.
    on_conflict : str
    started_at : str
        ISO 8601, UTC.
    ended_at : str or None
        None: it was cut off, or is still running.
    """

    push_id: str
    plan_id: str
    base_url: str
    account: str
    table_name: str
    user: str
    note: str
    on_conflict: str
    started_at: str
    ended_at: str | None = None


@dataclass(frozen=True)
class Entry:
    """One change of a push, as the journal has it.

    Parameters
    ----------
    number : int
        Within the push.
    action, id, customer_id, reference_id, name, label, cells
        As in :class:`wizframe.planning.Change`; ``label`` and ``cells`` are JSON values.
    state, code, what_happened, next_step, attempts
        What became of it so far.
    before, after : dict or None
        The service's record before the write and after it.
    changed_at : str
        ISO 8601, UTC.
    """

    number: int
    action: str
    id: str | None
    customer_id: str | None
    reference_id: str | None
    name: str
    label: Any
    cells: list[list[Any]]
    state: str = "planned"
    code: str = ""
    what_happened: str = ""
    next_step: str = ""
    attempts: int = 0
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    changed_at: str = ""


_PUSH_COLUMNS = list(PushEntry.__dataclass_fields__)
_ENTRY_COLUMNS = list(Entry.__dataclass_fields__)
_JSON_COLUMNS = ("label", "cells", "before", "after")


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


class Journal:
    """The journal, open for writing and reading.

    Parameters
    ----------
    path : Path, optional
        By default :func:`journal_path`. Made, with its folder, where it is not there.

    Raises
    ------
    JournalError
        It cannot be opened, is damaged, or was written by a newer wizframe. Nothing may be sent then.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or journal_path()
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
        self._work: queue.SimpleQueue[tuple[str, Sequence[Any], Future[int]] | None] = queue.SimpleQueue()
        self._leased: set[str] = set()
        self._closing = threading.Lock()
        self._is_closed = False
        self._connection = self._open()
        self._writer = threading.Thread(target=self._write, name="wizframe-journal", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written, give leases back, and close the file."""
        for push_id in list(self._leased):
            with contextlib.suppress(JournalError):
                self.release(push_id)
        with self._closing:
            self._is_closed = True
            self._work.put(None)
        self._writer.join()
        self._connection.close()

    def begin(self, push: PushEntry, entries: Sequence[Entry]) -> None:
        """Commit a whole push before anything of it is sent, and lease it.

        Parameters
        ----------
        push : PushEntry
        entries : sequence of Entry
        """
        rows = [_row(entry) for entry in entries]
        marks = ", ".join("?" * len(_PUSH_COLUMNS))
        with self._direct() as connection:
            values = [getattr(push, name) for name in _PUSH_COLUMNS]
            connection.execute(
                f"INSERT INTO pushes ({', '.join(_PUSH_COLUMNS)}, owner, alive_at) VALUES ({marks}, ?, ?)",  # noqa: S608
                [*values, self._owner, time.time()],
            )
            marks = ", ".join("?" * (len(_ENTRY_COLUMNS) + 1))
            connection.executemany(
                f"INSERT INTO changes (push_id, {', '.join(_ENTRY_COLUMNS)}) VALUES ({marks})",  # noqa: S608
                [[push.push_id, *row] for row in rows],
            )
        self._leased.add(push.push_id)

    def record(self, push_id: str, number: int, **columns: Any) -> None:
        """Commit what became of a change; returns when it is on disk.

        Parameters
        ----------
        push_id : str
        number : int
        **columns
            Of :class:`Entry`.

        Raises
        ------
        JournalError
            It could not be written.
        """
        values = {name: _json(value) if name in _JSON_COLUMNS else value for name, value in columns.items()}
        values["changed_at"] = now()
        settings = ", ".join(f"{name} = ?" for name in values)
        self._submit(
            f"UPDATE changes SET {settings} WHERE push_id = ? AND number = ?",  # noqa: S608 - our own column names
            [*values.values(), push_id, number],
        )

    def end(self, push_id: str) -> None:
        """Note that every change of a push has come to its end, and give its lease back."""
        self._submit("UPDATE pushes SET ended_at = ?, owner = NULL WHERE push_id = ?", [now(), push_id])
        self._leased.discard(push_id)

    def lease(self, push_id: str) -> None:
        """Make sure that no other process works on a push.

        Parameters
        ----------
        push_id : str

        Raises
        ------
        JournalError
            Another process does, and is alive.
        """
        with self._direct() as connection:
            row = connection.execute("SELECT owner, alive_at FROM pushes WHERE push_id = ?", [push_id]).fetchone()
            if row is None:
                raise JournalError(f"the journal has no push {push_id}: wizframe.pushes() lists them")
            owner, alive_at = row
            if owner not in (None, self._owner) and _is_alive(owner, alive_at):
                where = " in process ".join(owner.split("/")[:2])
                raise JournalError(f"push {push_id} is being worked on by {where}: wait for it, or end that process")
            connection.execute(
                "UPDATE pushes SET owner = ?, alive_at = ? WHERE push_id = ?", [self._owner, time.time(), push_id]
            )
        self._leased.add(push_id)

    def release(self, push_id: str) -> None:
        """Give a lease back, so that another process may go on."""
        self._leased.discard(push_id)
        self._submit("UPDATE pushes SET owner = NULL WHERE push_id = ? AND owner = ?", [push_id, self._owner])

    def pushes(self, push_id: str | None = None) -> list[PushEntry]:
        """List all pushes, newest first, or one.

        Parameters
        ----------
        push_id : str, optional

        Returns
        -------
        list of PushEntry
        """
        where, values = ("WHERE push_id = ?", [push_id]) if push_id else ("", [])
        query = f"SELECT {', '.join(_PUSH_COLUMNS)} FROM pushes {where} ORDER BY started_at DESC, push_id DESC"  # noqa: S608
        return [PushEntry(*row) for row in self._read(query, values)]

    def entries(self, push_id: str) -> list[Entry]:
        """List the changes of a push, in its order.

        Parameters
        ----------
        push_id : str

        Returns
        -------
        list of Entry
        """
        query = f"SELECT {', '.join(_ENTRY_COLUMNS)} FROM changes WHERE push_id = ? ORDER BY number"  # noqa: S608
        return [_entry(row) for row in self._read(query, [push_id])]

    def purge(self, older_than: timedelta) -> int:
        """Remove pushes that ended long ago, with all the data that they hold.

        Parameters
        ----------
        older_than : timedelta

        Returns
        -------
        int
            How many.
        """
        before = (datetime.now(UTC) - older_than).isoformat(timespec="microseconds")
        removed = self._submit("DELETE FROM pushes WHERE ended_at IS NOT NULL AND ended_at < ?", [before])
        with _as_journal_error(self.path):
            self._connection.execute("VACUUM")  # what is deleted must not stay readable in the file
        return removed

    def _open(self) -> sqlite3.Connection:
        with _as_journal_error(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
            connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection, self.path)
            except BaseException:
                connection.close()
                raise
        return connection

    def _read(self, query: str, values: Sequence[Any]) -> list[Any]:
        with _as_journal_error(self.path), contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_S)) as connection:
            return connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _direct(self) -> Iterator[sqlite3.Connection]:
        """Open a connection of its own for one transaction."""
        with (
            _as_journal_error(self.path),
            contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _submit(self, statement: str, values: Sequence[Any]) -> int:
        """Hand a statement to the writer, and wait until it is committed."""
        written: Future[int] = Future()
        with self._closing:  # a worker that nobody waits for any more must not wait for a writer that is gone
            if self._is_closed:
                raise JournalError("the journal was closed while this was to be written, so nothing is sent")
            self._work.put((statement, values, written))
        return written.result()

    def _write(self) -> None:
        """Commit what has come together, in one transaction: many threads share one wait for the disk."""
        beat = time.monotonic()
        while True:
            batch = self._next_batch(beat + _HEARTBEAT_S - time.monotonic())
            if time.monotonic() - beat >= _HEARTBEAT_S:
                beat = time.monotonic()
                batch = [*(batch or []), *self._heartbeats()] if batch is not None else None
            if batch is None:
                return
            if batch:
                self._commit(batch)

    def _next_batch(self, patience_s: float) -> list[tuple[str, Sequence[Any], Future[int]]] | None:
        """Wait for work; None when the journal is being closed."""
        batch = []
        try:
            item = self._work.get(timeout=max(patience_s, 0.01))
            while item is not None:
                batch.append(item)
                if len(batch) == _BATCH:
                    return batch
                item = self._work.get_nowait()
        except queue.Empty:
            return batch
        if batch:
            self._work.put(None)
            return batch
        return None

    def _heartbeats(self) -> list[tuple[str, Sequence[Any], Future[int]]]:
        statement = "UPDATE pushes SET alive_at = ? WHERE push_id = ? AND owner = ?"
        return [(statement, [time.time(), push_id, self._owner], Future()) for push_id in list(self._leased)]

    def _commit(self, batch: Sequence[tuple[str, Sequence[Any], Future[int]]]) -> None:
        try:
            with _as_journal_error(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    counts = [self._connection.execute(statement, values).rowcount for statement, values, _ in batch]
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
        except JournalError as error:
            for _, _, written in batch:
                written.set_exception(error)
            return
        for (_, _, written), count in zip(batch, counts, strict=True):
            written.set_result(count)


def now() -> str:
    """Give the present moment as the journal writes it.

    Returns
    -------
    str
        ISO 8601, UTC, to the microsecond, sortable.
    """
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_push_id() -> str:
    """Make up a name for a push.

    Returns
    -------
    str
        Sortable by time, readable, and no other's.
    """
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


@contextlib.contextmanager
def _as_journal_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        step = (
            "it is damaged: move it away, keep it for the record" if damaged else "make room or give WIZFRAME_STATE_DIR"
        )
        raise JournalError(f"the journal {path} cannot be used ({error}), so nothing is sent; {step}") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # where that cannot work (a network folder), SQLite stays as it was
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"the journal {path} was written by a newer wizframe: update, or give WIZFRAME_STATE_DIR"
            )
        if version == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise JournalError(
                f"the journal {path} is damaged, so nothing is sent: move it away, keep it for the record"
            )
    finally:
        connection.execute("COMMIT")


def _is_alive(owner: str, alive_at: float | None) -> bool:
    """Tell whether a lease still holds: its process runs on this machine, or gave a sign of life lately."""
    host, pid, _ = owner.split("/")
    if host == socket.gethostname() and os.name == "posix":
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return alive_at is not None and time.time() - alive_at < LEASE_S


def _row(entry: Entry) -> list[Any]:
    stamped = {"changed_at": entry.changed_at or now()}
    return [
        stamped.get(name) or (_json(getattr(entry, name)) if name in _JSON_COLUMNS else getattr(entry, name))
        for name in _ENTRY_COLUMNS
    ]


def _entry(row: Sequence[Any]) -> Entry:
    values: Mapping[str, Any] = dict(zip(_ENTRY_COLUMNS, row, strict=True))
    parsed = {name: None if values[name] is None else orjson.loads(values[name]) for name in _JSON_COLUMNS}
    return Entry(**{**values, **parsed})


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
