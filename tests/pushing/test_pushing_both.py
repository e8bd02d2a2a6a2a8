"""One plan for customers and their contacts: customers go first, and ids are filled in."""

import pandas as pd
import pytest
from support.display import html_of
from support.planning import changed, load, make_contacts_valid, rules, states, stored, writes

import wizframe
from wizframe.errors import PlanError, PlanProblemsError, StalePlanError
from wizframe.server import Fault

STOP = Fault("answer", "contacts.create", status=401, times=None)


def new_customers(*references):
    rows = [{"id": None, "reference_id": r, "company_name": f"Shop {r}", "display_name": r} for r in references]
    return pd.DataFrame(rows)


def new_contacts(*owners):
    return pd.DataFrame(
        [
            {"id": None, "customer_reference_id": owner, "first_name": f"Ann {n}", "email": f"ann{n}@example.com"}
            for n, owner in enumerate(owners)
        ]
    )


def owners_of(wiz, first_names):
    """Give the references of the customers that the contacts of these names belong to."""
    references = {record["id"]: record["reference_id"] for record in wiz.server.records("customers")}
    found = {record["first_name"]: record["customer_id"] for record in wiz.server.records("contacts")}
    return [references[found[name]] for name in first_names]


def test_new_contacts_point_at_new_customers_of_the_same_plan(wiz):
    existing = wiz.server.records("customers")[0]["reference_id"]
    customers, contacts = new_customers("N-1", "N-2"), new_contacts("N-2", "N-1", existing, "N-1")
    plan = customers.wiz.plan(contacts=contacts)
    assert writes(wiz) == []
    assert plan.problems.empty
    assert plan.counts() == {"create": 6, "update": 0, "delete": 0}
    assert plan.changes["customer_reference_id"].dropna().tolist() == ["N-2", "N-1", "N-1"]
    result = plan.apply(progress=False)
    assert states(result) == {"done": 6}
    assert writes(wiz) == ["POST"] * 6
    assert owners_of(wiz, contacts["first_name"]) == ["N-2", "N-1", existing, "N-1"]
    assert customers["id"].notna().all()
    assert set(contacts["id"]) == set(result.contacts.changes["id"])
    assert not customers.wiz.plan(contacts=contacts)


def test_edits_of_both_and_new_ones_of_both_are_one_plan(wiz):
    make_contacts_valid(wiz)
    customers, before = load(wiz), {name: stored(wiz, name) for name in ("customers", "contacts")}
    contacts = load(wiz, "contacts")
    customers.loc[0, "payment_term"] = "net77"
    contacts.loc[0, "designation"] = "Head"
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New", "reference_id": "N-1"}
    contacts["customer_reference_id"] = None
    row = {"customer_reference_id": "N-1", "first_name": "Ann", "email": "ann@example.com"}
    contacts.loc[len(contacts)] = row
    contacts.loc[len(contacts)] = row | {"first_name": "Bob", "customer_reference_id": customers["reference_id"][3]}
    plan = wizframe.plan(customers, contacts=contacts, only=["payment_term", "designation"])
    assert plan.counts() == {"create": 3, "update": 2, "delete": 0}, plan
    assert plan.changes["table"].tolist() == ["customers"] * 2 + ["contacts"] * 3
    result = plan.apply(note="both", progress=False)
    assert states(result) == {"done": 5}, result
    assert result.changes["table"].tolist() == ["customers"] * 2 + ["contacts"] * 3
    created = changed(before["customers"], stored(wiz, "customers"))
    assert created.pop(customers["id"][0]) == {"payment_term": "net77"}
    assert created == {customers["id"].iloc[-1]: None}
    created = changed(before["contacts"], stored(wiz, "contacts"))
    assert created.pop(contacts["id"][0]) == {"designation": "Head"}
    assert set(created) == set(contacts["id"].iloc[-2:])
    assert contacts["customer_id"].iloc[-2:].tolist() == [customers["id"].iloc[-1], customers["id"][3]]
    assert not customers.wiz.plan(contacts=contacts)
    assert wizframe.pushes()[["table", "changes", "done"]].to_numpy().tolist() == [["customers, contacts", 5, 5]]
    assert set(wizframe.history()["table"]) == {"customers", "contacts"}


