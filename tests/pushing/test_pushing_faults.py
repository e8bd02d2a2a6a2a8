"""What a push does when things break: nothing lost, nothing doubled, every row answers for itself."""

import signal
import threading

import pandas as pd
import pytest
from support.planning import changed, load, make_contacts_valid, states, stored, writes

import wizframe
from wizframe.errors import AuthenticationError, NotSentError, PushInterruptedError, TransportError, service_error
from wizframe.pushing import executor as running
from wizframe.pushing.executor import Interrupts
from wizframe.pushing.journal import Journal
from wizframe.pushing.sender import Sender

LOST = TransportError("the connection broke before the response was complete")


class Faults:
    """Breaks requests of a client: each rule takes the number of the write, and may send it or not before it raises."""

    def __init__(self, wiz, monkeypatch):
        self.sent = 0
        self.rule = lambda _number, _method, send: send()
        self.forward = wiz.transport.request
        monkeypatch.setattr(wiz.transport, "request", self)
        wiz.settle_s = 0.0
        wiz.workers = 1

    def __call__(self, method, segments, **content):
        def send():
            return self.forward(method, segments, **content)

        if method == "GET":
            return send()
        self.sent += 1
        return self.rule(self.sent, method, send)


@pytest.fixture
def faults(wiz, monkeypatch):
    return Faults(wiz, monkeypatch)


def _lost_after_sending(*numbers):
    def rule(number, _method, send):
        answer = send()
        if number in numbers:
            raise LOST
        return answer

    return rule


def _raising(error, *numbers):
    def rule(number, _method, send):
        if number in numbers:
            raise error
        return send()

    return rule


def _new(table, wiz, count=2):
    if table == "customers":
        rows = [{"id": None, "company_name": f"New {n}", "display_name": "New"} for n in range(count)]
    else:
        owner = wiz.server.records("customers")[0]["id"]
        rows = [{"id": None, "customer_id": owner, "first_name": f"New {n}", "email": "n@x.org"} for n in range(count)]
    return pd.DataFrame(rows)


def _down(**_parameters):
    raise NotSentError("no connection")


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_create_with_a_lost_response_is_adopted_and_never_doubled(wiz, faults, table):
    faults.rule = _lost_after_sending(1, 2)
    before, frame = stored(wiz, table), _new(table, wiz)
    result = frame.wiz.plan().apply(progress=False)
    assert states(result) == {"done": 2}
    assert set(changed(before, stored(wiz, table))) == set(frame["id"])
    assert faults.sent == 2
    assert "the response was lost" in result.changes["what_happened"][0]
    assert len(frame.wiz.plan()) == 0


@pytest.mark.parametrize("error", [LOST, service_error(502, "bad gateway")])
def test_a_create_that_never_arrived_is_looked_up_and_sent_again(wiz, faults, error):
    faults.rule = _raising(error, 1)
    before, frame = stored(wiz, "customers"), _new("customers", wiz, 1)
    assert states(frame.wiz.plan().apply(progress=False)) == {"done": 1}
    assert set(changed(before, stored(wiz, "customers"))) == set(frame["id"])
    assert faults.sent == 2


def test_a_create_that_another_user_made_with_other_content_is_a_conflict(wiz, faults):
    def rule(_number, _method, _send):
        faults.rule = lambda _number, _method, send: send()
        wiz.customer.create({"reference_id": "R-1", "company_name": "Theirs", "display_name": "New"})
        raise LOST

    faults.rule = rule
    frame = _new("customers", wiz, 1).assign(reference_id="R-1")
    result = frame.wiz.plan().apply(progress=False)
    assert result.conflict_cells[["column", "yours", "now"]].to_numpy().tolist() == [
        ["company_name", "New 0", "Theirs"]
    ]
    assert frame["id"].isna().all()


def test_a_create_that_stays_lost_is_unknown_and_planning_again_does_not_double_it(wiz, faults):
    faults.rule = _lost_after_sending(1)
    frame = _new("customers", wiz, 2)
    plan = frame.wiz.plan()
    look_up = wiz.customer.page

    wiz.customer.page = _down
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["unknown", "unsent"]
    assert "the plan shows whether reference" in result.changes["next_step"][0]
    wiz.customer.page = look_up
    again = frame.wiz.plan()
    assert again.problems["rule"].str.startswith("exists as cust_").tolist() == [True]
    assert again.counts()["create"] == 2


