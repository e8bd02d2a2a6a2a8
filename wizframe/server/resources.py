"""The resources of the service: their fields, the requests and responses with each field, and the accepted values.

The module follows the contract's tables. A field is one line here. A resource is a `Resource` here, and has its
operations in a separate module (see `endpoints`) and its `routes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

__all__ = ["ADDRESSES", "CONTACTS", "CUSTOMERS", "E164", "EMAIL", "RESOURCES", "TABLES", "Field", "Record", "Resource"]

Record = dict[str, Any]

# Ten hexadecimal digits, as in cust_9e3779b97f.
_ID_BITS = 40
# Odd, so row * stride is a bijection modulo a power of two: ids look random, are the same in each run and are unique.
_ID_STRIDE = 0x9E3779B97F | 1


class Format(NamedTuple):
    """A pattern for strings that are not blank, and the reason in a refusal."""

    pattern: re.Pattern[str]
    reason: str


EMAIL = Format(re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+"), "must be an e-mail address")
E164 = Format(re.compile(r"\+[1-9][0-9]{6,14}"), "must be a phone number in E.164 format, such as +14155552671")
_ADDRESS_TYPE = Format(re.compile("billing|shipping"), "must be billing or shipping")


@dataclass(frozen=True)
class Field:
    """A field: where it occurs (`uses`, or `sdk` if that dialect differs), and the values that it accepts.

    A use is a letter. L: shown in list rows. D: shown in details. N: shown nested in a customer's details. C: accepted
    by a create. U: accepted by an update.
    """

    name: str
    uses: str
    sdk: str | None = None
    kind: Literal["text", "flag", "texts", "attributes", "addresses", "contacts"] = "text"
    max_length: int | None = None
    required: bool = False
    format: Format | None = None
    read_as: str = ""
    stored: bool = True

    def occurs(self, use: str, *, sdk: bool) -> bool:
        """Return whether the field has one of the uses (letters) in a dialect."""
        return use in (self.sdk if sdk and self.sdk is not None else self.uses)


@dataclass(frozen=True)
class Resource:
    """A kind of record. `name` is its path segment and its table; `entity` is one record in messages."""

    name: str
    entity: str
    id_prefix: str
    fields: tuple[Field, ...]
    sort_by: tuple[str, ...] = ()
    has_reference_filter: bool = False
    belongs_to_customer: bool = False

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the stored fields."""
        return tuple(field.name for field in self.fields if field.stored)

    @cached_property
    def writable(self) -> dict[str, Field]:
        """The fields that a create or an update accepts, by name."""
        return {field.name: field for field in self.fields if set("CU") & set(field.uses)}

    @cached_property
    def blank(self) -> Record:
        """The writable fields with blank values, for a new record."""
        defaults: Record = {"flag": False, "attributes": []}
        return {name: defaults.get(field.kind) for name, field in self.writable.items()}

    @cached_property
    def list_columns(self) -> frozenset[str]:
        """The columns that contain lists, as JSON."""
        kinds = {"texts", "attributes", "addresses"}
        return frozenset(field.name for field in self.fields if field.stored and field.kind in kinds)

    @cached_property
    def flag_columns(self) -> frozenset[str]:
        """The columns that contain true or false."""
        return frozenset(field.name for field in self.fields if field.kind == "flag")

    def record_id(self, row: int) -> str:
        """Return the id of the record in a row, counted from 1, such as ``cust_9e3779b97f``."""
        return f"{self.id_prefix}{row * _ID_STRIDE % (1 << _ID_BITS):010x}"