def test_contacts_of_a_customer_that_is_refused_are_not_sent_and_say_so(wiz):
    customers, contacts = new_customers("N-1", "N-2"), new_contacts("N-1", "N-2")
    plan = customers.wiz.plan(contacts=contacts)
    wiz.server.faults.add(Fault("answer", "customers.create", status=422))
    wiz.workers = 1
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["failed", "done", "skipped", "done"]
    assert result.changes["code"][2] == "no_customer"
    assert "its customer N-1 was not created" in result.changes["what_happened"][2]
    assert owners_of(wiz, ["Ann 1"]) == ["N-2"]
    assert wizframe.resume(yes=True) == []
    again = result.failed.wiz.plan(contacts=result.contacts.unsent)
    assert states(again.apply(progress=False)) == {"done": 2}
    assert owners_of(wiz, ["Ann 0"]) == ["N-1"]


def test_contacts_of_a_row_that_has_problems_are_left_out_with_it(wiz):
    customers, contacts = new_customers("N-1", "N-2").assign(phone=["123", None]), new_contacts("N-1", "N-2")
    plan = customers.wiz.plan(contacts=contacts)
    with pytest.raises(PlanProblemsError):
        plan.apply()
    result = plan.apply(invalid="skip", progress=False)
    assert result.changes["state"].tolist() == ["skipped", "done", "skipped", "done"]
    assert owners_of(wiz, ["Ann 1"]) == ["N-2"]


@pytest.mark.parametrize("fault", [STOP, Fault("answer", "customers.create", status=401, skip=1)], ids=str)
def test_resume_finishes_both(wiz, fault):
    customers, contacts = new_customers("N-1", "N-2"), new_contacts("N-1", "N-2", "N-2")
    plan = customers.wiz.plan(contacts=contacts)
    wiz.workers = 1
    wiz.server.faults.add(fault)
    result = plan.apply(progress=False)
    assert result.contacts.changes["state"].tolist() == ["unsent"] * 3
    wiz.server.faults.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": result.counts()["unsent"]}
    assert owners_of(wiz, contacts["first_name"]) == ["N-1", "N-2", "N-2"]
    assert wizframe.resume(yes=True) == []
    assert wizframe.pushes()["done"].tolist() == [5]


def test_a_contact_with_a_response_lost_before_the_crash_is_adopted(wiz):
    customers, contacts = new_customers("N-1"), new_contacts("N-1")
    plan = customers.wiz.plan(contacts=contacts)
    wiz.server.faults.add(Fault("drop_after", "contacts.create"), Fault("answer", "contacts.list", status=401))
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["done", "unknown"]
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 1}
    assert [record["first_name"] for record in wiz.server.records("contacts")].count("Ann 0") == 1


def test_undo_takes_both_back(wiz):
    make_contacts_valid(wiz)
    before = {name: stored(wiz, name) for name in ("customers", "contacts")}
    customers, contacts = new_customers("N-1"), new_contacts("N-1", wiz.server.records("customers")[0]["reference_id"])
    result = customers.wiz.plan(contacts=contacts).apply(progress=False)
    back = wizframe.undo(result.push_id)
    assert back.counts() == {"create": 0, "update": 0, "delete": 3}
    assert states(back.apply(max_deletes=3, progress=False)) == {"done": 3}
    for name, rows in before.items():
        assert changed(rows, stored(wiz, name)) == {}


def test_undo_takes_back_what_the_service_kept_in_part(wiz):
    customers = load(wiz)
    before = stored(wiz, "customers")
    customers.loc[0, ["payment_term", "shipping_method"]] = ["net77", "drone"]
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New", "payment_term": "net77"}
    wiz.server.faults.add(Fault("keep", "customers.update", column="payment_term"))
    wiz.server.faults.add(Fault("keep", "customers.create", column="payment_term"))
    result = customers.wiz.plan().apply(progress=False)
    assert len(wiz.server.faults.fired) == 2
    assert result.changes["code"].tolist() == ["not_kept"] * 2
    assert states(result.undo().apply(max_deletes=1, progress=False)) == {"done": 2}
    assert changed(before, stored(wiz, "customers")) == {}


def test_a_saved_plan_of_both_is_applied_elsewhere(wiz, tmp_path):
    customers, contacts = new_customers("N-1"), new_contacts("N-1")
    plan = customers.wiz.plan(contacts=contacts)
    plan.save(tmp_path / "plan.json")
    loaded = wizframe.load_plan(tmp_path / "plan.json")
    assert (loaded.id, loaded.counts()) == (plan.id, plan.counts())
    assert states(loaded.apply(progress=False)) == {"done": 2}
    assert owners_of(wiz, ["Ann 0"]) == ["N-1"]


