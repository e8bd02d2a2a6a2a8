"""A push that dies at any instant, and on both sides of every commit to the journal: nothing is lost, nothing doubled.

The environment variable WIZFRAME_KILLS says how many random kills are tried: 60 unless given, 1,000 every night.
WIZFRAME_SEED repeats one of them.
"""

import os
import signal
from collections import Counter

import pytest
from support.killing import DEATH, Nursery, Push
from support.planning import writes
from support.pushing import seeded, seeds
from support.server import eventually

import wizframe
from wizframe.errors import JournalError
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


@pytest.mark.fault(
    29,
    "the process is killed at any instant",
    "`wizframe.pushes()` shows that the push has not ended; `wizframe.resume()` finishes it, and sends nothing twice",
    "L D",
)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_killed_push_is_finished(wiz, nursery, share):
    wiz.server.latency_s = 0.003
    push = Push(wiz, nursery, workers=3)
    push.signal_at_request(signal.SIGKILL, int(share * push.requests), later_s=0.001)
    assert nursery.bury() == -signal.SIGKILL
    push.check_journal()
    push.check_resumed()


@pytest.mark.fault(
    33, "two processes work on one push", "the second process is refused, with the name of the first", "D"
)
def test_a_push_that_another_process_works_on_is_refused_until_that_is_gone(wiz, nursery):
    wiz.server.faults.add(Fault("stall_after", "writes", skip=2, times=None))
    push = Push(wiz, nursery, workers=3)
    eventually(lambda: len(wiz.server.faults.fired) == 3)  # all its workers wait for answers
    (push_id,) = wizframe.pushes()["push_id"]
    requests = len(wiz.server.requests)
    for given in ((push_id,), ()):
        with pytest.raises(JournalError, match=rf"another process works on push {push_id}: .* in process {push.pid}"):
            wizframe.resume(*given, yes=True, max_deletes=999)
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
            push.signal_at_request(signal.SIGKILL, int(instant) - 1, dice.uniform(0, 0.006))
            assert nursery.bury() in (-signal.SIGKILL, 0)
            states = push.check_journal()
            wiz.server.faults.add(*lost * (seed % 3 == 2))
            push.check_resumed()
            tally[_how_far(states)] += 1
            tally["answers lost"] += len(wiz.server.faults.fired)
    print(dict(tally))  # noqa: T201 - figures for `pytest -s`
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
