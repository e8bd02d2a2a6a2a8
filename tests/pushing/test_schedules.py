"""Pushes under random schedules of faults: what every row says is true, nothing is lost, and nothing doubled.

The environment variable WIZFRAME_SCHEDULES says how many are tried: 500 unless given, 10,000 every night.
WIZFRAME_SEED repeats one of them.
"""

import dataclasses
from collections import Counter

import pytest
from support.planning import make_contacts_valid
from support.pushing import Clock, carried_out, make_deletes, make_work, plan_work, seeded, seeds, truth

import wizframe
from wizframe.frames.problems import problems_frame
from wizframe.pushing.journal import Journal
from wizframe.server import Faults
from wizframe.server.faults import PASSING

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.IncompleteLoadWarning")

SCHEDULES = seeds("WIZFRAME_SCHEDULES", 500)
SHARES = 5
REFUSALS = (401, 403, 409, 422)
"""What a service may say of a request. Not a 404: that the record is gone would be a lie."""


@pytest.fixture(autouse=True)
def without_validation(monkeypatch):
    """Loads are not judged here; their validation would take a third of the time."""
    monkeypatch.setattr("wizframe.loading.frame.find_problems", lambda *_: problems_frame())


class Schedule:
    """One push under a schedule, and what the rows of its results say."""

    def __init__(self, wiz, seed):
        make_contacts_valid(wiz)
        Clock(wiz, at_settling=wiz.server.faults.apply_late)
        wiz.workers = (1, 1, 3)[seed % 3]
        self._wiz = wiz
        self._before = truth(wiz)
        works = [make_work(self._before, 2, 2)] * 4 + list(make_deletes(self._before))
        self.work = works[seed % len(works)]
        self.rows = {}

    def push(self, faults):
        plan = plan_work(self._wiz, self.work)
        self._wiz.server.faults.add(*faults)
        self._take(plan.apply(max_deletes=2, progress=False))
        self._wiz.server.faults.clear()
        return plan

    def resume(self):
        for result in wizframe.resume(yes=True, max_deletes=999, client=self._wiz, progress=False):
            self._take(result)
        assert wizframe.resume(yes=True, max_deletes=999, client=self._wiz) == []

    def _take(self, result):
        for row in result.changes.itertuples():
            self.rows[row.reference_id if row.action == "create" else row.id] = row

    def check(self):
        """What every row says is true, and the journal says the same. Return what is in the service."""
        self._wiz.server.faults.apply_late()
        assert self.rows.keys() == {change.key for change in self.work}
        partly = {key for key, row in self.rows.items() if row.code == "not_kept"}
        done = carried_out(self.work, self._before, truth(self._wiz), partly)
        for change in self.work:
            row = self.rows[change.key]
            if row.state == "done":
                assert change in done, row
            else:
                assert row.what_happened, row
                assert row.next_step, row
                assert row.state == "unknown" or row.code == "not_kept" or change not in done, row
        with Journal() as journal:
            (push,) = journal.pushes()
            entries = list(journal.entries(push.push_id))
        said = {entry.reference_id if entry.action == "create" else entry.id: entry.state for entry in entries}
        assert said == {key: {"unsent": "planned"}.get(row.state, row.state) for key, row in self.rows.items()}
        assert (push.ended_at is None) == bool({"unsent", "unknown"} & {row.state for row in self.rows.values()})
        return done

    def check_planned_again(self, plan, done):
        """The pushed frames plan what the rows say is not done; a new load, what is not in the service."""
        left = [change for change in self.work if self.rows[change.key].state != "done"]
        if self.work[0].action != "delete":
            again = wizframe.plan(plan.frame, contacts=plan.contacts.frame)
            assert self._keys(again.changes) == {change.key for change in left}
        if left:
            again = plan_work(self._wiz, left)
            there = {change.key for change in left if change in done and change.action == "create"}
            assert set(again.problems["value"]) == there
            assert self._keys(again.changes) - there == {change.key for change in left if change not in done}

    def _keys(self, changes):
        known = {identifier for records in self._before.values() for identifier in records}
        return {row.id if row.id in known else row.reference_id for row in changes.itertuples()}


def make_faults(seed, dice, work):
    """Make up a schedule for what is pushed; some hit one operation alone, some hit it again and again."""
    writes = {f"{change.table}.{change.action}" for change in work}
    reads = {f"{change.table}.{verb}" for change in work for verb in ("get", "list")}
    operations = sorted(writes | reads)
    if dice.random() < 0.4:
        operations = [dice.choice(operations)]
    statuses = dice.choice([PASSING, (*PASSING, *REFUSALS)])
    faults = Faults.random(seed, dice.randint(1, 5), operations=operations, statuses=statuses, within=3)
    return [dataclasses.replace(fault, times=dice.choice([1, 1, 3])) for fault in faults]


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_with_any_faults_every_row_has_its_true_outcome(share, monkeypatch, tmp_path):
    tally = Counter()
    for seed in SCHEDULES[share::SHARES]:
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"state-{seed}"))
        with seeded(seed) as dice, wizframe.sandbox(4, dialect=dice.choice(["rest", "sdk"])) as wiz:
            schedule = Schedule(wiz, seed)
            plan = schedule.push(make_faults(seed, dice, schedule.work))
            schedule.check_planned_again(plan, schedule.check())
            tally[" ".join(sorted({row.state for row in schedule.rows.values()}))] += 1
            schedule.resume()
            schedule.check()
            tally["faults"] += len(wiz.server.faults.fired)
            kept = {fault.kind for fault in wiz.server.faults.fired} & {"keep", "answer"}
            states = {row.state for row in schedule.rows.values()}
            assert states <= {"done"} | ({"failed", "skipped"} if kept else set())
    print(dict(tally))  # noqa: T201 - figures for `pytest -s`
    if len(SCHEDULES) >= SHARES * 10:
        assert tally["faults"] > len(SCHEDULES) / SHARES
        assert tally["done"] < 0.97 * len(SCHEDULES) / SHARES
