"""Two people and WizCommerce itself work on the same records, against a model that knows what must hold.

Once with customers, which are patched, and once with contacts, which are written back whole.

The model is a few dicts: the records in the service, and for each writer the rows as they were last loaded and as they
are now. A field that another user changed is never overwritten without the word "mine", and other fields are merged.
Deleted records are not created again, nothing is doubled, a push that was cut off is finished, and undo restores.
"""

import itertools
import os
import tempfile
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.planning import make_contacts_valid, stored

import wizframe
from wizframe.server import Fault
from wizframe.server.store import Store

FIELDS = {"customers": ("payment_term", "shipping_method"), "contacts": ("designation", "last_name")}
VALUES = ("net15", "net30", "net60", "prepaid")
WORDS = ("skip", "mine", "theirs")
FAULTS = (None, "drop", "drop_after", "truncate")
WHO = st.integers(0, 1)
EDITS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.sampled_from(VALUES)), max_size=3)
CREATED = {"customers": ("company_name", "display_name"), "contacts": ("first_name",)}


@dataclass
class Writer:
    """One person: a connection, the frame, and the model of it by id: as it was when last seen, and as it is."""

    client: object
    frame: object = None
    seen: dict = field(default_factory=dict)
    mine: dict = field(default_factory=dict)
    touched: dict = field(default_factory=dict)

    def row(self, identifier):
        return self.frame.index[self.frame["id"] == identifier][0]


