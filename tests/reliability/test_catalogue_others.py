"""The fault catalogue, another user of the same records: every case at every moment, compared with a model."""

import itertools
from collections import defaultdict
from typing import NamedTuple

import pytest
from support.catalogue import fired
from support.planning import load, make_contacts_valid, stored

import wizframe
from wizframe.server import Fault


class Case(NamedTuple):
    """What I do to a record, what another user does to it and when, and whether my first request gets lost."""

    mine: str  # update, delete
    theirs: str  # nothing, same (field), other (field), delete
    when: str  # before (my push), between (two attempts), window (between reading and writing)
    lost: str  # "", drop (not applied), drop_after (applied)

    @property
    def is_late(self):
        """Whether my first request was applied before they came."""
        return self.when == "between" and self.lost == "drop_after"


CASES = [
    Case(mine, theirs, when, lost)
    for mine, theirs in itertools.product(["update", "delete"], ["nothing", "same", "other", "delete"])
    for when, lost in [
        ("before", ""), ("before", "drop"), ("before", "drop_after"), ("between", "drop"), ("between", "drop_after"),
        ("window", ""),
    ]
]  # fmt: skip


def outcome(case, table, first, last):
    """Say what must come of it: the state, and the first and last name in the end, or None for a record that is gone.

    In the window between reading and writing a later edit of the same field is overwritten; of a contact, which is
    written whole, any. docs/reliability.md says so.
    """
    if case.mine == "delete":
        kept = case.theirs in ("same", "other") and case.when != "window" and not case.is_late
        return ("conflict", after_them(case, first, last)) if kept else ("done", None)
    if case.theirs == "delete":
        return "conflict", None
    if case.theirs == "same" and case.when != "window":
        return "conflict", ("theirs", last)
    if case.theirs == "other" and (case.when != "window" or table == "customers"):
        return "done", ("mine", "theirs")
    return "done", ("mine", last)


def after_them(case, first, last):
    return ("theirs", last) if case.theirs == "same" else (first, "theirs")


class Others:
    """Another user who acts when a case says so, between two requests of a client. Also loses requests."""

    def __init__(self, wiz, table, cases):
        self.wiz, self.table, self.cases = wiz, table, cases
        self.lost = []
        self._seen = defaultdict(list)
        self._send = wiz.transport.request

    def __enter__(self):
        self.wiz.transport.request = self._request
        for identifier, case in self.cases.items():
            if case.when == "before":
                self._act(identifier, case)
        return self

    def __exit__(self, *_):
        del self.wiz.transport.request

    def _request(self, method, segments, **content):
        case = self.cases.get(segments[-1])
        if case:
            seen = self._seen[segments[-1]]
            seen.append(method)
            is_write = method != "GET"
            if case.when == ("window" if is_write else "between") and seen.count(method) == (1 if is_write else 2):
                self._act(segments[-1], case)
            if is_write and case.lost and seen.count(method) == 1:
                self.lost.append(case.lost)
                self.wiz.server.faults.add(Fault(case.lost, f"{self.table}.{case.mine}"))
        return self._send(method, segments, **content)

    def _act(self, identifier, case):
        names = {"same": "first_name", "other": "last_name"}
        record = next((row for row in self.wiz.server.records(self.table) if row["id"] == identifier), None)
        if record is None:  # I was quicker: it is gone
            return
        if case.theirs in names:
            self.wiz.server.overwrite(self.table, identifier, **{names[case.theirs]: "theirs"})
        elif case.theirs == "delete":
            owner = [] if self.table == "customers" else [record["customer_id"], "contacts"]
            self._send("DELETE", ["customers", *owner, identifier])


@pytest.fixture
def wiz(dialect):
    with wizframe.sandbox(customers=30, dialect=dialect, workers=1) as client:
        yield client


@pytest.mark.fault(
    25,
    "another user changed the same field",
    "*conflict* with three values (when loaded, yours, now); it is not sent unless you decide so",
    "L",
)
@pytest.mark.fault(26, "another user changed another field", "*done*; both edits stay", "L")
@pytest.mark.fault(
    27,
    "another user edits a record between two attempts",
    "the same as faults 25, 26 and 28, because the record is read again before each attempt",
    "L",
)
@pytest.mark.fault(
    28,
    "another user deleted the record",
    "*conflict*: the record was deleted in WizCommerce; it is not created again",
    "E",
)
@pytest.mark.fault(
    "28b", "another user changed a record after its delete was planned", "*conflict*; the record is not deleted", "L"
)
@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("mine", ["update", "delete"])
def test_edits_of_another_user_during_a_push_are_never_lost_and_each_row_says_so(wiz, table, mine):
    make_contacts_valid(wiz)
    chosen = [case for case in CASES if case.mine == mine]
    frame = load(wiz, table).head(len(chosen))
    cases = dict(zip(frame["id"], chosen, strict=True))
    before = stored(wiz, table)
    if mine == "update":
        frame["first_name"] = "mine"
    plan = frame.wiz.plan() if mine == "update" else frame.wiz.delete()
    with Others(wiz, table, cases) as others:
        result = plan.apply(max_deletes=len(chosen), progress=False)
    assert fired(wiz.server.faults) == [(lost, f"{table}.{mine}") for lost in others.lost]
    assert set(others.lost) == {"drop", "drop_after"}

    after = stored(wiz, table)
    told = result.changes.set_index("id")
    for identifier, case in cases.items():
        names = before[identifier]["first_name"], before[identifier]["last_name"]
        state, left = outcome(case, table, *names)
        record = after.get(identifier)
        found = told.loc[identifier, "state"], record and (record["first_name"], record["last_name"])
        assert found == (state, left), case
        words = told.loc[identifier, "what_happened"]
        if state == "conflict" and left is None:
            assert words == "the record was deleted in WizCommerce; a push does not create it again"
        elif state == "conflict":
            assert "it changed in WizCommerce since you loaded it: " in words
            assert "now in WizCommerce theirs" in words
