"""What planning asks the service; read requests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizframe.errors import ProtocolError
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE
from wizframe.loading.frame import warn_incomplete
from wizframe.loading.reader import Reading
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.fields import Table

__all__ = ["ServiceLookups"]


class ServiceLookups:
    """What planning asks the service; see :class:`wizframe.planning.match.Lookups`.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def customers_by_reference(self, references: Iterable[str]) -> dict[str, Record]:
        """Find customers of both statuses by exact reference."""
        reading = Reading(self._client, CUSTOMER, {}, MAX_PAGE_SIZE, None)
        found = reading.customers_by_reference(sorted(references), lambda _known, _total: None)
        warn_incomplete(reading)
        return {record["reference_id"]: record for record in _named(found, CUSTOMER)}

    def customers_created_since(self, moment: datetime | None) -> list[Record]:
        """List customers of both statuses that were created then or later; all of them for None."""
        reading = Reading(self._client, CUSTOMER, {}, MAX_PAGE_SIZE, None)
        if moment is not None:
            return _named(reading.newest_customers(moment), CUSTOMER)
        with bar("customers", enabled=True) as show:
            found = reading.customers(show)
        warn_incomplete(reading)
        return _named(found, CUSTOMER)

    def customers_by_id(self, ids: Iterable[str]) -> dict[str, Record]:
        """Read details; unknown ids are absent."""
        reading = Reading(self._client, CUSTOMER, {}, MAX_PAGE_SIZE, None)
        records = reading.details([{"id": identifier} for identifier in sorted(ids)], progress=True)
        return {record["id"]: record for record in records}

    def contacts_of(self, customer_ids: Iterable[str]) -> dict[str, list[Record]]:
        """List contacts of both statuses; unknown customers are absent."""
        ids = sorted(customer_ids)
        reading = Reading(self._client, CONTACT, {}, MAX_PAGE_SIZE, None)
        listed: dict[str, list[Record]] = {identifier: [] for identifier in ids}
        for record in _named(reading.contacts(ids, progress=True), CONTACT):
            listed[record["customer_id"]].append(record)
        return {identifier: rows for identifier, rows in listed.items() if identifier not in reading.failures.gone}


def _named(records: list[Record], table: Table) -> list[Record]:
    """Refuse records that cannot be told apart: what a plan or a push decides by them would be a guess."""
    for record in records:
        if not isinstance(record.get("id"), str) or not record["id"]:
            raise ProtocolError(f"the service listed a {table.singular} without an id")
        if not isinstance(record.get("reference_id", ""), str | None):
            raise ProtocolError(f"the service listed a {table.singular}, {record['id']}, whose reference_id is no text")
    return records
