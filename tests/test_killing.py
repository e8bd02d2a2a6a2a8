"""A push that dies at any instant, and on both sides of every commit to the journal: nothing is lost, nothing doubled.

The environment variable WIZFRAME_KILLS says how many random kills are tried: 60 unless given, 1,000 every night.
WIZFRAME_SEED repeats one of them.
"""

import os
import signal
import time
from collections import Counter

import pytest
from test_killing_support import DEATH, SETTLE_S, Nursery
from test_planning_support import mend_contacts, writes
from test_pushing_support import carried_out, make_work, seeded, seeds, truth
from test_server_support import eventually

import wizframe
from wizframe.errors import JournalError
from wizframe.journal import Journal
from wizframe.server import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.skipif(os.name != "posix", reason="forks and kills"),
]

KILLS = seeds("WIZFRAME_KILLS", 60)
SHARES = 4
LOSABLE = ("customers.create", "contacts.create", "writes")


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as opened:
        yield opened


class Push:
    """A push in a child, and what must be true when that has died."""

    def __init__(self, wiz, nursery, *, updates=4, creates=2, **job):
        mend_contacts(wiz)
        wiz.settle_s = SETTLE_S
        self._wiz = wiz
        self._nursery = nursery
        self._before = truth(wiz)
        self.work = make_work(self._before, updates, creates)
        job |= {"base_url": wiz.base_url, "state_dir": os.environ["WIZFRAME_STATE_DIR"], "work": self.work}
        self.pid = nursery.bear(**job)

    @property
    def requests(self):
        """How many it takes, where nothing goes wrong: a read and a write for each update."""
        return sum(1 + (change.action != "create") for change in self.work)

    def kill_at_request(self, number, later_s):
        """Kill it some time after the server answered so many requests of it, or when it is through."""
        until = len(self._wiz.server.requests) + number
        while len(self._wiz.server.requests) < until and not self._nursery.has_word(0.0005):
            pass
        time.sleep(later_s)
        os.kill(self.pid, signal.SIGKILL)

    def check_journal(self):
        """Whatever the journal says of a row is true. Return the states that it says."""
        done = carried_out(self.work, self._before, truth(self._wiz))
        if wizframe.pushes().empty:  # it died before the plan was committed
            assert done == []
            return []
        with Journal() as journal:
            (push,) = journal.pushes()
            entries = journal.entries(push.push_id)
        said = {entry.reference_id if entry.action == "create" else entry.id: entry.state for entry in entries}
        assert said.keys() == {change.key for change in self.work}
        for change in self.work:
            assert said[change.key] in (("sent", "done") if change in done else ("planned", "sent")), change
        return list(said.values())

    def check_resumed(self):
        """Resume, and find all of it done, once, in the service, the results and the journal."""
        started = not wizframe.pushes().empty
        results = wizframe.resume(client=self._wiz, progress=False)
        assert wizframe.resume(client=self._wiz) == []
        assert carried_out(self.work, self._before, truth(self._wiz)) == (self.work if started else [])
        assert all(set(result.changes["state"]) <= {"done"} for result in results)
        if started:
            listed = wizframe.pushes()
            assert listed[["changes", "done"]].to_numpy().tolist() == [[len(self.work)] * 2]
            assert listed["ended_at"].notna().all()
            assert set(wizframe.history()["outcome"]) == {"done"}


@pytest.mark.fault(
    29,
    "killed at any instant",
    "`wizframe.pushes()` shows no end of it; `wizframe.resume()` finishes it, and sends nothing twice",
    "L D",
)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_killed_push_is_finished(wiz, nursery, share):
    wiz.server.latency_s = 0.003
    push = Push(wiz, nursery, workers=3)
    push.kill_at_request(int(share * push.requests), later_s=0.001)
    assert nursery.bury() == -signal.SIGKILL
    push.check_journal()
    push.check_resumed()


@pytest.mark.fault(
    33, "two processes, one push", "the second is refused: “push … is being worked on by … in process …”", "D"
)
def test_a_push_that_another_process_works_on_is_refused_until_that_is_gone(wiz, nursery):
    wiz.server.faults.add(Fault("stall_after", "writes", skip=2, times=None))
    push = Push(wiz, nursery, workers=3)
    eventually(lambda: len(wiz.server.faults.fired) == 3)  # all its workers wait for answers
    (push_id,) = wizframe.pushes()["push_id"]
    requests = len(wiz.server.requests)
    with pytest.raises(JournalError, match=f"push {push_id} is being worked on by .* in process {push.pid}"):
        wizframe.resume(push_id)
    assert wizframe.resume() == []
    assert len(wiz.server.requests) == requests
    os.kill(push.pid, signal.SIGKILL)
    assert nursery.bury() == -signal.SIGKILL
    wiz.server.faults.clear()
    push.check_resumed()
    assert len(writes(wiz)) == len(push.work)


@pytest.mark.fault(29)
@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_push_killed_at_any_instant_is_finished(share, nursery, tmp_path, monkeypatch):
    tally = Counter()
    for seed in KILLS[share::SHARES]:
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"state-{seed}"))
        with seeded(seed) as dice, wizframe.sandbox(12, dialect=("rest", "sdk")[seed % 2]) as wiz:
            wiz.server.latency_s = 0.003
            push = Push(wiz, nursery, workers=3)
            lost = [Fault("drop_after", dice.choice(LOSABLE), skip=dice.randrange(2))]
            wiz.server.faults.add(*lost * (seed % 3 == 1))
            # The golden ratio spreads the instants evenly over the push, whichever seeds are tried.
            instant = seed * 0.6180339887 % 1 * (push.requests + 3)
            push.kill_at_request(int(instant) - 1, dice.uniform(0, 0.006))
            assert nursery.bury() in (-signal.SIGKILL, 0)
            states = push.check_journal()
            wiz.server.faults.add(*lost * (seed % 3 == 2))
            push.check_resumed()
            tally[_how_far(states)] += 1
            tally["answers lost"] += len(wiz.server.faults.fired)
    print(dict(tally))  # noqa: T201 - the figures, for whoever looks (pytest -s)
    if len(KILLS) >= SHARES * 10:
        assert tally["in the middle"] >= len(KILLS) // SHARES // 2
        assert tally["answers lost"] > 0


def _how_far(states):
    """Tell where a push was cut off."""
    if "sent" in states or len(set(states)) > 1:
        return "in the middle"
    return {"planned": "before", "done": "after"}.get("".join(set(states)), "before the journal")


@pytest.mark.fault(29)
@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answers lost"])
def test_a_push_that_dies_on_either_side_of_any_commit_is_finished(dialect, lost, nursery, tmp_path, monkeypatch):
    for number, side in ((number, side) for number in range(99) for side in ("before", "after")):
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"state-{number}-{side}"))
        with wizframe.sandbox(3, dialect=dialect) as wiz:
            push = Push(wiz, nursery, updates=1, creates=1, workers=1, dies_at=(number, side))
            wiz.server.faults.add(*[Fault("drop_after", name, times=None) for name in LOSABLE[:2]] * lost)
            code = nursery.bury()
            wiz.server.faults.clear()
            push.check_journal()
            push.check_resumed()
        if code == 0:
            break
        assert code == DEATH
    assert (number, side) == (2 * len(push.work) + 2, "before")  # begin, two for each change, end
    assert bool(wiz.server.faults.fired) == lost
