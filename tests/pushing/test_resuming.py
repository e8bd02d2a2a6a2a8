"""What the journal is for: pushes that were cut off are finished, traced and undone, and nothing is lost or doubled."""

import os
import re
import signal
import sys
import threading
import time

import pytest

import wizframe
from wizframe.errors import JournalError, PlanError, PlanProblemsError, PushInterruptedError, WrongAccountError
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.mark.fault(
    16,
    "status 401 in the middle of a push",
    "the push stops, and the other rows are *unsent*: the key is missing, wrong or expired; `resume()` finishes it",
    "L E",
)
def test_an_expired_key_stops_the_push_and_resume_finishes_it(wiz):
    customers = wiz.load_customers()
    customers.loc[:9, "payment_term"] = "net77"
    wiz.server.faults.add(Fault("answer", "customers.update", status=401, skip=3))
    result = customers.wiz.plan().apply(note="Friday")
    assert [(fault.kind, fault.operation) for fault in wiz.server.faults.fired] == [("answer", "customers.update")]
    stopped = result.changes[result.changes["code"] == "injected_fault"]
    assert re.match(r"the push stopped: .*\(PATCH ", stopped["what_happened"].item())
    assert "The API key is missing, wrong or expired" in stopped["what_happened"].item()
    assert 0 < result.counts()["done"] < 10
    assert result.counts()["unsent"] + result.counts()["done"] == 10
    (finished,) = wizframe.resume(yes=True)
    assert finished.counts()["done"] == result.counts()["unsent"]
    assert wizframe.pushes().loc[0, ["note", "changes", "done"]].tolist() == ["Friday", 10, 10]
    assert (wiz.load_customers()["payment_term"] == "net77").sum() == 10
    assert wizframe.resume(yes=True) == []


def test_a_create_with_a_response_lost_before_the_crash_is_adopted(wiz):
    customers = wiz.load_customers()
    customers.loc[len(customers)] = {"company_name": "Once", "display_name": "Once"}
    plan = customers.wiz.plan()
    wiz.server.faults.add(Fault("drop_after", "customers.create"), Fault("answer", "customers.list", status=401))
    result = plan.apply()
    assert result.changes["state"].tolist() == ["unknown"]
    (finished,) = wizframe.resume(yes=True)
    assert finished.changes["state"].tolist() == ["done"]
    assert "was found" in finished.changes["what_happened"][0]
    assert [row["company_name"] for row in wiz.server.records("customers")].count("Once") == 1


@pytest.mark.fault(30)
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_leaves_a_push_that_can_be_finished(wiz):
    customers = wiz.load_customers()
    customers["payment_term"] = "net77"
    plan = customers.wiz.plan()
    wiz.server.latency_s = 0.03

    def press():
        while all(request.method != "PATCH" for request in list(wiz.server.requests)):
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()  # once something was sent, however slow the machine is
    with pytest.raises(PushInterruptedError, match=r"wizframe\.resume\(\)") as stopped:
        plan.apply()
    wiz.server.latency_s = 0.0
    left = stopped.value.result.counts()["unsent"]
    assert left > 0
    (finished,) = wizframe.resume(yes=True)
    assert finished.counts()["done"] == left
    assert set(wiz.load_customers()["payment_term"]) == {"net77"}


def test_another_user_s_edit_is_a_conflict_when_resuming(wiz):
    customers = wiz.load_customers()
    customers.loc[:4, "payment_term"] = "net77"
    wiz.server.faults.add(Fault("answer", "customers.get", status=401, times=None))
    assert customers.wiz.plan().apply().counts()["unsent"] == 5
    wiz.server.faults.clear()
    wiz.server.overwrite("customers", customers["id"][2], payment_term="theirs")
    (finished,) = wizframe.resume(yes=True)
    assert finished.counts()["conflict"] == 1
    assert wiz.customer.get(customers["id"][2])["payment_term"] == "theirs"


def test_without_a_journal_nothing_is_sent(wiz, monkeypatch, tmp_path):
    customers = wiz.load_customers()
    customers.loc[0, "payment_term"] = "net77"
    plan = customers.wiz.plan()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / "file"))
    wiz.server.requests.clear()
    with pytest.raises(JournalError, match="nothing is sent"):
        plan.apply()
    assert {request.method for request in wiz.server.requests} <= {"GET"}


