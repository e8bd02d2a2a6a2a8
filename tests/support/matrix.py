"""The matrix of deviations: what is done with a service that has one, and what must be true of it then."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import warnings

import pandas as pd
from support.claims import Stored, changed, claims_of, same, wrong_claims, wrong_rows
from support.planning import make_contacts_valid
from support.pushing import Wanted

import wizframe
from wizframe.errors import IncompleteLoadWarning, WizframeError
from wizframe.server.deviations import DEVIATIONS

#: Longer than a late write takes, and a lagging read hides one.
LATE_S = 0.25
TEXT = {
    "display_name": "  Cafe\u0301  & Bar of the Long Names ",
    "email": "Ada.B@Example.COM",
    "phone": "+14155550123",
    "payment_term": "net 77",
}
CONTACT_TEXT = {"designation": "Head of  Buero & more", "email": "New.Mail@Example.COM", "phone": "+14155550124"}

_CHANGES = "update clear upsert undo resume"
#: Operations that need not be done with a deviation, because the service does not let them or wizframe cannot tell.
#: They must still be reported truly.
REFUSED = {
    "patch_replaces": _CHANGES,
    "patch_clears_lists": _CHANGES,
    "patch_applies_defaults": _CHANGES,
    "patch_ignores_body_spelling": _CHANGES,
    "put_ignores_body_spelling": _CHANGES,
    "put_clears_siblings": _CHANGES,
    "delete_does_nothing": "delete undo",
    "delete_accepted_only": "delete undo",
    "delete_says_success_false": "delete undo",
    "delete_sets_inactive": "undo",  # its reference stays taken
    "escapes_html": f"{_CHANGES} create",
    "truncates_names": f"{_CHANGES} create",
    "create_returns_existing_by_email": "create undo",
    "create_updates_existing_by_email": "create undo",
    "create_other_reference": "create upsert undo resume",
    "lists_active_only": "refresh upsert references",
    "ignores_status_filter": "refresh",
    "times_go_zero": "refresh",
    "times_9999": "refresh",
    "times_unreadable": "refresh",
    "ignores_order": "refresh",
    "ignores_order_column": "refresh",
    "errors_with_200": "delete undo",
    "errors_say_success_false": "delete undo",
    "login_page_for_writes": f"{_CHANGES} create delete",
}


def is_refused(name, operation):
    return name == "login_page_with_200" or operation in REFUSED.get(name, "").split()


class World:
    """A sandbox with a deviation, a client, and what the sandbox stores."""

    def __init__(self, name, dialect, wiz, nursery=None):
        self.name, self.dialect, self.wiz, self.nursery = name, dialect, wiz, nursery
        self.shown_id = _shown_ids(name, wiz.server)
        self.warned = []
        has_other_times = name in ("times_go_zero", "times_9999", "times_unreadable")
        self.unknown = {"updated_at"} if has_other_times else set()
        make_contacts_valid(wiz)
        for record in wiz.server.records("customers"):
            wiz.server.overwrite("customers", record["id"], display_id="4711", updated_at=record["updated_at"])
        self.before = self.stored()

    def stored(self):
        return Stored(self.wiz.server, self.shown_id)

    @contextlib.contextmanager
    def watching(self):
        """Collect the warnings about loads that may be incomplete."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        self.warned += [one for one in caught if issubclass(one.category, IncompleteLoadWarning)]

    def load(self, **options):
        with self.watching():
            return self.wiz.load_customers(progress=False, **options)

    def contacts(self, customers):
        with self.watching():
            return self.wiz.load_contacts(customers, progress=False)

    def wrong_rows(self, frame, table, **options):
        """List what is wrong in a loaded frame."""
        return wrong_rows(self.before, frame, table, warned=self.warned, unknown=self.unknown, **options)

    def pushed(self, plan, frames=()):
        """Apply a plan, and list what its result says that is not true."""
        before = self.stored()
        with self.watching():
            result = plan.apply(progress=False, max_deletes=99)
        time.sleep(LATE_S if "late" in self.name or "lag" in self.name else 0)
        return result, self.judged(before, result, frames)

    def judged(self, before, result, frames=()):
        claims, after = claims_of(result), self.stored()
        undone = set(wizframe.undo(result.push_id, client=self.wiz).changes["id"]) if result.push_id else set()
        others = self.name.startswith("create_updates_existing")
        wrong = wrong_claims(before, after, claims, undone, service_changes_others=others)
        return wrong + self.wrong_frames(claims, after, frames)

    def wrong_frames(self, claims, after, frames):
        """Compare the rows that are done with what is stored: a frame shows the stored values."""
        wrong = []
        for claim in claims:
            frame = next((one for one in frames if ("customer_id" in one) == (claim.table == "contacts")), None)
            if frame is None or claim.state != "done" or claim.action == "delete":
                continue
            rows = frame[frame["id"] == claim.shown_id]
            if claim.table == "contacts":
                rows = rows[rows["customer_id"] == claim.customer_id]
            record = after.records.get((claim.table, claim.customer_id, claim.shown_id), {})
            wrong += [
                f"the frame shows {column} {rows[column].iloc[0]!r}, stored is {record[column]!r}"
                for column in (record.keys() & claim.cells.keys() if len(rows) == 1 else ())
                if not same(record[column], _plain(rows[column].iloc[0]))
            ]
        return wrong

    def not_done(self, operation, result):
        """List the rows that are not done although the service does what is asked."""
        if is_refused(self.name, operation):
            return []
        rows = result.changes[result.changes["state"] != "done"]
        return [f"not done: {row.table} {row.action} is {row.state}: {row.what_happened}" for row in rows.itertuples()]


