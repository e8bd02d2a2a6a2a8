"""Records that deviate: other types of ids, texts, flags and times, and exact numbers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from wizframe.server.deviations.points import Proceed, RecordDeviation
from wizframe.server.resources import TABLES
from wizframe.server.routes import route_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.http_messages import Request, Response
    from wizframe.server.list_parameters import Page
    from wizframe.server.resources import Record
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = [
    "ContactIdsPerCustomer",
    "ExactNumbers",
    "IntegerIds",
    "NumbersForTexts",
    "OneCreationTime",
    "Shown",
    "epoch_ms",
    "epoch_s",
]

_CREATION_TIME = "2025-01-01T00:00:00Z"
_EXACT = "exact:"
_EXACT_ATTRIBUTE = "Ledger number"


class Shown(RecordDeviation):
    """Values of the given fields, or of all fields, that are shown in another form."""

    def __init__(self, show: Callable[[Any], Any], *names: str) -> None:
        self._show = show
        self._names = names

    def record(self, record: Record, _table: str) -> Record:
        """Show the values in the other form. Blank values stay blank."""
        names = {self.spelling.key(name) for name in self._names} or record.keys()
        return {
            key: self._show(value) if key in names and value is not None else value for key, value in record.items()
        }


def epoch_s(time: str) -> int:
    """Return a time in seconds since 1970."""
    return int(dt.datetime.fromisoformat(time).timestamp())


def epoch_ms(time: str) -> int:
    """Return a time in milliseconds since 1970."""
    return 1000 * epoch_s(time)


def _number_if_digits(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,14}", value) else value


class NumbersForTexts(Shown):
    """Strings of digits that are shown and accepted as numbers."""

    def __init__(self) -> None:
        super().__init__(_number_if_digits)

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Accept numbers."""
        if request.body.startswith(b"{"):
            body = orjson.loads(request.body)
            texts = {name: str(value) if type(value) is int else value for name, value in body.items()}
            request = dataclasses.replace(request, body=orjson.dumps(texts))
        return super().respond(request, proceed)


class _OtherIds(RecordDeviation):
    """Records that are shown, and found, under other ids."""

    def shown_id(self, table: str, identifier: str) -> Any:
        """Return the shown id for the id of a stored record."""
        raise NotImplementedError

    def stored_id(self, table: str, shown: str, customer_id: str) -> str:
        """Return the id of the stored record for a shown id."""
        raise NotImplementedError

    def record(self, record: Record, table: str) -> Record:
        """Replace the ids by the shown ids."""
        shown = {"id": self.shown_id(table, record["id"])}
        key = self.spelling.key("customer_id")
        if key in record:
            shown[key] = self.shown_id("customers", record[key])
        return record | shown

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Replace the shown ids in the path by the stored ids."""
        segments = request.path.split("/")  # "", v1, customers, id, contacts, id
        if "*" in route_of(request.path):
            segments[3] = quote(self.stored_id("customers", segments[3], ""), safe="")
        if route_of(request.path).count("*") > 1:
            segments[5] = quote(self.stored_id("contacts", segments[5], segments[3]), safe="")
        return super().respond(dataclasses.replace(request, path="/".join(segments)), proceed)


class IntegerIds(_OtherIds):
    """Ids that are integers. Some are above 2^53, where a float is not exact."""

    def __init__(self, *, offset: int = 0) -> None:
        self._offset = offset

    def shown_id(self, _table: str, identifier: str) -> Any:
        """Return the number in an id such as ``cust_9e3779b97f``."""
        return int(identifier.partition("_")[2], 16) + self._offset

    def stored_id(self, table: str, shown: str, _customer_id: str) -> str:
        """Return the id that contains the number."""
        prefix = {"customers": "cust_", "contacts": "cont_"}[table]
        return f"{prefix}{int(shown) - self._offset:010x}" if shown.isdecimal() else shown


class ContactIdsPerCustomer(_OtherIds):
    """Contacts that are numbered within their customer, so that their ids are not unique."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def shown_id(self, table: str, identifier: str) -> Any:
        """Return the number of a contact; a customer keeps its id."""
        if table == "contacts" and identifier not in self._numbers:
            self._number_all()
        return self._numbers.get(identifier, identifier)

    def stored_id(self, table: str, shown: str, customer_id: str) -> str:
        """Return the id of a customer's contact."""
        self._number_all()
        return self._ids.get((customer_id, shown), shown) if table == "contacts" else shown

    def _number_all(self) -> None:
        for contact in self.store.records("contacts"):
            if contact["id"] not in self._numbers:
                customer_id = contact["customer_id"]
                number = str(1 + sum(owner == customer_id for owner, _ in self._ids))
                self._numbers[contact["id"]] = number
                self._ids[customer_id, number] = contact["id"]


class OneCreationTime(Shown):
    """Records that all have the same creation time, so that an order by it has no meaning."""

    def __init__(self) -> None:
        super().__init__(lambda _: _CREATION_TIME, "created_at")

    def page(self, page: Page) -> Page:
        """Order and filter as if all records had been created at the same time."""
        selection = page.selection
        sort_by = "row" if selection.sort_by == "created_at" else selection.sort_by
        fitting = {">": _CREATION_TIME.__gt__, "<": _CREATION_TIME.__lt__}
        own = [bound for bound in selection.bounds if bound[0] == "created_at"]
        others = tuple(bound for bound in selection.bounds if bound not in own)
        status = selection.status if all(fitting[operator](time) for _, operator, time in own) else "none"
        selection = dataclasses.replace(selection, sort_by=sort_by, bounds=others, status=status)
        return dataclasses.replace(page, selection=selection)


class ExactNumbers(RecordDeviation):
    """Records with a number attribute that a float would change, and that a client must send back unchanged.

    The store has the number as a string that begins with a mark. `sdk` lists show no values of attributes, so this
    deviation has no effect there.
    """

    def __init__(self, number: str) -> None:
        self._attribute = {"name": _EXACT_ATTRIBUTE, "value": f"{_EXACT}{number}"}

    def attach(self, store: Store, spelling: Spelling) -> None:
        """Add the attribute to all records."""
        super().attach(store, spelling)
        for table in () if spelling.sdk else TABLES:
            for record in store.records(table):
                store.update(table, record["id"], {"attributes": [*record["attributes"], self._attribute]})

    def record(self, record: Record, _table: str) -> Record:
        """Show the exact number."""
        if self.spelling.sdk or not record.get("attributes"):
            return record
        return record | {"attributes": [item | {"value": _unmarked(item["value"])} for item in record["attributes"]]}

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Accept the exact number."""
        if request.body.startswith(b"{"):
            body = json.loads(request.body, parse_int=_marked, parse_float=_marked)
            request = dataclasses.replace(request, body=orjson.dumps(_exact_only(body)))
        return super().respond(request, proceed)


def _marked(number: str) -> str:
    return f"{_EXACT}{number}"


def _exact_only(body: Any) -> Any:
    """Convert strings with a mark back to numbers, except in the exact attribute."""
    if isinstance(body, dict) and body.get("name") == _EXACT_ATTRIBUTE:
        return body
    if isinstance(body, dict):
        return {name: _exact_only(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_exact_only(value) for value in body]
    return json.loads(body.removeprefix(_EXACT)) if isinstance(body, str) and body.startswith(_EXACT) else body


def _unmarked(value: Any) -> Any:
    is_exact = isinstance(value, str) and value.startswith(_EXACT)
    return orjson.Fragment(value.removeprefix(_EXACT)) if is_exact else value
