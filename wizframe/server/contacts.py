"""The five operations on a customer's contacts.

Decided here, as the documents are silent:

- **PUT replaces the whole contact**: what is missing is erased, also a required field; what is there must be valid.
- Setting ``is_default`` clears the flag of the customer's other contacts, whose ``updated_at`` moves with it.
- A write that changes nothing does not move ``updated_at``. The customer's own ``updated_at`` never moves with a
  contact's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from wizframe.server.account import changed
from wizframe.server.identity import record_id
from wizframe.server.messages import ApiError, Response
from wizframe.server.parameters import Query
from wizframe.server.rules import RULES

if TYPE_CHECKING:
    from wizframe.server.account import Account
    from wizframe.server.messages import Record, Request
    from wizframe.server.rules import Path

__all__ = ["BLANK", "Contacts"]

BLANK: Record = {name: {"flag": False, "attributes": []}.get(rule.kind) for name, rule in RULES["contacts"].items()}
"""A contact of which nothing is known."""


class Contacts:
    """Carry out what is asked about contacts.

    Parameters
    ----------
    account : Account
        The data and the dialect.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.store
        self._spelling = account.spelling

    def listing(self, request: Request, customer_id: str) -> Response:
        """Answer ``GET /customers/{customer_id}/contacts``.

        Parameters
        ----------
        request : Request
            The request.
        customer_id : str
            From the path.

        Returns
        -------
        Response
            200 with a page of contacts.
        """
        page = Query(request.query, self._spelling).page("contacts", self._account.page_size_cap())
        self._require_customer(customer_id)
        found = self._store.contacts_of(customer_id, page.selection)
        rows = orjson.dumps([self._spelling.contact(contact) for contact in found[page.span(len(found))]])
        body = self._spelling.page(rows, total=len(found), page=page.number, page_size=page.size)
        return Response(200, body)

    def get(self, _request: Request, customer_id: str, contact_id: str) -> Response:
        """Answer ``GET /customers/{customer_id}/contacts/{contact_id}``.

        Parameters
        ----------
        customer_id, contact_id : str
            From the path.

        Returns
        -------
        Response
            200 with the contact.
        """
        return self._answer(200, self._found(customer_id, contact_id))

    def create(self, request: Request, customer_id: str) -> Response:
        """Answer ``POST /customers/{customer_id}/contacts``.

        Parameters
        ----------
        request : Request
            The request.
        customer_id : str
            From the path.

        Returns
        -------
        Response
            201 with the contact, which is active.
        """
        body = request.json_object()
        with self._store.writing():
            self._require_customer(customer_id)
            values = self._account.checked("contacts", body, creating=True)
            contact_id = self.add(customer_id, values, at=())
            return self._answer(201, self._found(customer_id, contact_id))

    def update(self, request: Request, customer_id: str, contact_id: str) -> Response:
        """Answer ``PUT /customers/{customer_id}/contacts/{contact_id}``.

        Parameters
        ----------
        request : Request
            The request.
        customer_id, contact_id : str
            From the path.

        Returns
        -------
        Response
            200 with the contact as it is now.
        """
        body = request.json_object()
        with self._store.writing():
            current = self._found(customer_id, contact_id)
            values = self._account.checked("contacts", body, creating=False)
            self.replace(current, values, at=())
            return self._answer(200, self._found(customer_id, contact_id))

    def delete(self, _request: Request, customer_id: str, contact_id: str) -> Response:
        """Answer ``DELETE /customers/{customer_id}/contacts/{contact_id}``.

        Parameters
        ----------
        customer_id, contact_id : str
            From the path.

        Returns
        -------
        Response
            204, empty.
        """
        with self._store.writing():
            self._found(customer_id, contact_id)
            self._store.delete("contacts", contact_id)
        return Response(204)

    # ------------------------------------------------------------------ also used for a customer's list of contacts

    def add(self, customer_id: str, values: Record, at: Path) -> str:
        """Store a new contact.

        Parameters
        ----------
        customer_id : str
            Whose contact.
        values : dict
            Checked values by column.
        at : tuple
            Where the contact lies in the body.

        Returns
        -------
        str
            Its id.
        """
        self._require_free(customer_id, values, at)
        now = self._store.now()
        contact_id = record_id("contacts", self._store.next_row("contacts"))
        given = {"id": contact_id, "customer_id": customer_id, "status": "active"}
        self._store.insert("contacts", BLANK | values | given | {"created_at": now, "updated_at": now})
        if values.get("is_default"):
            self.make_default(customer_id, contact_id)
        return contact_id

    def replace(self, current: Record, values: Record, at: Path) -> None:
        """Overwrite a contact; what is missing in the values is erased.

        Parameters
        ----------
        current : dict
            The contact as stored.
        values : dict
            Checked values by column.
        at : tuple
            Where the contact lies in the body.
        """
        self._require_free(current["customer_id"], values, at, but=current["id"])
        whole = BLANK | values
        changes = changed(current, whole)
        if changes:
            changes["updated_at"] = self._store.now()
            self._store.update("contacts", current["id"], changes)
        if whole["is_default"]:
            self.make_default(current["customer_id"], current["id"])

    def make_default(self, customer_id: str, contact_id: str) -> None:
        """Set the flag of one contact and clear that of the customer's others.

        Parameters
        ----------
        customer_id, contact_id : str
            Which contact.
        """
        for contact in self._store.contacts_of(customer_id):
            wanted = contact["id"] == contact_id
            if contact["is_default"] != wanted:
                changes = {"is_default": wanted, "updated_at": self._store.now()}
                self._store.update("contacts", contact["id"], changes)

    # ------------------------------------------------------------------ inside

    def _answer(self, status: int, contact: Record) -> Response:
        return Response(status, self._spelling.record(self._spelling.contact(contact)))

    def _found(self, customer_id: str, contact_id: str) -> Record:
        contact = self._store.get("contacts", contact_id)
        if contact is None or contact["customer_id"] != customer_id:
            raise ApiError(404, "not_found", f"customer {customer_id!r} has no contact {contact_id!r}")
        return contact

    def _require_customer(self, customer_id: str) -> None:
        if self._store.get("customers", customer_id) is None:
            raise ApiError(404, "not_found", f"there is no customer {customer_id!r}")

    def _require_free(self, customer_id: str, values: Record, at: Path, but: str = "") -> None:
        reference = values.get("reference_id")
        if reference and self._store.reference_taken("contacts", reference, customer_id, but):
            self._account.refuse_taken((*at, "reference_id"), reference)