def test_the_plan_belongs_to_both_frames(wiz):
    customers, contacts = new_customers("N-1"), new_contacts("N-1")
    plan = customers.wiz.plan(contacts=contacts)
    contacts.loc[0, "first_name"] = "Eve"
    with pytest.raises(StalePlanError, match="rows of contacts were edited"):
        plan.apply()
    assert writes(wiz) == []


def test_a_reference_that_neither_the_service_nor_the_plan_has_is_a_problem(wiz):
    plan = new_customers("N-1").wiz.plan(contacts=new_contacts("N-1", "N-9", None))
    assert [(column, rule.split(",")[0]) for column, rule in rules(plan)] == [
        ("customer_reference_id", "no customer has this reference"),
        ("customer_reference_id", "is required for a new row"),
    ]
    assert set(plan.problems["table"]) == {"contacts"}
    assert wiz.customer.list(page_size=1)


def test_two_frames_of_one_kind_are_refused(wiz):
    customers, contacts = new_customers("N-1"), new_contacts("N-1")
    for first, second in ((contacts, contacts), (load(wiz), load(wiz))):
        with pytest.raises(PlanError, match=r"plan\(customers, contacts=…\)"):
            wizframe.plan(first, contacts=second)
    with pytest.raises(PlanError, match="customers or contacts that can be edited"):
        wizframe.plan(customers, contacts=contacts, only=["designatoin"])


def test_contacts_do_not_go_without_the_customers_that_they_wait_for(wiz):
    plan = new_customers("N-1").wiz.plan(contacts=new_contacts("N-1"))
    with pytest.raises(PlanError, match="belong to customers that another part of the plan creates"):
        plan.contacts.apply()
    assert writes(wiz) == []


def test_resume_ends_also_what_waits_for_a_row_that_had_problems(wiz):
    customers, contacts = new_customers("N-1", "N-2").assign(phone=["123", None]), new_contacts("N-1", "N-2")
    plan = customers.wiz.plan(contacts=contacts)
    wiz.workers = 1
    wiz.server.faults.add(Fault("answer", "customers.create", status=401))
    assert states(plan.apply(invalid="skip", progress=False)) == {"skipped": 1, "unsent": 3}
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": 2, "skipped": 1}
    assert wizframe.resume(yes=True) == []
    assert wizframe.pushes()["ended_at"].notna().all()


@pytest.mark.usefixtures("wiz")
def test_plan_and_result_show_both():
    plan = new_customers("N-1").wiz.plan(contacts=new_contacts("N-1"))
    assert "for the customers and contacts of sandbox" in repr(plan)
    assert "of customer N-1" in repr(plan)
    assert "Ann 0" in html_of(plan)
    result = plan.apply(progress=False)
    assert "2 done" in repr(result)
    assert "customers and contacts" in html_of(result)


def test_a_plan_and_a_result_still_have_what_0_1_had(wiz):
    customers, contacts = new_customers("N-1"), new_contacts("N-1")
    plan = customers.wiz.plan(contacts=contacts, only=["phone"])
    assert (plan.table.name, plan.frame is customers, plan.contacts.frame is contacts) == ("customers", True, True)
    assert len(plan.changes_list) == len(plan) == 2
    assert (plan.problems_list, plan.notices, plan.own_columns, plan.blanked) == ((), (), (), {})
    assert (plan.compared_rows, list(plan.decisions["only"])) == (0, ["phone"])
    assert plan.compared_with == plan.contacts.compared_with
    assert plan.compared_columns == ()
    assert plan.contacts.contacts.id == plan.contacts.id != plan.id
    assert customers.wiz.plan().contacts is None
    result = plan.apply(progress=False)
    assert (result.plan, result.contacts.plan.frame is contacts) == (plan, True)
    assert [outcome.state for outcome in result.outcomes] == ["done", "done"]
    assert (result.contacts.push_id, result.contacts.connection) == (result.push_id, wiz.connection)
    assert (len(result.failed), len(result.contacts.failed), len(result.unsent), len(result.conflicts)) == (0, 0, 0, 0)
    assert customers.wiz.plan().apply(progress=False).contacts is None
