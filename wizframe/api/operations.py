"""The ten operations of the contract, on plain records: two resources with the same five verbs."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, Protocol

from wizframe.api.dialects import (
    Page,
    Record,
    decode_page,
    decode_record,
    encode_parameters,
    encode_record,
    field_name,
)
from wizframe.api.validation import check_parameters, check_record, whole_record
from wizframe.arguments import RECORD, checked
from wizframe.errors import ProtocolError, ServiceError
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE, Dialect, Operation, Table
from wizframe.http.deadlines import LateWriteError, ReadAge
from wizframe.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wizframe.http.responses import Response
    from wizframe.http.transport import Transport

__all__ = ["ContactOperations", "CustomerOperations", "Operations"]

_NO_CONTENT = 204
# Some services ignore a small page size. A page far above the requested size is not parsed: it may fill the memory.
_MOST_TIMES = 10
# A customer in a list has 20 fields; some services send addresses and contacts along.
_VALUES_OF_A_RECORD, _BYTES_OF_A_RECORD = 500, 10_000
Records = list[Record]  # `list` is an operation's name in the classes below


class _Connection(Protocol):
    """The parts of a client that the operations need."""

    transport: Transport

    @property
    def dialect(self) -> Dialect: ...

    @property
    def query_dialect(self) -> Dialect: ...


class Operations(ABC):
    """The common part of the operations of all tables.

    The four methods ``…_one`` have the same keys for every table, so a push need not know which table it writes.
    """

    table: Table

    def __init__(self, client: _Connection) -> None:
        self._client = client

    @abstractmethod
    def read_one(self, parent_id: str | None, record_id: str) -> Record:
        """Read a record with all of its fields."""

    @abstractmethod
    def create_one(self, parent_id: str | None, data: Mapping[str, Any]) -> Record:
        """Create a record."""

    @abstractmethod
    def write_one(self, current: Record, changes: Mapping[str, Any]) -> Record:
        """Change fields of a record that was read just before."""

    @abstractmethod
    def _path(self, parent_id: str | None, record_id: str) -> Sequence[str]:
        """Return the path of a record."""

    def delete_one(self, parent_id: str | None, record_id: str) -> str:
        """Delete a record, and return the service's own words in the response."""
        return self._request("DELETE", self._path(parent_id, record_id)).words

    def _page(self, path: Sequence[str], parameters: Mapping[str, Any]) -> Page:
        checked = check_parameters(parameters, self.table)
        query = encode_parameters(checked, self._client.query_dialect)
        response = self._request("GET", path, query=query)
        if response.status == _NO_CONTENT:
            return Page([])
        most = _MOST_TIMES * checked.get("page_size", MAX_PAGE_SIZE) + MAX_PAGE_SIZE
        if len(response.body) > most * _BYTES_OF_A_RECORD:
            size_mb = len(response.body) / 1e6
            raise ProtocolError(f"the service sent a page of {size_mb:,.0f} MB, so it was not read")
        return Page.of(lambda: decode_page(response.json(most * _VALUES_OF_A_RECORD), self.table, most))

    def _send(self, method: str, path: Sequence[str], record: Mapping[str, Any], operation: Operation) -> Record:
        body = encode_record(record, self.table, self._client.dialect, operation)
        return self._record(self._request(method, path, payload=body))

    def _record(self, response: Response) -> Record:
        """Return the record in a response. If there is none, the error has what the response proves about the write."""
        is_empty = not response.body  # json() drops a body that it cannot read, which proves nothing
        try:
            return decode_record(response.json(is_exact=True), self.table)
        except ProtocolError as error:
            error.verdict = "accepted" if is_empty else _verdict(response) if response.body else ""
            raise

    def _request(self, method: str, path: Sequence[str], **content: Any) -> Response:
        """Send a request. In the service's errors, the field names are converted to wizframe's."""
        try:
            return self._client.transport.request(method, path, **content)
        except ServiceError as error:
            error.details = tuple((field_name(wire, self.table), reason) for wire, reason in error.details)
            raise


def _of(record_id: str, record: Record) -> Record:
    """Return the record; raise an error if its id is not the id in the request: it may belong to another request.

    A response without an id proves nothing.
    """
    found = record.get("id")
    if found not in (None, "") and str(found) != record_id:
        raise ProtocolError(f"the request was about {record_id}, but the response is about {printable(str(found), 80)}")
    return record


