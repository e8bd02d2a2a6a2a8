"""The journal of all pushes on this machine: what was planned, what was sent, and the outcomes. No HTTP here.

It is one SQLite file in the user's state folder, which only that user can read. With it, users can resume a push that
was cut off, undo a push, and trace an edit. It contains customers' data; :meth:`Journal.purge` removes them.

A change has the states ``planned → sent → done | failed | conflict | unknown``; ``unsent`` is stored as ``planned``.
The state ``sent`` is committed before the first byte of a write leaves. So after a crash, the outcome of a change is
at worst *unknown*, and is then looked up.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from wizframe.errors import Hint, JournalError
from wizframe.processes import renew_in_child
from wizframe.pushing.journal_entries import (
    ENTRY_COLUMNS,
    PUSH_COLUMNS,
    Entry,
    PushEntry,
    from_json,
    from_row,
    new_push_id,
    now,
    to_cell,
    to_json,
    to_row,
)
from wizframe.pushing.journal_file import (
    FileState,
    as_journal_error,
    connect_file,
    forget_deleted,
    journal_path,
    open_file,
)
from wizframe.pushing.journal_lease import described, has_ended, new_owner
from wizframe.text import command

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Entry", "Journal", "PushEntry", "from_json", "journal_path", "new_push_id", "now", "to_json"]

#: In seconds. A push belongs to a process with a sign of life in this time. A busy one may miss five heartbeats.
LEASE_S = 30.0
# In seconds: how often a process that works on a push writes a sign of life.
_HEARTBEAT_S = 5.0
#: How long to watch a lease that looks old for a sign of life. Two clocks may differ, and a clock may jump, but a sign
#: of life within three heartbeats needs no clock. If the process only slept, the journal refuses its next write.
WATCH_S = 3 * _HEARTBEAT_S
# In seconds: how often a watched lease is read.
_LOOK_S = 0.25
#: Statements in one transaction. They share one wait for the disk, which takes longer than all of them.
_BATCH = 256
#: Changes in one transaction at the start of a push. It takes far less than the 5 s that other processes wait.
_PORTION = 5_000
#: Owners in this process that gave up a push, although the file could not be written and still shows them.
_dead: set[str] = set()
#: Connections of the parent process, in a forked process.
_inherited: list[sqlite3.Connection] = []


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


_INSERT_PUSH = _insert("pushes", [*PUSH_COLUMNS, "owner", "alive_at"])
_INSERT_CHANGE = _insert("changes", ["push_id", *ENTRY_COLUMNS])
_HOLDER = "SELECT owner, alive_at FROM pushes WHERE push_id = ?"
_OF_RECORD = (
    "SELECT number FROM changes WHERE push_id = ? AND id = ? "
    "UNION ALL SELECT number FROM changes WHERE push_id = ? AND id IS NULL"
)


class Journal:
    """The journal, open for writing and reading. Its file is created if it does not exist.

    Raises a JournalError if the file cannot be opened, is damaged, or was written by a newer wizframe.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or journal_path()
        self._owner = new_owner()
        self._work: queue.SimpleQueue[tuple[str, Sequence[Any], Future[int]] | None] = queue.SimpleQueue()
        self._leased: set[str] = set()
        self._closing = threading.Lock()
        self._is_closed = False
        self._connection = open_file(self.path)
        self._file = FileState(self.path)
        self._writer = threading.Thread(target=self._write, name="wizframe-journal", daemon=True)
        self._writer.start()
        renew_in_child(self)

    def renew(self) -> None:
        """Close the journal in a forked process: only the parent process works on its pushes."""
        _inherited.append(self._connection)  # closing it here would remove files that the parent process uses
        self._leased = set()
        self._closing = threading.Lock()
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the current writes, release the leases, and close the file."""
        if self._connection in _inherited:
            return
        for push_id in list(self._leased):
            with contextlib.suppress(JournalError):
                self.release(push_id)
        with self._closing:
            self._is_closed = True
            self._work.put(None)
        self._writer.join()
        self._connection.close()

    def begin(self, push: PushEntry, entries: Iterable[Entry]) -> None:
        """Commit a whole push before any change is sent, and lease it.

        A large push is written in portions, so that other processes can use the file between them. Until the last
        portion, the push counts as ended: if it is cut off here, it is not resumed.
        """
        rows = ([push.push_id, *to_row(entry)] for entry in entries)
        is_whole = False
        while not is_whole:
            portion = list(islice(rows, _PORTION))
            is_whole = len(portion) < _PORTION
            with self._direct() as connection:
                if push.push_id not in self._leased:
                    values = [getattr(push, name) for name in PUSH_COLUMNS]
                    connection.execute(_INSERT_PUSH, [*values, self._owner, time.time()])
                ended_at = None if is_whole else push.started_at
                statement = "UPDATE pushes SET ended_at = ? WHERE push_id = ? AND owner = ?"
                if not connection.execute(statement, [ended_at, push.push_id, self._owner]).rowcount:
                    raise _not_ours(push.push_id)
                connection.executemany(_INSERT_CHANGE, portion)
            self._leased.add(push.push_id)

    def record(self, push_id: str, number: int, **columns: Any) -> None:
        """Commit the outcome of a change; return when it is on disk.

        Raises a JournalError if it could not be written, or if another process has taken over the push: a machine that
        slept for longer than a lease must not continue.
        """
        self.check(push_id, self.note(push_id, number, **columns))

    def note(self, push_id: str, number: int, **columns: Any) -> Future[int]:
        """Queue the outcome of a change. It is committed with or before the next :meth:`record`."""
        values = {name: to_cell(name, value) for name, value in columns.items()}
        values["changed_at"] = now()
        settings = ", ".join(f"{name} = ?" for name in values)
        return self._hand_over(
            f"UPDATE changes SET {settings} WHERE push_id = ? AND number = ? "  # noqa: S608 - our own column names
            "AND EXISTS (SELECT * FROM pushes WHERE push_id = changes.push_id AND owner = ?)",
            [*values.values(), push_id, number, self._owner],
        )

    def check(self, push_id: str, written: Future[int]) -> None:
        """Wait until an outcome from :meth:`note` is on disk."""
        if not written.result():
            raise _not_ours(push_id)

    def end(self, push_id: str) -> None:
        """Record that every change of a push is finished, and release its lease."""
        statement = "UPDATE pushes SET ended_at = ?, owner = NULL WHERE push_id = ? AND owner = ?"
        self._submit(statement, [now(), push_id, self._owner])
        self._leased.discard(push_id)

    def lease(self, push_id: str) -> None:
        """Lease a push for this process; raise a JournalError if another running process has the lease."""
        found = list(self._read(_HOLDER, [push_id]))
        if not found:
            raise JournalError(f"the journal has no push {push_id!r}", hint=f"{command('pushes')} lists them.")
        owner, alive_at = found[0]
        is_ours = False
        if owner == self._owner or self._is_free(push_id, owner, alive_at):
            with self._direct() as connection:
                statement = (
                    "UPDATE pushes SET owner = ?, alive_at = ? WHERE push_id = ? AND owner IS ? AND alive_at IS ?"
                )
                values = [self._owner, time.time(), push_id, owner, alive_at]
                is_ours = bool(connection.execute(statement, values).rowcount)
        if not is_ours:
            raise JournalError(
                f"another process works on push {push_id}: {described(owner or 'it has just begun')}",
                hint=Hint(
                    "Wait for it, or end that process. resume(push_id) finishes another push.",
                    "Wait for it, or end that process. `wizframe resume PUSH` finishes another push.",
                ),
            )
        self._leased.add(push_id)

    def _is_free(self, push_id: str, owner: str | None, alive_at: float | None) -> bool:
        """Return whether no process works on a push: it ended, or gave no sign of life while it was watched."""
        if owner is None or owner in _dead or has_ended(owner):
            return True
        if alive_at is not None and abs(time.time() - alive_at) < LEASE_S:
            return False
        until = time.monotonic() + WATCH_S
        while time.monotonic() < until:
            time.sleep(_LOOK_S)
            if list(self._read(_HOLDER, [push_id])) != [(owner, alive_at)]:
                return False
        return True

    def release(self, push_id: str) -> None:
        """Release a lease, so that another process can continue."""
        self._leased.discard(push_id)
        try:
            self._submit("UPDATE pushes SET owner = NULL WHERE push_id = ? AND owner = ?", [push_id, self._owner])
        except JournalError:
            _dead.add(self._owner)
            raise

    def pushes(self, push_id: str | None = None) -> list[PushEntry]:
        """List all pushes, newest first, or only the given push."""
        where, values = ("WHERE push_id = ?", [push_id]) if push_id else ("", [])
        query = f"SELECT {', '.join(PUSH_COLUMNS)} FROM pushes {where} ORDER BY started_at DESC, push_id DESC"  # noqa: S608
        return [PushEntry(*row) for row in self._read(query, values)]

    def entries(self, push_id: str, *, record_id: str | None = None) -> Iterator[Entry]:
        """Return the changes of a push in order, or only those of one record."""
        query = f"SELECT {', '.join(ENTRY_COLUMNS)} FROM changes WHERE push_id = ? {{}} ORDER BY number"  # noqa: S608
        if record_id is None:
            return map(from_row, self._read(query.format(""), [push_id]))
        # An index is used, because a push may have a million changes. A new record has its id only in the response.
        rows = self._read(query.format(f"AND number IN ({_OF_RECORD})"), [push_id, push_id, record_id, push_id])
        return (entry for entry in map(from_row, rows) if entry.record_id == record_id)

    def counts(self, push_id: str) -> dict[str, int]:
        """Count the changes of a push by state; states without changes are left out."""
        return dict(self._read("SELECT state, COUNT(*) FROM changes WHERE push_id = ? GROUP BY state", [push_id]))

    def purge(self, older_than: timedelta, *, is_lost: Callable[[PushEntry], bool] = lambda _push: False) -> int:
        """Remove pushes that ended long ago, with all their data; return their number.

        ``is_lost`` returns whether an older push that has not ended can never be finished. Raises a JournalError if
        another process kept reading, because the removed data can then still be read in a file.
        """
        before = (datetime.now(UTC) - older_than).isoformat(timespec="microseconds")
        removed = self._submit("DELETE FROM pushes WHERE ended_at < ? AND owner IS NULL", [before])
        open_ones = [push for push in self.pushes() if push.ended_at is None and str(push.started_at) < before]
        lost = {push.push_id for push in open_ones if is_lost(push)}
        query = "SELECT push_id, owner, alive_at, ended_at FROM pushes WHERE ended_at < ? OR ended_at IS NULL"
        for push_id, owner, alive_at, ended_at in list(self._read(query, [before])):
            is_due = ended_at is not None or push_id in lost
            if is_due and owner != self._owner and self._is_free(push_id, owner, alive_at):
                removed += self._submit("DELETE FROM pushes WHERE push_id = ? AND owner IS ?", [push_id, owner])
        forget_deleted(self.path)
        return removed

    def _read(self, query: str, values: Sequence[Any]) -> Iterator[Any]:
        with as_journal_error(self.path), contextlib.closing(connect_file(self.path)) as connection:
            self._file.check()
            yield from connection.execute(query, values)

    @contextlib.contextmanager
    def _direct(self) -> Iterator[sqlite3.Connection]:
        """Open a separate connection for one transaction."""
        with (
            as_journal_error(self.path),
            contextlib.closing(connect_file(self.path)) as connection,
        ):
            self._file.check()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()  # does nothing if SQLite did so itself, for example because the disk is full
                raise
            connection.execute("COMMIT")

    def _submit(self, statement: str, values: Sequence[Any]) -> int:
        """Queue a statement for the writer, and wait until it is committed."""
        return self._hand_over(statement, values).result()

    def _hand_over(self, statement: str, values: Sequence[Any]) -> Future[int]:
        written: Future[int] = Future()
        with self._closing:  # a late thread must not wait for a writer that has ended
            if self._is_closed:
                raise JournalError("the journal was closed before this could be written, so nothing is sent")
            self._work.put((statement, values, written))
        return written

    def _write(self) -> None:
        """Commit the queued statements in one transaction, so that many threads share one wait for the disk."""
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
        """Wait for statements; return None when the journal is being closed."""
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
            with as_journal_error(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    counts = [self._connection.execute(statement, values).rowcount for statement, values, _ in batch]
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._connection.rollback()
                    raise
                self._file.check()  # data are safe only if the open file is still the file with this name
        except JournalError as error:
            for _, _, written in batch:
                written.set_exception(error)
            return
        for (_, _, written), count in zip(batch, counts, strict=True):
            written.set_result(count)


def _not_ours(push_id: str) -> JournalError:
    return JournalError(f"another process took push {push_id} over or removed it: nothing more is sent")
