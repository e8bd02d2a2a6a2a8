"""What a push does between the first byte of a write and a checked answer: waits, looks, notes, and never guesses."""

import re
import sqlite3
from functools import partial

import pandas as pd
import pytest
from support.planning import load, make_contacts_valid, states, stored, writes

import wizframe
from wizframe.errors import JournalError
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.server import Fault


@pytest.fixture
def waits(wiz):
    """Every pause of the client takes no time: it is entered here, and what was put into `waits.then` happens in it."""

    class Waits(list):
        then = ()

        def __call__(self, seconds):
            self.append(seconds)
            if len(self) <= len(self.then):
                self.then[len(self) - 1]()

    waits = Waits()
    wiz.transport.rate_limiter.sleep = waits
    wiz.settle_s = 7.0
    wiz.workers = 1
    return waits


def new_row(table, wiz):
    """Give a frame of one new record."""
    if table == "customers":
        return pd.DataFrame([{"id": None, "company_name": "Once", "display_name": "Once"}])
    owner = wiz.server.records("customers")[0]["id"]
    return pd.DataFrame([{"id": None, "customer_id": owner, "first_name": "Once", "email": "once@example.com"}])


def journalled():
    """Read the states of all changes as another process would."""
    with sqlite3.connect(journal_path()) as connection:
        rows = connection.execute("SELECT state FROM changes ORDER BY number").fetchall()
    connection.close()
    return [state for (state,) in rows]


@pytest.mark.fault(4)
@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("pause", [1, 2])
def test_a_create_that_takes_effect_after_the_time_out_is_waited_for_and_not_sent_again(wiz, waits, table, pause):
    plan = new_row(table, wiz).wiz.plan()
    before = stored(wiz, table)
    wiz.server.faults.add(Fault("late", f"{table}.create", delay_s=60))
    waits.then = [lambda: None] * (pause - 1) + [wiz.server.faults.apply_late]
    result = plan.apply(progress=False)
    assert wiz.server.faults.fired
    assert states(result) == {"done": 1}
    assert "the response was lost" in result.changes["what_happened"][0]
    assert waits == [7.0] * pause
    assert writes(wiz) == ["POST"]
    assert len(stored(wiz, table)) == len(before) + 1


def test_a_new_record_that_another_user_deactivates_is_still_found(wiz, waits):
    frame = new_row("customers", wiz)
    plan = frame.wiz.plan()
    before = stored(wiz, "customers")

    def deactivate():
        (new,) = stored(wiz, "customers").keys() - before.keys()
        wiz.server.set_status("customers", new, "inactive")

    waits.then = [deactivate]
    wiz.server.faults.add(Fault("drop_after", "customers.create"))
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert wiz.server.faults.fired
    assert writes(wiz) == ["POST"]
    assert stored(wiz, "customers")[frame["id"][0]]["status"] == "inactive"


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    "fault", [{"kind": "drop_after"}, {"kind": "answer_after", "status": 502}], ids=["drop", "502"]
)
def test_a_create_that_can_be_neither_confirmed_nor_found_is_unknown_and_resume_looks_first(wiz, waits, fault):
    """Were it taken for unsent, the next run would send it before looking."""
    plan = new_row("customers", wiz).wiz.plan()
    wiz.server.faults.add(Fault(operation="customers.create", **fault), Fault("answer", "reads", status=401))
    assert states(plan.apply(progress=False)) == {"unknown": 1}
    assert journalled() == ["unknown"]
    wiz.server.requests.clear()
    waits.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    assert waits == [7.0]
    assert writes(wiz) == []


@pytest.mark.fault(
    "8b",
    "the response to an update or a delete is lost, and the next attempt is refused",
    "“verifying …” for the settle period, then the record is read: *done* if it took effect after all, else *failed*",
    "L E",
)
@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("action", ["update", "delete"])
@pytest.mark.parametrize("is_late", [True, False], ids=["late", "never"])
def test_a_refusal_after_a_lost_response_does_not_prove_the_first_attempt_failed(wiz, waits, table, action, is_late):
    """It speaks of the second request alone: the first may take effect a moment later."""
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    identifier, column = frame["id"][0], {"customers": "payment_term", "contacts": "designation"}[table]
    frame.loc[0, column] = "mine"
    plan = frame.wiz.plan() if action == "update" else load(wiz, table).head(1).wiz.delete()
    lost = Fault("late", f"{table}.{action}", delay_s=60) if is_late else Fault("drop", f"{table}.{action}")
    wiz.server.faults.add(lost, Fault("answer", f"{table}.{action}", skip=1, status=409))
    waits.then = [wiz.server.faults.apply_late]
    result = plan.apply(max_deletes=1, progress=False)
    assert len(wiz.server.faults.fired) == 2
    assert waits == [7.0]
    assert states(result) == {"done" if is_late else "failed": 1}
    there = stored(wiz, table).get(identifier)
    assert (there is None or there[column] == "mine") == is_late


