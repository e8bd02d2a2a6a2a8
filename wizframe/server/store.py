# Tables and columns in the SQL below come from `tables.COLUMNS`, never from a request, whose values are always bound.
# ruff: noqa: S608
"""The data in SQLite, and nothing about HTTP, spelling or rules.

One connection under one lock: every answer is one moment's truth, and the lock costs little, since a whole page is
put together inside SQLite in a third of a millisecond.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading
from array import array
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.tables import COLUMNS, INDEXES, TABLES, decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wizframe.server.messages import Record
    from wizframe.server.parameters import Page, Selection

__all__ = ["Store"]

_ORDERS_KEPT = 32
_PAGES_KEPT_BYTES = 64_000_000
"""Pages of a list that is read again are not put together again; so many bytes hold 140,000 customers."""


class Store:
    """Hold customers and contacts, from bulk loading to single writes.

    Parameters
    ----------
    path : Path, optional
        The database file; None for a private temporary one, which SQLite keeps in memory while it is small.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._orders: dict[Selection, array[int]] = {}
        self._pages: dict[tuple[Page, tuple[str, ...]], tuple[bytes, int]] = {}
        self._pages_bytes = 0
        self._db = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # Speed over durability: what a crash could lose here is a toy account.
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -64000"):
            self._db.execute(f"PRAGMA {pragma}")
        for statement in TABLES:
            self._db.execute(statement)
        if self.count("customers"):
            self._index()
        self._latest = self._db.execute("SELECT max(updated_at) FROM customers").fetchone()[0] or ""

    def close(self) -> None:
        """Close the database; a private one is gone with it."""
        with self._lock:
            self._db.close()

    # ------------------------------------------------------------------ the clock

    def now(self) -> str:
        """Tell the time for a write.

        Returns
        -------
        str
            UTC to the second; never before the newest time in the account, whatever the machine's clock does.
        """
        with self._lock:
            self._latest = max(self._latest, dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            return self._latest

    # ------------------------------------------------------------------ writing

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for a group of reads and writes, all of which happen or none.

        Yields
        ------
        None
            Raise inside to undo.
        """
        with self._lock:
            # A savepoint is a transaction where there is none, and can be within one where there is.
            self._db.execute("SAVEPOINT writing")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK TO writing")
                raise
            finally:
                self._db.execute("RELEASE writing")

    @contextlib.contextmanager
    def rehearsing(self) -> Iterator[None]:
        """Hold the lock for a group of writes, none of which is kept; the row numbers that they took are used up.

        Yields
        ------
        None
            Write inside.
        """
        with self._lock:
            self._db.execute("SAVEPOINT rehearsing")
            try:
                yield
            finally:
                taken = self._db.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
                self._db.execute("ROLLBACK TO rehearsing")
                self._db.execute("DELETE FROM sqlite_sequence")
                self._db.executemany("INSERT INTO sqlite_sequence VALUES (?, ?)", taken)
                self._db.execute("RELEASE rehearsing")

    def next_row(self, table: str) -> int:
        """Tell the number that the next record will have.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.

        Returns
        -------
        int
            Above every number ever given.
        """
        found = self._one("SELECT seq FROM sqlite_sequence WHERE name = ?", table)
        return 1 + (found["seq"] if found else 0)

    def insert(self, table: str, record: Record) -> None:
        """Add one record.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        record : dict
            Values by column; missing ones stay NULL.
        """
        self._execute(
            f"INSERT INTO {table} ({', '.join(record)}) VALUES ({', '.join('?' * len(record))})",
            *encoded(record),
        )
        self._forget_orders(table, set(COLUMNS[table]))

    def update(self, table: str, record_id: str, changes: Record) -> None:
        """Change columns of one record.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        record_id : str
            Its id.
        changes : dict
            New values by column.
        """
        assignments = ", ".join(f"{column} = ?" for column in changes)
        self._execute(f"UPDATE {table} SET {assignments} WHERE id = ?", *encoded(changes), record_id)
        self._forget_orders(table, set(changes))

    def delete(self, table: str, record_id: str) -> None:
        """Remove one record, and with a customer its contacts.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        record_id : str
            Its id.
        """
        if table == "customers":
            self._execute("DELETE FROM contacts WHERE customer_id = ?", record_id)
        self._execute(f"DELETE FROM {table} WHERE id = ?", record_id)
        self._forget_orders(table, set(COLUMNS[table]))

    def overwrite(self, table: str, record_id: str, columns: Record) -> None:
        """Store values past every rule.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        record_id : str
            Its id.
        columns : dict
            New values by column; ``updated_at`` moves unless it is among them.

        Raises
        ------
        KeyError
            If there is no such table, record or column.
        """
        unknown = sorted(set(columns) - set(COLUMNS[table]) | set(columns) & {"id"})
        if unknown:
            raise KeyError(f"{table} have no column {unknown[0]!r} that can be overwritten")
        with self.writing():
            if self.get(table, record_id) is None:
                raise KeyError(f"there is no record {record_id!r} among the {table}")
            self.update(table, record_id, {"updated_at": self.now(), **columns})

    def load(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add many records at once, lists already encoded as JSON.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        rows : iterable of tuple
            Values in the order of `COLUMNS`.
        """
        names = COLUMNS[table]
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._db.executemany(statement, rows)

    def loaded(self) -> None:
        """Finish bulk loading: build the indexes, which costs less afterwards than along the way."""
        with self._lock:
            self._index()
            self._orders.clear()
            self._latest = self._db.execute("SELECT max(updated_at) FROM customers").fetchone()[0] or ""

    # ------------------------------------------------------------------ reading

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock for a group of reads, so that no write falls between them.

        Yields
        ------
        None
            Read inside.
        """
        with self._lock:
            yield

    def count(self, table: str) -> int:
        """Count the records of a table.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.

        Returns
        -------
        int
            Of both statuses.
        """
        with self._lock:
            return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def get(self, table: str, record_id: str) -> Record | None:
        """Read one record.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        record_id : str
            Its id.

        Returns
        -------
        dict or None
            Every column, or None if there is no such record.
        """
        found = self._one(f"SELECT * FROM {table} WHERE id = ?", record_id)
        return None if found is None else decoded(table, found)

    def contacts_of(self, customer_id: str, selection: Selection | None = None) -> list[Record]:
        """Read the contacts of a customer.

        Parameters
        ----------
        customer_id : str
            The customer's id.
        selection : Selection, optional
            Which of them, in which order; None for all of them as inserted.

        Returns
        -------
        list of dict
            In ascending order.
        """
        condition, values = selection.condition() if selection else ("1", [])
        order = f"{selection.sort_by}, row" if selection else "row"
        query = f"SELECT * FROM contacts WHERE customer_id = ? AND {condition} ORDER BY {order}"
        with self._lock:
            return [decoded("contacts", row) for row in self._db.execute(query, (customer_id, *values))]

    def records(self, table: str) -> list[Record]:
        """Read a whole table.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.

        Returns
        -------
        list of dict
            As inserted, every column.
        """
        if table not in COLUMNS:
            raise KeyError(f"there is no table {table!r}: the tables are {', '.join(COLUMNS)}")
        with self._lock:
            return [decoded(table, row) for row in self._db.execute(f"SELECT * FROM {table} ORDER BY row")]

    def reference_taken(self, table: str, reference: str, customer_id: str | None, but: str = "") -> bool:
        """Look whether a reference belongs to another record already, of either status.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which table.
        reference : str
            The reference.
        customer_id : str, optional
            The customer within which it must be unique; None for the whole account.
        but : str, default ""
            The id of the record that may have it.

        Returns
        -------
        bool
            True if it is taken.
        """
        query = f"SELECT 1 FROM {table} WHERE reference_id = ? AND id <> ?"
        if customer_id is None:
            return self._one(query, reference, but) is not None
        return self._one(f"{query} AND customer_id = ?", reference, but, customer_id) is not None

    def customer_page(self, page: Page, keys: dict[str, str]) -> tuple[bytes, int]:
        """Put together one page of the list of customers.

        Parameters
        ----------
        page : Page
            Which records.
        keys : dict
            The column behind each key of a list row.

        Returns
        -------
        tuple of bytes and int
            A JSON list, and how many records the selection holds on all pages.
        """
        with self._lock:
            found = self._pages.get((page, tuple(keys)))
            if found is None:
                order = self._order(page.selection)
                rows = order[page.span(len(order))].tolist()
                found = self._page(rows, keys), len(order)
                self._pages_bytes += len(found[0])
                if self._pages_bytes > _PAGES_KEPT_BYTES:
                    self._forget_pages()
                self._pages[page, tuple(keys)] = found
            return found

    def _page(self, rows: list[int], keys: dict[str, str]) -> bytes:
        pairs = ", ".join(f"'{key}', c.{column}" for key, column in keys.items())
        # One statement and one result: fetched row by row, each row would hand the GIL to another thread and back.
        query = (
            f"SELECT group_concat(line) FROM (SELECT json_object({pairs}) AS line "
            "FROM json_each(?) AS wanted CROSS JOIN customers AS c ON c.row = wanted.value ORDER BY wanted.key)"
        )
        lines = self._db.execute(query, (orjson.dumps(rows).decode(),)).fetchone()[0]
        return f"[{lines or ''}]".encode()

    def _forget_pages(self) -> None:
        self._pages.clear()
        self._pages_bytes = 0

    # ------------------------------------------------------------------ orders

    def _order(self, selection: Selection) -> array[int]:
        """Row numbers of a selection in ascending order: with them a deep page costs no more than the first."""
        order = self._orders.get(selection)
        if order is None:
            condition, values = selection.condition()
            query = f"SELECT row FROM customers WHERE {condition} ORDER BY {selection.sort_by}, row"
            order = array("q", (row[0] for row in self._db.execute(query, values)))
            if len(self._orders) >= _ORDERS_KEPT:
                del self._orders[next(iter(self._orders))]
            self._orders[selection] = order
        return order

    def _forget_orders(self, table: str, columns: set[str]) -> None:
        """Drop the orders that a write to these columns may change; a walk by creation survives all edits."""
        if table != "customers":
            return
        self._forget_pages()
        for selection in list(self._orders):
            uses = {"status", selection.sort_by, *(bound[0] for bound in selection.bounds)}
            if selection.references is not None:
                uses.add("reference_id")
            if uses & columns:
                del self._orders[selection]

    # ------------------------------------------------------------------ SQL

    def _index(self) -> None:
        for statement in INDEXES:
            self._db.execute(statement)

    def _execute(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._db.execute(statement, values)

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(query, values).fetchone()
            return found