def _plain(value):
    return None if value is pd.NA or value != value else value  # noqa: PLR0124 - NaN


def _shown_ids(name, server):
    numbers, counts = {}, {}

    def per_customer(table, identifier):
        if table == "contacts" and identifier not in numbers:
            for record in server.records("contacts"):
                if record["id"] not in numbers:
                    counts[record["customer_id"]] = counts.get(record["customer_id"], 0) + 1
                    numbers[record["id"]] = str(counts[record["customer_id"]])
        return numbers.get(identifier, identifier)

    offset = {"ids_integer": 0, "ids_big_integer": 1 << 60}.get(name)
    if offset is not None:
        return lambda _table, identifier: str(int(identifier.partition("_")[2], 16) + offset)
    return per_customer if name == "contact_ids_per_customer" else lambda _table, identifier: identifier


# ---------------------------------------------------------------------- what is done


def load(world):
    """Load all customers."""
    frame = world.load()
    return world.wrong_rows(frame, "customers")


def chunks(world):
    """Load all customers in chunks."""
    with world.watching():
        frame = pd.concat(world.wiz.iter_customers(chunksize=20, progress=False), ignore_index=True)
    return world.wrong_rows(frame, "customers")


def details(world):
    """Load all customers with their details."""
    frame = world.load(details=True)
    return world.wrong_rows(frame, "customers")


def references(world):
    """Load customers by their references: an active one, an inactive one, one in another case, one that is missing."""
    records = world.wiz.server.records("customers")
    named = [next(one for one in records if one["status"] == status) for status in ("active", "active", "inactive")]
    named[1] = next(one for one in records if one["status"] == "active" and one is not named[0])
    wanted = [one["reference_id"] for one in named]
    frame = world.load(reference_ids=[*wanted, "no-such-reference"])
    return world.wrong_rows(frame, "customers", only=lambda one: one["reference_id"] in wanted)


def contacts(world):
    """Load the contacts of some customers."""
    customers = world.load().head(8)
    frame = world.contacts(customers)
    owners = {world.before.records["customers", None, identifier]["id"] for identifier in customers["id"]}
    return world.wrong_rows(frame, "contacts", only=lambda one: one["customer_id"] in owners)


def _edited(world, text, contact_text):
    customers = world.load()
    people = world.contacts(customers.head(4))
    customers.loc[:1, list(text)] = list(text.values())
    people.loc[:1, list(contact_text)] = list(contact_text.values())
    return customers, people


def update(world):
    """Change customers and contacts."""
    customers, people = _edited(world, TEXT, CONTACT_TEXT)
    customers.loc[0, "reference_id"] = "up-7/a"
    result, wrong = world.pushed(wizframe.plan(customers, contacts=people, client=world.wiz), [customers, people])
    wrong += world.not_done("update", result)
    if set(result.changes["state"]) == {"done"}:
        again = wizframe.plan(customers, contacts=people, client=world.wiz)
        wrong += [f"planned again: {row}" for row in again.cells.itertuples(index=False)]
    return wrong


def clear(world):
    """Clear cells of customers and contacts."""
    customers, people = _edited(world, {}, {})
    customers.loc[customers["payment_term"].notna().idxmax(), "payment_term"] = "<clear>"
    people.loc[people["phone"].notna().idxmax(), "phone"] = "<clear>"
    result, wrong = world.pushed(wizframe.plan(customers, contacts=people, client=world.wiz), [customers, people])
    return wrong + world.not_done("clear", result)


