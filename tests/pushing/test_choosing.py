"""A plan of some of the changes: what is chosen is done, and everything else stays as if it had not been planned."""

import pandas as pd
import pytest
from support.planning import cells_of, changed, load, make_contacts_valid, rules, states, stored, writes

import wizframe
from wizframe.errors import PlanError, PlanProblemsError, StalePlanError


@pytest.fixture
def edited(wiz):
    """Customers with three edited rows, the first in two columns, and a new one."""
    new = {"id": None, "reference_id": "NEW-1", "company_name": "New", "display_name": "New"}
    frame = pd.concat([load(wiz), pd.DataFrame([new])], ignore_index=True)
    frame.loc[[0, 1, 2], "payment_term"] = "net77"
    frame.loc[0, "shipping_method"] = "by bike"
    return frame


def test_only_chosen_changes_are_done_and_the_others_can_be_done_later(wiz, edited):
    plan, before = edited.wiz.plan(), stored(wiz, "customers")
    ids = edited["id"]
    chosen = plan.choose(plan.changes[plan.changes["index"].isin([1, 2])])
    assert chosen.counts() == {"create": 0, "update": 2, "delete": 0}
    assert chosen.id != plan.id
    assert chosen.id == plan.choose(plan.changes.iloc[[2, 1]]).id
    assert states(chosen.apply(progress=False)) == {"done": 2}
    net77 = {"payment_term": "net77"}
    assert changed(before, stored(wiz, "customers")) == {ids[1]: net77, ids[2]: net77}
    rest = edited.wiz.plan()
    assert cells_of(rest).keys() == cells_of(plan).keys() - cells_of(chosen).keys()
    assert states(rest.apply(progress=False)) == {"done": 2}
    assert len(edited.wiz.plan()) == 0


def test_a_cell_that_was_not_chosen_stays_edited_in_the_frame(wiz, edited):
    plan, before = edited.wiz.plan(), stored(wiz, "customers")
    identifier = edited["id"][0]
    chosen = plan.choose(plan.cells[plan.cells["column"] == "payment_term"])
    wiz.server.overwrite("customers", identifier, first_name="Elsewhere")
    assert states(chosen.apply(progress=False)) == {"done": 3}
    found = changed(before, stored(wiz, "customers"))
    assert found[identifier] == {"payment_term": "net77", "first_name": "Elsewhere"}
    assert edited["shipping_method"][0] == "by bike"
    assert edited["first_name"][0] == "Elsewhere"
    rest = edited.wiz.plan()
    assert cells_of(rest) == {
        ("update", identifier, "shipping_method"): "by bike",
        **{key: value for key, value in cells_of(plan).items() if key[0] == "create"},
    }
    rest.apply(progress=False)
    assert stored(wiz, "customers")[identifier]["shipping_method"] == "by bike"


def test_a_cell_that_was_not_chosen_is_still_compared_with_how_it_was_loaded(wiz, edited):
    """Otherwise the push of the other cell would hide that another user changed this one."""
    plan = edited.wiz.plan()
    wiz.server.overwrite("customers", edited["id"][0], shipping_method="theirs")
    plan.choose(plan.cells[plan.cells["column"] == "payment_term"]).apply(progress=False)
    result = edited.wiz.plan().apply(progress=False)
    assert result.changes.loc[result.changes["index"] == 0, "state"].tolist() == ["conflict"]
    assert stored(wiz, "customers")[edited["id"][0]]["shipping_method"] == "theirs"


def test_a_new_record_is_chosen_as_a_whole_or_not_at_all(edited):
    plan = edited.wiz.plan()
    creates = plan.cells[plan.cells["action"] == "create"]
    assert plan.choose(creates).counts()["create"] == 1
    with pytest.raises(PlanError, match="to create NEW-1 is one change"):
        plan.choose(creates[creates["column"] != "display_name"])
    nothing = plan.choose(plan.changes.iloc[:0])
    assert len(nothing) == 0
    assert states(nothing.apply()) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda plan: plan.changes.iloc[1:].reset_index(drop=True),
        lambda plan: plan.changes.rename({0: 99}),
        lambda plan: plan.changes[["id"]],
        lambda plan: plan.problems,
    ],
)
def test_rows_that_do_not_belong_to_the_plan_are_refused(edited, wrong):
    plan = edited.wiz.plan()
    edited.loc[5, "phone"] = "1"
    with pytest.raises(PlanError, match="keep its labels"):
        plan.choose(wrong(edited.wiz.plan()))