# Lengths and formats: contract, tables "Customer", "Contact" and "Addresses". Fields without a limit have none there.
CUSTOMERS = Resource(
    "customers",
    entity="customer",
    id_prefix="cust_",
    fields=(
        Field("id", "LD"),
        Field("reference_id", "LDCU", max_length=255, required=True),
        Field("display_id", "LDCU", sdk="LDU"),  # [D] cannot send one on create
        Field("company_name", "LDCU", read_as="name", required=True),  # one field under two names
        Field("display_name", "LDCU", required=True),
        Field("first_name", "LDCU", max_length=50),
        Field("last_name", "LDCU", max_length=50),
        Field("phone", "LDCU", format=E164),
        Field("email", "LDCU", format=EMAIL),
        Field("status", "LD", sdk="D"),  # [D] does not show this field and the next one in list rows
        Field("freight_term", "LDCU", sdk="DCU"),
        Field("shipping_method", "LDCU"),
        Field("payment_mode", "LDCU"),
        Field("payment_term", "LDCU"),
        Field("assigned_sales_rep_ids", "DCU", kind="texts", read_as="assigned_sales_reps"),
        Field("assigned_price_list_id", "DCU", read_as="assigned_price_list"),
        Field("addresses", "DCU", kind="addresses"),
        Field("contacts", "DCU", kind="contacts", stored=False),
        Field("attributes", "DCU", kind="attributes"),
        # These three are stored as flags of the contact or the address.
        Field("primary_contact_id", "U", stored=False),
        Field("default_shipping_address_id", "U", stored=False),
        Field("default_billing_address_id", "U", stored=False),
        Field("created_at", "LD"),
        Field("updated_at", "LD"),
    ),
    sort_by=("created_at", "updated_at", "company_name", "display_name"),
    has_reference_filter=True,
)

# Contract, table "Contact".
CONTACTS = Resource(
    "contacts",
    entity="contact",
    id_prefix="cont_",
    fields=(
        Field("id", "LDN"),
        Field("customer_id", ""),  # only in the path
        Field("reference_id", "LDNCU", max_length=255, required=True),
        Field("first_name", "LDNCU", max_length=50, required=True),
        Field("last_name", "LDNCU", max_length=50),
        Field("email", "LDNCU", required=True, format=EMAIL),
        Field("phone", "LDNCU", format=E164),
        Field("designation", "LDNCU"),
        Field("status", "LDN", sdk="LD"),
        Field("is_default", "LDNCU", kind="flag"),
        Field("attributes", "LDNCU", sdk="LDCU", kind="attributes"),
        Field("created_at", "LDN", sdk="LD"),
        Field("updated_at", "LDN", sdk="LD"),
        # No document names this field. A PUT without it erases it, so a client must send it back.
        Field("department", "LDNCU", sdk=""),
    ),
    sort_by=("created_at", "updated_at"),
    belongs_to_customer=True,
)

# Contract, table "Addresses".
ADDRESSES = Resource(
    "addresses",
    entity="address",
    id_prefix="addr_",
    fields=(
        Field("id", "N"),
        Field("customer_id", "N"),
        Field("reference_id", "NCU", max_length=255, required=True),
        Field("first_name", "NCU", sdk="CU", max_length=50),
        Field("last_name", "NCU", sdk="CU", max_length=50),
        Field("phone", "NCU", sdk="CU", format=E164),
        Field("email", "NCU", sdk="CU", format=EMAIL),
        Field("address_line_1", "NCU", max_length=255, required=True),
        Field("address_line_2", "NCU", sdk="CU", max_length=255),
        Field("city", "NCU", max_length=50, required=True),
        Field("state", "NCU", max_length=50),
        Field("country", "NCU", max_length=50),
        Field("zip_code", "NCU", max_length=50),
        Field("type", "NCU", required=True, format=_ADDRESS_TYPE),
        Field("status", "N", sdk=""),
        Field("is_default", "NCU", kind="flag"),
        Field("attributes", "NCU", sdk="CU", kind="attributes"),
        Field("created_at", "N", sdk=""),
        Field("updated_at", "N", sdk=""),
    ),
)

RESOURCES = {resource.name: resource for resource in (CUSTOMERS, CONTACTS, ADDRESSES)}

# Addresses are stored as a list in their customer.
TABLES = {resource.name: resource for resource in (CUSTOMERS, CONTACTS)}
