"""The fault catalogue, answers that say no: what a row says then, what goes on, and what is never believed."""

import re

import pytest
from support.catalogue import edited, fired, new, plan_of, said, without_waiting
from support.client import Reply, Stub
from support.planning import changed, states, stored, writes

import wizframe
from wizframe.server import Fault


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.mark.fault(
    7,
    "the first attempt of a create gets status 409",
    "*failed*: the reference is taken, and what to do; the other record never counts as yours, even with "
    "the same content",
    "E",
)
def test_a_reference_that_another_user_took_is_reported_and_never_adopted(wiz, table):
    frame = new(wiz, table)
    plan, row = frame.wiz.plan(), frame.loc[0].drop(["id", "customer_id"], errors="ignore").to_dict()

    def be_quicker():
        if table == "customers":
            wiz.customer.create(row)
        else:
            wiz.customer.contact.create(frame["customer_id"][0], row)

    wiz.server.faults.add(Fault("meanwhile", f"{table}.create", action=be_quicker))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("meanwhile", f"{table}.create")]
    assert wiz.server.requests[-1].status == 409
    assert result.changes[["state", "attempts"]].to_numpy().tolist() == [["failed", 1]]
    assert said(result)[0][1].startswith("reference N-0 is already in use: ")
    assert result.changes["next_step"][0].startswith("use another reference, or plan with match='reference_id'")
    assert frame["id"].isna().all()
    assert [record["reference_id"] for record in wiz.server.records(table)].count("N-0") == 1
    corrected = result.failed.assign(reference_id="N-1")
    assert states(corrected.wiz.plan(duplicates="create").apply(progress=False)) == {"done": 1}


@pytest.mark.fault(
    17,
    "status 403 or 404 for one row",
    "this row is *failed* (or a *conflict* if the record itself gets 404, see fault 28); the other rows continue",
    "E",
)
@pytest.mark.parametrize("action", ["create", "update"])
def test_one_row_that_is_forbidden_fails_alone(wiz, table, action):
    frame = new(wiz, table, 3) if action == "create" else edited(wiz, table, 3)
    plan, count = frame.wiz.plan(duplicates="create"), len(frame) if action == "create" else 3
    wiz.workers = 1
    wiz.server.faults.add(Fault("answer", f"{table}.{action}", status=403, skip=1))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer", f"{table}.{action}")]
    assert result.changes["state"].tolist() == ["done", "failed", "done"][:count]
    assert re.fullmatch(
        r"403 this fault was injected \(.*\)\. The API key has no permission for this\.", said(result)[1][1]
    )
    assert result.failed.index.tolist() == [1]
    assert states(result.failed.wiz.plan(duplicates="create").apply(progress=False)) == {"done": 1}


@pytest.mark.fault(17)
def test_a_contact_of_a_customer_that_is_gone_fails_alone(wiz):
    gone, kept = (record["id"] for record in wiz.server.records("customers")[:2])
    frame = new(wiz, "contacts", 2).assign(customer_id=[gone, kept])
    plan = frame.wiz.plan()
    wiz.customer.delete(gone)
    result = plan.apply(progress=False)
    assert [request.status for request in wiz.server.requests].count(404) == 1
    assert result.changes[["state", "code"]].to_numpy().tolist() == [["failed", "not_found"], ["done", ""]]
    assert re.match(rf"404 .* \(POST \S+/customers/{gone}/contacts\)", said(result)[0][1])


@pytest.mark.fault(
    18, "status 422 with details", "this row is *failed*; its *next step* names your column and the rule", "E"
)
@pytest.mark.parametrize("action", ["create", "update"])
def test_a_refusal_names_row_and_column(wiz, table, action):
    frame = new(wiz, table, 2) if action == "create" else edited(wiz, table, 2)
    plan = frame.wiz.plan(duplicates="create")
    wiz.workers = 1
    wire = {"rest": "first_name", "sdk": "firstName"}[wiz.dialect]
    body = {"code": "invalid", "message": "No.", "details": [{"field": wire, "reason": "is a nickname"}]}
    wiz.server.faults.add(Fault("answer", f"{table}.{action}", status=422, body=body))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer", f"{table}.{action}")]
    assert result.changes[["index", "state", "code", "next_step"]].to_numpy().tolist() == [
        [0, "failed", "invalid", "correct first_name, then plan result.failed again"],
        [1, "done", "", ""],
    ]
    assert "(first_name: is a nickname)" in result.changes["what_happened"][0]
    assert result.failed.index.tolist() == [0]


@pytest.mark.fault(
    19,
    "a write gets a redirect",
    "the push stops, because redirects are never followed: check the base URL",
    "L E",
)
@pytest.mark.parametrize(
    ("action", "status"),
    [*(("create", status) for status in (301, 302, 303, 307, 308)), ("update", 302), ("delete", 302)],
)
def test_a_redirect_of_a_write_is_not_followed_and_stops_the_push(wiz, status, action):
    """A followed 301 turns a POST into a GET, which looks like success."""
    without_waiting(wiz)
    plan, before = plan_of(wiz, "customers", action), stored(wiz, "customers")
    with Stub(Reply.json({"data": {"id": "cust_elsewhere"}})) as elsewhere:
        headers = {"Location": f"{elsewhere.base_url}/customers"}
        wiz.server.faults.add(Fault("answer", f"customers.{action}", status=status, headers=headers))
        result = plan.apply(max_deletes=1, progress=False)
    assert fired(wiz.server.faults) == [("answer", f"customers.{action}")]
    assert elsewhere.requests == []
    assert wiz.server.requests[-1].method == writes(wiz)[0]
    assert states(result) == {"unknown": 1}  # nothing proves that the service did not do it
    assert f"{status}: the service redirects to {elsewhere.base_url}/customers," in said(result)[0][1]
    assert "and redirects are never followed" in said(result)[0][1]
    assert "Check the base URL." in said(result)[0][1]
    assert stored(wiz, "customers") == before
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    assert len(changed(before, stored(wiz, "customers"))) == 1


@pytest.mark.fault(19)
def test_a_create_that_was_done_and_redirected_is_adopted_and_the_rest_is_sent(wiz, table):
    before, frame = stored(wiz, table), new(wiz, table, 3)
    plan = frame.wiz.plan(duplicates="create")
    wiz.workers, wiz.settle_s = 1, 0.0
    headers = {"Location": f"{wiz.base_url}/elsewhere"}
    wiz.server.faults.add(Fault("answer_after", f"{table}.create", status=303, headers=headers, skip=1))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer_after", f"{table}.create")]
    assert result.changes["state"].tolist() == ["done", "unknown", "unsent"]
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert [what for _, what in said(finished)] == ["created (the response was lost, the record was found)", "created"]
    assert writes(wiz) == ["POST"] * 3
    assert len(changed(before, stored(wiz, table))) == 3