@pytest.mark.usefixtures("faults")
def test_a_taken_reference_is_never_adopted(wiz):
    frame = _new("customers", wiz, 2).assign(reference_id=["R-1", "R-2"])
    plan = frame.wiz.plan()
    wiz.customer.create({"reference_id": "R-1", "company_name": "New 0", "display_name": "New"})
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["failed", "done"]
    assert result.changes["code"][0] == "conflict"
    assert "use another reference" in result.changes["next_step"][0]
    assert frame["id"].isna().tolist() == [True, False]
    failed = result.failed.assign(reference_id="R-3")
    assert states(failed.wiz.plan().apply(progress=False)) == {"done": 1}


@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("rule", [_lost_after_sending(1, 2), _raising(LOST, 1, 2), _raising(service_error(500, ""), 1)])
def test_an_update_with_a_lost_response_is_read_again_before_it_is_sent_again(wiz, faults, table, rule):
    make_contacts_valid(wiz)
    frame, before = load(wiz, table), stored(wiz, table)
    frame.loc[0, "first_name"] = "mine"
    plan = frame.wiz.plan()
    faults.rule = rule
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert changed(before, stored(wiz, table)) == {frame["id"][0]: {"first_name": "mine"}}
    assert len(frame.wiz.plan()) == 0


@pytest.mark.fault(27)
def test_an_edit_by_another_user_between_two_attempts_is_a_conflict(wiz, faults):
    frame = load(wiz)
    frame.loc[0, "first_name"] = "mine"
    plan = frame.wiz.plan()

    def rule(_number, _method, _send):
        wiz.server.overwrite("customers", frame["id"][0], first_name="elsewhere")
        raise LOST

    faults.rule = rule
    assert states(plan.apply(progress=False)) == {"conflict": 1}
    assert stored(wiz, "customers")[frame["id"][0]]["first_name"] == "elsewhere"


def test_an_update_that_stays_lost_is_unknown(wiz, faults):
    frame = load(wiz)
    frame.loc[[0, 1], "first_name"] = "mine"
    plan = frame.wiz.plan()
    faults.rule = _raising(LOST, 1, 2, 3)
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["unknown", "done"]
    assert result.unsent.index.tolist() == [0]
    assert set(frame.wiz.plan().changes["id"]) == {frame["id"][0]}


def test_one_refused_row_fails_alone_and_says_what_to_correct(wiz, faults):
    frame = load(wiz)
    frame.loc[[0, 1, 2], "payment_term"] = "net77"
    frame.loc[1, "phone"] = "+14155559999"
    plan = frame.wiz.plan()
    error = service_error(422, "phone is not good", code="validation_failed", details=[("phone", "is not good")])
    faults.rule = _raising(error, 2)
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["done", "failed", "done"]
    assert result.changes.loc[1, ["code", "next_step"]].tolist() == [
        "validation_failed",
        "correct phone, then plan result.failed again",
    ]
    assert result.failed.index.tolist() == [1]


