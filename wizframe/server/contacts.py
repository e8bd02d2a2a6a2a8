"""The five operations on the contacts of a customer.

The documents are silent on these points, so this module decides them:

- Setting ``is_default`` clears the flag of the customer's other contacts, and moves their ``updated_at``.
- A write that changes nothing does not move ``updated_at``. A write to a contact never moves the customer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from wizframe.server.endpoints import Endpoint, changed
from wizframe.server.http_messages import ApiError, Request, Response
from wizframe.server.resources import CONTACTS, Record

if TYPE_CHECKING:
    from wizframe.server.rules import Path

__all__ = ["Contacts"]


class Contacts(Endpoint):
    """The operations on contacts."""

    resource = CONTACTS

    def list_page(self, request: Request, customer_id: str) -> Response:
        """Return 200 with a page of the customer's contacts."""
        page = self._requested_page(request)
        self._found_customer(customer_id)
        found = self._store.records_of(customer_id, "contacts", page.selection)
        rows = [self._spelling.contact(contact, "L") for contact in found[page.span(len(found))]]
        return self._list_response(orjson.dumps(rows), page, len(found))

    def get(self, _request: Request, customer_id: str, contact_id: str) -> Response:
        """Return 200 with the contact."""
        return self._response(200, customer_id, contact_id)

    def create(self, request: Request, customer_id: str) -> Response:
        """Return 201 with the new contact, which is active."""
        body = request.json_object()
        with self._store.writing():
            self._found_customer(customer_id)
            contact_id = self.add(customer_id, self._checked(body))
            return self._response(201, customer_id, contact_id)

    def update(self, request: Request, customer_id: str, contact_id: str) -> Response:
        """Return 200 with the replaced contact.

        Contract, "The PUT trap": a missing field is erased, even a required one; a field that is sent must be valid.
        """
        body = request.json_object()
        with self._store.writing():
            current = self._found(customer_id, contact_id)
            self.replace(current, self._checked(body, current))
            return self._response(200, customer_id, contact_id)

    def delete(self, _request: Request, customer_id: str, contact_id: str) -> Response:
        """Return 204."""
        with self._store.writing():
            self._found(customer_id, contact_id)
            self._store.delete("contacts", contact_id)
        return Response(204)

    # ------------------------------------------------------------------ also for the contacts in a customer's body

    def add(self, customer_id: str, values: Record, at: Path = ()) -> str:
        """Store a new contact from checked values and return its id; `at` is its path in the body."""
        self._require_free_reference(values, at=at, customer_id=customer_id)
        now = self._store.now()
        contact_id = CONTACTS.record_id(self._store.next_row("contacts"))
        own = {"id": contact_id, "customer_id": customer_id, "status": "active", "created_at": now, "updated_at": now}
        self._store.insert("contacts", CONTACTS.blank | values | own)
        if values.get("is_default"):
            self.make_default(customer_id, contact_id)
        return contact_id

    def replace(self, current: Record, values: Record, at: Path = ()) -> None:
        """Overwrite a stored contact with checked values; a field without a value is erased."""
        self._require_free_reference(values, at=at, customer_id=current["customer_id"], own_id=current["id"])
        whole = CONTACTS.blank | values
        changes = changed(current, whole)
        if changes:
            self._store.update("contacts", current["id"], changes | {"updated_at": self._store.now()})
        if whole["is_default"]:
            self.make_default(current["customer_id"], current["id"])

    def make_default(self, customer_id: str, contact_id: str) -> None:
        """Set the default flag of one contact, and clear the flag of the customer's other contacts."""
        for contact in self._store.records_of(customer_id, "contacts"):
            wanted = contact["id"] == contact_id
            if contact["is_default"] != wanted:
                changes = {"is_default": wanted, "updated_at": self._store.now()}
                self._store.update("contacts", contact["id"], changes)

    # ------------------------------------------------------------------ inside

    def _response(self, status: int, customer_id: str, contact_id: str) -> Response:
        spelled = self._spelling.contact(self._found(customer_id, contact_id), "D")
        return Response(status, self._spelling.record_body(spelled))

    def _found(self, customer_id: str, contact_id: str) -> Record:
        contact = self._store.get("contacts", contact_id)
        if contact is None or contact["customer_id"] != customer_id:
            raise ApiError(404, "not_found", f"customer {customer_id!r} has no contact {contact_id!r}")
        return contact
