"""Both dialects: how the server spells what it answers, and how it reads what it is sent. Pure functions of records.

A stored field that was never given is None: ``null`` in a list row, left out of a customer's details. One that was
cleared is ``""`` in both. So clients meet all three forms of blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server import catalogue
from wizframe.server.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.server.messages import Record
    from wizframe.server.rules import Path

__all__ = ["Spelling"]

LISTED = (
    "id",
    "reference_id",
    "display_id",
    "name",
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
    "created_at",
    "updated_at",
)
NOT_LISTED_IN_SDK = {"status", "freight_term"}
DETAIL_TEXTS = LISTED[:-2]  # all but the times

CONTACT = (
    "id",
    "reference_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "designation",
    "status",
    "is_default",
    "attributes",
    "created_at",
    "updated_at",
)
NESTED_CONTACT_IN_SDK = (
    "id",
    "reference_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "designation",
    "is_default",
)
ADDRESS = (
    "id",
    "customer_id",
    "reference_id",
    "first_name",
    "last_name",
    "phone",
    "email",
    "address_line_1",
    "address_line_2",
    "city",
    "state",
    "country",
    "zip_code",
    "type",
    "status",
    "is_default",
    "attributes",
    "created_at",
    "updated_at",
)
NESTED_ADDRESS_IN_SDK = (
    "id",
    "customer_id",
    "reference_id",
    "address_line_1",
    "city",
    "state",
    "country",
    "zip_code",
    "type",
    "is_default",
)

UNDOCUMENTED_IN_SDK = {"department"}
"""Fields that only `rest` has: no document names them, and a client must carry them all the same."""

NOT_CREATED_IN_SDK = {"display_id", "primary_contact_id", "default_shipping_address_id", "default_billing_address_id"}
NOT_CREATED_IN_REST = NOT_CREATED_IN_SDK - {"display_id"}


class Spelling:
    """Speak one of the two dialects.

    Parameters
    ----------
    dialect : {"rest", "sdk"}
        Snake case in a ``data`` envelope, or camel case without one.
    """

    def __init__(self, dialect: str) -> None:
        if dialect not in {"rest", "sdk"}:
            raise ValueError(f"the dialect is 'rest' or 'sdk', not {dialect!r}")
        self.sdk = dialect == "sdk"

    def key(self, name: str) -> str:
        """Spell one of our names.

        Parameters
        ----------
        name : str
            In snake case.

        Returns
        -------
        str
            The same in snake case, or in camel case.
        """
        if not self.sdk:
            return name
        first, *rest = name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    def written_key(self, name: str, *, creating: bool) -> str:
        """Spell the name under which a field is written.

        Parameters
        ----------
        name : str
            In snake case.
        creating : bool
            Whether in a create; its price list is spelled otherwise there than in an update [D].

        Returns
        -------
        str
            The name in the body.
        """
        if self.sdk and creating and name == "assigned_price_list_id":
            return "assignedPriceListID"
        return self.key(name)

    def path(self, path: Path, *, creating: bool) -> str:
        """Spell where in the body a problem lies.

        Parameters
        ----------
        path : tuple
            Names and positions.
        creating : bool
            Whether in a create.

        Returns
        -------
        str
            Such as ``contacts[0].first_name``.
        """
        parts = [f"[{p}]" if isinstance(p, int) else "." + self.written_key(p, creating=creating) for p in path]
        return "".join(parts).lstrip(".")

    # ------------------------------------------------------------------ reading a body

    def read(self, table: str, body: Record, *, creating: bool) -> Record:
        """Take from a body the fields that can be written, in our own spelling.

        Parameters
        ----------
        table : {"customers", "contacts", "addresses"}
            What is written.
        body : dict
            As sent.
        creating : bool
            Whether in a create.

        Returns
        -------
        dict
            Values by field; items of lists also keep their ``id``.
        """
        ignored = UNDOCUMENTED_IN_SDK if self.sdk else set()
        if table == "customers" and creating:
            ignored = ignored | (NOT_CREATED_IN_SDK if self.sdk else NOT_CREATED_IN_REST)
        names = {self.written_key(name, creating=creating): name for name in RULES[table] if name not in ignored}
        sent = {name: body[key] for key, name in names.items() if key in body}
        for nested in ("addresses", "contacts"):
            if isinstance(sent.get(nested), list):
                sent[nested] = [self._read_item(nested, item, creating=creating) for item in sent[nested]]
        return sent

    def _read_item(self, table: str, item: Any, *, creating: bool) -> Any:
        if not isinstance(item, dict):
            return item
        values = self.read(table, item, creating=creating)
        return values | ({"id": item["id"]} if "id" in item else {})

    # ------------------------------------------------------------------ writing an answer

    def listed(self) -> dict[str, str]:
        """Name what a customer's list row holds.

        Returns
        -------
        dict
            The stored column by key, in order.
        """
        names = [name for name in LISTED if not (self.sdk and name in NOT_LISTED_IN_SDK)]
        return {self.key(name): "company_name" if name == "name" else name for name in names}

    def customer(self, stored: Record, contacts: Iterable[Record]) -> Record:
        """Spell a customer's details.

        Parameters
        ----------
        stored : dict
            The customer as stored.
        contacts : iterable of dict
            Its contacts as stored.

        Returns
        -------
        dict
            As in the documents; fields never given are left out.
        """
        stored = stored | {"name": stored["company_name"]}
        details = {self.key(name): stored[name] for name in DETAIL_TEXTS if stored[name] is not None}
        reps = [catalogue.sales_rep(rep_id, brief=self.sdk) for rep_id in stored["assigned_sales_rep_ids"]]
        details[self.key("assigned_sales_reps")] = reps
        if stored["assigned_price_list_id"]:
            price_list = catalogue.price_list(stored["assigned_price_list_id"], brief=self.sdk)
            details[self.key("assigned_price_list")] = price_list
        details["addresses"] = [self._address(stored["id"], address) for address in stored["addresses"]]
        details["contacts"] = [self._nested_contact(contact) for contact in contacts]
        details["attributes"] = self._attributes(stored["attributes"], "customer")
        for name in ("created_at", "updated_at"):
            details[self.key(name)] = stored[name]
        return details

    def contact(self, stored: Record) -> Record:
        """Spell a contact.

        Parameters
        ----------
        stored : dict
            The contact as stored.

        Returns
        -------
        dict
            As in the documents; in `rest` with one field more that no document names.
        """
        names = CONTACT if self.sdk else (*CONTACT, *sorted(UNDOCUMENTED_IN_SDK))
        spelled = {self.key(name): stored[name] for name in names}
        if self.sdk:
            spelled["attributes"] = self._attributes(stored["attributes"], "contact")
        return spelled

    def _nested_contact(self, stored: Record) -> Record:
        if not self.sdk:
            return self.contact(stored)
        return {self.key(name): stored[name] for name in NESTED_CONTACT_IN_SDK}

    def _address(self, customer_id: str, stored: Record) -> Record:
        full = stored | {"customer_id": customer_id}
        return {self.key(name): full.get(name) for name in (NESTED_ADDRESS_IN_SDK if self.sdk else ADDRESS)}

    def _attributes(self, stored: list[Record], entity: str) -> list[Record]:
        # The keys inside are in snake case in both dialects [D].
        definitions = [(catalogue.attribute(item["name"], entity), item["value"]) for item in stored]
        if self.sdk:
            return [definition for definition, _ in definitions]
        return [{"id": d["id"], "name": d["name"], "value": value, **d} for d, value in definitions]

    def record(self, spelled: Record) -> bytes:
        """Put one record into its envelope.

        Parameters
        ----------
        spelled : dict
            The record as spelled.

        Returns
        -------
        bytes
            The body.
        """
        return orjson.dumps(spelled if self.sdk else {"data": spelled})

    def page(self, rows: bytes, *, total: int, page: int, page_size: int) -> bytes:
        """Put the rows of a page into their envelope.

        Parameters
        ----------
        rows : bytes
            A JSON list.
        total : int
            How many records there are on all pages.
        page, page_size : int
            Which page this is, and how many records a page holds.

        Returns
        -------
        bytes
            The body; `sdk` has no pagination.
        """
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