def _new_rows(world, customers):
    taken = next(one for one in world.wiz.server.records("customers") if one["email"])
    fresh = {"company_name": "New GmbH", "display_name": " New & good ", "email": taken["email"]}
    rows = [{"id": None, "reference_id": name, **fresh} for name in ("700123", "new-b")]
    rows[1]["email"] = "second@example.com"
    contact = {"first_name": "Ada", "email": "Ada@Example.com", "phone": "+14155550123"}
    people = [
        {"id": None, "reference_id": "k-1", "customer_id": customers["id"][0], **contact},
        {"id": None, "reference_id": "k-2", "customer_reference_id": "new-b", **contact},
    ]
    return pd.DataFrame(rows), pd.DataFrame(people)


def create(world):
    """Create customers and contacts, one of them with an e-mail address that exists."""
    rows, people = _new_rows(world, world.load())
    result, wrong = world.pushed(
        wizframe.plan(rows, contacts=people, client=world.wiz, duplicates="create"), [rows, people]
    )
    return wrong + world.not_done("create", result)


def upsert(world):
    """Update and create customers by their references, without ids."""
    records = world.wiz.server.records("customers")
    chosen = [next(one for one in records if one["status"] == status) for status in ("active", "inactive")]
    rows = pd.DataFrame([{"reference_id": one["reference_id"], "payment_term": "net77"} for one in chosen])
    new = {"reference_id": "new-u", "payment_term": "net77", "company_name": "New", "display_name": "New"}
    rows = pd.concat([rows, pd.DataFrame([new])], ignore_index=True)
    with world.watching():
        plan = rows.wiz.plan(client=world.wiz, match="reference_id", new="create")
    result, wrong = world.pushed(plan)
    if sorted(plan.changes["action"]) != ["create", "update", "update"]:
        wrong += [] if is_refused(world.name, "upsert") else [f"planned: {plan.changes['action'].tolist()}"]
    return wrong + world.not_done("upsert", result)


def refresh(world):
    """Load what another user changed, created and deleted."""
    frame = world.load()
    server = world.wiz.server
    changed, gone = server.records("customers")[2:4]
    server.overwrite("customers", changed["id"], payment_term="changed")
    server._running_store().delete("customers", gone["id"])
    with world.watching():
        fresh = frame.wiz.refresh(deletions=True, progress=False)
    fresh = frame if fresh is None else fresh
    warned = world.warned or is_refused(world.name, "refresh")
    return wrong_rows(world.stored(), fresh, "customers", warned=warned, unknown=world.unknown)


def undo(world):
    """Undo a push that updated, created and deleted records."""
    customers, people = _edited(world, {"payment_term": "net77"}, {"designation": "Pilot"})
    rows, _ = _new_rows(world, customers)
    frame = pd.concat([customers, rows.head(1)], ignore_index=True)
    plan = wizframe.plan(frame, contacts=people, client=world.wiz, duplicates="create")
    before = world.stored()
    result, wrong = world.pushed(plan)
    undone, wrong_then = world.pushed(wizframe.undo(result.push_id, client=world.wiz))
    wrong += wrong_then + world.not_done("undo", result) + world.not_done("undo", undone)
    if set(undone.changes["state"]) == {"done"}:
        wrong += _not_restored(before, world.stored(), claims_of(result))
    return wrong


def _not_restored(before, after, claims):
    """List the fields that an undo did not restore, except those that the push called another user's changes."""
    said = {(claim.table, claim.id): claim.said for claim in claims}
    return [
        f"{key} has {name} {after.records[key][name]!r} after the undo, before it was {record[name]!r}"
        for key, record in before.records.items()
        for name in changed(record, after.records[key])
        if f"{name} also changed" not in said.get((key[0], key[2]), "")
    ]


def delete(world):
    """Delete a customer and a contact of another one."""
    customers = world.load()
    people = world.contacts(customers.head(4))
    wrong = []
    for rows in (people.tail(1), customers.head(1)):
        result, found = world.pushed(rows.wiz.delete(client=world.wiz))
        wrong += found + world.not_done("delete", result)
    return wrong


def resume(world):
    """Kill a push, and finish it."""
    wiz, before = world.wiz, world.before
    customers = [key for key in before.records if key[0] == "customers"]
    people = [key for key in before.records if key[0] == "contacts"]
    new = {"reference_id": "N1", "company_name": "N1 Inc", "display_name": "N1"}
    work = [
        *(Wanted("customers", "update", key[2], {"payment_term": "net77"}) for key in customers[:2]),
        Wanted("customers", "create", "N1", new),
    ]
    if world.name != "contact_ids_per_customer":  # the child finds contacts by their ids
        work += [Wanted("contacts", "update", key[2], {"designation": "Pilot"}) for key in people[:2]]
    job = {"base_url": wiz.base_url, "state_dir": os.environ["WIZFRAME_STATE_DIR"], "work": work, "workers": 2}
    try:
        pid = world.nursery.bear(**job)
    except AssertionError as error:  # the child could not plan its push
        world.nursery.bury()
        return [] if is_refused(world.name, "resume") else [f"not planned: {error}"]
    until = len(wiz.server.requests) + 5
    while len(wiz.server.requests) < until and not world.nursery.has_word(0.0005):
        pass
    os.kill(pid, signal.SIGKILL)
    world.nursery.bury()
    time.sleep(LATE_S)
    with world.watching():
        results = wizframe.resume(client=wiz, progress=False, yes=True)
    time.sleep(LATE_S if "late" in world.name else 0)
    wrong = _wrong_history(world, wizframe.history(), world.stored())
    return wrong + [line for result in results for line in world.not_done("resume", result)]


