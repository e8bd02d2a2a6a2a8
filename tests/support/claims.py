"""What a push or a load says, compared with what the server stores: nothing is read through the client."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

import pandas as pd

TABLES = ("customers", "contacts")
#: Set by the service itself.
SERVER_SIDE = {"updated_at"}


class Claim(NamedTuple):
    """What a result says of one change."""

    table: str
    action: str
    id: str | None
    customer_id: str | None
    reference: str | None
    cells: dict[str, Any]
    state: str
    said: str
    shown_id: str | None


def claims_of(result):
    """List what a result says, and check that its table says the same."""
    found = []
    rows = result.changes[result.changes["code"] != "problem"].itertuples()
    pairs = [(part.plan.table.name, *pair) for part in result.parts for pair in part.pairs()]
    for (table, change, outcome), row in zip(pairs, rows, strict=True):
        assert (row.table, row.action, row.state) == (table, change.action, outcome.state)
        cells = {cell.column: cell.new for cell in change.cells}
        found.append(
            Claim(
                table,
                change.action,
                change.id,
                change.customer_id,
                change.reference_id,
                cells,
                row.state,
                f"{row.what_happened} {row.next_step}",
                row.id,
            )
        )
    return found


class Stored:
    """All that a server stores at one moment, by the ids that it shows.

    `names` is a function of a table, a record and the records of the table: the id that the server shows.
    """

    def __init__(self, server, shown_id):
        hidden = {"department"} if server.dialect == "sdk" else set()  # never shown there, so never sent back
        self.records = {}
        for table in TABLES:
            rows = server.records(table)
            for record in rows:
                values = {name: value for name, value in record.items() if name not in hidden}
                owner = record.get("customer_id")
                key = (shown_id("customers", owner) if owner else None, shown_id(table, record["id"]))
                self.records[table, *key] = values | {"shown_id": key[1]}

    def of(self, claim):
        """Give the record that a claim is about, if it exists."""
        return self.records.get((claim.table, claim.customer_id if claim.table == "contacts" else None, claim.id))


def same(stored, wanted):
    """Compare a stored value with one that was sent; all kinds of blank are alike."""
    if stored in (None, "", [], False):
        return wanted in (None, "", [], False, "<clear>") or wanted is pd.NA
    if isinstance(wanted, list) and isinstance(stored, list) and stored and isinstance(stored[0], str):
        return sorted(stored) == sorted(wanted)
    return stored == wanted


def changed(old, new):
    """Name the columns that differ between two versions of a record, apart from the form of their texts."""
    return {
        name for name in old if not same(new[name], old[name]) and _text(old[name]) != _text(new[name])
    } - SERVER_SIDE


def _text(value):
    """Give a text without what a service may rewrite when it stores a whole record: spaces, case, form of a phone."""
    if not isinstance(value, str):
        return value
    return re.sub(r"[\s()-]", "", unicodedata.normalize("NFC", value)).casefold()


def wrong_claims(before, after, claims, undone=(), *, service_changes_others=False):
    """List in words what a result says that is not true; `undone` are the records that an undo offers."""
    wrong, explained = [], set()
    for claim in claims:
        judge = {"update": _update, "delete": _delete, "create": _create}[claim.action]
        problems, touched = judge(before, after, claim, undone)
        explained |= touched
        wrong += [f"{claim.table} {claim.action} {claim.id or claim.reference} is {claim.state}, but {problem} "
                  f"[{claim.said}]" for problem in problems]  # fmt: skip
    if service_changes_others and any(claim.state != "done" for claim in claims):
        return wrong
    for key in (before.records.keys() | after.records.keys()) - explained:
        old, new = before.records.get(key), after.records.get(key)
        if old is None or new is None:
            wrong.append(f"{key} {'was created' if old is None else 'was deleted'}, and no row says so")
        elif changed(old, new):
            wrong.append(f"{key} changed in {sorted(changed(old, new))}, and no row says so")
    return wrong


def _key(claim):
    return claim.table, claim.customer_id if claim.table == "contacts" else None, claim.id


def _update(before, after, claim, undone):
    old, new = before.of(claim), after.of(claim)
    if old is None or new is None:
        return (["it does not exist"] if claim.state == "done" else []), {_key(claim)}
    other = {name: new[name] for name, value in claim.cells.items() if not same(new[name], value)}
    # Another user may have changed these values; then the row is done, and says that they changed.
    told = [f"{name} {words}" for name in changed(old, new) for words in ("also changed", "stored as")]
    told = {line.partition(" ")[0] for line in told if line in claim.said}
    lost = sorted(changed(old, new) - claim.cells.keys() - told)
    problems = []
    if claim.state == "done":
        if other and "stored as" not in claim.said:
            problems.append(f"it has {other}")
        if lost:
            problems.append(f"{lost} changed, too")
    elif claim.state != "unknown" and changed(old, new) and claim.id not in undone:
        problems.append(f"{sorted(changed(old, new))} changed, and undo does not offer it")
    return problems, {_key(claim)}


def _delete(before, after, claim, undone):
    key = _key(claim)
    children = {other for other in before.records if claim.table == "customers" and other[1] == claim.id}
    new = after.of(claim)
    if claim.state == "done":
        is_inactive = new is not None and new["status"] == "inactive" and "inactive" in claim.said
        left = [other for other in children if other in after.records and not is_inactive]
        problems = [] if new is None or is_inactive else ["it exists"]
        problems += [f"its contacts {left} exist"] * bool(left)
    else:
        is_gone = new is None or changed(before.of(claim), new)
        problems = ["it is gone or inactive"] * bool(is_gone and claim.state != "unknown" and claim.id not in undone)
    return problems, {key} | children


def _create(before, after, claim, undone):
    fresh = {key: record for key, record in after.records.items() if key not in before.records}
    texts = {str(claim.reference).strip().casefold(), f"wc-{claim.reference}".casefold()}
    found = {
        key: record
        for key, record in fresh.items()
        if key[0] == claim.table and str(record["reference_id"]).strip().casefold() in texts
        and (claim.customer_id is None or key[1] == claim.customer_id)
    }  # fmt: skip
    problems = [f"{len(found)} records have its reference"] if len(found) > 1 else []
    if claim.state == "done" and not found:
        problems.append("there is no new record")
    elif claim.state == "done":
        key, record = next(iter(found.items()))
        other = {name: record.get(name) for name, value in claim.cells.items()
                 if name in record and not same(record[name], value)}  # fmt: skip
        if other and "stored as" not in claim.said:
            problems.append(f"it has {other}")
        if claim.shown_id != key[2]:
            problems.append(f"its id is {key[2]}, not {claim.shown_id}")
    elif claim.state != "unknown":
        # It may be another user's, so undo must not delete it; then the row names it.
        problems += [
            "it exists, and the row does not name it"
            for key in found
            if key[2] not in {*undone} and key[2] not in claim.said
        ]
    return problems, set(found)


def wrong_rows(stored, frame, table, *, warned, only=None, unknown=()):
    """List what is wrong in a loaded frame: rows that are missing, doubled or foreign, and values that differ.

    The columns in `unknown` are not compared, because the server shows something else.
    """
    expected = {
        key[1:]: record for key, record in stored.records.items() if key[0] == table and (not only or only(record))
    }
    owners = frame["customer_id"] if table == "contacts" else [None] * len(frame)
    keys = list(zip(owners, frame["id"], strict=True))
    wrong = []
    missing, foreign = expected.keys() - set(keys), set(keys) - expected.keys()
    if (missing or len(keys) != len(set(keys))) and not warned:
        wrong.append(f"{len(missing)} rows are missing and {len(keys) - len(set(keys))} doubled, without a warning")
    if foreign:
        wrong.append(f"rows that do not belong there: {sorted(map(str, foreign))[:3]}")
    for key, row in zip(keys, frame.to_dict("records"), strict=True):
        record = {name: value for name, value in expected.get(key, {}).items() if name not in unknown}
        wrong += list(_wrong_values(record, row))
    return wrong[:5]


def _wrong_values(record, row):
    for name in record.keys() & row.keys() - {"id", "customer_id", "created_at", "addresses", "contacts", "attributes"}:
        value, stored = row[name], record[name]
        if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN
            is_wrong = name not in ("status", "updated_at") and not same(stored, None)
        elif name == "updated_at":
            is_wrong = value.strftime("%Y-%m-%dT%H:%M:%SZ") != stored
        elif isinstance(stored, list):
            is_wrong = value != ", ".join(stored)
        else:
            is_wrong = value != stored
        if is_wrong:
            yield f"{name} of {record['shown_id']} is {value!r}, stored is {stored!r}"
