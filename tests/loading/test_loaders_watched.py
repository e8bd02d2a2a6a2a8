"""A load in a thread: a watch follows it, collects its warnings, and can stop it."""

import threading
import time

import pytest

import wizframe
from wizframe.errors import IncompleteLoadWarning, InvalidDataWarning, LoadStoppedError
from wizframe.progress import Watch
from wizframe.server import Fault


def in_thread(work):
    """Start some work; gives the thread and a list that gets what came of it."""
    outcome = []

    def run():
        try:
            outcome.append(work())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def wait_for(condition, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_a_watch_gets_the_progress_of_each_stage(wiz):
    heard = []
    watch = Watch(lambda: heard.append((watch.what, watch.done, watch.total)))
    customers = wiz.load_customers(details=True, progress=watch)
    wiz.load_contacts(customers, progress=watch)
    stages = list(dict.fromkeys(what for what, _done, _total in heard))
    assert stages == ["customers", "details", "contacts"]
    assert heard[-1] == ("contacts", 60, 60)
    assert ("details", 30, 30) in heard


def test_a_watch_gets_the_warnings_instead_of_python(wiz, recwarn):
    bad = wiz.server.records("customers")[0]["id"]
    wiz.server.overwrite("customers", bad, email="invalid")
    watch = Watch()
    frame = wiz.load_customers(progress=watch)
    wiz.load_contacts([frame["id"][0], "cust_gone"], progress=watch)
    kinds = [type(warning) for warning in watch.warnings]
    assert InvalidDataWarning in kinds
    assert IncompleteLoadWarning in kinds
    assert not recwarn.list


@pytest.mark.parametrize("dialect", ["rest", "sdk"])
@pytest.mark.parametrize("details", [False, True])
def test_a_stopped_load_asks_for_nothing_more(dialect, details):
    with wizframe.sandbox(customers=400, dialect=dialect, latency_s=0.02) as wiz:
        watch = Watch()
        thread, outcome = in_thread(lambda: wiz.load_customers(page_size=2, details=details, progress=watch))
        enough = (lambda: watch.what == "details") if details else (lambda: watch.done > 10)
        wait_for(enough, 30)
        watch.stop()
        time.sleep(0.1)  # what is on its way arrives
        asked = len(wiz.server.requests)
        thread.join(5)
        assert not thread.is_alive()
        assert isinstance(outcome[0], LoadStoppedError)
        time.sleep(0.2)
        assert len(wiz.server.requests) == asked
        assert len(wiz.load_customers(progress=Watch())) == 400  # the connection itself is as it was


def test_a_stopped_load_of_contacts_asks_for_nothing_more():
    with wizframe.sandbox(customers=200, latency_s=0.02) as wiz:
        ids = [record["id"] for record in wiz.server.records("customers")]
        watch = Watch()
        thread, outcome = in_thread(lambda: wiz.load_contacts(ids, progress=watch))
        wait_for(lambda: watch.done > 10)
        watch.stop()
        thread.join(5)
        assert isinstance(outcome[0], LoadStoppedError)
        assert len(wiz.server.requests) < 200


def test_a_pause_that_the_service_asked_for_is_not_followed_by_a_request(dialect):
    fault = Fault("answer", operation="customers.list", status=429, headers={"Retry-After": "1"})
    with wizframe.sandbox(customers=10, dialect=dialect, faults=[fault]) as wiz:
        watch = Watch()
        thread, outcome = in_thread(lambda: wiz.load_customers(progress=watch))
        wait_for(lambda: wiz.server.faults.fired)
        watch.stop()
        thread.join(10)
        assert isinstance(outcome[0], LoadStoppedError)
        assert len(wiz.server.requests) == 1


def test_the_time_left_is_estimated_from_the_speed_so_far():
    now = [0.0]
    watch = Watch(clock=lambda: now[0])
    watch.show("customers", 10, 100)
    assert watch.left_s is None  # too soon to tell
    now[0] = 2.0
    watch.show("customers", 20, None)
    assert watch.left_s == 8.0
    watch.show("details", 0, 50)
    assert watch.left_s is None
