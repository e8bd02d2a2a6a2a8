"""The five operations on customers.

The documents are silent on these points, so this module decides them:

- The details have all contacts, active and inactive, in the order of insertion.
- A list in a body replaces the stored list. An item with the ``id`` of a stored item keeps its id, status and
``created_at``. The id of another customer's item is refused. Stored items that are not in the list are deleted.
- If several addresses of a type, or several contacts, have the default flag, only the last one keeps it.
- A new customer without a ``display_id`` gets one.
- A PATCH that changes nothing does not move ``updated_at``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from wizframe.server.contacts import Contacts
from wizframe.server.endpoints import Endpoint, changed
from wizframe.server.http_messages import Request, Response
from wizframe.server.lookup_data import PRICE_LISTS, SALES_REPS
from wizframe.server.resources import ADDRESSES, CUSTOMERS, Record
from wizframe.server.rules import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizframe.server.deviations.points import Deviation
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = ["Customers"]


class Customers(Endpoint):
    """The operations on customers."""

    resource = CUSTOMERS

    def __init__(
        self,
        store: Store,
        spelling: Spelling,
        page_size_cap: Callable[[], int | None],
        deviations: Sequence[Deviation] = (),
    ) -> None:
        super().__init__(store, spelling, page_size_cap, deviations)
        self._contacts = Contacts(store, spelling, page_size_cap, deviations)
        self._listed = spelling.listed_customer()

    def list_page(self, request: Request) -> Response:
        """Return 200 with a page of customers."""
        page = self._requested_page(request)
        rows, total = self._store.customer_page(page, self._listed)
        return self._list_response(rows, page, total)

    def get(self, _request: Request, customer_id: str) -> Response:
        """Return 200 with the details."""
        return self._response(200, customer_id)

    def create(self, request: Request) -> Response:
        """Return 201 with the details of the new customer, which is active."""
        values = self._checked(request.json_object())
        with self._store.writing():
            self._require_links(values, creating=True)
            self._require_free_reference(values)
            now, row = self._store.now(), self._store.next_row("customers")
            customer_id = CUSTOMERS.record_id(row)
            default: Record = {"display_id": f"C{row:05d}", "assigned_sales_rep_ids": [], "attributes": []}
            own: Record = {"id": customer_id, "status": "active", "created_at": now, "updated_at": now}
            # In a new customer, the id of an item has no meaning.
            addresses = [_own(now) | ADDRESSES.blank | _without_id(item) for item in values.get("addresses", [])]
            own["addresses"] = _with_one_default(addresses, now)
            self._store.insert("customers", default | _stored(values) | own)
            for index, contact in enumerate(values.get("contacts", [])):
                self._contacts.add(customer_id, _without_id(contact), at=("contacts", index))
            return self._response(201, customer_id)

    def update(self, request: Request, customer_id: str) -> Response:
        """Return 201 with the details (contract, "The ten operations": not 200)."""
        body = request.json_object()
        with self._store.writing():
            current = self._found_customer(customer_id)
            contacts_before = self._store.records_of(customer_id, "contacts")
            values = self._checked(body, current)
            self._require_links(values, creating=False)
            self._require_free_reference(values, own_id=customer_id)
            wanted = _stored(values)
            now = self._store.now()
            if "addresses" in values:
                wanted["addresses"] = self._replaced_addresses(current["addresses"], values["addresses"], now)
            wanted |= self._default_addresses((current | wanted)["addresses"], values, now)
            if "contacts" in values:
                self._replace_contacts(customer_id, contacts_before, values["contacts"])
            if "primary_contact_id" in values:
                self._set_primary_contact(customer_id, values["primary_contact_id"])
            changes = changed(current, wanted)
            # A contact in the body counts as a change of the customer. A contact that is written by itself does not.
            if changes or contacts_before != self._store.records_of(customer_id, "contacts"):
                self._store.update("customers", customer_id, changes | {"updated_at": now})
            return self._response(201, customer_id)

    def delete(self, _request: Request, customer_id: str) -> Response:
        """Return 204; the contacts of the customer are deleted too."""
        with self._store.writing():
            self._found_customer(customer_id)
            self._store.delete("customers", customer_id)
        return Response(204)

    # ------------------------------------------------------------------ checks

    def _response(self, status: int, customer_id: str) -> Response:
        with self._store.reading():
            contacts = self._store.records_of(customer_id, "contacts")
            details = self._spelling.customer(self._found_customer(customer_id), contacts)
        return Response(status, self._spelling.record_body(details))

    def _require_links(self, values: Record, *, creating: bool) -> None:
        problems = [
            Problem(("assigned_sales_rep_ids", index), f"sales rep {rep_id!r} does not exist")
            for index, rep_id in enumerate(values.get("assigned_sales_rep_ids", []))
            if rep_id not in SALES_REPS
        ]
        list_id = values.get("assigned_price_list_id")
        if list_id and list_id not in PRICE_LISTS:
            problems.append(Problem(("assigned_price_list_id",), f"price list {list_id!r} does not exist"))
        self._refuse(problems, creating=creating)

    def _require_own(self, name: str, items: list[Record], stored: Record) -> None:
        """Refuse items with an id that no stored item has."""
        self._refuse(
            [
                Problem((name, index, "id"), f"must be the id of one of this customer's {name}")
                for index, item in enumerate(items)
                if item.get("id") and item["id"] not in stored
            ]
        )

    # ------------------------------------------------------------------ addresses and contacts in a body

    def _replaced_addresses(self, before: list[Record], items: list[Record], now: str) -> list[Record]:
        stored = {address["id"]: address for address in before}
        self._require_own("addresses", items, stored)
        addresses: list[Record] = []
        for item in items:
            old = stored.get(item.get("id", ""), {})
            address = _own(now) | old | ADDRESSES.blank | item
            if old and address != old:
                address["updated_at"] = now
            addresses.append(address)
        return _with_one_default(addresses, now)

    def _default_addresses(self, addresses: list[Record], values: Record, now: str) -> Record:
        """Return the addresses with the defaults that an update names by id; empty if it names none."""
        named = [name for name in ("default_shipping_address_id", "default_billing_address_id") if name in values]
        for name in named:
            kind = name.split("_")[1]  # contract, "Where the documents are silent": one of the other type is a 422
            if values[name] not in {address["id"] for address in addresses if address["type"] == kind}:
                self._refuse([Problem((name,), f"must be the id of one of this customer's {kind} addresses")])
            addresses = _with_default(addresses, values[name], now)
        return {"addresses": addresses} if named else {}

    def _replace_contacts(self, customer_id: str, before: list[Record], items: list[Record]) -> None:
        stored = {contact["id"]: contact for contact in before}
        self._require_own("contacts", items, stored)
        for contact_id in stored.keys() - {item.get("id") for item in items}:
            self._store.delete("contacts", contact_id)
        for index, item in enumerate(items):
            at = ("contacts", index)
            if item.get("id") in stored:
                # Read again, because an earlier default in the list may have cleared the flag.
                current = self._store.get("contacts", item["id"]) or stored[item["id"]]
                self._contacts.replace(current, _without_id(item), at=at)
            else:
                self._contacts.add(customer_id, _without_id(item), at=at)

    def _set_primary_contact(self, customer_id: str, contact_id: str) -> None:
        if contact_id not in {contact["id"] for contact in self._store.records_of(customer_id, "contacts")}:
            self._refuse([Problem(("primary_contact_id",), "must be the id of one of this customer's contacts")])
        self._contacts.make_default(customer_id, contact_id)


def _stored(values: Record) -> Record:
    return {name: value for name, value in values.items() if name in CUSTOMERS.columns}


def _without_id(item: Record) -> Record:
    return {name: value for name, value in item.items() if name != "id"}


def _own(now: str) -> Record:
    """Return the fields of a new address that the service sets itself."""
    address_id = f"{ADDRESSES.id_prefix}{uuid4().hex[:10]}"
    return {"id": address_id, "status": "active", "created_at": now, "updated_at": now}


def _with_one_default(addresses: list[Record], now: str) -> list[Record]:
    for address in [address for address in addresses if address["is_default"]]:
        addresses = _with_default(addresses, address["id"], now)
    return addresses


def _with_default(addresses: list[Record], address_id: str, now: str) -> list[Record]:
    """Return the addresses with one as the default; the flags of the others of its type are cleared."""
    chosen = next(address for address in addresses if address["id"] == address_id)
    result = []
    for address in addresses:
        wanted = address["id"] == address_id
        is_moved = address["type"] == chosen["type"] and address["is_default"] != wanted
        result.append(address | {"is_default": wanted, "updated_at": now} if is_moved else address)
    return result
