"""The sales reps, price lists and attribute definitions of every sandbox account.

No operation lists them, so they are constants. They include the examples of the documents.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizframe.server.resources import Record

__all__ = [
    "ATTRIBUTES",
    "PRICE_LISTS",
    "SALES_REPS",
    "attribute_definition",
    "known_attribute",
    "price_list",
    "sales_rep",
]

# rep_123456, plist_123456 and attr_123456 are from the examples of [D].
_SINCE = "2023-01-15T10:30:00Z"

_REPS = (
    ("rep_123456", "Alice", "Smith", "+14155550101", "Key accounts"),
    ("rep_204417", "Jonas", "Lindqvist", "+46850550102", "Nordics"),
    ("rep_204931", "Chiara", "Bellandi", "+390255550103", "Southern Europe"),
    ("rep_211806", "Priya", "Raman", "+442071550104", "UK and Ireland"),
    ("rep_219350", "Mateo", "Quiroga", "+525555550105", "Latin America"),
    ("rep_223718", "Hannah", "Okafor", "+13125550106", "Midwest"),
    ("rep_230042", "Kenji", "Moriyama", "+81355550107", "Asia Pacific"),
    ("rep_231977", "Lena", "Brandhorst", "+49305550108", "Germany, Austria, Switzerland"),
)

SALES_REPS: dict[str, Record] = {
    rep_id: {
        "id": rep_id,
        "name": f"{first} {last}",
        "email": f"{first}.{last}@wholesale.example.com".lower(),
        "first_name": first,
        "last_name": last,
        "phone": phone,
        "department": department,
        "status": "active",
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }
    for rep_id, first, last, phone, department in _REPS
}

_PRICE_LISTS = (
    ("plist_123456", "Standard", "USD"),
    ("plist_140233", "Boutique", "USD"),
    ("plist_140871", "Key account", "USD"),
    ("plist_152004", "Europe", "EUR"),
    ("plist_152690", "United Kingdom", "GBP"),
    ("plist_160118", "Trade show", "USD"),
)

PRICE_LISTS: dict[str, Record] = {
    list_id: {
        "id": list_id,
        "name": name,
        "currency": currency,
        "status": "active",
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }
    for list_id, name, currency in _PRICE_LISTS
}


def _definition(attribute_id: str, name: str, entity: str, data_type: str, options: list[str]) -> Record:
    return {
        "id": attribute_id,
        "name": name,
        "entity": entity,
        "data_type": data_type,
        "options": options,
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }


ATTRIBUTES: dict[tuple[str, str], Record] = {
    (definition["name"], definition["entity"]): definition
    for definition in (
        _definition("attr_123456", "Industry", "customer", "select", ["Technology", "Healthcare", "Retail"]),
        _definition(
            "attr_130551",
            "Store type",
            "customer",
            "select",
            ["Boutique", "Gift shop", "Furniture", "Homeware", "Garden centre", "Museum shop", "Online"],
        ),
        _definition("attr_131870", "Stores", "customer", "number", []),
        _definition("attr_133062", "Tax exempt", "customer", "checkbox", []),
        _definition("attr_137415", "Trade show", "customer", "text", []),
        _definition("attr_137960", "Ledger number", "customer", "text", []),
        _definition("attr_151009", "Newsletter", "contact", "checkbox", []),
        _definition("attr_151338", "Language", "contact", "text", []),
        _definition("attr_152877", "Ledger number", "contact", "text", []),
    )
}


def sales_rep(rep_id: str, *, brief: bool) -> Record:
    """Return a sales rep as the API shows it. An unknown rep has only an id and a blank name.

    The brief form has ``id`` and ``name`` [D]. The full form has first and last name, but no ``name`` [R].
    """
    rep = SALES_REPS.get(rep_id, {"id": rep_id, "name": ""})
    return _brief(rep) if brief else {key: value for key, value in rep.items() if key != "name"}


def price_list(list_id: str, *, brief: bool) -> Record:
    """Return a price list as the API shows it: the brief form [D] or the full form [R]."""
    found = PRICE_LISTS.get(list_id, {"id": list_id, "name": ""})
    return _brief(found) if brief else found


def _brief(record: Record) -> Record:
    return {"id": record["id"], "name": record["name"]}


def known_attribute(name_or_id: str, entity: str) -> Record | None:
    """Return the definition with a name or an id, if there is one."""
    found = (one for one in ATTRIBUTES.values() if one["entity"] == entity and name_or_id in (one["name"], one["id"]))
    return next(found, None)


def attribute_definition(name: str, entity: str) -> Record:
    """Return the definition of an attribute; a new name gets a definition, always with the same id."""
    known = ATTRIBUTES.get((name, entity))
    if known is not None:
        return known
    digest = hashlib.sha256(f"{entity}/{name}".encode()).hexdigest()
    return _definition(f"attr_{digest[:8]}", name, entity, "text", [])