@pytest.mark.fault(31)
def test_a_disk_that_fills_up_during_the_push_stops_it_and_leaves_rows_unsent(wiz, monkeypatch):
    customers = wiz.load_customers()
    customers.loc[:9, "payment_term"] = "net77"
    written = []
    real = Journal.note

    def note(self, push_id, number, **columns):
        written.append(number)
        if len(written) > 7:
            raise JournalError("the disk is full")
        return real(self, push_id, number, **columns)

    monkeypatch.setattr(Journal, "note", note)
    result = customers.wiz.plan().apply()
    assert result.counts()["unsent"] > 0
    assert "disk is full" in " ".join(result.changes["what_happened"])
    monkeypatch.undo()
    stored = [row["payment_term"] for row in wiz.server.records("customers")]
    assert stored.count("net77") == result.counts()["done"]


@pytest.mark.fault(31)
def test_an_outcome_that_does_not_reach_the_disk_leaves_a_push_that_can_be_finished(wiz, monkeypatch):
    customers = wiz.load_customers()
    customers.loc[:9, "payment_term"] = "net77"
    real = Journal._commit

    def commit(self, batch):
        if any("what_happened" in statement for statement, *_ in batch):
            for *_, written in batch:
                written.set_exception(JournalError("the disk is full"))
        else:
            real(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_commit", commit)
        result = customers.wiz.plan().apply()
    counts = result.counts()
    assert counts["done"] > 0
    assert counts["done"] + counts["unsent"] + counts["unknown"] + counts["failed"] == 10
    assert "disk is full" in " ".join(result.changes["what_happened"])
    [finished] = wizframe.resume(yes=True)
    assert finished.counts()["done"] == 10
    assert [row["payment_term"] for row in wiz.server.records("customers")].count("net77") == 10


def truth(server):
    return {row["id"]: row for row in server.records("customers")}


def test_undo_restores_old_values_and_deletes_what_was_created(wiz):
    before = truth(wiz.server)
    customers = wiz.load_customers()
    customers.loc[:2, ["payment_term", "phone"]] = ["net77", "+14155550100"]
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
    result = customers.wiz.plan().apply()
    assert result.counts()["done"] == 4
    back = result.undo()
    assert back.counts() == {"create": 0, "update": 3, "delete": 1}
    assert back.apply(max_deletes=1).counts()["done"] == 4
    after = truth(wiz.server)
    assert after.keys() == before.keys()
    for identifier, row in after.items():
        for name in ("payment_term", "phone"):
            assert (row[name] or None) == (before[identifier][name] or None)


def test_undo_works_tomorrow_and_for_some_records_only(wiz):
    customers = wiz.load_customers()
    old = customers.loc[:2, "payment_term"].tolist()
    customers.loc[:2, "payment_term"] = "net77"
    push_id = customers.wiz.plan().apply().push_id
    plan = wizframe.undo(push_id, ids=[customers["id"][1]])
    was = old[1] if isinstance(old[1], str) else ""
    assert plan.cells[["column", "old", "new"]].to_numpy().tolist() == [["payment_term", "net77", was]]
    with pytest.raises(PlanError, match=r"wizframe\.pushes\(\)"):
        wizframe.undo("yesterday")


def test_an_undo_of_which_nothing_was_sent_restores_nothing(wiz):
    """Such as one that was cut off while its plan went into the journal."""
    customers = wiz.load_customers()
    customers.loc[:2, "payment_term"] = "net77"
    result = customers.wiz.plan().apply()
    wiz.server.faults.add(Fault("answer", "customers.get", status=401, times=None))
    assert result.undo().apply().counts()["unsent"] == 3
    assert "nothing is restored yet: to restore, apply this plan" in repr(result.undo())


def test_a_later_edit_is_a_conflict_when_undoing(wiz):
    customers = wiz.load_customers()
    customers.loc[:1, "payment_term"] = "net77"
    result = customers.wiz.plan().apply()
    wiz.server.overwrite("customers", customers["id"][0], payment_term="later")
    assert result.undo().apply().counts()["conflict"] == 1
    assert wiz.customer.get(customers["id"][0])["payment_term"] == "later"


@pytest.mark.parametrize(
    "given", [{"phone": "+14155550100"}, {"attributes": [{"name": "Industry", "value": "Retail"}]}]
)
def test_undoing_does_not_delete_what_another_user_has_edited_since(wiz, given):
    customers = wiz.load_customers()
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
    result = customers.wiz.plan().apply()
    identifier = result.changes["id"][0]
    wiz.customer.update(identifier, given)
    assert result.undo().apply(max_deletes=1).counts()["conflict"] == 1
    assert wiz.customer.get(identifier)


def test_a_deleted_customer_comes_back_with_contacts_under_a_new_id(wiz, dialect):
    customers = wiz.load_customers(status="active").head(1)
    kept = ["reference_id", "company_name", "payment_term", "email"]
    wiz.server.overwrite("customers", customers["id"][0], email="a@example.com", phone="+14155550100")
    for contact in wiz.server.records("contacts"):
        wiz.server.overwrite("contacts", contact["id"], email="c@example.com", phone="+14155550101")
    before = wiz.customer.get(customers["id"][0])
    customers = wiz.load_customers(status="active").head(1)
    result = customers.wiz.delete().apply(max_deletes=1)
    plan = result.undo()
    assert "1 deleted record comes back under new ids" in repr(plan)
    outcome = plan.apply()
    if dialect == "rest":
        assert outcome.counts()["done"] == 1
    else:  # [D] cannot give a display_id on create, and that is said
        assert "it was created, but display_id is" in outcome.changes["what_happened"][0]
    after = wiz.customer.get(outcome.changes["id"][0])
    assert after["id"] != before["id"]
    assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}
    assert len(after["contacts"]) == len(before["contacts"])
    assert len(after["addresses"]) == len(before["addresses"])


