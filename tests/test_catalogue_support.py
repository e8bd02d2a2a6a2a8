"""What the tests of the fault catalogue share: changes of every kind to push, pauses that take no time, and proofs."""

from __future__ import annotations

import pandas as pd
from test_planning_support import load

import wizframe

KEY = wizframe.SANDBOX_API_KEY
#: Seconds that a lost request is given; no other pause is as long, so that it is recognized.
SETTLE_S = 77.0


def without_waiting(client):
    """Let the client's pauses take no time; return them, in seconds, as they come."""
    slept = []
    client.settle_s = SETTLE_S
    client.transport.pacer.sleep = slept.append
    return slept


def new(wiz, table, count=1):
    """Make rows to create: ``N-0``, ``N-1`` and so on."""
    rows = [{"id": None, "reference_id": f"N-{number}", "first_name": f"New {number}"} for number in range(count)]
    if table == "customers":
        return pd.DataFrame(rows).assign(company_name="New GmbH", display_name="New")
    return pd.DataFrame(rows).assign(customer_id=wiz.server.records("customers")[0]["id"], email="new@example.com")


def edited(wiz, table, count=1):
    """Load records, and edit the first ones; contacts are such as can be written back whole."""
    if table == "customers":
        frame = load(wiz)
    else:
        first = wiz.server.records("customers")[0]["id"]
        for record in wiz.server.records("contacts"):
            if record["customer_id"] == first:
                good = {"email": "old@example.com", "phone": "+14155550000", "attributes": [], "is_default": False}
                wiz.server.overwrite("contacts", record["id"], **good)
        frame = wiz.load_contacts(first, progress=False)
    frame.loc[: count - 1, "first_name"] = "mine"
    return frame


def plan_of(wiz, table, action):
    """Plan one change: a create, an update or a delete."""
    if action == "create":
        return new(wiz, table).wiz.plan(client=wiz)
    frame = edited(wiz, table)
    return frame.wiz.plan(client=wiz) if action == "update" else frame.head(1).wiz.delete(client=wiz)


def fired(faults):
    """Name the faults that hit a request, and which one."""
    return [(one.kind, one.operation) for one in faults.fired]


def said(result):
    """Give what a result says of each change."""
    return list(zip(result.changes["state"], result.changes["what_happened"], strict=True))
