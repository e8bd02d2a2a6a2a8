# The tables and columns in the SQL below come from `resources`, never from a request. Values are always bound.
# ruff: noqa: S608
"""The data in SQLite. This module does not know HTTP, spelling or rules.

There is one connection with one lock, so every response shows one moment. The lock costs little: SQLite builds a whole
page in a third of a millisecond.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading
from array import array
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.resources import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wizframe.server.list_parameters import Page, Selection
    from wizframe.server.resources import Record, Resource

__all__ = ["Store"]

# An order takes 8 bytes per customer. Without time filters there are eight orders: two statuses, four columns.
_ORDERS_KEPT = 32

# Pages are kept for lists that are read again. 64 MB are enough for the pages of 140,000 customers.
_PAGES_KEPT_BYTES = 64_000_000


class Store:
    """The records of an account. Without a `path`, the database is private, and in memory while it is small."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._orders: dict[Selection, array[int]] = {}
        self._pages: dict[tuple[Page, tuple[str, ...]], tuple[bytes, int]] = {}
        self._pages_bytes = 0
        self._db = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # Speed matters more than durability: a crash can only lose generated data.
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -64000"):
            self._db.execute(f"PRAGMA {pragma}")
        for resource in TABLES.values():
            # With AUTOINCREMENT, the row number of a deleted record, and so its id, is never used again.
            columns = f"row INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(resource.columns)}"
            self._db.execute(f"CREATE TABLE IF NOT EXISTS {resource.name} ({columns})")
        self._latest = ""
        if self.count("customers"):
            self.loaded()

    def close(self) -> None:
        """Close the database; a private one is deleted."""
        with self._lock:
            self._db.close()

    def now(self) -> str:
        """Return the time of a write in UTC. It is never earlier than the newest time in the account."""
        with self._lock:
            self._latest = max(self._latest, dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            return self._latest

    # ------------------------------------------------------------------ writing

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for reads and writes that belong together. An error undoes all of them."""
        with self._lock:
            # A savepoint is a transaction that may be inside another one, such as a rehearsal.
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
        """Hold the lock for writes that are all undone. The row numbers that they used are not used again."""
        with self._lock:
            self._db.execute("SAVEPOINT rehearsing")
            try:
                yield
            finally:
                used = self._db.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
                self._db.execute("ROLLBACK TO rehearsing")
                self._db.execute("DELETE FROM sqlite_sequence")
                self._db.executemany("INSERT INTO sqlite_sequence VALUES (?, ?)", used)
                self._db.execute("RELEASE rehearsing")
                self._orders.clear()  # orders that were read in the meantime may contain writes that are undone
                self._forget_pages()

    def next_row(self, table: str) -> int:
        """Return the row number of the next record, higher than all numbers that were ever used."""
        found = self._one("SELECT seq FROM sqlite_sequence WHERE name = ?", table)
        return 1 + (found["seq"] if found else 0)

    def insert(self, table: str, record: Record) -> None:
        """Add a record; a column without a value is NULL."""
        statement = f"INSERT INTO {table} ({', '.join(record)}) VALUES ({', '.join('?' * len(record))})"
        self._execute(statement, *_encoded(TABLES[table], record))
        self._forget_orders(table, set(TABLES[table].columns))

    def update(self, table: str, record_id: str, changes: Record) -> None:
        """Change columns of a record."""
        assignments = ", ".join(f"{column} = ?" for column in changes)
        values = _encoded(TABLES[table], changes)
        self._execute(f"UPDATE {table} SET {assignments} WHERE id = ?", *values, record_id)
        self._forget_orders(table, set(changes))

    def delete(self, table: str, record_id: str) -> None:
        """Delete a record. With a customer, its contacts are deleted, too."""
        if table == "customers":
            for resource in TABLES.values():
                if resource.belongs_to_customer:
                    self._execute(f"DELETE FROM {resource.name} WHERE customer_id = ?", record_id)
        self._execute(f"DELETE FROM {table} WHERE id = ?", record_id)
        self._forget_orders(table, set(TABLES[table].columns))

    def rows_of(self, table: str, customer_id: str) -> list[tuple[Any, ...]]:
        """Return a customer's own row, or the rows of its records, with row numbers for `put_back`."""
        key = "customer_id" if TABLES[table].belongs_to_customer else "id"
        with self._lock:
            return [tuple(row) for row in self._db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (customer_id,))]

    def put_back(self, table: str, customer_id: str, rows: list[tuple[Any, ...]], free_row: int) -> None:
        """Store the rows that a customer had when `free_row` was the next row number of the table."""
        key = "customer_id" if TABLES[table].belongs_to_customer else "id"
        self._execute(f"DELETE FROM {table} WHERE {key} = ? OR row >= ?", customer_id, free_row)
        for row in rows:
            self._execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)
        self._forget_orders(table, set(TABLES[table].columns))

    def overwrite(self, table: str, record_id: str, columns: Record) -> None:
        """Store values without any check; `updated_at` is set to the current time unless it is among them."""
        allowed = [column for column in _resource(table).columns if column != "id"]
        unknown = sorted(set(columns) - set(allowed))
        if unknown:
            raise KeyError(f"{table} have no column {unknown[0]!r} to overwrite: use one of {', '.join(allowed)}")
        with self.writing():
            if self.get(table, record_id) is None:
                raise KeyError(f"{record_id!r} does not exist in {table}")
            self.update(table, record_id, {"updated_at": self.now(), **columns})

    def load(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add many rows in the order of the columns, with lists as JSON; call `loaded` after the last ones."""
        names = TABLES[table].columns
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._db.executemany(statement, rows)

    def loaded(self) -> None:
        """Create the indexes. This costs less after the load than during it."""
        with self._lock:
            for resource in TABLES.values():
                for statement in _indexes(resource):
                    self._db.execute(statement)
            self._orders.clear()
            self._latest = self._db.execute("SELECT max(updated_at) FROM customers").fetchone()[0] or ""

    # ------------------------------------------------------------------ reading

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock for several reads, so that no write comes between them."""
        with self._lock:
            yield

    def count(self, table: str) -> int:
        """Count the records of a table, active and inactive."""
        with self._lock:
            return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def get(self, table: str, record_id: str) -> Record | None:
        """Return a record with all columns, or None if it does not exist."""
        found = self._one(f"SELECT * FROM {table} WHERE id = ?", record_id)
        return None if found is None else _decoded(TABLES[table], found)

    def records(self, table: str) -> list[Record]:
        """Return a whole table in the order of insertion."""
        resource = _resource(table)
        with self._lock:
            return [_decoded(resource, row) for row in self._db.execute(f"SELECT * FROM {table} ORDER BY row")]

    def records_of(self, customer_id: str, table: str, selection: Selection | None = None) -> list[Record]:
        """Return the records of a customer: all in the order of insertion, or a selection in its ascending order."""
        condition, values = selection.condition() if selection else ("1", [])
        order = f"{selection.sort_by}, row" if selection else "row"
        query = f"SELECT * FROM {table} WHERE customer_id = ? AND {condition} ORDER BY {order}"
        with self._lock:
            return [_decoded(TABLES[table], row) for row in self._db.execute(query, (customer_id, *values))]

    def reference_taken(self, table: str, reference: str, customer_id: str | None, own_id: str) -> bool:
        """Return whether another record has a reference, whatever its status, in the customer or in the account."""
        query = f"SELECT 1 FROM {table} WHERE reference_id = ? AND id <> ?"
        if customer_id is None:
            return self._one(query, reference, own_id) is not None
        return self._one(f"{query} AND customer_id = ?", reference, own_id, customer_id) is not None

    def customer_page(self, page: Page, keys: dict[str, str]) -> tuple[bytes, int]:
        """Return a page of customers as a JSON list, and the number of customers on all pages.

        `keys` maps each key of a list row to its column.
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
        # One statement with one result, because fetching each row would hand the GIL to another thread and back.
        query = (
            f"SELECT group_concat(line) FROM (SELECT json_object({pairs}) AS line "
            "FROM json_each(?) AS wanted CROSS JOIN customers AS c ON c.row = wanted.value ORDER BY wanted.key)"
        )
        lines = self._db.execute(query, (orjson.dumps(rows).decode(),)).fetchone()[0]
        return f"[{lines or ''}]".encode()

    def _forget_pages(self) -> None:
        self._pages.clear()
        self._pages_bytes = 0

    def _order(self, selection: Selection) -> array[int]:
        """Return the row numbers of a selection in ascending order, so that a late page costs as much as page 1."""
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
        """Drop the orders that a write to these columns may change. The order by creation time survives all edits."""
        if table != "customers":
            return
        self._forget_pages()
        for selection in list(self._orders):
            used = {"status", selection.sort_by, *(bound[0] for bound in selection.bounds)}
            if selection.references is not None:
                used.add("reference_id")
            if used & columns:
                del self._orders[selection]

    def _execute(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._db.execute(statement, values)

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(query, values).fetchone()
            return found


def _resource(table: str) -> Resource:
    if table not in TABLES:
        raise KeyError(f"unknown table {table!r}: use one of {', '.join(TABLES)}")
    return TABLES[table]


def _indexes(resource: Resource) -> Iterator[str]:
    table = resource.name
    yield f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_id ON {table} (id)"
    if resource.belongs_to_customer:  # a customer has few records, which are sorted without an index
        yield f"CREATE INDEX IF NOT EXISTS {table}_customer ON {table} (customer_id)"
        return
    yield f"CREATE INDEX IF NOT EXISTS {table}_reference ON {table} (reference_id)"
    for column in resource.sort_by:
        yield f"CREATE INDEX IF NOT EXISTS {table}_by_{column} ON {table} (status, {column})"


def _encoded(resource: Resource, record: Record) -> list[Any]:
    """Return the values that SQLite stores, with lists as JSON."""
    lists = resource.list_columns
    return [orjson.dumps(value).decode() if column in lists else value for column, value in record.items()]


def _decoded(resource: Resource, row: sqlite3.Row) -> Record:
    record = {column: row[column] for column in resource.columns}
    for column in resource.list_columns:
        record[column] = orjson.loads(record[column] or "[]")
    for column in resource.flag_columns:
        record[column] = bool(record[column])
    return record
