"""The one table of fields: what a record holds, how each dialect spells it, and what may be written.

Dtypes, pandera schemas, names in requests and responses, required and writable flags, limits and the tables of the
documentation all come from here. No other module repeats such a fact about a field. This module does not know HTTP
or frames.

Sources: ``[D]`` the vendor's SDK documents, ``[R]`` its REST reference, ``[K]`` its TypeScript SDK.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ADDRESS",
    "CLEAR",
    "COMMAND",
    "CONTACT",
    "CUSTOMER",
    "DELETE",
    "LIST_PARAMETERS",
    "MAX_PAGE_SIZE",
    "NESTED",
    "NOT_AN_ID",
    "STATUSES",
    "TABLES",
    "DefaultFlag",
    "Dialect",
    "Field",
    "Kind",
    "Likeness",
    "ListParameter",
    "Operation",
    "Table",
    "describe",
    "is_id",
    "violation",
]

Kind = Literal["text", "flag", "time", "status", "ids", "object", "list"]
Dialect = Literal["rest", "sdk"]
Operation = Literal["create", "update"]
Presence = Literal["required", "optional", "no"]

#: The text that clears a cell, in a frame or in a workbook. A blank cell is never sent.
CLEAR = "<clear>"
#: The column of a frame or of a workbook that says what to do with a row: a blank cell sends the row's edits, and
#: :data:`DELETE` deletes its record. A record without a row in the frame is not changed.
COMMAND, DELETE = "<command>", "DELETE"

# The values of the field status (contract, tables "Customer" and "Contact").
STATUSES = ("active", "inactive")
# Contract, "List parameters": page_size is from 1 to 100.
MAX_PAGE_SIZE = 100

# The pattern is loose, because the service decides which addresses are valid: it rejects only what cannot be one.
# Every character that Python counts as a space is listed, because Arrow's \s, which checks a whole column at once,
# matches only ASCII spaces.
_SPACES = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EMAIL = rf"[^@{_SPACES}]+@[^@{_SPACES}]+\.[^@{_SPACES}.]+"
# E.164: a plus sign, a country code without a leading zero, and at most 15 digits.
_E164 = r"\+[1-9][0-9]{6,14}"
# An id is part of a path. A string that a server could read in another way, such as `..`, `a/b` or `?x`, is not valid.
_ID = re.compile(r"[A-Za-z0-9._~:@=+-]*[A-Za-z0-9][A-Za-z0-9._~:@=+-]*")
NOT_AN_ID = "is not a valid id (allowed: letters, digits and ._~:@=+-)"
_FORMATS = {
    "email": (re.compile(_EMAIL), "is not a valid e-mail address"),
    "e164": (re.compile(_E164), "is not an E.164 phone number like +14155552671"),
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
    """One field of a record."""

    name: str  # wizframe's name, in snake_case: the column of a frame, and the key of a plain record
    kind: Kind  # "ids" is a list of strings, which a frame shows as one string joined by ", "
    doc: str
    level: Literal["list", "details", ""] = "list"  # loaded always, with details=True, or never ("")
    create: bool = False  # may be sent when a record is created …
    required: bool = False  # … and must be sent then
    update: bool = False  # may be sent when a record is changed
    max_length: int | None = None  # in characters
    format: Literal["email", "e164"] | None = None
    read_stem: str = ""  # the name in responses, if it differs from the name in requests
    sdk_create_name: str = ""  # the name in the sdk dialect's create requests, if [D] spells it differently there
    source: str = "D R"

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a frame."""
        return _DTYPES[self.kind]

    @property
    def writable(self) -> bool:
        """Whether an edit in a frame can be sent. Lists of records are written by record operations only."""
        return self.update and self.level != "" and self.kind in ("text", "flag", "ids")

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The regular expression that a string must match as a whole, or None."""
        return _FORMATS[self.format][0] if self.format else None

    def read_names(self) -> tuple[str, ...]:
        """Return the names under which the service may send the field, the ``rest`` name first."""
        stem = self.read_stem or self.name
        return (stem, _camel(stem)) if _camel(stem) != stem else (stem,)

    def write_name(self, dialect: Dialect, operation: Operation) -> str:
        """Return the field's name in requests."""
        if dialect == "rest":
            return self.name
        if operation == "create" and self.sdk_create_name:
            return self.sdk_create_name
        return _camel(self.name)


