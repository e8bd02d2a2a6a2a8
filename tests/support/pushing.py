"""What the searches for lost and doubled changes share: a mixed push, what must be true of it, seeds that repeat."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from typing import Any, NamedTuple

import pandas as pd
from support.planning import changed, load, stored

import wizframe
from wizframe.fields import TABLES
from wizframe.http.rate_limit import RateLimiter


class Wanted(NamedTuple):
    """A change: of the record that has an id, or a new one under a reference. A new contact names its customer."""

    table: str
    action: str
    key: str
    cells: dict[str, Any]
    customer: dict[str, str] | None = None


def make_work(before, updates=4, creates=2):
    """Make up a mixed push for what is stored: customers and contacts, updates and creates, contacts of new customers.

    Of each kind there are so many; the contacts are of the last customers, two of one for each that has two.
    """
    ids, contacts = list(before["customers"]), list(before["contacts"])
    names = [f"N{number}" for number in range(creates)]
    new = [
        *(_new_contact(f"C-{name}", {"customer_id": ids[-1]}) for name in names),
        *(_new_contact(f"C-of-{name}", {"customer_reference_id": name}) for name in names),
    ]
    return [
        *(Wanted("customers", "update", identifier, {"payment_term": "net77"}) for identifier in ids[:updates]),
        *(Wanted("customers", "create", name, _new_customer(name)) for name in names),
        *(Wanted("contacts", "update", identifier, {"designation": "Pilot"}) for identifier in contacts[-updates:]),
        *new,
    ]


def _new_customer(name):
    return {"reference_id": name, "company_name": f"{name} Inc", "display_name": f"{name} Shop"}


def _new_contact(name, customer):
    cells = {"reference_id": name, "first_name": name, "email": f"{name.lower()}@example.com"}
    return Wanted("contacts", "create", name, cells, customer)


def make_deletes(before):
    """Make up a push that deletes two customers that have contacts, each with those, or two contacts."""
    for table in ("customers", "contacts"):
        yield [Wanted(table, "delete", identifier, {}) for identifier in list(before[table])[1:3]]


#: Fewer columns, and a plan takes half the time.
COLUMNS = {
    "customers": ["id", "reference_id", "company_name", "display_name", "payment_term", "updated_at"],
    "contacts": ["id", "customer_id", "reference_id", "first_name", "email", "designation", "updated_at"],
}


def plan_work(wiz, work):
    """Load, edit, plan."""
    frames = {table: load(wiz, table)[columns] for table, columns in COLUMNS.items()}
    if work and work[0].action == "delete":
        frame = frames[work[0].table]
        return wizframe.delete(frame[frame["id"].isin([change.key for change in work])], client=wiz)
    for table, frame in frames.items():
        mine = [change for change in work if change.table == table]
        for change in mine:
            if change.action == "update":
                frame.loc[frame["id"] == change.key, list(change.cells)] = list(change.cells.values())
        new = [change.cells | (change.customer or {}) for change in mine if change.action == "create"]
        frames[table] = pd.concat([frame, pd.DataFrame(new)], ignore_index=True)
    return wizframe.plan(frames["customers"], contacts=frames["contacts"], client=wiz)


def truth(wiz):
    """Give all that is stored, by table and id."""
    return {table: stored(wiz, table) for table in TABLES}


def carried_out(work, before, after, partly=()):
    """Tell which changes are in the service: each whole and once, or not at all; and nothing else is changed.

    Of records with the keys in `partly` the service is known to have kept a part only.
    """
    rest = {table: changed(before[table], after[table]) for table in after}
    done = []
    for change in work:
        ids = _ids(change, before, after)
        assert len(ids) <= 1, f"doubled: {change}"
        for identifier in ids:
            if identifier in rest[change.table]:
                found = rest[change.table].pop(identifier) or after[change.table].get(identifier)
                assert (found is None) == (change.action == "delete")
                if change.key not in partly and found:
                    assert {name: found.get(name) for name in change.cells} == change.cells
                done.append(change)
            if change.action == "delete" and change.table == "customers" and change in done:
                of_it = {i for i, row in before["contacts"].items() if row["customer_id"] == identifier}
                assert not of_it & after["contacts"].keys()
                rest["contacts"] = {i: cells for i, cells in rest["contacts"].items() if i not in of_it}
    assert not any(rest.values()), f"changed without a plan: {rest}"
    return done


def _ids(change, before, after):
    """Name the records that a change was carried out on."""
    if change.action != "create":
        return [change.key]
    fresh = [row for i, row in after[change.table].items() if i not in before[change.table]]
    return [row["id"] for row in fresh if row["reference_id"] == change.key]


class Clock:
    """Time that passes only when a client sleeps; long enough, and what was late takes effect."""

    def __init__(self, client, at_settling=lambda: None):
        self._settle_s = client.settle_s
        self._at_settling = at_settling
        self._lock = threading.Lock()
        self._now = 0.0
        client.transport.rate_limiter = RateLimiter(clock=lambda: self._now, sleep=self.sleep)

    def sleep(self, seconds):
        with self._lock:
            self._now += max(seconds, 0.0)
        if seconds >= self._settle_s:
            self._at_settling()


def seeds(variable, count):
    """Give the seeds to search: some more or fewer by an environment variable, or the one that WIZFRAME_SEED names."""
    named = os.environ.get("WIZFRAME_SEED")
    return [int(named)] if named else list(range(int(os.environ.get(variable, count))))


@contextlib.contextmanager
def seeded(seed):
    """Yield dice; whatever fails says how to repeat it."""
    try:
        yield random.Random(seed)  # noqa: S311 - reproducible, no secret
    except BaseException as error:
        error.add_note(f"WIZFRAME_SEED={seed} repeats this")
        raise
