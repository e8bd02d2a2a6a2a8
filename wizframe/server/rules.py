"""What may be written: which fields, of which type, how long, and what is refused with 422.

Decided here, as the documents are silent:

- Only fields that were sent are checked; what lies in the account already stays as it is.
- ``null`` clears like ``""`` (and like ``[]`` in a list); a required field can be cleared by neither.
- Fields that cannot be written, and fields that nobody knows, are ignored without a word.
- The items of a list are written whole, so each needs its own required fields.
- An attribute needs a ``name``; one without a ``value`` has an empty value from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.messages import Record

__all__ = ["E164", "EMAIL", "RULES", "Checked", "Kind", "Path", "Problem", "Rule", "check"]

Kind = Literal["text", "flag", "texts", "attributes", "addresses", "contacts"]
Path = tuple[str | int, ...]

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True)
class Rule:
    """What one field accepts.

    Parameters
    ----------
    kind : str, default "text"
        The type of the value.
    longest : int, optional
        The largest number of characters.
    required : bool, default False
        Whether a new record must have it, and no record may lose it.
    pattern : re.Pattern, optional
        What a value that is not blank must match.
    reason : str, default ""
        The sentence for a value that does not match.
    """

    kind: Kind = "text"
    longest: int | None = None
    required: bool = False
    pattern: re.Pattern[str] | None = None
    reason: str = ""


_EMAIL = Rule(pattern=EMAIL, reason="must be an e-mail address")
_PHONE = Rule(pattern=E164, reason="must be a phone number in E.164 format, such as +14155552671")
_ID = Rule()
_REFERENCE = Rule(longest=255, required=True)

RULES: dict[str, dict[str, Rule]] = {
    "customers": {
        "reference_id": _REFERENCE,
        "display_id": Rule(),
        "company_name": Rule(required=True),
        "display_name": Rule(required=True),
        "first_name": Rule(longest=50),
        "last_name": Rule(longest=50),
        "phone": _PHONE,
        "email": _EMAIL,
        "freight_term": Rule(),
        "shipping_method": Rule(),
        "payment_mode": Rule(),
        "payment_term": Rule(),
        "assigned_sales_rep_ids": Rule("texts"),
        "assigned_price_list_id": Rule(),
        "addresses": Rule("addresses"),
        "contacts": Rule("contacts"),
        "attributes": Rule("attributes"),
        "primary_contact_id": Rule(),
        "default_shipping_address_id": Rule(),
        "default_billing_address_id": Rule(),
    },
    "contacts": {
        "reference_id": _REFERENCE,
        "first_name": Rule(longest=50, required=True),
        "last_name": Rule(longest=50),
        "email": Rule(required=True, pattern=EMAIL, reason="must be an e-mail address"),
        "phone": _PHONE,
        "designation": Rule(),
        "department": Rule(),
        "is_default": Rule("flag"),
        "attributes": Rule("attributes"),
    },
    "addresses": {
        "reference_id": _REFERENCE,
        "first_name": Rule(longest=50),
        "last_name": Rule(longest=50),
        "phone": _PHONE,
        "email": _EMAIL,
        "address_line_1": Rule(longest=255, required=True),
        "address_line_2": Rule(longest=255),
        "city": Rule(longest=50, required=True),
        "state": Rule(longest=50),
        "country": Rule(longest=50),
        "zip_code": Rule(longest=50),
        "type": Rule(required=True, pattern=re.compile("billing|shipping"), reason="must be billing or shipping"),
        "is_default": Rule("flag"),
        "attributes": Rule("attributes"),
    },
}
"""Every field that can be written, by table; ``id`` is carried besides in the items of a list."""


@dataclass(frozen=True)
class Problem:
    """One reason for a 422: the path of the field in our own spelling, and the sentence."""

    path: Path
    reason: str


def check(table: str, sent: Record, *, complete: bool, at: Path = ()) -> tuple[Record, list[Problem]]:
    """Check and normalise the fields that were sent.

    Parameters
    ----------
    table : {"customers", "contacts", "addresses"}
        Whose rules.
    sent : dict
        Values by field in our own spelling; only writable fields.
    complete : bool
        Whether required fields must be there, as in a new record.
    at : tuple
        Where the record lies in the body.

    Returns
    -------
    tuple of dict and list of Problem
        The values to store, and everything that is wrong.
    """
    rules = RULES[table]
    values: Record = {}
    problems = [
        Problem((*at, name), "is required")
        for name, rule in rules.items()
        if complete and rule.required and name not in sent
    ]
    for name, value in sent.items():
        if name in rules:
            values[name], found = _CHECKS[rules[name].kind](rules[name], value, (*at, name))
            problems += found
    return values, problems


Checked = tuple[Any, list[Problem]]


def _text(rule: Rule, value: Any, at: Path) -> Checked:
    if value is None:
        value = ""
    if not isinstance(value, str):
        return "", [Problem(at, "must be a string")]
    if not value.strip():
        return value, [Problem(at, "is required and cannot be blank")] if rule.required else []
    if rule.longest is not None and len(value) > rule.longest:
        return value, [Problem(at, f"must be at most {rule.longest} characters")]
    if rule.pattern is not None and not rule.pattern.fullmatch(value):
        return value, [Problem(at, rule.reason)]
    return value, []


def _flag(_rule: Rule, value: Any, at: Path) -> Checked:
    if value is None or isinstance(value, bool):
        return bool(value), []
    return False, [Problem(at, "must be true or false")]


def _texts(_rule: Rule, value: Any, at: Path) -> Checked:
    if value is None:
        return [], []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return [], [Problem(at, "must be a list of strings")]
    return value, []


def _attributes(_rule: Rule, value: Any, at: Path) -> Checked:
    items, problems = _objects(value, at)
    kept = []
    for index, item in enumerate(items):
        name = item.get("name")
        if isinstance(name, str) and name.strip():
            kept.append({"name": name, "value": item.get("value")})
        else:
            problems.append(Problem((*at, index, "name"), "is required and must be a string"))
    return kept, problems


def _items(table: str) -> Callable[[Rule, Any, Path], Checked]:
    def check_items(_rule: Rule, value: Any, at: Path) -> Checked:
        items, problems = _objects(value, at)
        kept = []
        for index, item in enumerate(items):
            values, found = check(table, item, complete=True, at=(*at, index))
            item_id, wrong = _text(_ID, item.get("id"), (*at, index, "id"))
            kept.append(values | ({"id": item_id} if item_id else {}))
            problems += found + wrong
        return kept, problems

    return check_items


def _objects(value: Any, at: Path) -> tuple[list[Record], list[Problem]]:
    if value is None:
        return [], []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return [], [Problem(at, "must be a list of objects")]
    return value, []


_CHECKS: dict[Kind, Callable[[Rule, Any, Path], Checked]] = {
    "text": _text,
    "flag": _flag,
    "texts": _texts,
    "attributes": _attributes,
    "addresses": _items("addresses"),
    "contacts": _items("contacts"),
}
