"""The two dialects: the spelling and envelopes of responses, and the reading of bodies. Pure functions of records.

A stored field that never had a value is None: it is ``null`` in list rows and missing in a customer's details. A
cleared field is ``""`` in both. So clients receive all three kinds of blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.lookup_data import attribute_definition, price_list, sales_rep
from wizframe.server.resources import ADDRESSES, CONTACTS, CUSTOMERS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.server.resources import Record, Resource
    from wizframe.server.rules import Path

__all__ = ["Spelling"]


class Spelling:
    """One dialect: `rest` has snake_case and an envelope with ``data``; `sdk` has camelCase and no envelope."""

    def __init__(self, dialect: str) -> None:
        if dialect not in {"rest", "sdk"}:
            raise ValueError(f"invalid dialect {dialect!r}: use 'rest' or 'sdk'")
        self.sdk = dialect == "sdk"

    def key(self, name: str) -> str:
        """Return a snake_case name in the spelling of this dialect."""
        if not self.sdk:
            return name
        first, *rest = name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    def written_key(self, name: str, *, creating: bool) -> str:
        """Return the name of a field in a body."""
        if self.sdk and creating and name == "assigned_price_list_id":
            return "assignedPriceListID"  # contract, "Two dialects": only on create; on update it ends in Id
        return self.key(name)

    def path(self, path: Path, *, creating: bool) -> str:
        """Return the path of a value in a body, such as ``contacts[0].firstName``."""
        parts = [f"[{p}]" if isinstance(p, int) else "." + self.written_key(p, creating=creating) for p in path]
        return "".join(parts).lstrip(".")

    def read(self, resource: Resource, body: Record, *, creating: bool) -> Record:
        """Return the writable fields of a body in snake_case; the items of lists keep their ``id``."""
        fields = [field for field in resource.fields if field.occurs("C" if creating else "U", sdk=self.sdk)]
        names = {self.written_key(field.name, creating=creating): field.name for field in fields}
        sent = {name: body[key] for key, name in names.items() if key in body}
        for nested in RESOURCES.keys() & sent.keys():
            if isinstance(sent[nested], list):
                sent[nested] = [self._read_item(RESOURCES[nested], item, creating=creating) for item in sent[nested]]
        return sent

    def _read_item(self, resource: Resource, item: Any, *, creating: bool) -> Any:
        if not isinstance(item, dict):
            return item
        values = self.read(resource, item, creating=creating)
        return values | ({"id": item["id"]} if "id" in item else {})

    def listed_customer(self) -> dict[str, str]:
        """Return the keys of a customer's list row, each with its stored column."""
        listed = [field for field in CUSTOMERS.fields if field.occurs("L", sdk=self.sdk)]
        return {self.key(field.read_as or field.name): field.name for field in listed}

    def customer(self, stored: Record, contacts: Iterable[Record]) -> Record:
        """Return a customer's details in the spelling of this dialect; fields without a value are left out."""
        list_id = stored["assigned_price_list_id"]
        addresses = [address | {"customer_id": stored["id"]} for address in stored["addresses"]]
        shown = stored | {
            "assigned_sales_rep_ids": [sales_rep(rep, brief=self.sdk) for rep in stored["assigned_sales_rep_ids"]],
            "assigned_price_list_id": price_list(list_id, brief=self.sdk) if list_id else None,
            "addresses": [self._spelled(ADDRESSES, address, "N") for address in addresses],
            "contacts": [self.contact(contact, "N") for contact in contacts],
            "attributes": self._attributes(stored["attributes"], "customer"),
        }
        spelled = self._spelled(CUSTOMERS, shown, "D")
        return {key: value for key, value in spelled.items() if value is not None}

    def contact(self, stored: Record, use: str) -> Record:
        """Return a contact in the spelling of this dialect: in a list row (L), details (D) or its customer (N)."""
        if self.sdk:  # `rest` shows names and values, `sdk` definitions
            stored = stored | {"attributes": self._attributes(stored["attributes"], "contact")}
        return self._spelled(CONTACTS, stored, use)

    def _spelled(self, resource: Resource, values: Record, use: str) -> Record:
        fields = [field for field in resource.fields if field.occurs(use, sdk=self.sdk)]
        return {self.key(field.read_as or field.name): values.get(field.name) for field in fields}

    def _attributes(self, stored: list[Record], entity: str) -> list[Record]:
        # The keys inside are in snake_case in both dialects [D].
        definitions = [(attribute_definition(item["name"], entity), item["value"]) for item in stored]
        if self.sdk:
            return [definition for definition, _ in definitions]
        return [{"id": d["id"], "name": d["name"], "value": value, **d} for d, value in definitions]

    def record_body(self, spelled: Record) -> bytes:
        """Return a record in its envelope."""
        return orjson.dumps(spelled if self.sdk else {"data": spelled})

    def list_body(self, rows: bytes, *, page: int, page_size: int, total: int) -> bytes:
        """Return the rows of a page, a JSON list, in their envelope; `total` is the number of records on all pages."""
        if self.sdk:
            return rows
        pages = -(-total // page_size)
        pagination = {
            "total_records": total,
            "total_pages": pages,
            "current_page": page,
            "next_page": page + 1 if page < pages else None,
            "prev_page": page - 1 if page > 1 else None,
            "page_size": page_size,
        }
        return b'{"data":' + rows + b',"pagination":' + orjson.dumps(pagination) + b"}"
