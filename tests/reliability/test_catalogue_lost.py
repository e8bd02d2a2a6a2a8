"""The fault catalogue, writes with an unknown outcome: looked up, adopted, sent again, never doubled."""

import re
import socket
from collections import Counter

import pytest
from support.catalogue import KEY, SETTLE_S, fired, new, plan_of, said, without_waiting
from support.planning import changed, states, stored, writes
from urllib3.util import connection

import wizframe
from wizframe.http.transport import MAX_ATTEMPTS
from wizframe.server import Fault, FaultProxy
from wizframe.server.faults import HTML_PAGE

ADOPTED = "created (the response was lost, the record was found)"
ACTIONS = ["create", "update", "delete"]


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    """Silence is over soon."""
    monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 0.2)


def check_done_once(wiz, table, action, before):
    """Check that a change was made exactly once, and nothing else."""
    found = changed(before, stored(wiz, table))
    assert len(found) == 1
    assert list(found.values()) == [{"first_name": "mine"} if action == "update" else None]
    assert len(stored(wiz, table)) == len(before) + {"create": 1, "update": 0, "delete": -1}[action]


NEVER_CONNECTED = {
    "refused": ConnectionRefusedError(111, "Connection refused"),
    "no such host": socket.gaierror(-2, "Name or service not known"),
    "no answer": TimeoutError("timed out"),
}


@pytest.mark.fault(
    1,
    "a connection is refused, the host is unknown, or connecting takes too long",
    "wizframe tries again by itself; if that does not help, the rows are *unsent*: no connection",
    "L D",
)
@pytest.mark.parametrize("error", NEVER_CONNECTED)
@pytest.mark.parametrize(("table", "action"), [("customers", "create"), ("contacts", "update")])
def test_a_request_without_a_connection_is_proven_unsent_and_tried_again(wiz, table, action, error, monkeypatch):
    without_waiting(wiz)
    plan, before = plan_of(wiz, table, action), stored(wiz, table)
    connect, attempts = connection.create_connection, []
    broken = MAX_ATTEMPTS + 2

    def open_socket(*address, **options):
        attempts.append(address)
        if len(attempts) <= broken:
            raise NEVER_CONNECTED[error]
        return connect(*address, **options)

    monkeypatch.setattr("urllib3.util.connection.create_connection", open_socket)
    wiz.transport.close()  # connections that are open already would not notice
    result = plan.apply(max_deletes=1, progress=False)
    assert len(attempts) == MAX_ATTEMPTS
    assert states(result) == {"unsent": 1}
    assert "no connection to 127.0.0.1" in said(result)[0][1]
    assert stored(wiz, table) == before
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert len(attempts) == broken + 1
    assert states(finished) == {"done": 1}
    check_done_once(wiz, table, action, before)
    assert len(writes(wiz)) == 1


@pytest.mark.fault(
    2,
    "the service made a create, but the response is lost",
    "“verifying …”, then *done*: created; the text mentions the lost response",
    "L D",
)
@pytest.mark.parametrize("kind", ["drop_after", "reset_after", "stall_after"])
def test_a_create_with_a_lost_response_is_looked_up_and_adopted(wiz, table, kind):
    slept, before = without_waiting(wiz), stored(wiz, table)
    frame = new(wiz, table)
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault(kind, f"{table}.create"))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [(kind, f"{table}.create")]
    assert said(result) == [("done", ADOPTED)]
    assert slept.count(SETTLE_S) == 1
    assert writes(wiz) == ["POST"]
    assert set(changed(before, stored(wiz, table))) == {frame["id"][0]}
    assert len(frame.wiz.plan()) == 0


@pytest.mark.fault(2)
@pytest.mark.parametrize("action", ["update", "delete"])
def test_another_write_with_a_lost_response_is_read_again_and_not_repeated(wiz, table, action):
    without_waiting(wiz)
    plan, before = plan_of(wiz, table, action), stored(wiz, table)
    wiz.server.faults.add(Fault("drop_after", f"{table}.{action}"))
    result = plan.apply(max_deletes=1, progress=False)
    assert fired(wiz.server.faults) == [("drop_after", f"{table}.{action}")]
    assert said(result) == [("done", {"update": "changed", "delete": "deleted"}[action])]
    assert len(writes(wiz)) == 1
    check_done_once(wiz, table, action, before)


