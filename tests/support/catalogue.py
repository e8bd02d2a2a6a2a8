"""The fault catalogue, read from the tests; and what its tests share: changes of every kind, pauses without waiting.

A test names its row with ``@pytest.mark.fault(number)``. One test of each row also gives in its mark the fault,
what the user sees, and the guarantee: L nothing lost, D nothing doubled, E a clear error.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pandas as pd
from support.planning import load

import wizframe

NUMBERS = [*range(1, 9), "8b", *range(9, 29), "28b", *range(29, 32), "31b", 32, "32b", *range(33, 41)]
HOLDS = {"L": "no change is lost", "D": "no change is made twice", "E": "a clear error"}
KEY = wizframe.SANDBOX_API_KEY
#: Seconds that a lost request is given; no other pause is as long, so that it is recognized.
SETTLE_S = 77.0


def marks():
    """Yield what each mark says, its file and its test, from the syntax trees."""
    for path in sorted(Path(__file__).parents[1].rglob("test_*.py"), key=lambda path: path.name):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    yield tuple(map(ast.literal_eval, mark.args)), path.name, node.name


def faults_table():
    """Write the catalogue as a table in Markdown."""
    words, proofs = {}, defaultdict(list)
    for (number, *said), file, test in marks():
        proofs[number].append(f"`{file}::{test}`")
        if said:
            words[number] = said
    lines = ["| | fault | what you see | guarantee | proven by |", "|---|---|---|---|---|"]
    for number in filter(words.get, NUMBERS):
        fault, sees, holds = words[number]
        held = ", ".join(HOLDS[letter] for letter in holds.split())
        lines.append(f"| {number} | {fault} | {sees} | {held} | {'<br>'.join(proofs[number])} |")
    return "\n".join(lines)


def without_waiting(client):
    """Let the client's pauses take no time; return them, in seconds, as they come."""
    slept = []
    client.settle_s = SETTLE_S
    client.transport.rate_limiter.sleep = slept.append
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