def _wrong_history(world, history, after):
    """List what the journal says of a push that is not true."""
    wrong = []
    new = [record for record in after.records.values() if record["reference_id"] in ("N1", "WC-N1", "n1")]
    wrong += [f"{len(new)} records have the new reference"] * (len(new) > 1)
    for row in history.itertuples():
        keys = [key for key in after.records if key[2] == row.id and key[0] == row.table]
        for key in keys if row.action == "update" else ():
            record = after.records[key]
            is_new = same(record[row.column], row.new)
            lost = changed(world.before.records[key], record) - {row.column}
            if row.outcome == "done" and not (is_new or "stored as" in row.what_happened):
                wrong.append(
                    f"{key} {row.column} is {row.outcome}, but it is {record[row.column]!r} [{row.what_happened}]"
                )
            lost = {name for name in lost if f"{name} also changed" not in row.what_happened}
            if row.outcome == "done" and lost:
                wrong.append(f"{key} is done, but {sorted(lost)} changed, too")
            if row.outcome in ("failed", "conflict", "unsent", "planned") and is_new:
                offered = set(wizframe.undo(row.push_id, client=world.wiz).changes["id"])
                wrong += [f"{key} is {row.outcome}, but it was done [{row.what_happened}]"] * (row.id not in offered)
        if row.action == "create" and row.outcome == "done" and not new:
            wrong.append(f"the create is done, but there is no new record [{row.what_happened}]")
    return wrong


OPERATIONS = {
    scenario.__name__: scenario
    for scenario in (
        load, chunks, details, references, contacts, update, clear, create, upsert, refresh, undo, delete, resume,
    )
}  # fmt: skip

#: What a kind of deviations may spoil; the rest of the matrix is tried at night.
AFFECTED = {
    "updates that change more": "update clear upsert undo resume",
    "deletes that keep the record": "delete undo",
    "updates that show something else": "update create undo refresh",
    "values in another form": "update create undo",
    "creates that return something else": "create upsert undo",
    "the status filter": "load chunks references refresh create",
    "the reference filter": "references upsert create",
    "totals and sizes of pages": "load chunks contacts refresh",
    "ends of lists": "load chunks contacts refresh",
    "types of values": "load contacts update create delete refresh",
    "ids of contacts": "contacts update clear create undo delete",
    "the order of lists": "load chunks contacts refresh update",
    "fields that are refused": "update clear create",
    "errors with status 200": "update create delete load",
    "other status codes": "load update create delete",
    "exact numbers": "details update clear undo",
}


def cells():
    """Yield each cell of the matrix and how often it is tried: always, at each change (slow), or at night."""
    tried = set()
    for number, switch in enumerate(DEVIATIONS.values()):
        affected = AFFECTED[switch.kind].split()
        is_first_kind = switch.kind not in tried  # one deviation of each kind is tried at each change, and all at night
        tried.add(switch.kind)
        for dialect in ("rest", "sdk"):
            for operation in OPERATIONS:
                is_first = operation == affected[0] and dialect == ("rest", "sdk")[number % 2]
                often = "always" if is_first else "slow" if is_first_kind and operation in affected else "nightly"
                yield switch.name, dialect, operation, often


def wrong_cell(name, dialect, operation, nursery=None):
    """Do an operation with a service that has a deviation, and list what is wrong then."""
    customers = 60 if operation in ("load", "chunks", "details") else 14
    with wizframe.sandbox(customers=customers, dialect=dialect, deviations=[name] if name else []) as wiz:
        wiz.settle_s = 0.3
        world = World(name, dialect, wiz, nursery)
        try:
            return OPERATIONS[operation](world)
        except WizframeError as error:
            return [] if is_refused(name, operation) else [f"{type(error).__name__}: {error}"]
        except Exception as error:
            if isinstance(error, (AssertionError, NameError)):
                raise
            return [f"a traceback: {type(error).__name__}: {error}"]