@pytest.mark.fault(
    3,
    "a create is lost before the service made it",
    "“verifying …”, while the reference is looked up twice, in both statuses; then it is sent again: *done*",
    "L D",
)
@pytest.mark.parametrize("kind", ["drop", "reset", "stall"])
def test_a_create_that_was_not_applied_is_looked_up_twice_and_sent_again(wiz, table, kind):
    slept, before = without_waiting(wiz), stored(wiz, table)
    frame = new(wiz, table)
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault(kind, f"{table}.create"))
    wiz.server.requests.clear()
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [(kind, f"{table}.create")]
    assert said(result) == [("done", "created")]
    assert result.changes["attempts"].tolist() == [2]
    assert slept.count(SETTLE_S) == 2
    requests = list(wiz.server.requests)
    assert writes(wiz) == ["POST", "POST"]
    again = [at for at, request in enumerate(requests) if request.method == "POST"][1]
    asked = Counter(request.params["status"] for request in requests[1:again])
    assert asked["active"] == asked["inactive"] >= 2
    assert set(changed(before, stored(wiz, table))) == {frame["id"][0]}
    assert stored(wiz, table)[frame["id"][0]]["reference_id"] == "N-0"


@pytest.mark.fault(
    4,
    "the service makes a create only *after* the client's timeout",
    "“verifying …” for the settle period, then *done*; the create is not sent again",
    "D",
)
@pytest.mark.parametrize("wait", [1, 2])
def test_a_create_that_is_applied_after_the_time_out_is_waited_for_and_adopted(wiz, table, wait):
    slept, before = without_waiting(wiz), stored(wiz, table)
    frame = new(wiz, table)
    plan = frame.wiz.plan()

    def sleep(seconds):
        slept.append(seconds)
        if slept.count(SETTLE_S) == wait:
            assert stored(wiz, table) == before
            wiz.server.faults.apply_late()

    wiz.transport.rate_limiter.sleep = sleep
    wiz.server.faults.add(Fault("late_stall", f"{table}.create", delay_s=60))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("late_stall", f"{table}.create")]
    assert said(result) == [("done", ADOPTED)]
    assert slept.count(SETTLE_S) == wait
    assert writes(wiz) == ["POST"]
    assert set(changed(before, stored(wiz, table))) == {frame["id"][0]}


@pytest.mark.fault(5, "a connection that was kept open is reset", "the same as faults 2 and 3", "L D")
@pytest.mark.parametrize("action", ACTIONS)
def test_a_write_on_a_connection_that_went_stale_is_done_once(wiz, table, action):
    with FaultProxy(wiz.base_url) as proxy, wizframe.connect(KEY, base_url=proxy.base_url) as client:
        without_waiting(client)
        client.server = wiz.server
        plan, before = plan_of(client, table, action), stored(wiz, table)
        proxy.faults.add(Fault("reset_reused", f"{table}.{action}"))
        result = plan.apply(max_deletes=1, progress=False)
        assert fired(proxy.faults) == [("reset_reused", f"{table}.{action}")]
    assert states(result) == {"done": 1}
    assert len(writes(wiz)) == 1
    check_done_once(wiz, table, action, before)


@pytest.mark.fault(
    6,
    "a write gets status 500, 502 or 504",
    "“verifying …”, then *done*; if the look-up fails, too, *unknown*, and `resume()` finishes it",
    "L D",
)
@pytest.mark.parametrize(
    ("status", "kind"), [(500, "answer"), (502, "answer"), (502, "answer_after"), (504, "answer_after")]
)
def test_a_server_error_says_nothing_so_the_create_is_looked_up(wiz, table, status, kind):
    slept, before = without_waiting(wiz), stored(wiz, table)
    frame = new(wiz, table)
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault(kind, f"{table}.create", status=status, body=HTML_PAGE))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [(kind, f"{table}.create")]
    assert said(result) == [("done", ADOPTED if kind == "answer_after" else "created")]
    assert SETTLE_S in slept
    assert set(changed(before, stored(wiz, table))) == {frame["id"][0]}


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("action", "kind"),
    [("create", "answer"), ("create", "answer_after"), ("update", "answer_after"), ("delete", "answer_after")],
)
def test_a_service_that_stays_down_leaves_a_row_unknown_and_resume_resolves_it(wiz, table, action, kind):
    without_waiting(wiz)
    plan, before = plan_of(wiz, table, action), stored(wiz, table)
    skip = 0 if action == "create" else 1  # the read before the write
    wiz.server.faults.add(
        Fault(kind, f"{table}.{action}", status=502, body=HTML_PAGE),
        Fault("answer", "reads", status=502, times=None, skip=skip),
    )
    result = plan.apply(max_deletes=1, progress=False)
    first, *reads = fired(wiz.server.faults)
    assert first == (kind, f"{table}.{action}")
    assert len(reads) >= MAX_ATTEMPTS
    assert states(result) == {"unknown": 1}
    assert re.match(r"it is unknown whether this was done: .*\(GET ", said(result)[0][1])
    wiz.server.faults.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    check_done_once(wiz, table, action, before)


