"""Plans in files, for approval or for another machine. The files have customers' data, but never the API key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import orjson

from wizframe.account import Account
from wizframe.errors import PlanError
from wizframe.fields import TABLES
from wizframe.files import replacing
from wizframe.planning.changes import Action, Cell, Change, part_of_changes, plan_id

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from wizframe.planning.changes import PlanPart

__all__ = ["read_parts", "write_parts"]

#: The version of the format. Increase it if an older wizframe would misread a file.
FORMAT = 2
_SAVED = ("action", "name", "id", "customer_id", "reference_id", "customer_reference_id")


def write_parts(parts: Sequence[PlanPart], path: str | os.PathLike[str]) -> None:
    """Write a plan to a file. An existing file is replaced as a whole, or not at all."""
    account = parts[0].account
    content = {
        "wizframe_plan": FORMAT,
        "id": plan_id(parts),
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "base_url": account.base_url,
        "account": account.name,
        "parts": [_saved(part) for part in parts],
    }
    with replacing(path) as target:
        target.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def _saved(part: PlanPart) -> dict[str, Any]:
    changes = [
        {
            **{name: getattr(change, name) for name in _SAVED},
            "label": str(change.label),
            "cells": [list(cell) for cell in change.cells],
        }
        for change in part.changes_list
    ]
    return {
        "table": part.table.name,
        "compared_with": part.compared_with,
        "notices": list(part.notices),
        "changes": changes,
    }


def read_parts(path: str | os.PathLike[str]) -> tuple[PlanPart, ...]:
    """Read a saved plan; see :func:`wizframe.load_plan`."""
    try:
        content = orjson.loads(Path(path).read_bytes())
        if content["wizframe_plan"] != FORMAT:
            raise PlanError(f"{path} is a plan of format {content['wizframe_plan']}, this wizframe reads only {FORMAT}")
        parts = tuple(_read_part(part, content) for part in _in_order(content["parts"]))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise PlanError(
            f"{path} is not a plan that wizframe saved ({type(error).__name__}: {error})", hint="Save the plan again."
        ) from None
    if (found := plan_id(parts)) != content["id"]:
        raise PlanError(
            f"{path} was changed after it was saved: its id is {content['id']}, but its changes are those of plan "
            f"{found}",
            hint="Save the plan again.",
        )
    return parts


def _in_order(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [part["table"] for part in parts]
    if not names or names != [name for name in TABLES if name in names]:
        raise TypeError(f"its tables are {names}")
    return parts


def _read_part(part: dict[str, Any], content: dict[str, Any]) -> PlanPart:
    return part_of_changes(
        [_change(row) for row in part["changes"]],
        TABLES[part["table"]],
        Account(_text(content["base_url"]), _text(content["account"])),
        made_from=f"{part['compared_with']}; saved {content['saved_at']}",
        if_nothing="the saved plan has no changes in this table",
        notices=list(map(_text, part["notices"])),
    )


def _change(row: dict[str, Any]) -> Change:
    cells = tuple(Cell(*cell) for cell in row["cells"])
    if row["action"] not in get_args(Action):
        raise TypeError(f"unknown action {row['action']!r}")
    for name in _SAVED:
        if row[name] is not None or name == "name":
            _text(row[name])
    return Change(position=0, label=_text(row["label"]), cells=cells, **{name: row[name] for name in _SAVED})


def _text(value: Any) -> str:
    """Return a string from a file; reject all other types, because wizframe writes only strings here."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value
