"""No write leaves later than two seconds after its read, whatever comes between: else it is read and compared again."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import pytest
from support.planning import load, make_contacts_valid, states, stored, writes

import wizframe
from wizframe.errors import NotSentError
from wizframe.http import deadlines
from wizframe.http.rate_limit import RateLimiter
from wizframe.pushing.journal import Journal
from wizframe.server import Fault

COLUMNS = {"customers": "payment_term", "contacts": "designation"}
PATHS = {"customers": "PATCH", "contacts": "PUT"}


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.fixture
def late(monkeypatch):
    """A clock that another thing than the test moves on."""

    class Late:
        seconds = 0.0

    late = Late()
    clock_s = deadlines.clock_s
    monkeypatch.setattr(deadlines, "clock_s", lambda: clock_s() + late.seconds)
    return late


def edited(wiz, table):
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    frame.loc[0, COLUMNS[table]] = "mine"
    return frame, frame["id"][0], frame.wiz.plan()


def colleague(wiz, table, identifier, same):
    """Edit the field that is being pushed, or another one."""
    wiz.server.overwrite(table, identifier, **{COLUMNS[table] if same else "last_name": "a colleague's"})


def check(wiz, table, identifier, result, same):
    """Check that the colleague's edit is in the service, and the row says what is true."""
    record = stored(wiz, table)[identifier]
    assert states(result) == {"conflict" if same else "done": 1}, result
    assert record["last_name" if not same else COLUMNS[table]] == "a colleague's"
    assert record[COLUMNS[table]] == ("a colleague's" if same else "mine")
    assert writes(wiz).count(PATHS[table]) == int(not same)


@pytest.mark.parametrize("same", [True, False], ids=["same field", "other field"])
def test_after_a_pause_that_the_service_asked_for_the_record_is_compared_again(wiz, table, same):
    _, identifier, plan = edited(wiz, table)
    edit = partial(colleague, wiz, table, identifier, same)
    wiz.server.faults.add(
        Fault("answer", f"{table}.update", status=429, headers={"Retry-After": "2.3"}),
        Fault("meanwhile", f"{table}.get", skip=1, action=edit),  # the second read comes after the pause
    )
    result = plan.apply(progress=False)
    assert len(wiz.server.faults.fired) == 2
    record = stored(wiz, table)[identifier]
    assert states(result) == {"conflict" if same else "done": 1}
    assert record[COLUMNS[table]] == ("a colleague's" if same else "mine")
    assert record["last_name"] == "a colleague's" or same


@pytest.mark.parametrize("same", [True, False], ids=["same field", "other field"])
@pytest.mark.parametrize("where", ["journal", "queue", "connection"])
def test_time_that_passes_between_reading_and_sending_leads_to_a_new_read(wiz, table, same, where, late, monkeypatch):
    """A slow disk, a long queue, a slow connection, a closed laptop: the clock is looked at where the bytes leave."""
    _, identifier, plan = edited(wiz, table)

    def slow(function):
        def slowly(*given, **options):
            is_write = options.get("state") == "sent" if where == "journal" else deadlines.left_s() < 10
            if is_write and not late.seconds:
                late.seconds = 100.0
                colleague(wiz, table, identifier, same)
            return function(*given, **options)

        return slowly

    if where == "journal":
        monkeypatch.setattr(Journal, "record", slow(Journal.record))
    elif where == "queue":
        monkeypatch.setattr(RateLimiter, "wait", slow(RateLimiter.wait))
    else:
        monkeypatch.setattr(deadlines.HTTPConnection, "putrequest", slow(deadlines.HTTPConnection.putrequest))
    result = plan.apply(progress=False)
    assert late.seconds
    check(wiz, table, identifier, result, same)


def test_a_slow_journal_does_not_make_each_attempt_late(wiz, table, late, monkeypatch):
    _, _, plan = edited(wiz, table)
    record = Journal.record

    def slowly(*given, **columns):
        late.seconds += 3.0
        return record(*given, **columns)

    monkeypatch.setattr(Journal, "record", slowly)
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert late.seconds == 3.0
    assert writes(wiz) == [PATHS[table]]


def test_a_delete_is_compared_again_too(wiz, table, late, monkeypatch):
    _, identifier, _ = edited(wiz, table)
    plan = load(wiz, table).head(1).wiz.delete()
    record = Journal.record

    def slowly(*given, **columns):
        if not late.seconds:
            late.seconds = 3.0
            colleague(wiz, table, identifier, same=False)
        return record(*given, **columns)

    monkeypatch.setattr(Journal, "record", slowly)
    assert states(plan.apply(max_deletes=1, progress=False)) == {"conflict": 1}
    assert identifier in stored(wiz, table)
    assert writes(wiz) == []