def test_a_chosen_plan_is_as_stale_as_the_one_it_was_chosen_from(wiz, edited):
    plan = edited.wiz.plan()
    edited.loc[7, "payment_term"] = "later"
    with pytest.raises(StalePlanError):
        plan.choose(plan.changes).apply()
    assert writes(wiz) == []


def test_problems_of_rows_that_were_not_chosen_do_not_count(edited):
    edited.loc[1, "phone"] = "123"
    edited.loc[5, "email"] = "nobody"
    plan = edited.wiz.plan()
    with pytest.raises(PlanProblemsError):
        plan.apply()
    of_row = plan.changes["index"] == 1
    assert rules(plan.choose(plan.changes[of_row]))[0][0] == "phone"
    chosen = plan.choose(plan.changes[~of_row])
    assert chosen.problems.empty
    assert states(chosen.apply(progress=False)) == {"done": 3}
    edited["payment_term_x"] = "?"  # a problem of a column is one of every row
    wide = edited.wiz.plan()
    assert "payment_term_x" in dict(rules(wide.choose(wide.changes.iloc[:1])))
    assert wide.choose(wide.changes.iloc[:0]).problems.empty


def test_contacts_of_a_new_customer_that_is_not_chosen_go_with_it(wiz, edited):
    make_contacts_valid(wiz)
    contacts = load(wiz, "contacts")
    contacts.loc[0, "designation"] = "Head"
    given = {"id": None, "first_name": "Ada", "email": "ada@x.org"}
    owners = [{"customer_reference_id": "NEW-1"}, {"customer_id": edited["id"][0]}]
    contacts = pd.concat([contacts, pd.DataFrame([given | owner for owner in owners])], ignore_index=True)
    plan = edited.wiz.plan(contacts=contacts)
    assert plan.counts() == {"create": 3, "update": 4, "delete": 0}
    is_new = (plan.changes["table"] == "customers") & (plan.changes["action"] == "create")
    chosen = plan.choose(plan.changes[~is_new])
    assert chosen.counts() == {"create": 1, "update": 4, "delete": 0}
    assert chosen.contacts.changes["customer_reference_id"].isna().all()
    assert states(chosen.apply(progress=False)) == {"done": 5}
    rest = edited.wiz.plan(contacts=contacts)
    assert rest.counts() == {"create": 2, "update": 0, "delete": 0}
    only_the_customer = rest.choose(rest.changes[rest.changes["table"] == "customers"])
    assert only_the_customer.counts()["create"] == 1
    assert states(rest.apply(progress=False)) == {"done": 2}


def test_the_contacts_of_chosen_deletes_are_counted_again(wiz):
    frame = load(wiz).head(3)
    counts = [sum(contact["customer_id"] == i for contact in wiz.server.records("contacts")) for i in frame["id"]]
    plan = frame.wiz.delete()
    assert f"{sum(counts)} contacts are deleted with the customers" in plan.notices
    chosen = plan.choose(plan.changes.iloc[1:])
    assert chosen.notices == (f"{sum(counts[1:])} contacts are deleted with the customers",)
    assert plan.choose(plan.changes.iloc[:0]).notices == ()
    assert states(chosen.apply(max_deletes=2, progress=False)) == {"done": 2}
    assert set(frame["id"]) & set(stored(wiz, "customers")) == {frame["id"][0]}


def test_a_chosen_plan_can_be_saved_and_applied_by_another_user(wiz, edited, tmp_path):
    plan, before = edited.wiz.plan(), stored(wiz, "customers")
    plan.choose(plan.cells[plan.cells["column"] == "shipping_method"]).save(tmp_path / "plan.json")
    assert states(wizframe.load_plan(tmp_path / "plan.json").apply(progress=False)) == {"done": 1}
    assert changed(before, stored(wiz, "customers")) == {edited["id"][0]: {"shipping_method": "by bike"}}