@dataclass(frozen=True)
class Likeness:
    """The columns that show a likely duplicate: two records with equal values, apart from capitals and spaces."""

    columns: tuple[str, ...]  # all of them are compared, among the records of one parent
    needed: tuple[str, ...]  # if one is blank, too little is known to compare; a message names the last of them
    words: str  # what the two records have in common, for messages


@dataclass(frozen=True)
class DefaultFlag:
    """A flag that only one record of a group has: when a record gets it, the service clears it in the others."""

    column: str
    per: tuple[str, ...] = ()  # columns that divide the records of one parent into groups


@dataclass(frozen=True)
class Table:
    """The fields of one kind of record, in the order of the columns, and the rules for its records."""

    name: str  # the word for several records, such as "customers"
    singular: str
    fields: tuple[Field, ...]
    parent: Table | None = None  # the owner of the records: its id is in their path, and they are deleted with it
    is_sent_whole: bool = False  # an update is a PUT of the whole record, not a PATCH of the changed fields
    named_by: tuple[tuple[str, ...], ...] = (("id",),)  # groups of columns; the first one with a value names a record
    marks: tuple[str, ...] = ()  # a frame with one of these columns or of the parent's columns holds this table
    likeness: Likeness | None = None  # how to recognize a likely duplicate
    default: DefaultFlag | None = None
    _by_name: dict[str, Field] = attribute(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({field.name: field for field in self.fields})

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def read_names(self) -> dict[str, Field]:
        """The field for each name in a response, in either dialect; names in requests count, as both are documented."""
        names = {field.name: field for field in self.fields}
        names |= {_camel(field.name): field for field in self.fields}
        names |= {field.sdk_create_name: field for field in self.fields if field.sdk_create_name}
        names |= {wire: field for field in self.fields for wire in field.read_names()}
        return names

    def columns(self, *, details: bool = False) -> list[str]:
        """Return the columns of a loaded frame, in order; with ``details``, those of ``details=True``, too."""
        levels = ("list", "details") if details else ("list",)
        return [field.name for field in self.fields if field.level in levels]

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The fields that a new record must have."""
        return tuple(field.name for field in self.fields if field.required)

    @cached_property
    def has_details(self) -> bool:
        """Whether the details of a record have fields that a list does not have."""
        return any(field.level == "details" for field in self.fields)

    @property
    def parent_id(self) -> str:
        """The column with the parent's id, such as ``customer_id``; empty without a parent."""
        return f"{self.parent.singular}_id" if self.parent else ""

    @property
    def parent_reference(self) -> str:
        """The column that may identify the parent by its reference instead. Only a frame has it, not a record."""
        return f"{self.parent.singular}_reference_id" if self.parent else ""

    @property
    def parent_columns(self) -> tuple[str, ...]:
        """The columns that identify the parent of a record."""
        return (self.parent_id, self.parent_reference) if self.parent else ()

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that identify the record of a row."""
        return ("id", *self.parent_columns)

    @property
    def children(self) -> tuple[Table, ...]:
        """The tables that have this one as their parent, in the order in which they are sent."""
        return tuple(table for table in TABLES.values() if table.parent is self)

    def field_of(self, column: str) -> Field | None:
        """Return the field that a frame's column holds; None for a column that the user added."""
        if column in self:
            return self[column]
        return self.parent["reference_id"] if self.parent and column == self.parent_reference else None

    def record_name(self, values: Mapping[str, Any]) -> str:
        """Return a record's name for people, such as the company name; empty if the columns of the name are blank."""
        names = (" ".join(str(values[name]) for name in group if values.get(name)) for group in self.named_by)
        return next(filter(None, names), "")


# Contract, table "Customer".
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
        Field("first_name", "text", "First name of the primary contact.", create=True, update=True, max_length=50),
        Field("last_name", "text", "Last name of the primary contact.", create=True, update=True, max_length=50),
        Field("phone", "text", "Phone number, such as +14155552671.", create=True, update=True, format="e164"),
        Field("email", "text", "E-mail.", create=True, update=True, format="email"),
        Field("status", "status", "Active or inactive; the API cannot change it."),
        # [R] lists carry freight_term, [D] lists do not: a column of every load must exist in both dialects.
        Field("freight_term", "text", "Who pays the freight.", level="details", create=True, update=True),
        Field("shipping_method", "text", "How goods are shipped.", create=True, update=True),
        Field("payment_mode", "text", "How the customer pays.", create=True, update=True),
        Field("payment_term", "text", "When the customer pays, such as `net30`.", create=True, update=True),
        Field("assigned_sales_reps", "list", "The sales reps, as the service shows them.", level="details"),
        Field("assigned_sales_rep_ids", "ids", "Ids of the sales reps, joined by a comma.", level="details",
              create=True, update=True),
        Field("assigned_price_list", "object", "The price list, as the service shows it.", level="details"),
        Field("assigned_price_list_id", "text", "Id of the price list.", level="details", create=True,
              update=True, sdk_create_name="assignedPriceListID"),
        Field("addresses", "list", "Addresses; `df.wiz.addresses()` makes a frame of them.", level="details",
              create=True, update=True),
        Field("contacts", "list", "Contacts inside the customer's record.", level="details", create=True,
              update=True),
        Field("attributes", "list", "Custom attributes.", level="details", create=True, update=True),
        Field("primary_contact_id", "text", "Sets the primary contact.", level="", update=True, source="D"),
        Field("default_shipping_address_id", "text", "Sets the default shipping address.", level="",
              update=True, source="D"),
        Field("default_billing_address_id", "text", "Sets the default billing address.", level="",
              update=True, source="D"),
        Field("created_at", "time", "When the service created the record."),
        Field("updated_at", "time", "When the record last changed."),
    ),
    named_by=(("display_name",), ("company_name",)),
    marks=("company_name",),
    likeness=Likeness(("company_name", "email"), ("company_name", "email"), "company and e-mail"),
)  # fmt: skip