class CustomerOperations(Operations):
    """``client.customer``: list, get, create, update and delete customers; ``contact`` does the same for contacts."""

    table = CUSTOMER

    def __init__(self, client: _Connection) -> None:
        super().__init__(client)
        self.contact = ContactOperations(client)

    def list(self, **parameters: Any) -> Records:
        """Read one page of customers. By default: **only active ones, last edited first**.

        Parameters
        ----------
        page : int, default 1
        page_size : int, 1 to 100
        sort_by : {'created_at', 'updated_at', 'company_name', 'display_name'}, default 'updated_at'
        sort : {'asc', 'desc'}, default 'desc'
        status : {'active', 'inactive'}, default 'active'
        reference_ids : iterable of str
            The service cannot look up references that contain a comma.
        created_after, created_before, updated_after, updated_before : str, date or datetime
            Without a zone they mean UTC. The ``sdk`` dialect does not have these parameters.

        Returns
        -------
        list of dict
            Plain records with the fields of list rows.

        Raises
        ------
        InvalidRequestError
            A parameter is unknown or out of range. Nothing was sent.
        TransportError, ServiceError
            See :mod:`wizframe.errors`.

        Notes
        -----
        Sends ``GET /customers``. :func:`wizframe.load_customers` reads all pages of all statuses. Source: [D], [R].

        Examples
        --------
        >>> [c["status"] for c in wiz.customer.list(page_size=2, status="inactive")]
        ['inactive', 'inactive']
        """
        return self.page(**parameters).records

    def page(self, **parameters: Any) -> Page:
        """Read one page as :meth:`list` does, with its totals; the response is parsed on first use of the page."""
        return self._page(["customers"], parameters)

    def get(self, id: str) -> Record:  # noqa: A002 - the vendor SDK's own name
        """Read the details of a customer.

        Parameters
        ----------
        id : str

        Returns
        -------
        dict
            Plain record.

        Raises
        ------
        NotFoundError
            The record does not exist.

        Notes
        -----
        Sends ``GET /customers/{id}``. Source: [D], [R].
        """
        return _of(id, self._record(self._request("GET", ["customers", id])))

    @checked(data=RECORD)
    def create(self, data: Mapping[str, Any]) -> Record:
        """Create a customer.

        Parameters
        ----------
        data : mapping
            Plain record; ``reference_id``, ``company_name`` and ``display_name`` are required. Fields that are None are
            left out.

        Returns
        -------
        dict
            Plain record, as in the response.

        Raises
        ------
        InvalidRequestError
            ``data`` breaks a rule; ``details`` lists every violation. Nothing was sent.
        TakenError
            Another customer has the reference.

        Notes
        -----
        Sends ``POST /customers`` once; it is not repeated if its response is lost. Source: [D], [R].
        """
        check_record(data, self.table, "create")
        return self._send("POST", ["customers"], data, "create")

    @checked(data=RECORD)
    def update(self, id: str, data: Mapping[str, Any]) -> Record:  # noqa: A002 - the vendor SDK's own name
        """Change fields of a customer. The other fields do not change.

        Parameters
        ----------
        id : str
        data : mapping
            The changed fields; ``""`` clears a string, ``[]`` a list. A list (``addresses``, ``contacts``,
            ``attributes``, …) replaces the stored one.

        Returns
        -------
        dict
            Plain record, as in the response.

        Raises
        ------
        InvalidRequestError
            ``data`` is empty or breaks a rule. Nothing was sent.

        Notes
        -----
        Sends ``PATCH /customers/{id}``. Source: [D], [R].
        """
        check_record(data, self.table, "update")
        return _of(id, self._send("PATCH", ["customers", id], data, "update"))

    def delete(self, id: str) -> None:  # noqa: A002 - the vendor SDK's own name
        """Delete a customer and its contacts.

        Parameters
        ----------
        id : str

        Raises
        ------
        NotFoundError
            The record does not exist.

        Notes
        -----
        Sends ``DELETE /customers/{id}``. Source: [D], [R].
        """
        self.delete_one(None, id)

    def read_one(self, parent_id: str | None, record_id: str) -> Record:  # noqa: ARG002, D102 - as in Operations
        return self.get(record_id)

    def create_one(self, parent_id: str | None, data: Mapping[str, Any]) -> Record:  # noqa: ARG002, D102
        return self.create(data)

    def write_one(self, current: Record, changes: Mapping[str, Any]) -> Record:  # noqa: D102
        return self.update(current["id"], changes)

    def _path(self, parent_id: str | None, record_id: str) -> Sequence[str]:  # noqa: ARG002
        return ["customers", record_id]