@pytest.mark.parametrize("time", [b"null", b'"yesterday"', b"7"])
def test_a_record_with_an_unreadable_time_is_a_conflict_and_not_deleted(wiz, time):
    frame = load(wiz)
    plan = frame.head(2).wiz.delete()
    wiz.workers = 1
    unreadable = Fault("answer_after", "customers.get", body=lambda true: re.sub(UPDATED_AT, rb"\g<1>" + time, true))
    wiz.server.faults.add(unreadable)
    result = plan.apply(max_deletes=2, progress=False)
    assert wiz.server.faults.fired
    assert result.changes["state"].tolist() == ["conflict", "done"]
    assert frame["id"][0] in stored(wiz, "customers")


UPDATED_AT = rb'("updated_?[aA]t":)"[^"]*"'


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_write_that_was_refused_as_one_too_many_was_not_sent(wiz, waits, operation):
    """A 429 tells that nothing was done: the row is free to be sent again, without waiting or looking."""
    frame = new_row("customers", wiz) if operation == "create" else load(wiz)
    frame.loc[0, "first_name"] = "mine"
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault("answer", "writes", status=429, headers={"Retry-After": "11"}, times=None))
    result = plan.apply(progress=False)
    assert states(result) == {"unsent": 1}
    assert journalled() == ["planned"]
    assert waits[0] == pytest.approx(11.0, abs=0.5)
    assert 7.0 not in waits
    wiz.server.faults.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    assert 7.0 not in waits


@pytest.mark.parametrize("on_conflict", ["skip", "theirs"])
@pytest.mark.parametrize("action", ["update", "delete"])
def test_a_conflict_after_a_lost_response_is_not_reported_before_the_settle_period(wiz, waits, action, on_conflict):
    """Another user edits between two attempts, and the first request arrives after that."""
    frame = load(wiz)
    identifier = frame["id"][0]
    frame.loc[0, "payment_term"] = "mine"
    plan = frame.wiz.plan() if action == "update" else load(wiz).head(1).wiz.delete()
    edit = partial(wiz.server.overwrite, "customers", identifier, payment_term="theirs")
    wiz.server.faults.add(
        Fault("late", f"customers.{action}", delay_s=60), Fault("meanwhile", "customers.get", skip=1, action=edit)
    )
    waits.then = [wiz.server.faults.apply_late]
    result = plan.apply(on_conflict=on_conflict, max_deletes=1, progress=False)
    assert len(wiz.server.faults.fired) == 2
    assert waits == [7.0]
    assert states(result) == {"done": 1}
    assert stored(wiz, "customers").get(identifier, {}).get("payment_term") == ("mine" if action == "update" else None)
    assert writes(wiz) == [{"update": "PATCH", "delete": "DELETE"}[action]]