# Contract, table "Contact".
CONTACT = Table(
    "contacts",
    "contact",
    (
        Field("id", "text", "The service's own id."),
        Field("customer_id", "text", "The customer's id, from the path of the request.", source="K"),
        Field("reference_id", "text", "Your reference, unique within the customer.", create=True,
              required=True, update=True, max_length=255),
        Field("first_name", "text", "First name.", create=True, required=True, update=True, max_length=50),
        Field("last_name", "text", "Last name.", create=True, update=True, max_length=50),
        Field("email", "text", "E-mail.", create=True, required=True, update=True, format="email"),
        Field("phone", "text", "Phone number, such as +14155552671.", create=True, update=True, format="e164"),
        Field("designation", "text", "Job title.", create=True, update=True),
        Field("is_default", "flag",
              "The default contact. Setting it clears the default flag on the customer's other contacts.",
              create=True, update=True),
        Field("status", "status", "Active or inactive; the API cannot change it."),
        Field("attributes", "list", "Custom attributes.", create=True, update=True),
        Field("created_at", "time", "When the service created the record."),
        Field("updated_at", "time", "When the record last changed."),
    ),
    parent=CUSTOMER,
    is_sent_whole=True,  # [R] has PUT only, and "any missing fields will be removed from the entity"
    named_by=(("first_name", "last_name"), ("email",)),
    # Names are not needed: two contacts without names but with one e-mail are the same person.
    likeness=Likeness(("first_name", "last_name", "email"), ("email",), "names and e-mail"),
    default=DefaultFlag("is_default"),
)  # fmt: skip