@pytest.mark.parametrize("error", [AuthenticationError("401", status=401), NotSentError("no connection")])
def test_a_bad_key_or_a_vanished_server_stops_the_push_and_leaves_rows_unsent(wiz, faults, error):
    frame, before = load(wiz), stored(wiz, "customers")
    frame.loc[:4, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    faults.rule = _raising(error, *range(3, 99))
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["done", "done", "unsent", "unsent", "unsent"]
    assert result.unsent.index.tolist() == [2, 3, 4]
    assert set(changed(before, stored(wiz, "customers"))) == set(frame["id"][:2])
    faults.rule = lambda _number, _method, send: send()
    rest = frame.wiz.plan()
    assert rest.changes["index"].tolist() == [2, 3, 4]
    assert states(rest.apply(progress=False)) == {"done": 3}


def test_a_server_that_is_gone_leaves_every_row_unsent(wiz):
    frame = load(wiz)
    frame.loc[:2, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    wiz.workers = 1
    wiz.transport.rate_limiter.sleep = lambda _seconds: None
    wiz.server.stop()
    result = plan.apply(progress=False)
    assert states(result) == {"unsent": 3}
    assert "no connection" in result.changes["what_happened"].str.cat()


def test_a_value_that_the_service_does_not_store_is_a_failure(wiz, faults):
    frame, old = load(wiz), stored(wiz, "customers")
    frame.loc[0, ["first_name", "payment_term"]] = ["mine", "net77"]
    plan = frame.wiz.plan()
    identifier = frame["id"][0]

    def rule(_number, _method, send):
        send()
        wiz.server.overwrite("customers", identifier, payment_term=old[identifier]["payment_term"])
        return faults.forward("GET", ["customers", identifier])

    faults.rule = rule
    result = plan.apply(progress=False)
    assert result.changes[["state", "code"]].to_numpy().tolist() == [["failed", "not_kept"]]
    assert f"payment_term is {old[identifier]['payment_term']}" in result.changes["what_happened"][0]
    assert frame.wiz.plan().cells["column"].tolist() == ["payment_term"]


@pytest.fixture
def press(monkeypatch):
    """Send Ctrl-C from a worker, and go on when the push has noticed."""
    noticed = threading.Semaphore(0)
    press = Interrupts.press

    def pressed(self, *signal):
        press(self, *signal)
        noticed.release()

    def send():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        assert noticed.acquire(timeout=30)

    monkeypatch.setattr(Interrupts, "press", pressed)
    return send


@pytest.mark.fault(
    30,
    "Ctrl-C is pressed once, or twice",
    "the numbers of done and unsent rows, and that `wizframe.resume()` finishes the push; after the "
    "second Ctrl-C, rows that were sent are *unknown*",
    "L D",
)
def test_ctrl_c_lets_the_current_row_finish_and_updates_the_frame(wiz, faults, press):
    frame, before = load(wiz), stored(wiz, "customers")
    frame.loc[:4, "payment_term"] = "net77"
    plan = frame.wiz.plan()

    def rule(number, _method, send):
        if number == 2:
            press()
        return send()

    faults.rule = rule
    with pytest.raises(
        PushInterruptedError, match=r"interrupted: 2 done, 3 unsent\. .*resume\(\) finishes it"
    ) as raised:
        plan.apply(progress=False)
    assert raised.value.result.changes["state"].tolist() == ["done"] * 2 + ["unsent"] * 3
    assert set(changed(before, stored(wiz, "customers"))) == set(frame["id"][:2])
    assert frame.wiz.plan().changes["index"].tolist() == [2, 3, 4]


@pytest.mark.fault(30)
def test_a_second_ctrl_c_does_not_wait_and_lists_the_row_as_unknown(wiz, faults, press):
    frame = load(wiz)
    frame.loc[:2, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    go_on, left = threading.Event(), threading.Event()

    def rule(_number, _method, send):
        press()
        press()
        go_on.wait(30)
        answer = send()
        left.set()
        return answer

    faults.rule = rule
    try:
        with pytest.raises(PushInterruptedError) as raised:
            plan.apply(progress=False)
    finally:
        go_on.set()
    assert raised.value.result.changes["state"].tolist() == ["unknown", "unsent", "unsent"]
    assert left.wait(30)
    assert frame.wiz.plan().changes["index"].tolist() == [0, 1, 2]
    faults.rule = lambda _number, _method, send: send()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 3}
    assert faults.sent == 3


@pytest.mark.fault(30)
def test_a_second_ctrl_c_lists_a_row_that_only_waited_as_unsent_and_it_stays_so(wiz, press):
    frame = load(wiz)
    frame.loc[:1, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    wiz.workers = 1
    go_on, ended = threading.Event(), threading.Event()
    send, write_back = Sender.send, running.write_back

    def waiting(*given, **options):
        press()
        press()
        go_on.wait(30)  # for its turn, say
        try:
            return send(*given, **options)
        finally:
            ended.set()

    def writing_back(*given):
        go_on.set()
        assert ended.wait(30)
        write_back(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Sender, "send", waiting)
        patched.setattr(running, "write_back", writing_back)
        with pytest.raises(PushInterruptedError) as raised:
            plan.apply(progress=False)
    assert raised.value.result.changes["state"].tolist() == ["unsent", "unsent"]
    assert writes(wiz) == []
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 2}
    assert len(writes(wiz)) == 2


@pytest.mark.fault(30)
def test_a_push_has_not_ended_before_the_journal_has_its_last_outcome(wiz, press):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    closed = threading.Event()
    note, close = Journal.note, Journal.close

    def noting(*given, **columns):
        if columns["state"] == "done":
            press()
            press()
            closed.wait(30)
        return note(*given, **columns)

    def closing(journal):
        close(journal)
        closed.set()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Journal, "note", noting)
        patched.setattr(Journal, "close", closing)
        with pytest.raises(PushInterruptedError):
            plan.apply(progress=False)
    wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert wizframe.history()["outcome"].tolist() == ["done"]
    assert writes(wiz) == ["PATCH"]


def test_an_unexpected_error_is_raised_but_what_was_done_is_written_back(wiz, faults):
    frame = load(wiz)
    frame.loc[:2, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    faults.rule = _raising(ZeroDivisionError(), 2)
    with pytest.raises(ZeroDivisionError):
        plan.apply(progress=False)
    assert frame.wiz.plan().changes["index"].tolist() == [1, 2]
    assert writes(wiz) == ["PATCH"]


def test_many_rows_at_a_time_do_what_one_at_a_time_does(wiz):
    make_contacts_valid(wiz)
    frame, before = load(wiz, "contacts"), stored(wiz, "contacts")
    frame["designation"] = [f"Job {number}" for number in range(len(frame))]
    assert states(wizframe.plan(frame).apply(progress=False)) == {"done": len(frame)}
    found = changed(before, stored(wiz, "contacts"))
    assert found == {i: {"designation": job} for i, job in zip(frame["id"], frame["designation"], strict=True)}


@pytest.mark.parametrize("has_column", [True, False])
def test_a_new_row_with_an_unknown_outcome_keeps_its_reference_also_when_it_is_edited(wiz, faults, has_column):
    """With another content it would get another reference, and be a second record if the first one exists."""
    faults.rule = _lost_after_sending(1)
    frame = _new("customers", wiz, 1)
    if has_column:
        frame["reference_id"] = None
    plan = frame.wiz.plan()
    look_up = wiz.customer.page
    wiz.customer.page = _down
    assert states(plan.apply(progress=False)) == {"unknown": 1}
    wiz.customer.page = look_up
    left = wiz.server.records("customers")[-1]
    frame.loc[0, "company_name"] = "New 0, without the typo"
    again = frame.wiz.plan()
    assert frame["reference_id"].tolist() == [left["reference_id"]]
    assert again.problems["rule"].tolist() == [f"exists as {left['id']}; plan with match='reference_id' to update it"]
    assert states(frame.wiz.plan(match="reference_id").apply(progress=False)) == {"done": 1}
    assert [r["company_name"] for r in wiz.server.records("customers")][-1] == "New 0, without the typo"


def test_two_identical_new_rows_keep_their_different_references(wiz, faults):
    faults.rule = _raising(service_error(422, "not today"), 2)
    frame = pd.concat([_new("customers", wiz, 1)] * 2, ignore_index=True).assign(reference_id=None)
    result = frame.wiz.plan().apply(progress=False)
    assert states(result) == {"done": 1, "failed": 1}
    failed = result.failed
    assert states(failed.wiz.plan().apply(progress=False)) == {"done": 1}
    assert len({record["reference_id"] for record in wiz.server.records("customers")[-2:]}) == 2


def test_a_plan_of_which_nothing_was_sent_can_be_applied_again(wiz, faults):
    frame = _new("customers", wiz, 1).assign(reference_id=None)
    plan = frame.wiz.plan()
    faults.rule = _raising(NotSentError("no connection"), 1)
    assert states(plan.apply(progress=False)) == {"unsent": 1}
    assert states(plan.apply(progress=False)) == {"done": 1}