class Writers(RuleBasedStateMachine):
    table = "customers"
    size = 4

    @initialize(dialect=st.sampled_from(["rest", "sdk"]))
    def start(self, dialect):
        self.home = tempfile.TemporaryDirectory()
        os.environ["WIZFRAME_STATE_DIR"] = self.home.name
        self.fields = FIELDS[self.table]
        self.wiz = wizframe.sandbox(customers=self.size, dialect=dialect, workers=1)
        self.wiz.settle_s = 0.0
        other = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=self.wiz.base_url, workers=1, settle_s=0.0)
        self.customers = [record["id"] for record in self.wiz.server.records("customers")]
        self.truth, self.versions, self.rest = {}, {}, {}
        make_contacts_valid(self.wiz)
        for identifier in stored(self.wiz, self.table):
            good = {"email": None, "phone": None} if self.table == "customers" else {"is_default": False}
            self.wiz.server.overwrite(self.table, identifier, **good, **dict.fromkeys(self.fields, "net15"))
            self._enter(identifier)
        self.writers = [Writer(self.wiz), Writer(other)]
        self.cut_off, self.last, self.names = [], None, 0
        self.pushed = {}  # push id to its writer and frame
        for who in (0, 1):
            self.reload(who)

    def teardown(self):
        if hasattr(self, "wiz"):
            self.writers[1].client.close()
            self.wiz.close()
            self.home.cleanup()

    # ------------------------------------------------------------------ what people do

    @rule(who=WHO)
    def reload(self, who):
        writer = self.writers[who]
        writer.frame = self._load(writer, self.customers)
        writer.seen = {i: dict(row) for i, row in self.truth.items()}
        writer.mine = {i: dict(row) for i, row in self.truth.items()}
        writer.touched = dict(self.versions)

    def edit(self, writer, edits):
        for number, place, value in edits:
            identifier, name = self._pick(writer.mine, number), self.fields[place]
            if identifier is not None:
                writer.frame.loc[writer.row(identifier), name] = value
                writer.mine[identifier][name] = value

    @rule(edits=EDITS)
    def edit_in_wizcommerce(self, edits):
        for number, place, value in edits:
            identifier, name = self._pick(self.truth, number), self.fields[place]
            if identifier is not None and self.truth[identifier][name] != value:
                self.wiz.server.overwrite(self.table, identifier, **{name: value})
                self._set(identifier, name, value)

    @rule(who=WHO, edits=EDITS, meanwhile=EDITS, word=st.sampled_from(WORDS), fault=st.sampled_from(FAULTS))
    def push(self, who, edits, meanwhile, word, fault):
        writer = self.writers[who]
        self.edit(writer, edits)
        plan = wizframe.plan(writer.frame, client=writer.client)
        assert self._cells(plan) == self._edits(writer)
        self.edit_in_wizcommerce(edits=meanwhile)
        if fault:
            self.wiz.server.faults.add(Fault(fault, f"{self.table}.update"))
        result = plan.apply(client=writer.client, on_conflict=word, progress=False)
        self.wiz.server.faults.clear()
        self.pushed[result.push_id] = writer, writer.frame
        expected, done = self._carry_out(self._edits(writer), word)
        assert self._states(result) == expected
        self._know(writer, expected)
        if done:
            self.last = (result.push_id, done)
        if set(expected.values()) <= {"done"}:
            assert len(wizframe.plan(writer.frame, client=writer.client)) == 0

    @precondition(lambda self: len(self.cut_off) < 3)
    @rule(who=WHO, edits=EDITS, word=st.sampled_from(WORDS), after=st.integers(0, 2))
    def push_until_the_key_expires(self, who, edits, word, after):
        writer = self.writers[who]
        self.edit(writer, edits)
        edits = self._edits(writer)
        plan = wizframe.plan(writer.frame, client=writer.client)
        self.wiz.server.faults.add(Fault("answer", f"{self.table}.get", status=401, skip=after))
        result = plan.apply(client=writer.client, on_conflict=word, progress=False)
        self.wiz.server.faults.clear()
        self.pushed[result.push_id] = writer, writer.frame
        states = self._states(result)
        left = {identifier: cells for identifier, cells in edits.items() if states[identifier] == "unsent"}
        assert len(left) == max(len(edits) - after, 0)
        expected, done = self._carry_out({i: cells for i, cells in edits.items() if i not in left}, word)
        assert states == expected | dict.fromkeys(left, "unsent")
        self._know(writer, expected)
        if left:
            self.cut_off.append((result.push_id, left, word, done))

    @precondition(lambda self: self.cut_off)
    @rule(who=WHO)
    def resume(self, who):
        push_id, edits, word, before = self.cut_off.pop(0)
        (result,) = wizframe.resume(push_id, yes=True, max_deletes=999, client=self.writers[who].client, progress=False)
        expected, done = self._carry_out(edits, word)
        assert self._states(result) == expected
        self._learn(push_id, expected)
        if before | done:
            self.last = (push_id, before | done)

    @precondition(lambda self: self.last)
    @rule(who=WHO)
    def undo(self, who):
        push_id, done = self.last
        self.last = None
        client = self.writers[who].client
        back = {i: {name: (new, old) for name, (old, new) in cells.items()} for i, cells in done.items()}
        result = wizframe.undo(push_id, client=client).apply(client=client, progress=False)
        expected, _ = self._carry_out(back, "skip")
        assert self._states(result) == expected
        self._learn(push_id, expected)

    @precondition(lambda self: self.names < 2)
    @rule(who=WHO, fault=st.sampled_from([None, "drop", "drop_after", "answer"]))
    def create(self, who, fault):
        writer, name = self.writers[who], f"NEW-{self.names}"
        self.names += 1
        new = dict.fromkeys(self.fields, "net15") | dict.fromkeys(CREATED[self.table], name) | {"reference_id": name}
        if self.table == "contacts":
            new |= {"customer_id": self.customers[0], "email": f"{name}@example.com"}
        frame = self._load(writer, ())
        frame.loc[0] = new
        if fault:
            self.wiz.server.faults.add(
                Fault(fault, f"{self.table}.create", **({"status": 502} if fault == "answer" else {}))
            )
        result = wizframe.plan(frame, client=writer.client).apply(client=writer.client, progress=False)
        self.wiz.server.faults.clear()
        assert result.counts()["done"] == 1
        self._enter(frame["id"][0])

    @precondition(lambda self: len(self.truth) > 3)
    @rule(who=WHO, number=st.integers(0, 9))
    def delete(self, who, number):
        writer = self.writers[who]
        identifier = self._pick(writer.mine, number)
        if identifier is None:
            return
        rows = writer.frame[writer.frame["id"] == identifier]
        result = wizframe.delete(rows, client=writer.client).apply(client=writer.client, max_deletes=1, progress=False)
        was_there = identifier in self.truth
        is_changed = was_there and self.versions[identifier] != writer.touched[identifier]
        assert self._states(result) == {identifier: "conflict" if is_changed else "done"}
        if not is_changed:
            self.truth.pop(identifier, None)
            self.rest.pop(identifier, None)
            writer.frame = writer.frame[writer.frame["id"] != identifier]
            del writer.seen[identifier], writer.mine[identifier]

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def nothing_is_lost_doubled_or_overwritten(self):
        if hasattr(self, "truth"):
            records = stored(self.wiz, self.table)
            assert {i: {name: record[name] for name in self.fields} for i, record in records.items()} == self.truth
            assert {i: self._others(record) for i, record in records.items()} == self.rest
            assert len({record["reference_id"] for record in records.values()}) == len(records)

    # ------------------------------------------------------------------ the model

    def _load(self, writer, customers):
        if self.table == "contacts":
            return writer.client.load_contacts(customers, progress=False)
        return writer.client.load_customers(**({} if customers else {"reference_ids": ["none"]}), progress=False)

    def _enter(self, identifier):
        """Take a record that is in the service into the model."""
        self.truth[identifier] = dict.fromkeys(self.fields, "net15")
        self.versions[identifier] = 0
        self.rest[identifier] = self._others(stored(self.wiz, self.table)[identifier])

    def _others(self, record):
        """Give the fields that no writer edits: a contact that is written back whole must keep them."""
        return {name: value for name, value in record.items() if name not in (*self.fields, "updated_at")}

    @staticmethod
    def _pick(rows, number):
        return sorted(rows)[number % len(rows)] if rows else None

    def _set(self, identifier, name, value):
        if self.truth[identifier][name] != value:
            self.truth[identifier][name] = value
            self.versions[identifier] += 1

    @staticmethod
    def _edits(writer):
        """Give what the writer changed: id to field to (when last seen, now)."""
        edits = {}
        for identifier, row in writer.mine.items():
            seen = writer.seen[identifier]
            cells = {name: (seen[name], value) for name, value in row.items() if value != seen[name]}
            if cells:
                edits[identifier] = cells
        return edits

    def _carry_out(self, edits, word):
        """Do in the model what a push must do: the state of each record, and the cells that were changed."""
        states, done = {}, {}
        for identifier, cells in edits.items():
            now = self.truth.get(identifier)
            open_ = {} if now is None else {name: c for name, c in cells.items() if now[name] != c[1]}
            clashes = {name for name, (old, _) in open_.items() if now[name] != old}
            if now is None or (clashes and word == "skip"):
                states[identifier] = "conflict"
                continue
            states[identifier] = "done"
            sent = {name: new for name, (_, new) in open_.items() if word == "mine" or name not in clashes}
            if sent:
                done[identifier] = {name: (now[name], new) for name, new in sent.items()}
            for name, value in sent.items():
                self.truth[identifier][name] = value
            self.versions[identifier] += bool(sent)
        return states, done

    def _know(self, writer, states):
        """After a push the writer's frame shows, in the rows that are done, what is in the service."""
        for identifier, state in states.items():
            if state == "done":
                writer.seen[identifier] = dict(self.truth[identifier])
                writer.mine[identifier] = dict(self.truth[identifier])
                writer.touched[identifier] = self.versions[identifier]

    def _learn(self, push_id, states):
        """After an undo or a resume, the frame that was pushed shows what is in the service; later edits stay edits."""
        writer, frame = self.pushed[push_id]
        for identifier, state in states.items():
            if state == "done" and identifier in writer.mine and writer.frame is frame:
                seen, truth = writer.seen[identifier], self.truth[identifier]
                was = writer.mine[identifier]
                writer.mine[identifier] = {n: was[n] if was[n] != seen[n] else truth[n] for n in truth}
                writer.seen[identifier] = dict(truth)
                writer.touched[identifier] = self.versions[identifier]

    @staticmethod
    def _cells(plan):
        found = {}
        for row in plan.cells.itertuples():
            found.setdefault(row.id, {})[row.column] = (row.old, row.new)
        return found

    @staticmethod
    def _states(result):
        return dict(zip(result.changes["id"], result.changes["state"], strict=True))


class WritersOfContacts(Writers):
    table = "contacts"
    size = 2


@pytest.mark.parametrize("machine", [Writers, WritersOfContacts], ids=["customers", "contacts"])
@pytest.mark.slow
@pytest.mark.fault(25)
@pytest.mark.fault(26)
@pytest.mark.fault(28)
def test_two_writers_and_wizcommerce_itself(monkeypatch, machine):
    monkeypatch.setenv("WIZFRAME_STATE_DIR", "set by each example")
    # To the second, as the service tells the time, a change to and fro would show nowhere.
    began, ticks = datetime.now(UTC), itertools.count()
    monkeypatch.setattr(Store, "now", lambda _: f"{began + timedelta(seconds=next(ticks)):%Y-%m-%dT%H:%M:%SZ}")
    examples = int(os.environ.get("WIZFRAME_WRITERS", "25"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = settings(
            max_examples=examples,
            stateful_step_count=20,
            phases=[Phase.generate, Phase.shrink],
            derandomize=settings.default.derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415 - next to its only use

        run_state_machine_as_test(machine, settings=run)
