"""The one table of fields: what a record holds, how each dialect spells it, what may be written.

Dtypes, pandera schemas, wire names, required and writable flags, limits and the documentation's tables all
derive from here; no other module repeats a field's name to say what the field *is*. This module knows
neither HTTP nor frames.

Sources: ``[D]`` the vendor's SDK documents, ``[R]`` its REST reference, ``[K]`` its TypeScript SDK.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cached_property
from typing import Any, Literal

__all__ = [
    "ADDRESS",
    "CONTACT",
    "CUSTOMER",
    "LIST_PARAMETERS",
    "MAX_PAGE_SIZE",
    "NESTED",
    "STATUSES",
    "TABLES",
    "Dialect",
    "Field",
    "Kind",
    "ListParameter",
    "Operation",
    "Table",
    "describe",
    "violation",
]

Kind = Literal["text", "flag", "time", "status", "ids", "object", "list"]
Dialect = Literal["rest", "sdk"]
Operation = Literal["create", "update"]
Presence = Literal["required", "optional", "no"]

STATUSES = ("active", "inactive")
MAX_PAGE_SIZE = 100

# Loose on purpose: the service has the last word on an address; this catches what no service can accept.
# What Python calls a space, one by one: Arrow, which judges a whole column at once, means ASCII's alone by \s.
_SPACES = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EMAIL = rf"[^@{_SPACES}]+@[^@{_SPACES}]+\.[^@{_SPACES}.]+"
_E164 = r"\+[1-9][0-9]{6,14}"
_FORMATS = {
    "email": (re.compile(_EMAIL), "is no e-mail address"),
    "e164": (re.compile(_E164), "is no E.164 phone number like +14155552671"),
}
_DTYPES: dict[Kind, str] = {
    "text": "str",
    "flag": "boolean",
    "time": "datetime64[us, UTC]",
    "status": "category",
    "ids": "str",
    "object": "str",
    "list": "str",
}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Parameters
    ----------
    name : str
        wizframe's name: the column, and the key of a plain record. snake_case.
    kind : {'text', 'flag', 'time', 'status', 'ids', 'object', 'list'}
        What a value is. ``ids`` is a list of texts, shown in a frame as one text joined by ", ".
    doc : str
        What the field means.
    level : {'list', 'details', ''}
        Where a frame has it as a column: in every load, with ``details=True``, never.
    create, required
        Whether it may be sent when a record is created, and whether it must be.
    update : bool
        Whether it may be sent when a record is changed.
    max_length : int, optional
        In characters.
    format : {'email', 'e164'}, optional
        The form that a text must have.
    read_stem : str, optional
        The name under which the service sends it, where that differs from the one it accepts.
    sdk_create_name : str, optional
        The ``sdk`` dialect's spelling on create, where [D] spells it differently there.
    source : str
        Which document says so.
    """

    name: str
    kind: Kind
    doc: str
    level: Literal["list", "details", ""] = "list"
    create: bool = False
    required: bool = False
    update: bool = False
    max_length: int | None = None
    format: Literal["email", "e164"] | None = None
    read_stem: str = ""
    sdk_create_name: str = ""
    source: str = "D R"

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a frame."""
        return _DTYPES[self.kind]

    @property
    def writable(self) -> bool:
        """Whether an edit in a frame can be sent; lists of records are written by record operations only."""
        return self.update and self.level != "" and self.kind in ("text", "flag", "ids")

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """Regular expression that a text must match as a whole, if any."""
        return _FORMATS[self.format][0] if self.format else None

    def read_names(self) -> tuple[str, ...]:
        """Give the names under which the service may send the field, in either dialect.

        Returns
        -------
        tuple of str
            The ``rest`` name first.
        """
        stem = self.read_stem or self.name
        return (stem, _camel(stem)) if _camel(stem) != stem else (stem,)

    def write_name(self, dialect: Dialect, operation: Operation) -> str:
        """Give the name under which the field is sent.

        Parameters
        ----------
        dialect : {'rest', 'sdk'}
        operation : {'create', 'update'}

        Returns
        -------
        str
        """
        if dialect == "rest":
            return self.name
        if operation == "create" and self.sdk_create_name:
            return self.sdk_create_name
        return _camel(self.name)


@dataclass(frozen=True)
class Table:
    """The fields of one kind of record, in the order of a frame's columns.

    Parameters
    ----------
    name : str
        The word for it: ``"customers"``, ``"contacts"``, ``"addresses"``.
    singular : str
        The word for one record.
    fields : tuple of Field
        In the order of columns.
    """

    name: str
    singular: str
    fields: tuple[Field, ...]
    _by_name: dict[str, Field] = attribute(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({field.name: field for field in self.fields})

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def read_names(self) -> dict[str, Field]:
        """Wire name, in either dialect, to field. The written names read too, since both are documented."""
        names = {field.name: field for field in self.fields}
        names |= {_camel(field.name): field for field in self.fields}
        names |= {field.sdk_create_name: field for field in self.fields if field.sdk_create_name}
        names |= {wire: field for field in self.fields for wire in field.read_names()}
        return names

    def columns(self, *, details: bool = False) -> list[str]:
        """Give the columns of a frame, in order.

        Parameters
        ----------
        details : bool, default False
            Also those that only details carry.

        Returns
        -------
        list of str
        """
        levels = ("list", "details") if details else ("list",)
        return [field.name for field in self.fields if field.level in levels]

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Fields that a new record must have."""
        return tuple(field.name for field in self.fields if field.required)