def test_history_shows_who_changed_which_cell_when_and_why(wiz):
    customers = wiz.load_customers()
    old = customers["payment_term"][0]
    customers.loc[0, ["payment_term", "shipping_method"]] = ["net77", "drone"]
    result = customers.wiz.plan().apply(note="asked by Ada")
    told = wizframe.history(id=customers["id"][0], field="payment_term")
    assert told[["old", "new", "outcome", "note", "push_id"]].to_numpy().tolist() == [
        [old if isinstance(old, str) else None, "net77", "done", "asked by Ada", result.push_id]
    ]
    assert len(wizframe.history()) == 2
    assert wizframe.history(since="2999-01-01").empty
    assert wizframe.pushes()["push_id"].tolist() == [result.push_id]
    assert wizframe.purge(older_than_days=0) == 1
    assert wizframe.history().empty


def test_nothing_to_do_leaves_no_trace(wiz):
    customers = wiz.load_customers()
    assert len(customers.wiz.plan().apply()) == 0
    assert not journal_path().exists()
    assert wizframe.pushes().empty
    assert wizframe.resume(yes=True) == []


def test_a_saved_plan_is_applied_elsewhere_exactly_as_it_was(wiz, tmp_path):
    customers = wiz.load_customers()
    customers.loc[:2, "payment_term"] = "net77"
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
    plan = customers.wiz.plan()
    plan.save(tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text("utf-8")
    assert wizframe.SANDBOX_API_KEY not in text
    loaded = wizframe.load_plan(tmp_path / "plan.json")
    assert (loaded.id, loaded.counts()) == (plan.id, plan.counts())
    wiz.server.overwrite("customers", customers["id"][1], payment_term="theirs")
    result = loaded.apply()
    assert (result.counts()["done"], result.counts()["conflict"]) == (3, 1)
    assert wiz.customer.get(customers["id"][1])["payment_term"] == "theirs"


def test_a_saved_plan_that_was_changed_is_refused(wiz, tmp_path):
    customers = wiz.load_customers()
    customers.loc[0, "payment_term"] = "net77"
    path = tmp_path / "plan.json"
    customers.wiz.plan().save(path)
    path.write_text(path.read_text("utf-8").replace("net77", "net78"), "utf-8")
    with pytest.raises(PlanError, match="was changed after it was saved"):
        wizframe.load_plan(path)
    for text in ("", "[]", "{}", '{"wizframe_plan": 9}', "\x00"):
        path.write_text(text, "utf-8")
        with pytest.raises(PlanError):
            wizframe.load_plan(path)


def test_a_plan_with_problems_is_not_saved(wiz, tmp_path):
    customers = wiz.load_customers()
    customers.loc[0, "phone"] = "555"
    with pytest.raises(PlanProblemsError):
        customers.wiz.plan().save(tmp_path / "plan.json")
    assert list(tmp_path.glob("*plan*")) == []


def test_a_push_belongs_to_its_account(wiz):
    customers = wiz.load_customers()
    customers.loc[0, "payment_term"] = "net77"
    result = customers.wiz.plan().apply()
    with wizframe.sandbox(customers=3) as other, pytest.raises(WrongAccountError):
        wizframe.undo(result.push_id, client=other)