class ContactOperations(Operations):
    """``client.customer.contact``: list, get, create, update and delete the contacts of a customer."""

    table = CONTACT

    def list(self, customer_id: str, **parameters: Any) -> Records:
        """Read one page of a customer's contacts. By default: **only active ones**.

        Parameters
        ----------
        customer_id : str
        page, page_size, sort, status, created_after, created_before, updated_after, updated_before
            As for customers.
        sort_by : {'created_at', 'updated_at'}, default 'updated_at'

        Returns
        -------
        list of dict
            Plain records; ``customer_id`` is added to each, because the service does not send it.

        Raises
        ------
        InvalidRequestError
            A parameter is unknown or out of range. Nothing was sent.
        NotFoundError
            The customer does not exist.
        TransportError, ServiceError
            See :mod:`wizframe.errors`.

        Notes
        -----
        Sends ``GET /customers/{customer_id}/contacts``. Source: [D], [R].
        """
        return self.page(customer_id, **parameters).records

    def page(self, customer_id: str, **parameters: Any) -> Page:
        """Read one page as :meth:`list` does, with its totals."""
        page = self._page(["customers", customer_id, "contacts"], parameters)
        for record in page.records:
            record["customer_id"] = customer_id
        return page

    def get(self, customer_id: str, contact_id: str) -> Record:
        """Read a contact.

        Parameters
        ----------
        customer_id, contact_id : str

        Returns
        -------
        dict
            Plain record, with ``customer_id``.

        Raises
        ------
        NotFoundError
            The record does not exist.

        Notes
        -----
        Sends ``GET /customers/{customer_id}/contacts/{contact_id}``. Source: [D], [R].
        """
        response = self._request("GET", self._path(customer_id, contact_id))
        return _of(contact_id, self._record(response)) | {"customer_id": customer_id}

    @checked(data=RECORD)
    def create(self, customer_id: str, data: Mapping[str, Any]) -> Record:
        """Create a contact.

        Parameters
        ----------
        customer_id : str
        data : mapping
            Plain record; ``reference_id``, ``first_name`` and ``email`` are required. Fields that are None are left
            out.

        Returns
        -------
        dict
            Plain record, as in the response, with ``customer_id``.

        Raises
        ------
        InvalidRequestError
            ``data`` breaks a rule; ``details`` lists every violation. Nothing was sent.
        TakenError
            Another contact of this customer has the reference.

        Notes
        -----
        Sends ``POST /customers/{customer_id}/contacts`` once. Source: [D], [R].
        """
        check_record(data, self.table, "create")
        path = ["customers", customer_id, "contacts"]
        return self._send("POST", path, data, "create") | {"customer_id": customer_id}

    @checked(data=RECORD)
    def update(self, customer_id: str, contact_id: str, data: Mapping[str, Any]) -> Record:
        """Change fields of a contact. The other fields do not change.

        Parameters
        ----------
        customer_id, contact_id : str
        data : mapping
            The changed fields; ``""`` clears a string, ``[]`` a list.

        Returns
        -------
        dict
            Plain record, as in the response, with ``customer_id``.

        Raises
        ------
        InvalidRequestError
            ``data`` breaks a rule, or the contact has attributes that cannot be written back. Nothing was written.

        Notes
        -----
        Sends ``GET``, then ``PUT /customers/{customer_id}/contacts/{contact_id}`` with the whole contact: see
        :meth:`replace`. Source: [D], [R], [K].
        """
        check_record(data, self.table, "update")
        age = ReadAge()
        while True:
            with age.reading():
                current = self.get(customer_id, contact_id)
            with contextlib.suppress(LateWriteError), age.writing():
                return self.replace(current, data)

    @checked(current=RECORD, changes=RECORD)
    def replace(self, current: Mapping[str, Any], changes: Mapping[str, Any]) -> Record:
        """Write a contact that was just read, with changes, as a whole.

        Parameters
        ----------
        current : mapping
            As :meth:`get` returned it, including the fields that wizframe does not know.
        changes : mapping
            The changed fields.

        Returns
        -------
        dict
            Plain record, as in the response, with ``customer_id``.

        Raises
        ------
        InvalidRequestError
            ``changes`` breaks a rule, or the attributes cannot be written back. Nothing was sent.

        Notes
        -----
        Sends one ``PUT``. **The PUT trap** [R]: a field that is missing from the body is removed from the contact.
        [D]'s own example sends three fields, which would erase the name and the e-mail address. So every writable field
        and every field that the table does not know is sent back. Blank fields are left out, because absent reads as
        blank.
        """
        check_record(changes, self.table, "update")
        kept = whole_record({name: value for name, value in current.items() if name not in changes}, self.table)
        path = ["customers", current["customer_id"], "contacts", current["id"]]
        written = _of(current["id"], self._send("PUT", path, kept | dict(changes), "update"))
        return written | {"customer_id": current["customer_id"]}

    def delete(self, customer_id: str, contact_id: str) -> None:
        """Delete a contact.

        Parameters
        ----------
        customer_id, contact_id : str

        Raises
        ------
        NotFoundError
            The record does not exist.

        Notes
        -----
        Sends ``DELETE /customers/{customer_id}/contacts/{contact_id}``. Source: [D], [R].
        """
        self.delete_one(customer_id, contact_id)

    def read_one(self, parent_id: str | None, record_id: str) -> Record:  # noqa: D102 - as in Operations
        return self.get(str(parent_id), record_id)

    def create_one(self, parent_id: str | None, data: Mapping[str, Any]) -> Record:  # noqa: D102
        return self.create(str(parent_id), data)

    def write_one(self, current: Record, changes: Mapping[str, Any]) -> Record:  # noqa: D102
        return self.replace(current, changes)  # the PUT trap: a contact is written back whole

    def _path(self, parent_id: str | None, record_id: str) -> Sequence[str]:
        return ["customers", str(parent_id), "contacts", record_id]


def _verdict(response: Response) -> Literal["", "refused", "accepted"]:
    """Return what a success response without a record means for a write: refused, accepted, or unclear (empty)."""
    try:
        body = response.json()
    except ProtocolError:
        return ""
    if not isinstance(body, dict):
        return "accepted" if body is None else ""
    is_error = any(body.get(name) for name in ("error", "errors")) or {"code", "message"} <= body.keys()
    is_error = is_error or any(body.get(name) is False for name in ("success", "ok"))
    return "refused" if is_error else "accepted"
