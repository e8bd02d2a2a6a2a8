"""Ctrl-C at any instant of a push, once or twice: every row answers for itself, and the kernel is as good as before.

The environment variable WIZFRAME_INTERRUPTS says how many instants are tried: 30 unless given, 300 every night.
WIZFRAME_SEED repeats one of them.
"""

import contextlib
import os
import signal
import time
from collections import Counter

import pytest
from support.killing import SETTLE_S, Nursery, Push
from support.planning import make_contacts_valid, writes
from support.pushing import carried_out, make_work, plan_work, seeded, seeds, truth
from support.server import eventually

import wizframe
from wizframe.errors import PushInterruptedError
from wizframe.pushing import executor as running
from wizframe.pushing import plan as plans
from wizframe.pushing.journal import Journal
from wizframe.server import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.skipif(os.name != "posix", reason="forks, and sends POSIX signals"),
]

INTERRUPTS = seeds("WIZFRAME_INTERRUPTS", 30)
SHARES = 2


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as opened:
        yield opened


@pytest.fixture
def work(wiz):
    make_contacts_valid(wiz)
    wiz.settle_s = SETTLE_S
    return make_work(truth(wiz))


@contextlib.contextmanager
def pressed_at(holder, name, *, times=1):
    """Press Ctrl-C where the push is at a certain place."""
    real = getattr(holder, name)

    def pressing(*args, **options):
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return real(*args, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(holder, name, pressing)
        yield


@pytest.mark.fault(30)
def test_ctrl_c_before_the_plan_is_in_the_journal_leaves_no_trace(wiz, work):
    plan = plan_work(wiz, work)
    with pressed_at(Journal, "__init__"), pytest.raises(KeyboardInterrupt):
        plan.apply(progress=False)
    assert writes(wiz) == []
    assert wizframe.pushes().empty
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert set(plan.apply(progress=False).changes["state"]) == {"done"}


BEFORE = [(plans, "begin"), (Journal, "begin"), (running, "ThreadPool")]
AFTER = [(running, "write_back"), (Journal, "end"), (Journal, "close")]


@pytest.mark.fault(30)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("place", BEFORE + AFTER, ids=lambda place: f"{place[0].__name__}.{place[1]}")
def test_ctrl_c_after_the_plan_is_in_the_journal_leaves_every_row_an_outcome(wiz, work, place, times):
    before, plan = truth(wiz), plan_work(wiz, work)
    with pressed_at(*place, times=times), pytest.raises(PushInterruptedError) as raised:
        plan.apply(progress=False)
    left = work if place in BEFORE else []
    assert raised.value.result.changes["state"].tolist() == ["unsent" if left else "done"] * len(work)
    assert carried_out(work, before, truth(wiz)) == ([] if left else work)
    assert ("resume() finishes it" in str(raised.value)) == bool(left)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sum(map(len, wizframe.resume(yes=True, max_deletes=9, progress=False))) == len(left)
    assert carried_out(work, before, truth(wiz)) == work


@pytest.mark.fault(30)
def test_ctrl_c_while_resuming_leaves_a_push_that_can_be_resumed(wiz, work):
    plan = plan_work(wiz, work)
    wiz.server.faults.add(Fault("answer", "writes", status=401))
    plan.apply(progress=False)
    with pressed_at(running, "ThreadPool"), pytest.raises(PushInterruptedError, match=r"resume\(\) finishes it"):
        wizframe.resume(yes=True, max_deletes=9, progress=False)
    with pressed_at(Journal, "__init__"), pytest.raises(KeyboardInterrupt):
        wizframe.resume(yes=True, max_deletes=9, progress=False)
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert set(finished.changes["state"]) == {"done"}


def test_another_handler_of_ctrl_c_is_left_alone(wiz, work):
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *signals: pressed.append(signals))
    try:
        plan = plan_work(wiz, work)
        with pressed_at(running, "write_back"):
            result = plan.apply(progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(pressed) == 2  # one for each table
    assert set(result.changes["state"]) == {"done"}


@pytest.mark.fault(30)
def test_python_ends_at_once_after_a_second_ctrl_c_though_requests_hang(wiz, nursery):
    # The first update is proven alone, and passes.
    wiz.server.faults.add(Fault("stall_after", "customers.update", skip=1, times=None))
    push = Push(
        wiz, nursery, updates=6, workers=3, does="push interrupted", is_early=False, is_resumed=False, patience_s=0
    )
    eventually(lambda: len(wiz.server.faults.fired) == 3)
    for _ in range(2):
        os.kill(push.pid, signal.SIGINT)
        time.sleep(0.05)
    said = nursery.hear()
    begun = 3 + 1  # one more waits for its turn
    counts = Counter(state for state, _ in said["rows"].values())
    assert counts == {"done": 1, "unknown": begun, "unsent": len(push.work) - begun - 1}
    pressed_at = time.monotonic()
    assert nursery.bury() == 0
    assert time.monotonic() - pressed_at < 5  # the answers would take 30 s
    wiz.server.faults.clear()
    push.check_resumed()


def check_rows(push, said):
    """Every row is accounted for, and what its state says is true."""
    done = {change.key for change in push.carried_out()}
    assert said["rows"].keys() == {change.key for change in push.work}
    for key, (state, next_step) in said["rows"].items():
        assert state in (("done", "unknown") if key in done else ("unsent", "unknown")), key
        assert bool(next_step) == (state != "done"), key


@pytest.mark.fault(30)
@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_ctrl_c_at_any_instant_leaves_every_outcome_known(share, nursery, tmp_path, monkeypatch):
    tally = Counter()
    for seed in INTERRUPTS[share::SHARES]:
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"state-{seed}"))
        with seeded(seed) as dice, wizframe.sandbox(6, dialect=dice.choice(["rest", "sdk"])) as wiz:
            wiz.server.latency_s = 0.003
            is_resumed, is_early = seed % 2 == 1, seed % 10 == 9
            push = Push(
                wiz, nursery, workers=3, does="push interrupted", is_early=is_early, is_resumed=is_resumed, patience_s=5
            )
            instant = seed * 0.6180339887 % 1 * (push.requests + 3)
            push.signal_at_request(signal.SIGINT, int(instant) - 1, dice.uniform(0, 0.006))
            if dice.random() < 0.5:
                time.sleep(dice.uniform(0, 0.01))
                os.kill(push.pid, signal.SIGINT)
            said = nursery.hear()
            heard_at = time.monotonic()
            assert nursery.bury() == 0, said.get("error")
            assert time.monotonic() - heard_at < 5
            assert said["threads"] == []
            if not said["rows"]:  # before the plan was in the journal
                assert said["how"] == "KeyboardInterrupt"
                assert wizframe.pushes().empty
                assert writes(wiz) == []
            elif not is_resumed:
                check_rows(push, said)
            assert set(said["resumed"]) <= {"done"}
            push.check_resumed()
            tally[said["how"]] += 1
    print(dict(tally))  # noqa: T201 - figures for `pytest -s`
    if len(INTERRUPTS) >= SHARES * 10:
        assert tally["PushInterruptedError"] >= len(INTERRUPTS) // SHARES // 2