@pytest.mark.fault(
    8,
    "a create gets status 409 after an attempt with an unknown outcome",
    "the record is compared with what was sent: *done*, or *conflict*: another record has the reference",
    "D",
)
@pytest.mark.parametrize("is_mine", [True, False])
def test_a_taken_reference_after_a_lost_attempt_is_compared(wiz, table, is_mine):
    """The first attempt arrives after both looks, or another user was quicker."""
    without_waiting(wiz)
    before, frame = stored(wiz, table), new(wiz, table)
    plan = frame.wiz.plan()

    def be_quicker():
        create_elsewhere(wiz, table, frame, first_name="Theirs")

    overtaken = wiz.server.faults.apply_late if is_mine else be_quicker
    wiz.server.faults.add(
        Fault("late", f"{table}.create", delay_s=60) if is_mine else Fault("drop", f"{table}.create"),
        Fault("meanwhile", f"{table}.create", action=overtaken),
    )
    result = plan.apply(progress=False)
    assert [kind for kind, _ in fired(wiz.server.faults)][-1] == "meanwhile"
    assert len(wiz.server.faults.fired) == 2
    assert [request.status for request in wiz.server.requests if request.method == "POST"].count(409) == 1
    assert len(stored(wiz, table)) == len(before) + 1
    if is_mine:
        assert said(result) == [("done", ADOPTED)]
        assert set(changed(before, stored(wiz, table))) == {frame["id"][0]}
    else:
        assert said(result) == [("conflict", "another record has the reference")]
        assert result.conflict_cells[["column", "yours", "now"]].to_numpy().tolist() == [
            ["first_name", "New 0", "Theirs"]
        ]
        assert frame["id"].isna().all()


def create_elsewhere(wiz, table, frame, **values):
    """Create the record of a row as another user would."""
    row = {name: value for name, value in frame.loc[0].items() if name not in ("id", "customer_id")} | values
    if table == "customers":
        wiz.customer.create(row)
    else:
        wiz.customer.contact.create(frame["customer_id"][0], row)


CUTS = {
    "before its first byte": Fault("truncate", "writes", after_bytes=0),
    "in its head": Fault("truncate", "writes", after_bytes=40),
    "in its body": Fault("truncate", "writes"),
    "in a chunk": Fault("truncate_chunk", "writes"),
    "before the end of its chunks": Fault("unended_chunks", "writes"),
}


@pytest.mark.fault(
    9, "a response with status 201 is cut off", "the same as fault 2; it is not reported as a failure", "D"
)
@pytest.mark.parametrize(("action", "cut"), [*(("create", cut) for cut in CUTS), ("update", "in its body")])
def test_a_truncated_response_is_looked_up_and_not_a_failure(wiz, table, action, cut):
    with FaultProxy(wiz.base_url) as proxy, wizframe.connect(KEY, base_url=proxy.base_url) as client:
        without_waiting(client)
        client.server = wiz.server
        plan, before = plan_of(client, table, action), stored(wiz, table)
        proxy.faults.add(CUTS[cut])
        result = plan.apply(progress=False)
        assert fired(proxy.faults) == [(CUTS[cut].kind, f"{table}.{action}")]
    assert said(result) == [("done", ADOPTED if action == "create" else "changed")]
    assert len(writes(wiz)) == 1
    check_done_once(wiz, table, action, before)
