"""Plans in files, for approval or for another machine. The key is not in them; customers' data is.

A file is read strictly: anything that wizframe does not write itself is rejected. Otherwise a user could approve one
change in the file, and wizframe could send another.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import orjson

from wizframe.account import Account
from wizframe.errors import PlanError
from wizframe.fields import NOT_AN_ID, TABLES, is_id
from wizframe.files import opening, replacing
from wizframe.frames.problems import LETTERS
from wizframe.planning.changes import Action, Cell, Change, part_of_changes, plan_id, sheet_of, short_id

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Sequence

    from wizframe.fields import Table
    from wizframe.planning.changes import PlanPart

__all__ = ["read_parts", "write_parts"]

#: The version of the format. Increase it if an older wizframe would misread a file.
FORMAT = 3
#: A plan of a million cells takes about 100 MB, and reading it takes several times as much memory.
MAX_BYTES = 1_000_000_000
#: A value is a string, a flag, a list, or a list of records such as attributes: at most five levels.
_MAX_DEPTH = 8
_NAMES = ("name", "id", "customer_id", "reference_id", "customer_reference_id")
_CHANGE = {"action", *_NAMES, "label", "cells", "children", "displaced"}
_COUNTS = ("compared_rows", "blanked")
_TEXTS = ("compared_columns", "own_columns", "notices")
_PART = {"table", "compared_with", "if_nothing", "sheet", "letters", "changes", *_COUNTS, *_TEXTS}
_WHOLE = {"wizframe_plan", "id", "base_url", "account", "parts"}
_TYPES: dict[str, type[Any]] = {"flag": bool, "ids": list, "list": list, "object": dict}


class _WrongFormError(ValueError):
    """The file differs from the form in which wizframe writes plans."""


def write_parts(parts: Sequence[PlanPart], path: str | os.PathLike[str]) -> None:
    """Write a plan to a file. An existing file is replaced as a whole, or not at all."""
    account = parts[0].account
    content = {
        "wizframe_plan": FORMAT,
        "id": plan_id(parts),
        "base_url": account.base_url,
        "account": account.name,
        "parts": [_saved(part) for part in parts],
    }
    with replacing(path) as target:
        target.write(_json(content))


def _json(content: Any) -> bytes:
    try:
        return orjson.dumps(content, option=orjson.OPT_INDENT_2)
    except TypeError:  # half an emoji, or a number of more than 64 bits
        return json.dumps(content, indent=2).encode()


def _saved(part: PlanPart) -> dict[str, Any]:
    changes = [
        {
            "action": change.action,
            **{name: getattr(change, name) for name in _NAMES},
            "label": str(change.label),
            "cells": [list(cell) for cell in change.cells],
            "children": [list(one) for one in change.children],
            "displaced": [list(one) for one in change.displaced],
        }
        for change in part.changes_list
    ]
    sheet, letters = sheet_of(part)
    return {
        "table": part.table.name,
        **{name: getattr(part, name) for name in ("compared_rows", "blanked", "compared_with", "if_nothing")},
        **{name: list(getattr(part, name)) for name in _TEXTS},
        "sheet": sheet,
        "letters": letters,
        "changes": changes,
    }


def read_parts(path: str | os.PathLike[str]) -> tuple[PlanPart, ...]:
    """Read a saved plan; see :func:`wizframe.load_plan`."""
    file = Path(path)
    with opening(path), file.open("rb") as saved:
        written = saved.read(MAX_BYTES + 1)
    if len(written) > MAX_BYTES:
        raise PlanError(f"{path} has more than {MAX_BYTES:,} bytes: it is not a plan that wizframe saved")
    try:
        content = _parsed(written)
        found = content.get("wizframe_plan") if isinstance(content, dict) else None
        if found != FORMAT and type(found) is int:
            raise PlanError(
                f"{path} is a plan of form {found}, this wizframe reads form {FORMAT}",
                hint="Save the plan again with the version of wizframe that sends it.",
            )
        whole = _object(content, _WHOLE, "the file")
        if found != FORMAT or type(found) is not int:
            raise _WrongFormError(f"its form is {found!r}")
        parts = tuple(_read_part(part, whole) for part in _in_order(whole["parts"]))
        own_id = plan_id(parts)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, PlanError):
            raise
        why = str(error) if isinstance(error, _WrongFormError) else f"{type(error).__name__}: {error}"
        raise PlanError(f"{path} is not a plan that wizframe saved ({why})", hint="Save the plan again.") from None
    if own_id != content["id"]:
        said = content["id"] if isinstance(content["id"], str) else repr(content["id"])
        raise PlanError(
            f"{path} was changed after it was saved: its id is {short_id(said)}…, but what it shows is plan "
            f"{short_id(own_id)}…",
            hint="Save the plan again.",
        )
    return parts


def _parsed(content: bytes) -> Any:
    """Read JSON without repeated keys, because programs differ in which of two equal keys they use."""

    def only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
            raise _WrongFormError(f"the key {twice!r} occurs twice")
        return found

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise _WrongFormError(f"{text} is not a finite number")
        return number

    return json.loads(content.decode("utf-8"), object_pairs_hook=only_once, parse_constant=finite, parse_float=finite)


def _in_order(parts: Any) -> list[dict[str, Any]]:
    names = [_object(part, _PART, "a part")["table"] for part in _list(parts, "parts")]
    if not names or names != [name for name in TABLES if name in names]:
        raise _WrongFormError(f"its tables are {names}")
    return list(parts)


def _read_part(part: dict[str, Any], whole: dict[str, Any]) -> PlanPart:
    table = TABLES[part["table"]]
    changes = [_change(row, table) for row in _list(part["changes"], "changes")]
    _check_different(changes)
    blanked = {_text(name, "a column"): _count(count) for name, count in _mapping(part["blanked"]).items()}
    letters = {_text(name, "a column"): _text(letter, "a letter") for name, letter in _mapping(part["letters"]).items()}
    made = part_of_changes(
        changes,
        table,
        Account(_text(whole["base_url"], "base_url"), _text(whole["account"], "account")),
        made_from=_text(part["compared_with"], "compared_with"),
        if_nothing=_text(part["if_nothing"], "if_nothing"),
        notices=_texts(part["notices"]),
    )
    if sheet := _text(part["sheet"], "sheet"):
        made.frame.index.name = sheet
        made.frame.attrs[LETTERS] = letters
        made = replace(made, as_planned=made.frame.copy(deep=False))
    if sheet_of(made) != (sheet, letters):
        raise _WrongFormError("its sheet or the letters of its columns have the wrong form")
    return replace(
        made,
        blanked=blanked,
        own_columns=tuple(_texts(part["own_columns"])),
        compared_rows=_count(part["compared_rows"]),
        compared_columns=tuple(_texts(part["compared_columns"])),
    )


def _change(row: Any, table: Table) -> Change:
    row = _object(row, _CHANGE, "a change")
    if row["action"] not in get_args(Action):
        raise _WrongFormError(f"unknown action {row['action']!r}")
    for name in ("label", *_NAMES):
        if row[name] is not None or name in ("label", "name"):
            _text(row[name], name)
    change = Change(
        position=0,
        cells=tuple(Cell(*cell) for cell in _lists(row["cells"], 3, "cells")),
        children=tuple((one, count) for one, count in _lists(row["children"], 2, "children")),
        displaced=tuple((one, name) for one, name in _lists(row["displaced"], 2, "displaced")),
        **{name: row[name] for name in ("action", "label", *_NAMES)},
    )
    if wrong := next(_wrong(change, table), None):
        raise _WrongFormError(f"to {change.action} {change.id or change.reference_id}: {wrong}")
    return change


def _wrong(change: Change, table: Table) -> Iterator[str]:
    """Describe the parts of a change that wizframe cannot have written, so that a user sees all that it does."""
    is_new = change.action == "create"
    columns = [cell.column for cell in change.cells]
    if is_new == (change.id is not None):
        yield "a new record has no id" if is_new else "the id is missing"
    if not all(is_id(one) for one in (change.id, change.customer_id) if one is not None):
        yield f"an id {NOT_AN_ID}"
    if is_new and (not change.reference_id or change.new_values.get("reference_id") != change.reference_id):
        yield "the reference is missing"
    if bool(table.parent) != any(change.owner):
        yield "the parent is missing" if table.parent else "it has no parent"
    if not change.cells or all(cell.old is None and cell.new is None for cell in change.cells):
        yield "its content is missing" if change.action == "delete" else "it changes nothing"
    if len(set(map(str, columns))) < len(columns):
        yield "a column occurs twice"
    for cell in change.cells:
        yield from _wrong_cell(cell, change.action, table)
    kinds = {child.name for child in table.children}
    if not all(
        isinstance(name, str) and name in kinds and type(count) is int and count >= 0 for name, count in change.children
    ):
        yield "its children have the wrong form"
    if not all(isinstance(one, str) and isinstance(name, str) for one, name in change.displaced):
        yield "the records that lose a flag have the wrong form"


def _wrong_cell(cell: Cell, action: Action, table: Table) -> Iterator[str]:
    if not isinstance(cell.column, str) or cell.column not in table:
        yield f"{cell.column!r} is not a column of {table.name}"
        return
    field = table[cell.column]
    if (action == "create" and not field.create) or (action == "update" and not field.writable):
        yield f"{cell.column} cannot be set"
    if (action == "create" and cell.old is not None) or (action == "delete" and cell.new is not None):
        yield f"{cell.column} has one value too many"
    for value in (cell.old, cell.new):
        expected = _TYPES.get(field.kind, str)
        if value is not None and not isinstance(value, expected):
            yield f"{cell.column} is {type(value).__name__}, not {expected.__name__}"
        if field.kind == "ids" and not all(isinstance(one, str) for one in value or ()):
            yield f"{cell.column} holds something that is not an id"
        if _depth(value) > _MAX_DEPTH:
            yield f"{cell.column} is nested too deeply"


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _check_different(changes: Sequence[Change]) -> None:
    """Reject two changes of one record, because a user who searches for the record sees only the first one."""
    known: set[tuple[Any, ...]] = set()
    for change in changes:
        key = (change.action == "create", *change.owner, change.id or change.reference_id)
        if key in known:
            raise _WrongFormError(f"{change.id or change.reference_id} is changed twice")
        known.add(key)


def _object(value: Any, keys: Collection[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _WrongFormError(f"{what} is {type(value).__name__}, not an object")
    if missing := sorted(set(keys) - value.keys()):
        raise _WrongFormError(f"{what} has no {', '.join(missing)}")
    if unknown := sorted(value.keys() - set(keys)):
        raise _WrongFormError(f"{what} has an unknown key {unknown[0]!r}")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _WrongFormError(f"{value!r} is not an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongFormError(f"{what} is {type(value).__name__}, not a list")
    return value


def _lists(value: Any, length: int, what: str) -> list[list[Any]]:
    for one in _list(value, what):
        if not isinstance(one, list) or len(one) != length:
            raise _WrongFormError(f"{what} holds something that is not a list of {length}")
    return list(value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _WrongFormError(f"{what} is {type(value).__name__}, not a string")
    return value


def _texts(value: Any) -> list[str]:
    return [_text(one, "a text") for one in _list(value, "a list of texts")]


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _WrongFormError(f"{value!r} is not a count")
    return value
