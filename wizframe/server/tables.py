"""The two tables: their columns, their indexes, and how a record becomes a row and a row a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import sqlite3

    from wizframe.server.messages import Record

__all__ = ["COLUMNS", "INDEXES", "TABLES", "decoded", "encoded"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "customers": (
        "id",
        "reference_id",
        "display_id",
        "company_name",
        "display_name",
        "first_name",
        "last_name",
        "phone",
        "email",
        "status",
        "freight_term",
        "shipping_method",
        "payment_mode",
        "payment_term",
        "assigned_sales_rep_ids",
        "assigned_price_list_id",
        "created_at",
        "updated_at",
        "addresses",
        "attributes",
    ),
    "contacts": (
        "id",
        "customer_id",
        "reference_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "designation",
        "department",
        "is_default",
        "status",
        "attributes",
        "created_at",
        "updated_at",
    ),
}
_LISTS = {"assigned_sales_rep_ids", "addresses", "attributes"}
_FLAGS = {"is_default"}

# AUTOINCREMENT: the row number, hence the id, of a deleted record is never given again.
TABLES = tuple(
    f"CREATE TABLE IF NOT EXISTS {table} (row INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(columns)})"
    for table, columns in COLUMNS.items()
)

INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS customers_id ON customers (id)",
    "CREATE INDEX IF NOT EXISTS customers_reference ON customers (reference_id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS contacts_id ON contacts (id)",
    "CREATE INDEX IF NOT EXISTS contacts_customer ON contacts (customer_id)",
    *(
        f"CREATE INDEX IF NOT EXISTS customers_by_{column} ON customers (status, {column})"
        for column in ("created_at", "updated_at", "company_name", "display_name")
    ),
)


def encoded(record: Record) -> list[Any]:
    """Make what SQLite stores.

    Parameters
    ----------
    record : dict
        Values by column.

    Returns
    -------
    list
        The values, lists as JSON.
    """
    return [orjson.dumps(value).decode() if column in _LISTS else value for column, value in record.items()]


def decoded(table: str, row: sqlite3.Row) -> Record:
    """Make a record of what SQLite stored.

    Parameters
    ----------
    table : {"customers", "contacts"}
        Which table.
    row : sqlite3.Row
        All its columns.

    Returns
    -------
    dict
        Values by column, lists and flags as such.
    """
    record = {column: row[column] for column in COLUMNS[table]}
    for column in _LISTS & record.keys():
        record[column] = orjson.loads(record[column] or "[]")
    for column in _FLAGS & record.keys():
        record[column] = bool(record[column])
    return record
