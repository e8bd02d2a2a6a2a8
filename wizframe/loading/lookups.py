"""Look records up in the service for planning and pushing. This sends read requests only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizframe.errors import ProtocolError
from wizframe.fields import is_id
from wizframe.loading.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.fields import Table

__all__ = ["ServiceLookups"]


class ServiceLookups:
    """The look-ups of :class:`wizframe.planning.match.Lookups`, through a client."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def by_reference(self, table: Table, keys: Collection[tuple[str | None, str]]) -> dict[tuple[Any, str], Record]:
        """Find records of both statuses by the parent's id and the exact reference."""
        if table.parent is not None:
            listed = self.children(table, {parent for parent, _ in keys if parent})
            return {(parent, row.get("reference_id", "")): row for parent, rows in listed.items() for row in rows}
        reader = Reader(self._client, table, progress=False, is_lookup=True)
        found = reader.by_reference(sorted({reference for _, reference in keys}))
        reader.warn_if_incomplete()
        return {(None, record["reference_id"]): record for record in _identified(found, table)}

    def by_id(self, table: Table, keys: Collection[tuple[str | None, str]]) -> dict[tuple[Any, str], Record]:
        """Read records by their parent's id and their own id. Unknown records are absent."""
        if table.parent is not None:
            listed = self.children(table, {parent for parent, _ in keys if parent})
            return {(parent, row["id"]): row for parent, rows in listed.items() for row in rows}
        ids = sorted({identifier for _, identifier in keys if is_id(identifier)})
        wanted: list[Record] = [{"id": identifier} for identifier in ids]
        return {(None, record["id"]): record for record in Reader(self._client, table).details(wanted)}

    def created_since(self, table: Table, moment: datetime | None) -> list[Record]:
        """List active and inactive records created at or after a moment; without a moment, list all."""
        reader = Reader(self._client, table, is_lookup=True)
        if moment is not None:
            return _identified(reader.newest(moment), table)
        found = reader.records()
        reader.warn_if_incomplete()
        return _identified(found, table)

    def children(self, table: Table, parent_ids: Collection[str]) -> dict[str, list[Record]]:
        """List the records of both statuses that belong to the given parents. Unknown parents are absent."""
        ids = sorted(filter(is_id, parent_ids))
        reader = Reader(self._client, table, is_lookup=True)
        pages = list(reader.child_pages(ids))
        listed = {identifier: _identified(page.records, table) for identifier, page in zip(ids, pages, strict=True)}
        return {identifier: records for identifier, records in listed.items() if identifier not in reader.failures.gone}


def _identified(records: list[Record], table: Table) -> list[Record]:
    """Reject records without an id or with an unreadable reference, because a plan or push would have to guess."""
    for record in records:
        if not isinstance(record.get("id"), str) or not record["id"]:
            raise ProtocolError(f"the service listed a {table.singular} without an id")
        if not isinstance(record.get("reference_id", ""), str | None):
            message = f"the service listed the {table.singular} {record['id']} with a reference_id that is not a string"
            raise ProtocolError(message)
    return records
