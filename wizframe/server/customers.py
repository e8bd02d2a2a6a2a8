"""The five operations on customers.

Decided here, as the documents are silent:

- The details hold all contacts, of both statuses, in the order of insertion.
- Lists are replaced whole. An item that carries the ``id`` of one that exists keeps it, with its status and
  ``created_at``; an id that is not the customer's own is refused. What is not in the list is deleted.
- Of several default addresses of one type, or default contacts, the last wins.
- A new customer without a ``display_id`` gets one.
- A PATCH that changes nothing does not move ``updated_at``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from wizframe.server import catalogue
from wizframe.server.account import changed
from wizframe.server.identity import record_id
from wizframe.server.messages import ApiError, Response
from wizframe.server.parameters import Query
from wizframe.server.rules import RULES, Problem

if TYPE_CHECKING:
    from wizframe.server.account import Account
    from wizframe.server.contacts import Contacts
    from wizframe.server.messages import Record, Request

__all__ = ["BLANK_ADDRESS", "NOT_COLUMNS", "Customers"]

NOT_COLUMNS = {"contacts", "primary_contact_id", "default_shipping_address_id", "default_billing_address_id"}
"""Fields that are written on a customer and stored elsewhere."""

BLANK_ADDRESS: Record = {
    name: {"flag": False, "attributes": []}.get(rule.kind) for name, rule in RULES["addresses"].items()
}


class Customers:
    """Carry out what is asked about customers.

    Parameters
    ----------
    account : Account
        The data and the dialect.
    contacts : Contacts
        Carries out what a customer's body says about its contacts.
    """

    def __init__(self, account: Account, contacts: Contacts) -> None:
        self._account = account
        self._store = account.store
        self._spelling = account.spelling
        self._contacts = contacts
        self._listed = account.spelling.listed()

    def listing(self, request: Request) -> Response:
        """Answer ``GET /customers``.

        Parameters
        ----------
        request : Request
            The request.

        Returns
        -------
        Response
            200 with a page of customers.
        """
        page = Query(request.query, self._spelling).page("customers", self._account.page_size_cap())
        rows, total = self._store.customer_page(page, self._listed)
        return Response(200, self._spelling.page(rows, total=total, page=page.number, page_size=page.size))

    def get(self, _request: Request, customer_id: str) -> Response:
        """Answer ``GET /customers/{id}``.

        Parameters
        ----------
        customer_id : str
            From the path.

        Returns
        -------
        Response
            200 with the details.
        """
        return self._answer(200, customer_id)

    def create(self, request: Request) -> Response:
        """Answer ``POST /customers``.

        Parameters
        ----------
        request : Request
            The request.

        Returns
        -------
        Response
            201 with the details of the new customer, which is active.
        """
        values = self._account.checked("customers", request.json_object(), creating=True)
        with self._store.writing():
            self._require_links(values, creating=True)
            self._require_free(values)
            now, row = self._store.now(), self._store.next_row("customers")
            customer_id = record_id("customers", row)
            record: Record = {"display_id": f"C{row:05d}", "assigned_sales_rep_ids": [], "attributes": []}
            record |= {name: value for name, value in values.items() if name not in NOT_COLUMNS}
            record["addresses"] = self._addresses([], values.get("addresses", []), now, creating=True)
            given = {"id": customer_id, "status": "active", "created_at": now, "updated_at": now}
            self._store.insert("customers", record | given)
            self._replace_contacts(customer_id, values.get("contacts", []), creating=True)
            return self._answer(201, customer_id)

    def update(self, request: Request, customer_id: str) -> Response:
        """Answer ``PATCH /customers/{id}``.

        Parameters
        ----------
        request : Request
            The request.
        customer_id : str
            From the path.

        Returns
        -------
        Response
            201 with the details, as the documents have it.
        """
        body = request.json_object()
        with self._store.writing():
            current = self._found(customer_id)
            contacts_before = self._store.contacts_of(customer_id)
            values = self._account.checked("customers", body, creating=False)
            self._require_links(values, creating=False)
            self._require_free(values, but=customer_id)
            wanted: Record = {name: value for name, value in values.items() if name not in NOT_COLUMNS}
            now = self._store.now()
            if "addresses" in values:
                wanted["addresses"] = self._addresses(current["addresses"], values["addresses"], now, creating=False)
            wanted |= self._default_addresses((current | wanted)["addresses"], values, now)
            if "contacts" in values:
                self._replace_contacts(customer_id, values["contacts"], creating=False)
            self._set_primary(customer_id, values)
            changes = changed(current, wanted)
            if changes or contacts_before != self._store.contacts_of(customer_id):
                self._store.update("customers", customer_id, changes | {"updated_at": now})
            return self._answer(201, customer_id)

    def delete(self, _request: Request, customer_id: str) -> Response:
        """Answer ``DELETE /customers/{id}``: its contacts go with it.

        Parameters
        ----------
        customer_id : str
            From the path.

        Returns
        -------
        Response
            204, empty.
        """
        with self._store.writing():
            self._found(customer_id)
            self._store.delete("customers", customer_id)
        return Response(204)

    # ------------------------------------------------------------------ what must hold

    def _found(self, customer_id: str) -> Record:
        customer = self._store.get("customers", customer_id)
        if customer is None:
            raise ApiError(404, "not_found", f"there is no customer {customer_id!r}")
        return customer

    def _answer(self, status: int, customer_id: str) -> Response:
        with self._store.reading():
            details = self._spelling.customer(self._found(customer_id), self._store.contacts_of(customer_id))
        return Response(status, self._spelling.record(details))

    def _require_free(self, values: Record, but: str = "") -> None:
        reference = values.get("reference_id")
        if reference and self._store.reference_taken("customers", reference, None, but):
            self._account.refuse_taken(("reference_id",), reference)

    def _require_links(self, values: Record, *, creating: bool) -> None:
        problems = [
            Problem(("assigned_sales_rep_ids", index), f"there is no sales rep {rep_id!r}")
            for index, rep_id in enumerate(values.get("assigned_sales_rep_ids", []))
            if rep_id not in catalogue.SALES_REPS
        ]
        price_list = values.get("assigned_price_list_id")
        if price_list and price_list not in catalogue.PRICE_LISTS:
            problems.append(Problem(("assigned_price_list_id",), f"there is no price list {price_list!r}"))
        self._account.refuse(problems, creating=creating)

    # ------------------------------------------------------------------ addresses

    def _addresses(self, before: list[Record], items: list[Record], now: str, *, creating: bool) -> list[Record]:
        known = {} if creating else {address["id"]: address for address in before}
        self._require_own("addresses", items, known, creating=creating)
        addresses: list[Record] = []
        for item in items:
            old = known.get(item.get("id", ""), {})
            given = {"id": f"addr_{uuid4().hex[:10]}", "status": "active", "created_at": now, "updated_at": now}
            address = given | old | BLANK_ADDRESS | item
            if creating:
                address["id"] = given["id"]
            if old and address != old:
                address["updated_at"] = now
            addresses.append(address)
        for address in [a for a in addresses if a["is_default"]]:
            addresses = _with_default(addresses, address["id"], now)
        return addresses

    def _default_addresses(self, addresses: list[Record], values: Record, now: str) -> Record:
        """Set the default flags that an update names by id; nothing if it names none."""
        named = [name for name in ("default_shipping_address_id", "default_billing_address_id") if name in values]
        for name in named:
            if values[name] not in {address["id"] for address in addresses}:
                problem = Problem((name,), "must be the id of one of the customer's addresses")
                self._account.refuse([problem], creating=False)
            addresses = _with_default(addresses, values[name], now)
        return {"addresses": addresses} if named else {}

    # ------------------------------------------------------------------ contacts

    def _replace_contacts(self, customer_id: str, items: list[Record], *, creating: bool) -> None:
        before = {} if creating else {contact["id"]: contact for contact in self._store.contacts_of(customer_id)}
        self._require_own("contacts", items, before, creating=creating)
        kept = {item["id"] for item in items if item.get("id") in before}
        for contact_id in before.keys() - kept:
            self._store.delete("contacts", contact_id)
        for index, item in enumerate(items):
            values = {name: value for name, value in item.items() if name != "id"}
            if item.get("id") in before:
                current = self._store.get("contacts", item["id"])
                self._contacts.replace(current or before[item["id"]], values, at=("contacts", index))
            else:
                self._contacts.add(customer_id, values, at=("contacts", index))

    def _set_primary(self, customer_id: str, values: Record) -> None:
        if "primary_contact_id" not in values:
            return
        contact_id = values["primary_contact_id"]
        if contact_id not in {contact["id"] for contact in self._store.contacts_of(customer_id)}:
            problem = Problem(("primary_contact_id",), "must be the id of one of the customer's contacts")
            self._account.refuse([problem], creating=False)
        self._contacts.make_default(customer_id, contact_id)

    def _require_own(self, name: str, items: list[Record], known: Record, *, creating: bool) -> None:
        if creating:
            return
        problems = [
            Problem((name, index, "id"), "must be the id of one of the customer's own")
            for index, item in enumerate(items)
            if item.get("id") and item["id"] not in known
        ]
        self._account.refuse(problems, creating=creating)


def _with_default(addresses: list[Record], address_id: str, now: str) -> list[Record]:
    """Set one address's flag and clear those of its type."""
    chosen = next(address for address in addresses if address["id"] == address_id)
    result = []
    for address in addresses:
        wanted = address["id"] == address_id
        if address["type"] == chosen["type"] and address["is_default"] != wanted:
            address = address | {"is_default": wanted, "updated_at": now}  # noqa: PLW2901
        result.append(address)
    return result
