"""Plans that do not come from a user's frame: saved to a file, read from the journal, or the inverse of a push."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import orjson
import pandas as pd

from wizframe.account import Account
from wizframe.errors import PlanError, PlanProblemsError
from wizframe.fields import TABLES
from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.build import to_frame
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import Action, Cell, Change, Problem
from wizframe.planning.typed_frame import CUSTOMER_REFERENCE
from wizframe.pushing.plan import Plan

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from wizframe.fields import Table

__all__ = ["joined", "load_plan", "revive", "save_plan"]

FORMAT = 2
_KEYS = ("id", "customer_id", "reference_id")
_SAVED = ("action", "name", *_KEYS, "customer_reference_id")


def revive(
    changes: Iterable[Change],
    table: Table,
    account: Account,
    *,
    connection: str = "",
    made_from: str,
    problems: Sequence[Problem] = (),
    notices: Sequence[str] = (),
) -> Plan:
    """Make an ordinary plan of changes that come without a frame.

    Parameters
    ----------
    changes : iterable of Change
    table : Table
    account : Account
    connection : str
        Which connection it is made for.
    made_from : str
        What the plan says that it was compared with.
    problems : sequence of Problem
    notices : sequence of str

    Returns
    -------
    Plan
        Its frame has one row per change, under the changes' labels, with the columns that they name, and a baseline of
        the old values: what fails can be edited and planned again.
    """
    numbered = tuple(change._replace(position=number) for number, change in enumerate(changes))
    columns = {cell.column for change in numbered for cell in change.cells if table[cell.column].level}
    names = [name for name in table.columns(details=True) if name in columns or name in _KEYS]
    labels = pd.Index([change.label for change in numbered])
    frame = _frame([_record(change, old=False) for change in numbered], table, names).set_axis(labels)
    of_new_customers = [change.customer_reference_id for change in numbered]
    if any(of_new_customers):
        frame[CUSTOMER_REFERENCE] = pd.Series(of_new_customers, index=labels, dtype="str")
    known = [change for change in numbered if change.id is not None]
    before = _frame([_record(change, old=True) for change in known], table, names)
    if before["id"].is_unique:
        attach(frame, Baseline(table, account, connection, before, problems_frame()))
    return Plan(
        table=table,
        account=account,
        frame=frame,
        changes_list=numbered,
        problems_list=tuple(problems),
        notices=tuple(notices),
        compared_rows=len(numbered),
        compared_columns=tuple(name for name in names if name in columns),
        compared_with=made_from,
    )


def _record(change: Change, *, old: bool) -> dict[str, Any]:
    cells = {cell.column: cell.old if old or change.action == "delete" else cell.new for cell in change.cells}
    return cells | {name: getattr(change, name) for name in _KEYS if name not in cells}


def _frame(records: list[dict[str, Any]], table: Table, names: list[str]) -> pd.DataFrame:
    return to_frame(records, table, details=True)[0][names]


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan to a file, for approval or for another machine. The key is not in it; customers' data is.

    Parameters
    ----------
    plan : Plan
        Without problems.
    path : path-like
        Replaced as a whole, or not at all.

    Raises
    ------
    PlanProblemsError
        The plan has problems.
    """
    if len(plan.problems):
        raise PlanProblemsError("a plan with problems cannot be saved: solve them, plan again", plan.problems)
    content = {
        "wizframe_plan": FORMAT,
        "id": plan.id,
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "base_url": plan.account.base_url,
        "account": plan.account.name,
        "parts": [_part(part) for part in plan.parts],
    }
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    beside.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    beside.replace(target)


def _part(plan: Plan) -> dict[str, Any]:
    changes = [
        {
            **{name: getattr(change, name) for name in _SAVED},
            "label": str(change.label),
            "cells": [list(cell) for cell in change.cells],
        }
        for change in plan.changes_list
    ]
    return {
        "table": plan.table.name,
        "compared_with": plan.compared_with,
        "notices": list(plan.notices),
        "changes": changes,
    }


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a saved plan. Applying it does exactly what it says, with conflicts checked again.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Plan

    Raises
    ------
    PlanError
        The file is no plan, of a newer form, or was changed after it was saved.
    """
    try:
        content = orjson.loads(Path(path).read_bytes())
        if content["wizframe_plan"] != FORMAT:
            raise PlanError(f"{path} is a plan of form {content['wizframe_plan']}, this wizframe reads form {FORMAT}")
        plan = joined([_revived(part, content) for part in _in_order(content["parts"])])
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise PlanError(f"{path} is no plan that was saved by wizframe ({type(error).__name__}: {error})") from None
    if plan.id != content["id"]:
        raise PlanError(f"{path} was changed after it was saved: it says plan {content['id']}, but holds {plan.id}")
    return plan


def _in_order(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [part["table"] for part in parts]
    if names not in (["customers"], ["contacts"], ["customers", "contacts"]):
        raise TypeError(f"it is of {names}")
    return parts


def _revived(part: dict[str, Any], content: dict[str, Any]) -> Plan:
    return revive(
        [_change(row) for row in part["changes"]],
        TABLES[part["table"]],
        Account(_text(content["base_url"]), _text(content["account"])),
        made_from=f"{part['compared_with']}; saved {content['saved_at']}",
        notices=list(map(_text, part["notices"])),
    )


def _change(row: dict[str, Any]) -> Change:
    cells = tuple(Cell(*cell) for cell in row["cells"])
    if row["action"] not in get_args(Action):
        raise TypeError(f"there is no action {row['action']!r}")
    for name in ("name", *_SAVED):
        if row[name] is not None or name == "name":
            _text(row[name])
    return Change(position=0, label=_text(row["label"]), cells=cells, **{name: row[name] for name in _SAVED})


def _text(value: Any) -> str:
    """Take nothing but a text from a file: whatever else stands in its place was not written by wizframe."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def joined(plans: Sequence[Plan]) -> Plan:
    """Make one plan of one for each table.

    Parameters
    ----------
    plans : sequence of Plan
        One, or that of the customers and then that of the contacts.

    Returns
    -------
    Plan
    """
    return dataclasses.replace(plans[0], contacts=plans[1]) if len(plans) > 1 else plans[0]