@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("verb", ["get", "update"])
def test_a_response_with_another_record_is_not_accepted(wiz, table, verb):
    """It would be written into that record's row, or be what a contact is written back as."""
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    before, mine, other = frame.copy(), *frame["id"][:2]
    was = stored(wiz, table)[other]
    column = {"customers": "payment_term", "contacts": "designation"}[table]
    frame.loc[0, column] = "mine"
    plan = frame.wiz.plan()
    swap = partial(re.sub, f'"{mine}"'.encode(), f'"{other}"'.encode())
    wiz.server.faults.add(Fault("answer_after", f"{table}.{verb}", body=swap))
    result = plan.apply(progress=False)
    assert [fault.kind for fault in wiz.server.faults.fired] == ["answer_after"]
    assert result.changes["id"].tolist() == [mine]
    assert result.changes["state"].tolist() == [{"get": "unsent", "update": "done"}[verb]]
    assert frame.loc[1:, column].equals(before.loc[1:, column])
    assert stored(wiz, table)[other] == was


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    "trouble", [{"kind": "answer", "status": 403}, {"kind": "drop", "times": 9}], ids=["403", "drop"]
)
def test_a_write_that_was_accepted_and_cannot_be_checked_is_unknown(wiz, action, trouble):
    """The answer lacks what was sent, and the record cannot be read: neither done nor unsent would be true."""
    frame = new_row("customers", wiz) if action == "create" else load(wiz)
    frame.loc[0, "shipping_method"] = "by bike"
    plan = frame.wiz.plan()
    hide = partial(re.sub, rb'"shipping_?[mM]ethod"', b'"hidden"')
    short = Fault("answer_after", f"customers.{action}", body=hide)
    wiz.server.faults.add(short, Fault(operation="customers.get", skip=int(action == "update"), **trouble))
    assert states(plan.apply(progress=False)) == {"unknown": 1}
    assert {fault.kind for fault in wiz.server.faults.fired} == {"answer_after", trouble["kind"]}
    wiz.server.faults.clear()
    wiz.server.requests.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    assert writes(wiz) == []


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_the_journal_records_a_write_before_its_first_byte_is_sent(wiz, table):
    """Whatever a crash leaves behind is then at worst unknown, and is looked up."""
    make_contacts_valid(wiz)
    frame = load(wiz, table).head(2)
    frame.loc[0, "first_name"] = "mine"
    plans = [frame.wiz.plan(), new_row(table, wiz).wiz.plan(), frame.tail(1).wiz.delete()]
    for plan in plans:
        seen = []
        wiz.server.faults.add(Fault("meanwhile", "writes", action=lambda seen=seen: seen.extend(journalled())))
        assert states(plan.apply(max_deletes=1, progress=False)) == {"done": 1}
        assert seen == ["sent"]
        assert journalled() == ["done"]
        wizframe.purge(older_than_days=0)
    assert [fault.kind for fault in wiz.server.faults.fired] == ["meanwhile"] * 3


def test_each_row_has_its_own_outcome_in_any_order_of_completion(wiz):
    frame = load(wiz)
    frame.loc[:3, "first_name"] = "mine"
    plan = frame.wiz.plan()
    wiz.server.overwrite("customers", frame["id"][1], first_name="elsewhere")
    wiz.customer.delete(frame["id"][2])
    wiz.server.faults.add(Fault("delay", "customers.update", delay_s=0.1, times=None))  # what is written comes last
    result = plan.apply(progress=False)
    assert wiz.server.faults.fired
    assert result.changes["id"].tolist() == frame["id"][:4].tolist()
    assert result.changes["state"].tolist() == ["done", "conflict", "conflict", "done"]
    assert result.changes["code"].tolist() == ["", "conflict", "deleted", ""]


@pytest.mark.usefixtures("waits")
def test_an_unknown_create_adds_the_references_of_all_rows(wiz):
    frame = pd.concat([new_row("customers", wiz)] * 2, ignore_index=True)
    frame["company_name"] = ["One", "Two"]
    plan = frame.wiz.plan()
    # The first create of a push is read back, so the first read passes.
    wiz.server.faults.add(Fault("drop_after", "customers.create", skip=1), Fault("answer", "reads", status=401, skip=1))
    assert plan.apply(progress=False).changes["state"].tolist() == ["done", "unknown"]
    assert frame["reference_id"].tolist() == plan.changes["reference_id"].tolist()


def test_undo_restores_the_value_before_the_push_not_the_loaded_value(wiz):
    """Another user changed the cell between the load and the push, which overwrote it on purpose."""
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    plan = frame.wiz.plan()
    wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
    result = plan.apply(on_conflict="mine", progress=False)
    assert states(result) == {"done": 1}
    back = result.undo()
    assert back.cells[["old", "new"]].to_numpy().tolist() == [["mine", "theirs"]]
    assert states(back.apply(progress=False)) == {"done": 1}
    assert stored(wiz, "customers")[frame["id"][0]]["payment_term"] == "theirs"


@pytest.mark.fault(33)
def test_a_push_that_another_one_is_working_on_is_refused(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault("answer", "customers.update", status=401))
    push_id = plan.apply(progress=False).push_id
    with Journal() as other:
        other.lease(push_id)
        for given in ((), (push_id,)):
            with pytest.raises(JournalError, match="another process works on push"):
                wizframe.resume(*given, yes=True)
    assert writes(wiz) == ["PATCH"]
    (finished,) = wizframe.resume(push_id, yes=True, progress=False)
    assert states(finished) == {"done": 1}
