"""What the tests of planning and pushing share: quiet loads, and the stored truth before and after."""

from __future__ import annotations

import contextlib
import json
import warnings

import pandas as pd

import wizframe
from wizframe.errors import InvalidDataWarning, PlanError
from wizframe.pushing import plan_file

SERVER_SIDE = {"updated_at"}


def load(wiz, table="customers", **options):
    """Load a whole table; the sandbox's data are messy on purpose, and that is not what is tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidDataWarning)
        customers = wiz.load_customers(progress=False, **(options if table == "customers" else {}))
        return customers if table == "customers" else wiz.load_contacts(customers, progress=False)


def stored(wiz, table):
    """Give the stored records by id; null and "" both read as blank.

    The sdk dialect never shows a contact's department, so no client can send it back.
    """
    hidden = {"department"} if wiz.server.dialect == "sdk" else set()
    return {
        record["id"]: {
            name: None if value in ("", []) else value for name, value in record.items() if name not in hidden
        }
        for record in wiz.server.records(table)
    }


def make_contacts_valid(wiz):
    """Give every contact what the service accepts when it is written back whole.

    The sdk dialect shows attributes without their values: a contact that has some is refused, not erased.
    """
    hidden = {"attributes": []} if wiz.server.dialect == "sdk" else {}
    with_default = set()
    for record in wiz.server.records("contacts"):
        good = {"email": "old@example.com", "phone": "+14155550000", "updated_at": record["updated_at"]}
        is_default = record["is_default"] and record["customer_id"] not in with_default  # some have two
        with_default |= {record["customer_id"]} if is_default else set()
        wiz.server.overwrite("contacts", record["id"], is_default=is_default, **good, **hidden)


def changed(before, after):
    """Tell which cells of records differ, ``updated_at`` aside; a record that came or went is None."""
    cells = {}
    for identifier in before.keys() | after.keys():
        old, new = before.get(identifier), after.get(identifier)
        if old is None or new is None:
            cells[identifier] = None
            continue
        different = {name: new[name] for name in old if new[name] != old[name] and name not in SERVER_SIDE}
        if different:
            cells[identifier] = different
    return cells


def writes(wiz):
    """List the methods of the requests that were not only reading."""
    return [request.method for request in wiz.server.requests if request.method != "GET"]


def states(result):
    """Give the states that occur, with their counts."""
    return {state: count for state, count in result.counts().items() if count}


def cells_of(plan):
    """Give a plan's content, whatever the order of its rows: (action, id, column) to the new value."""
    return {(row.action, row.id, row.column): row.new for row in plan.cells.itertuples()}


def rules(plan):
    """Give a plan's problems as (column, rule) pairs."""
    return list(zip(plan.problems["column"], plan.problems["rule"], strict=True))


def second_client(wiz):
    """Open another connection to the same sandbox."""
    return wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=wiz.base_url)


def without_attrs(frame):
    """Give the frame as pandas returns it where it loses ``attrs``."""
    return pd.DataFrame(frame.to_dict("list"), index=frame.index)


def signed(content, path):
    """Load a saved plan that was changed, with the id that now fits: an attacker can compute it."""
    found = []

    def noted(parts):
        found.append(real(parts))
        return found[-1]

    real, plan_file.plan_id = plan_file.plan_id, noted
    try:
        path.write_text(json.dumps(content), "utf-8")
        with contextlib.suppress(PlanError):
            wizframe.load_plan(path)
    finally:
        plan_file.plan_id = real
    path.write_text(json.dumps(content | ({"id": found[-1]} if found else {})), "utf-8")
    return wizframe.load_plan(path)
