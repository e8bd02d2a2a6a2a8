"""What planning and pushing look up in the service; read requests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizframe.errors import ProtocolError
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.loading.reader import Reader
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.fields import Table

__all__ = ["ServiceLookups"]


class ServiceLookups:
    """The look-ups of :class:`wizframe.planning.match.Lookups`, through a client."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def customers_by_reference(self, references: Iterable[str]) -> dict[str, Record]:
        """Find customers of both statuses by exact reference."""
        reader = Reader(self._client, CUSTOMER)
        found = reader.by_reference(sorted(references), lambda _known, _total: None)
        reader.warn_if_incomplete()
        return {record["reference_id"]: record for record in _identified(found, CUSTOMER)}

    def customers_created_since(self, moment: datetime | None) -> list[Record]:
        """List customers of both statuses that were created then or later; all of them for None."""
        reader = Reader(self._client, CUSTOMER)
        if moment is not None:
            return _identified(reader.newest(moment), CUSTOMER)
        with bar("customers", enabled=True) as show:
            found = reader.records(show)
        reader.warn_if_incomplete()
        return _identified(found, CUSTOMER)

    def customers_by_id(self, ids: Iterable[str]) -> dict[str, Record]:
        """Read details; unknown ids are absent."""
        reader = Reader(self._client, CUSTOMER)
        records = reader.details([{"id": identifier} for identifier in sorted(ids)], progress=True)
        return {record["id"]: record for record in records}

    def contacts_of(self, customer_ids: Iterable[str]) -> dict[str, list[Record]]:
        """List contacts of both statuses; unknown customers are absent."""
        ids = sorted(customer_ids)
        reader = Reader(self._client, CONTACT)
        pages = list(reader.child_pages(ids, progress=True))
        listed = {identifier: _identified(page.records, CONTACT) for identifier, page in zip(ids, pages, strict=True)}
        return {identifier: records for identifier, records in listed.items() if identifier not in reader.failures.gone}


def _identified(records: list[Record], table: Table) -> list[Record]:
    """Refuse records without an id or with an unreadable reference: a plan or a push would have to guess."""
    for record in records:
        if not isinstance(record.get("id"), str) or not record["id"]:
            raise ProtocolError(f"the service listed a {table.singular} without an id")
        if not isinstance(record.get("reference_id", ""), str | None):
            message = f"the service listed the {table.singular} {record['id']} with a reference_id that is not a text"
            raise ProtocolError(message)
    return records