CUSTOMER = Table(
    "customers",
    "customer",
    (
        Field("id", "text", "The service's own id."),
        Field("reference_id", "text", "Your reference, unique in the account.", create=True, required=True,
              update=True, max_length=255),
        Field("display_id", "text", "The id shown to people.", create=True, update=True, source="D R; create R"),
        Field("company_name", "text", "The company. The service sends it as `name`.", create=True,
              required=True, update=True, read_stem="name"),
        Field("display_name", "text", "The name shown to people.", create=True, required=True, update=True),
        Field("first_name", "text", "Of the primary contact.", create=True, update=True, max_length=50),
        Field("last_name", "text", "Of the primary contact.", create=True, update=True, max_length=50),
        Field("phone", "text", "Phone, E.164.", create=True, update=True, format="e164"),
        Field("email", "text", "E-mail.", create=True, update=True, format="email"),
        Field("status", "status", "Active or inactive; the API cannot change it."),
        # [R] lists carry freight_term, [D] lists do not: a column of every load must exist in both dialects.
        Field("freight_term", "text", "Who pays the freight.", level="details", create=True, update=True),
        Field("shipping_method", "text", "How goods are shipped.", create=True, update=True),
        Field("payment_mode", "text", "How is paid.", create=True, update=True),
        Field("payment_term", "text", "When is paid, such as `net30`.", create=True, update=True),
        Field("assigned_sales_reps", "list", "The sales reps, as the service shows them.", level="details"),
        Field("assigned_sales_rep_ids", "ids", "Ids of the sales reps, joined by a comma.", level="details",
              create=True, update=True),
        Field("assigned_price_list", "object", "The price list, as the service shows it.", level="details"),
        Field("assigned_price_list_id", "text", "Id of the price list.", level="details", create=True,
              update=True, sdk_create_name="assignedPriceListID"),
        Field("addresses", "list", "Addresses; `df.wiz.addresses()` is the long frame.", level="details",
              create=True, update=True),
        Field("contacts", "list", "Contacts, as nested in the customer.", level="details", create=True,
              update=True),
        Field("attributes", "list", "Custom attributes.", level="details", create=True, update=True),
        Field("primary_contact_id", "text", "Makes a contact the primary one.", level="", update=True, source="D"),
        Field("default_shipping_address_id", "text", "Makes an address the default for goods.", level="",
              update=True, source="D"),
        Field("default_billing_address_id", "text", "Makes an address the default for bills.", level="",
              update=True, source="D"),
        Field("created_at", "time", "When the service created it."),
        Field("updated_at", "time", "When it last changed."),
    ),
)  # fmt: skip

CONTACT = Table(
    "contacts",
    "contact",
    (
        Field("id", "text", "The service's own id."),
        Field("customer_id", "text", "The customer's id; taken from the path, no record carries it.", source="K"),
        Field("reference_id", "text", "Your reference, unique within the customer.", create=True,
              required=True, update=True, max_length=255),
        Field("first_name", "text", "First name.", create=True, required=True, update=True, max_length=50),
        Field("last_name", "text", "Last name.", create=True, update=True, max_length=50),
        Field("email", "text", "E-mail.", create=True, required=True, update=True, format="email"),
        Field("phone", "text", "Phone, E.164.", create=True, update=True, format="e164"),
        Field("designation", "text", "Job title.", create=True, update=True),
        Field("is_default", "flag", "The customer's default contact; setting it clears the others.",
              create=True, update=True),
        Field("status", "status", "Active or inactive; the API cannot change it."),
        Field("attributes", "list", "Custom attributes.", create=True, update=True),
        Field("created_at", "time", "When the service created it."),
        Field("updated_at", "time", "When it last changed."),
    ),
)  # fmt: skip

ADDRESS = Table(
    "addresses",
    "address",
    (
        Field("id", "text", "The service's own id.", create=True, update=True),
        Field("customer_id", "text", "The customer's id."),
        Field("reference_id", "text", "Your reference.", create=True, required=True, update=True, max_length=255),
        Field("first_name", "text", "First name.", create=True, update=True, max_length=50, source="R"),
        Field("last_name", "text", "Last name.", create=True, update=True, max_length=50, source="R"),
        Field("phone", "text", "Phone, E.164.", create=True, update=True, format="e164", source="R"),
        Field("email", "text", "E-mail.", create=True, update=True, format="email", source="R"),
        Field("address_line_1", "text", "Street and number.", create=True, required=True, update=True,
              max_length=255),
        Field("address_line_2", "text", "More of the street.", create=True, update=True, max_length=255,
              source="R"),
        Field("city", "text", "City.", create=True, required=True, update=True, max_length=50),
        Field("state", "text", "State or province.", create=True, update=True, max_length=50),
        # [R] wants ISO 3166-1 alpha-2, [D]'s own example says USA: not checked.
        Field("country", "text", "Country.", create=True, update=True),
        Field("zip_code", "text", "Postal code.", create=True, update=True, max_length=50),
        Field("type", "text", "`billing` or `shipping`.", create=True, required=True, update=True),
        Field("status", "status", "Active or inactive.", source="R"),
        Field("is_default", "flag", "The default of its type.", create=True, update=True),
        Field("attributes", "list", "Custom attributes.", create=True, update=True, source="R"),
        Field("created_at", "time", "When the service created it.", source="R"),
        Field("updated_at", "time", "When it last changed.", source="R"),
    ),
)  # fmt: skip