def test_a_slow_rate_still_lets_a_write_follow_its_read(wiz):
    _, _, plan = edited(wiz, "customers")
    wiz.transport.rate_limiter = RateLimiter(0.4)
    wiz.server.requests.clear()
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert [request.method for request in wiz.server.requests] == ["GET", "PATCH"]


@pytest.mark.slow
def test_a_service_that_needs_longer_than_the_limit_to_read_is_still_written_to(wiz):
    _, _, plan = edited(wiz, "customers")
    wiz.server.faults.add(Fault("delay", "customers.get", delay_s=2.2, times=None))
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert writes(wiz) == ["PATCH"]
    assert len(wiz.server.faults.fired) == 4


def test_a_service_that_pauses_each_write_leaves_the_row_unsent_and_resume_finishes_it(wiz, table, late, monkeypatch):
    _, _, plan = edited(wiz, table)
    wait = RateLimiter.wait

    def slowly(limiter, *limits):
        late.seconds += 1.5
        return wait(limiter, *limits)

    monkeypatch.setattr(RateLimiter, "wait", slowly)
    result = plan.apply(progress=False)
    assert states(result) == {"unsent": 1}
    assert "more than 2 seconds passed between reading the record and writing it" in result.changes["what_happened"][0]
    assert writes(wiz) == []
    monkeypatch.setattr(RateLimiter, "wait", wait)
    (finished,) = wizframe.resume(yes=True, progress=False)
    assert states(finished) == {"done": 1}


def test_a_contact_that_is_updated_by_itself_is_read_again_too(wiz, late, monkeypatch):
    make_contacts_valid(wiz)
    contact = wiz.server.records("contacts")[0]
    wait, count = RateLimiter.wait, []

    def slowly(limiter, *limits):
        count.append(1)
        if len(count) == 2:
            late.seconds = 3.0
            wiz.server.overwrite("contacts", contact["id"], last_name="a colleague's")
        return wait(limiter, *limits)

    monkeypatch.setattr(RateLimiter, "wait", slowly)
    wiz.customer.contact.update(contact["customer_id"], contact["id"], {"designation": "mine"})
    record = stored(wiz, "contacts")[contact["id"]]
    assert (record["designation"], record["last_name"]) == ("mine", "a colleague's")
    assert writes(wiz) == ["PUT"]


def test_an_operation_that_is_always_late_says_so(wiz, late, monkeypatch):
    make_contacts_valid(wiz)
    contact = wiz.server.records("contacts")[0]
    wait = RateLimiter.wait

    def slowly(limiter, *limits):
        late.seconds += 3.0
        return wait(limiter, *limits)

    monkeypatch.setattr(RateLimiter, "wait", slowly)
    monkeypatch.setattr(deadlines, "_SLOW_READS", 99)
    with pytest.raises(NotSentError, match="more than 2 seconds passed"):
        wiz.customer.contact.update(contact["customer_id"], contact["id"], {"designation": "mine"})
    assert writes(wiz) == []


CHILD = """
import sys, wizframe
base_url, table, column = sys.argv[1:]
wiz = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=base_url, workers=1)
frame = wiz.load_customers(progress=False)
if table == "contacts":
    frame = wiz.load_contacts(frame, progress=False)
frame.loc[0, column] = "mine"
plan = frame.wiz.plan()
print("planned", flush=True)
sys.stdin.readline()
print(plan.apply(progress=False).changes["state"][0], flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process cannot be stopped here")
@pytest.mark.parametrize("operation", ["get", "update"])
def test_a_process_that_was_stopped_between_read_and_write_compares_again(wiz, table, operation):
    """Stopped while the response of the read, or a refusal of the write, is on its way."""
    make_contacts_valid(wiz)
    identifier = wiz.server.records(table)[0]["id"]
    job = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(CHILD), wiz.base_url, table, COLUMNS[table]]
    process = subprocess.Popen(job, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stdout.readline() == "planned\n"
        frame = load(wiz, table)
        identifier = frame["id"][0]

        stop = partial(os.kill, process.pid, signal.SIGSTOP)
        wiz.server.faults.add(
            Fault("meanwhile", f"{table}.get", action=stop)
            if operation == "get"
            else Fault("answer", f"{table}.update", status=429, headers={"Retry-After": "1"})
        )
        process.stdin.write("\n")
        process.stdin.flush()
        deadline = time.monotonic() + 20
        while not wiz.server.faults.fired:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if operation == "update":
            stop()
        time.sleep(2.3)
        colleague(wiz, table, identifier, same=True)
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.readline() == "conflict\n"
        assert stored(wiz, table)[identifier][COLUMNS[table]] == "a colleague's"
    finally:
        process.kill()
        process.communicate()
