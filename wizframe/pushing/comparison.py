"""Compare a record of the service with the sent values and with its old values. Pure functions."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.api.validation import moment
from wizframe.frames.build import is_blank
from wizframe.pushing.outcomes import ConflictCell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.planning.changes import Cell

__all__ = [
    "TEXT_ADDED",
    "OnConflict",
    "SideEffect",
    "is_as_it_was",
    "is_same",
    "rewriting",
    "side_effects",
    "three_way",
]

OnConflict = Literal["skip", "mine", "theirs"]
#: A country code has at most three digits; fewer than seven digits may be the end of many numbers.
_COUNTRY_DIGITS, _PHONE_DIGITS = 3, 7


def three_way(
    cells: Iterable[Cell], current: Record, on_conflict: OnConflict, *, was_sent: bool = False
) -> tuple[dict[str, Any], list[ConflictCell]]:
    """Decide for each field: the new value is already stored, the old value is stored (send), or another (conflict).

    If the change may have been sent already, a value that the service rewrote counts as ours.
    """
    wanted: dict[str, Any] = {}
    conflicts: list[ConflictCell] = []
    for cell in cells:
        now = current.get(cell.column)
        is_old = is_same(now, cell.old)
        if is_same(now, cell.new) or ((was_sent or not is_old) and rewriting(cell.column, cell.new, now)):
            continue
        if not is_old:
            conflicts.append(ConflictCell(cell.column, cell.old, cell.new, now))
            if on_conflict != "mine":
                continue
        wanted[cell.column] = cell.new
    return wanted, conflicts


def is_as_it_was(cell: Cell, current: Record) -> bool:
    """Return whether a field of a record still has the value that it had when a delete was planned."""
    if cell.column != "updated_at":
        return is_same(current[cell.column], cell.old)
    try:
        return moment(current["updated_at"]) == moment(cell.old)
    except (ValueError, OverflowError):  # a time that cannot be read proves nothing
        return False


def is_same(left: Any, right: Any) -> bool:
    """Compare the service's value with one of ours: blank equals blank, lists in any order.

    The service returns a record inside a record (an address, a contact, an attribute) with more fields than were sent.
    """
    if is_blank(left) or left == []:
        return is_blank(right) or right == []
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(any(is_same(item, wanted) for item in left) for wanted in right)
    if isinstance(left, dict) and isinstance(right, dict):
        return all(is_same(left.get(name), value) for name, value in right.items())
    return bool(left == right)


def rewriting(column: str, sent: Any, stored: Any) -> str:
    """Describe how the service rewrote a value, such as "spaces removed"; empty if it stored another value.

    A rewritten value has the same meaning: only spaces, invisible characters, the form of accents, letter case, or the
    form of a phone number differ.
    """
    if isinstance(sent, list) and isinstance(stored, list) and len(sent) == len(stored):
        pairs = [(one, other) for one, other in zip(sent, stored, strict=True) if not is_same(other, one)]
        found = [rewriting(column, *pair) for pair in pairs]
        return found[0] if found and all(found) else ""
    if isinstance(sent, dict) and isinstance(stored, dict):
        found = [rewriting(name, value, stored.get(name)) for name, value in sent.items() if stored.get(name) != value]
        return found[0] if found and all(found) else ""
    if not isinstance(sent, str) or not isinstance(stored, str) or not sent.strip() or not stored.strip():
        return ""
    if column == "phone" and _is_same_phone(sent, stored):
        return "formatted"
    if column == "reference_id" and sent.strip().casefold() != stored.casefold() and _is_part(sent, stored):
        return TEXT_ADDED
    said = []
    for words, canonical in _REWRITINGS.items():
        if sent == stored:
            break
        plain, stored_plain = canonical(sent), canonical(stored)
        if (plain, stored_plain) != (sent, stored):
            said.append(words)
        sent, stored = plain, stored_plain
    return ", ".join(said) if sent == stored else ""


#: The service put something before or after a reference.
TEXT_ADDED = "text added"
#: The common ways to rewrite text, the mildest first.
_REWRITINGS: dict[str, Callable[[str], str]] = {
    "accents composed": lambda text: unicodedata.normalize("NFC", text),
    "characters replaced": lambda text: unicodedata.normalize("NFKC", text),
    "invisible characters removed": lambda text: "".join(one for one in text if unicodedata.category(one) != "Cf"),
    "spaces removed": lambda text: " ".join(text.split()),
    "characters escaped for HTML": html.unescape,
    "letter case changed": str.casefold,
}


def _is_part(sent: str, stored: str) -> bool:
    """Return whether a reference is a whole word in another one, such as 17 in WC-17."""
    return bool(re.search(rf"(?<!\w){re.escape(sent)}(?!\w)", stored, re.IGNORECASE))


def _is_same_phone(sent: str, stored: str) -> bool:
    """Compare the digits. A national number lacks the country code, or has a 0 instead."""
    if not re.fullmatch(r"[\d\s()+./-]+", stored):
        return False
    short, long = sorted((re.sub(r"\D", "", text).lstrip("0") for text in (sent, stored)), key=len)
    return len(short) >= _PHONE_DIGITS and long.endswith(short) and len(long) - len(short) <= _COUNTRY_DIGITS


class SideEffect(NamedTuple):
    """A field that changed although it was not sent."""

    column: str
    before: Any
    after: Any
    is_loss: bool  # whether it became blank, has a value that was sent for another field, or is one of several
    rewriting: str = ""  # if it still means the same: how the service wrote it


def side_effects(before: Record, after: Record, sent: Mapping[str, Any], table: Table) -> list[SideEffect]:
    """List the fields that an update changed although they were not sent. ``after`` is the whole record."""
    found, rewritten = [], []
    for name, value in before.items():
        if name in sent or is_blank(value) or value == [] or not _is_kept(name, table):
            continue
        old, new = _comparable(name, value), _comparable(name, after.get(name))
        if is_same(new, old):
            continue
        if words := rewriting(name, old, new):
            rewritten.append(SideEffect(name, old, new, is_loss=False, rewriting=words))
            continue
        is_swapped = name in table and isinstance(new, str) and new in sent.values()
        is_loss = is_swapped or name == "reference_id" or _is_lost(old, new)
        if is_loss or (name in table and not isinstance(new, list)):  # others may add a contact at any time
            found.append(SideEffect(name, old, new, is_loss))
    if len(found) > 1:  # in a moment this short, another user rarely changes several fields
        found = [effect._replace(is_loss=True) for effect in found]
    return [*found, *rewritten]


def _is_kept(name: str, table: Table) -> bool:
    """Return whether an update should keep a field. Times may change, and derived fields change with their source.

    For fields that the table does not know, only a loss counts, because they may be version numbers.
    """
    return name not in table or table[name].update or table[name].kind == "status"


def _comparable(name: str, value: Any) -> Any:
    """Reduce a list of records to their identities, because their times and other details may change on their own."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return value
    if name == "attributes":
        return [{key: item[key] for key in ("name", "value") if key in item} for item in value]
    return [{"id": item["id"]} if item.get("id") else item for item in value]


def _is_lost(old: Any, new: Any) -> bool:
    """Return whether a value that was not blank is lost, as a whole or in part."""
    if is_blank(new) or new == [] or (old is True and new is False):
        return True
    # For lists of records, only attributes have values, because the others are separate tables.
    return _values(new) < _values(old)


def _values(attributes: Any) -> int:
    """Count the attributes that have a value."""
    items = attributes if isinstance(attributes, list) else []
    return sum(isinstance(item, dict) and not is_blank(item.get("value")) for item in items)
