"""The rules for written values, and the reasons of a 422. `resources` has the accepted values of each field.

The documents are silent on these points, so this module decides them:

- Only fields that were sent are checked. Stored values stay as they are, even invalid ones.
- ``null`` clears a field like ``""`` does (like ``[]`` for a list). A required field cannot be cleared.
- Read-only fields and unknown fields are ignored without an error.
- Each item of a list is written as a whole, so it needs its own required fields.
- An attribute needs a ``name``, which may be the definition's id. A blank value removes the attribute. The value must
  have the type of the definition, and be among its options if it has any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wizframe.server.lookup_data import known_attribute
from wizframe.server.resources import RESOURCES, Field

if TYPE_CHECKING:
    from wizframe.server.resources import Record, Resource

__all__ = ["Path", "Problem", "check"]

Path = tuple[str | int, ...]
_Checked = tuple[Any, "list[Problem]"]

_ITEM_ID = Field("id", "")
# The types of the definitions in `lookup_data`.
_ATTRIBUTE_TYPES = {"text": (str,), "select": (str,), "number": (int, float), "checkbox": (bool,)}


class Problem(NamedTuple):
    """One reason for a 422, and the path of the wrong value in the body."""

    path: Path
    reason: str


def check(resource: Resource, sent: Record, *, complete: bool, at: Path = ()) -> tuple[Record, list[Problem]]:
    """Return the values to store and everything that is wrong; a `complete` record needs its required fields."""
    values: Record = {}
    problems = [
        Problem((*at, name), "is required")
        for name, field in resource.writable.items()
        if complete and field.required and name not in sent
    ]
    for name, value in sent.items():
        if name in resource.writable:
            values[name], found = _checked(resource.writable[name], value, (*at, name), resource.entity)
            problems += found
    return values, problems


def _checked(field: Field, value: Any, at: Path, entity: str) -> _Checked:
    match field.kind:
        case "text":
            return _text(field, value, at)
        case "flag":
            is_valid = value is None or isinstance(value, bool)
            return bool(value), [] if is_valid else [Problem(at, "must be true or false")]
        case "texts":
            return _list_of(str, "strings", value, at)
        case "attributes":
            return _attributes(value, at, entity)
        case _:
            return _items(RESOURCES[field.kind], value, at)


def _text(field: Field, value: Any, at: Path) -> _Checked:
    value = "" if value is None else value
    if not isinstance(value, str):
        return "", [Problem(at, "must be a string")]
    if not value.strip():
        return value, [Problem(at, "is required and cannot be blank")] if field.required else []
    if field.max_length is not None and len(value) > field.max_length:
        return value, [Problem(at, f"must be at most {field.max_length} characters long")]
    if field.format is not None and not field.format.pattern.fullmatch(value):
        return value, [Problem(at, field.format.reason)]
    return value, []


def _list_of(kind: type, named: str, value: Any, at: Path) -> tuple[list[Any], list[Problem]]:
    if value is None:
        return [], []
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        return [], [Problem(at, f"must be a list of {named}")]
    return value, []


def _attributes(value: Any, at: Path, entity: str) -> _Checked:
    items, problems = _list_of(dict, "objects", value, at)
    kept = []
    for index, item in enumerate(items):
        name, content = item.get("name"), item.get("value")
        definition = known_attribute(name, entity) if isinstance(name, str) else None
        if definition is None:
            named = f"{entity}s have no attribute {name!r}" if name else "is required and must be a string"
            problems.append(Problem((*at, index, "name"), named))
        elif content not in (None, "", []):
            kept.append({"name": definition["name"], "value": content})
            reason = _attribute_problem(definition, content)
            problems += [Problem((*at, index, "value"), reason)] if reason else []
    return kept, problems


def _attribute_problem(definition: Record, value: Any) -> str:
    kind = definition["data_type"]
    if not isinstance(value, _ATTRIBUTE_TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
        return f"must have the type {kind}"
    is_option = value in definition["options"] or not definition["options"]
    return "" if is_option else f"must be one of {', '.join(definition['options'])}"


def _items(resource: Resource, value: Any, at: Path) -> _Checked:
    items, problems = _list_of(dict, "objects", value, at)
    kept = []
    for index, item in enumerate(items):
        values, found = check(resource, item, complete=True, at=(*at, index))
        item_id, wrong = _text(_ITEM_ID, item.get("id"), (*at, index, "id"))
        kept.append(values | ({"id": item_id} if item_id else {}))
        problems += found + wrong
    return kept, problems
