"""A delete is done when a read shows it: gone, or inactive. The service's own words are shown where it did nothing."""

from functools import partial

import pytest
from support.planning import load, states, stored, writes

import wizframe
from wizframe.server import Fault


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.fixture
def one(wiz, table):
    frame = load(wiz, table)
    return frame[frame["status"].eq("active")].head(1).copy()


def told(result):
    return result.changes[["state", "code"]].to_numpy().tolist()[0]


ACCEPTED = {
    "202": {"status": 202, "body": ""},
    "204": {"status": 204, "body": ""},
    "200 that says no": {"status": 200, "body": {"success": False, "message": "it has open orders"}},
    "200 with a list of errors": {"status": 200, "body": {"code": "in_use", "message": "it has open orders"}},
}


@pytest.mark.parametrize("answer", ACCEPTED)
def test_a_record_that_is_still_there_was_not_deleted(wiz, table, one, answer):
    plan = one.wiz.delete()
    wiz.server.faults.add(Fault("answer", f"{table}.delete", **ACCEPTED[answer]))
    result = plan.apply(max_deletes=1, progress=False)
    assert told(result) == ["unknown" if answer == "202" else "failed", "not_deleted"]
    words = result.changes["what_happened"][0]
    assert "the record is still there" in words
    assert f"it responded: {answer.split()[0]}" in words
    assert ("it has open orders" in words) == answer.startswith("200")
    assert words.count("it has open orders") <= 1
    assert one["id"].iloc[0] in stored(wiz, table)
    assert len(one.wiz.delete()) == 1  # the frame still has it


@pytest.mark.parametrize("answer", [{"status": 204, "body": ""}, {"status": 200, "body": {}}, {"status": 202}])
def test_a_record_that_is_set_to_inactive_is_done_and_its_reference_stays_taken(wiz, table, one, answer):
    plan, identifier = one.wiz.delete(), one["id"].iloc[0]
    set_inactive = partial(wiz.server.set_status, table, identifier, "inactive")
    wiz.server.faults.add(
        Fault("answer", f"{table}.delete", **answer), Fault("meanwhile", f"{table}.get", skip=1, action=set_inactive)
    )
    result = plan.apply(max_deletes=1, progress=False)
    assert told(result) == ["done", "set_inactive"]
    assert result.changes["what_happened"][0] == "set to inactive; its reference stays taken"
    back = result.undo()
    assert len(back) == 0
    assert "activate it in WizCommerce" in repr(back)


def test_a_delete_that_takes_effect_late_is_waited_for(wiz, table, one):
    plan = one.wiz.delete()
    path = ["customers", one["id"].iloc[0]]
    if table == "contacts":
        path = ["customers", one["customer_id"].iloc[0], "contacts", one["id"].iloc[0]]
    delete = partial(wiz.transport.request, "DELETE", path)
    wiz.server.faults.add(
        Fault("answer", f"{table}.delete", status=202), Fault("meanwhile", f"{table}.get", skip=2, action=delete)
    )
    result = plan.apply(max_deletes=1, progress=False)
    assert told(result) == ["done", ""]
    assert result.changes["what_happened"][0] == "deleted"


def test_an_inactive_record_that_stays_was_not_deleted(wiz, table, one):
    identifier = one["id"].iloc[0]
    wiz.server.set_status(table, identifier, "inactive")
    frame = load(wiz, table)
    plan = frame[frame["id"] == identifier].wiz.delete()
    wiz.server.faults.add(Fault("answer", f"{table}.delete", status=204, body=""))
    assert told(plan.apply(max_deletes=1, progress=False)) == ["failed", "not_deleted"]


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("is_applied", [True, False])
def test_a_delete_that_found_nothing_is_done_if_the_record_is_gone(wiz, table, one, status, is_applied):
    plan = one.wiz.delete()
    kind = "answer_after" if is_applied else "answer"
    wiz.server.faults.add(Fault(kind, f"{table}.delete", status=status, body={"code": "gone", "message": "gone"}))
    result = plan.apply(max_deletes=1, progress=False)
    assert states(result) == {"done" if is_applied else "failed": 1}
    assert (one["id"].iloc[0] in stored(wiz, table)) != is_applied


@pytest.mark.parametrize("status", [404, 410])
def test_a_record_that_reads_as_gone_is_gone(wiz, table, one, status):
    plan = one.wiz.delete()
    wiz.server.faults.add(Fault("answer", f"{table}.get", status=status))
    result = plan.apply(max_deletes=1, progress=False)
    assert result.changes["what_happened"].tolist() == ["it was already gone"]
    assert writes(wiz) == []


def test_a_lost_delete_that_made_the_record_inactive_is_our_own(wiz, table, one):
    plan, identifier = one.wiz.delete(), one["id"].iloc[0]
    set_inactive = partial(wiz.server.set_status, table, identifier, "inactive")
    wiz.server.faults.add(
        Fault("drop", f"{table}.delete"), Fault("meanwhile", f"{table}.get", skip=1, action=set_inactive)
    )
    assert told(plan.apply(max_deletes=1, progress=False)) == ["done", "set_inactive"]


def test_a_delete_that_could_not_be_proven_is_unknown_and_resume_finds_out(wiz, table, one):
    plan = one.wiz.delete()
    wiz.server.faults.add(Fault("answer", f"{table}.get", skip=1, status=403))
    assert states(plan.apply(max_deletes=1, progress=False)) == {"unknown": 1}
    wiz.server.faults.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=1, progress=False)
    assert states(finished) == {"done": 1}