# Contract, table "Addresses".
ADDRESS = Table(
    "addresses",
    "address",
    (
        Field("id", "text", "The service's own id.", create=True, update=True),
        Field("customer_id", "text", "The customer's id."),
        Field("reference_id", "text", "Your reference.", create=True, required=True, update=True, max_length=255),
        Field("first_name", "text", "First name.", create=True, update=True, max_length=50, source="R"),
        Field("last_name", "text", "Last name.", create=True, update=True, max_length=50, source="R"),
        Field("phone", "text", "Phone, such as +14155552671.", create=True, update=True, format="e164", source="R"),
        Field("email", "text", "E-mail.", create=True, update=True, format="email", source="R"),
        Field("address_line_1", "text", "Street and number.", create=True, required=True, update=True,
              max_length=255),
        Field("address_line_2", "text", "Second line of the street address.", create=True, update=True, max_length=255,
              source="R"),
        Field("city", "text", "City.", create=True, required=True, update=True, max_length=50),
        Field("state", "text", "State or province.", create=True, update=True, max_length=50),
        # [R] wants ISO 3166-1 alpha-2, [D]'s own example says USA: not checked.
        Field("country", "text", "Country.", create=True, update=True),
        Field("zip_code", "text", "Postal code.", create=True, update=True, max_length=50),
        Field("type", "text", "`billing` or `shipping`.", create=True, required=True, update=True),
        Field("status", "status", "Active or inactive.", source="R"),
        Field("is_default", "flag", "Whether this is the default address of its type.", create=True, update=True),
        Field("attributes", "list", "Custom attributes.", create=True, update=True, source="R"),
        Field("created_at", "time", "When the service created the record.", source="R"),
        Field("updated_at", "time", "When the record last changed.", source="R"),
    ),
    parent=CUSTOMER,
    is_sent_whole=True,
    named_by=(("address_line_1", "city"), ("reference_id",)),
    marks=("address_line_1",),
    default=DefaultFlag("is_default", per=("type",)),
)  # fmt: skip

#: The tables that are loaded, planned and pushed, in the order in which they are sent: parents first.
TABLES = {table.name: table for table in (CUSTOMER, CONTACT)}
#: Fields of a customer that hold records of another table.
NESTED = {"addresses": ADDRESS, "contacts": CONTACT}


@dataclass(frozen=True)
class ListParameter:
    """One parameter of the list operations."""

    name: str  # in the rest dialect, and in wizframe
    kind: Literal["count", "choice", "references", "time"]
    sdk_name: str | None  # None: [D] has none, and wizframe filters the loaded rows itself
    #: The allowed values for each table; empty if any value of the kind is allowed.
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
    "text": (str, "a string"),
    "status": (str, "a string"),
    "time": (str, "a string"),
    "flag": (bool, "True or False"),
    "ids": (list, "a list of strings"),
    "list": (list, "a list"),
    "object": (dict, "a mapping"),
}


def is_id(text: str) -> bool:
    """Return whether a string can be the id of a record in a path."""
    return _ID.fullmatch(text) is not None


def violation(field: Field, value: Any) -> str | None:
    """Return the rule that a plain value breaks, as the end of a sentence. A blank value breaks none here."""
    expected, word = _PYTHON_TYPES[field.kind]
    if value is None or (value == "" and expected is str):
        return None
    if not isinstance(value, expected):
        return f"is {type(value).__name__}, but {field.name} must be {word}"
    if isinstance(value, list) and field.kind == "ids" and not all(isinstance(item, str) and item for item in value):
        return "contains a value that is not an id"
    if isinstance(value, str) and field.kind == "text":
        return _text_violation(field, value)
    return None


def _text_violation(field: Field, value: str) -> str | None:
    if field.max_length is not None and len(value) > field.max_length:
        return f"is {len(value)} characters long (allowed: at most {field.max_length})"
    if field.pattern and not field.pattern.fullmatch(value):
        return _FORMATS[field.format or "email"][1]
    return None


def describe(table: Table) -> str:
    """Write the fields of a table as a Markdown table, for the documentation."""
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