TABLES = {table.name: table for table in (CUSTOMER, CONTACT)}
NESTED = {"addresses": ADDRESS, "contacts": CONTACT}


@dataclass(frozen=True)
class ListParameter:
    """One parameter of the two list operations.

    Parameters
    ----------
    name : str
        In the ``rest`` dialect, and in wizframe.
    kind : {'count', 'choice', 'references', 'time'}
        What a value is: a whole number from 1, one of ``values``, some texts, a moment.
    sdk_name : str or None
        In the ``sdk`` dialect; None where [D] has none and wizframe filters the loaded rows itself.
    values : dict
        Allowed values for each table; empty where any value of the kind is.
    """

    name: str
    kind: Literal["count", "choice", "references", "time"]
    sdk_name: str | None
    values: dict[str, tuple[str, ...]]


_ANY: dict[str, tuple[str, ...]] = {"customers": (), "contacts": ()}
LIST_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        ListParameter("page", "count", "page", _ANY),
        ListParameter("page_size", "count", "page_size", _ANY),
        ListParameter("sort_by", "choice", "sortBy", {
            "customers": ("created_at", "updated_at", "company_name", "display_name"),
            "contacts": ("created_at", "updated_at"),
        }),
        ListParameter("sort", "choice", "sort", dict.fromkeys(_ANY, ("asc", "desc"))),
        ListParameter("status", "choice", "status", dict.fromkeys(_ANY, STATUSES)),
        ListParameter("reference_ids", "references", "referenceIds", {"customers": ()}),
        ListParameter("created_after", "time", None, _ANY),
        ListParameter("created_before", "time", None, _ANY),
        ListParameter("updated_after", "time", None, _ANY),
        ListParameter("updated_before", "time", None, _ANY),
    )
}  # fmt: skip

_PYTHON_TYPES: dict[Kind, tuple[type[Any], str]] = {
    "text": (str, "text"),
    "status": (str, "text"),
    "time": (str, "text"),
    "flag": (bool, "True or False"),
    "ids": (list, "a list of texts"),
    "list": (list, "a list"),
    "object": (dict, "a mapping"),
}


def violation(field: Field, value: Any) -> str | None:
    """Say which rule of a field a value breaks.

    Parameters
    ----------
    field : Field
    value : object
        As in a plain record: str, bool, list. Blank (None, and "" as a text) breaks no rule here; whether a field
        may be blank depends on the operation.

    Returns
    -------
    str or None
        The end of a sentence that begins with the value, or None.
    """
    expected, word = _PYTHON_TYPES[field.kind]
    if value is None or (value == "" and expected is str):
        return None
    if not isinstance(value, expected):
        return f"is {type(value).__name__}, but {field.name} takes {word}"
    if isinstance(value, list) and field.kind == "ids" and not all(isinstance(item, str) and item for item in value):
        return "holds something that is no id"
    if isinstance(value, str) and field.kind == "text":
        return _text_violation(field, value)
    return None


def _text_violation(field: Field, value: str) -> str | None:
    if field.max_length is not None and len(value) > field.max_length:
        return f"is {len(value)} characters long, at most {field.max_length} are allowed"
    if field.pattern and not field.pattern.fullmatch(value):
        return _FORMATS[field.format or "email"][1]
    return None


def describe(table: Table) -> str:
    """Write a table's fields as a Markdown table, for the documentation.

    Parameters
    ----------
    table : Table

    Returns
    -------
    str
        Header, one line for each field, no trailing newline.
    """
    head = "| column | dtype | when loaded | on create | editable in a frame | rule | meaning |"
    lines = [head, "|---|" + "---|" * 6]
    lines += [_describe_field(field) for field in table.fields]
    return "\n".join(lines)


def _describe_field(field: Field) -> str:
    loaded = {"list": "always", "details": "`details=True`", "": "never"}[field.level]
    create = "required" if field.required else "optional" if field.create else ""
    rules = [f"at most {field.max_length} characters"] if field.max_length else []
    rules += [{"email": "e-mail", "e164": "E.164"}[field.format]] if field.format else []
    cells = (
        f"`{field.name}`", f"`{field.dtype}`", loaded, create, "yes" if field.writable else "",
        ", ".join(rules), field.doc,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"
