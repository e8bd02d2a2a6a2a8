"""Work in threads: results and errors come to the caller, little is under way at a time, and no thread is left over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from wizframe.threads import ThreadPool

WORKERS = [0, 1, 3]


def ours():
    return [thread for thread in threading.enumerate() if thread.name.startswith("test-pool")]


@pytest.fixture(params=WORKERS, ids="{} threads".format)
def pool(request):
    with ThreadPool(request.param, "test-pool") as made:
        yield made
    assert ours() == []


def slow_first(number):
    time.sleep(0.03 if number == 0 else 0)
    return number


def test_results_come_in_the_order_of_the_work(pool):
    assert list(pool.in_order(partial(slow_first, number) for number in range(20))) == list(range(20))
    assert pool.pending == 0


def test_no_more_is_started_than_ahead_allows(pool):
    started = []
    results = pool.in_order((partial(started.append, number) for number in range(20)), ahead=4)
    for taken, _ in enumerate(results, 1):
        assert len(started) <= taken + 4
    assert len(started) == 20


def test_tasks_are_handed_back_as_they_end():
    release = threading.Event()
    with ThreadPool(2, "test-pool") as pool:
        blocked, free = pool.start(release.wait), pool.start(lambda: "free")
        assert pool.next_done() is free
        assert (free.is_done, free.result(), blocked.is_done) == (True, "free", False)
        assert pool.next_done(timeout_s=0.01) is None
        assert pool.next_done(timeout_s=0) is None
        release.set()
        assert pool.next_done() is blocked
        with pytest.raises(RuntimeError, match="no task was started"):
            pool.next_done()


def test_work_runs_in_other_threads_unless_there_are_none():
    for size in WORKERS:
        with ThreadPool(size, "test-pool") as pool:
            [thread] = pool.in_order([threading.current_thread])
            assert (thread is threading.current_thread()) == (size == 0)


def test_threads_are_started_as_they_are_needed():
    with ThreadPool(16, "test-pool") as pool:
        assert ours() == []
        list(pool.in_order([int]))
        assert len(ours()) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_is_raised_in_the_caller_when_its_turn_comes(pool, error):
    def work(number):
        if number == 2:
            raise error("of a task")
        return number

    results = pool.in_order((partial(work, number) for number in range(9)), ahead=5)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(error, match="of a task"):
        next(results)


def test_what_has_not_begun_is_skipped_when_the_pool_closes():
    began, release = [], threading.Event()

    def work(number):
        began.append(number)
        release.wait(5)

    with ThreadPool(2, "test-pool") as pool:
        for number in range(50):
            pool.start(partial(work, number))
        while len(began) < 2:
            time.sleep(0.001)
        threading.Timer(0.05, release.set).start()
    assert sorted(began) == [0, 1]
    assert ours() == []


def test_a_cancelled_task_is_handed_back_without_its_work():
    did, release = [], threading.Event()
    with ThreadPool(1, "test-pool") as pool:
        first, second = pool.start(release.wait), pool.start(lambda: did.append(1))
        second.cancel()
        release.set()
        assert [pool.next_done(), pool.next_done()] == [first, second]
    assert did == []


def test_a_pool_that_does_not_wait_is_left_at_once():
    release = threading.Event()
    pool = ThreadPool(1, "test-pool")
    pool.start(release.wait)
    pool.close(wait=False)
    assert len(ours()) == 1
    release.set()
    while ours():
        time.sleep(0.001)


CTRL_C = """
import signal, threading, time
from wizframe.threads import ThreadPool
with ThreadPool(2, "test-pool") as pool:
    print("ready", flush=True)
    for _ in pool.in_order([lambda: time.sleep(0.3)] * 1000):
        pass
"""
UNFINISHED = """
import time
from wizframe.threads import ThreadPool
pool = ThreadPool(1, "test-pool")
pool.start(lambda: time.sleep(60))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal of POSIX")
def test_ctrl_c_ends_the_wait_for_results():
    with subprocess.Popen([sys.executable, "-c", CTRL_C], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)  # two tasks of 1,000 end; each takes 0.3 s
    assert b"KeyboardInterrupt" in err


def test_python_does_not_wait_for_a_task_when_it_ends():
    subprocess.run([sys.executable, "-c", UNFINISHED], check=True, timeout=30)
