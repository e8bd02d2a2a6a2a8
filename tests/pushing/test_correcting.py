"""Corrections go into the user's own frame and are planned with the decisions of the first plan."""

import pandas as pd
import pytest
from support.planning import cells_of, changed, load, make_contacts_valid, rules, states, stored

from wizframe.errors import PlanError
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.frames.build import read_cells
from wizframe.pushing.corrections import Correction, correct


def of_customers(*cells):
    return [Correction("customers", *cell) for cell in cells]


def test_a_problem_is_corrected_in_the_frame_and_planned_with_the_same_decisions(wiz):
    frame = load(wiz)
    frame.loc[[0, 1], "phone"] = ["030 123", "+14155550101"]
    frame.loc[2, "display_name"] = "Mine"
    plan = frame.wiz.plan(only=["phone"])
    again = correct(plan, of_customers((0, "phone", "+4930123456")))
    assert frame["phone"][0] == "+4930123456"
    assert rules(again) == rules(plan)[:1] == [("display_name", "was edited, but is not in only= (allowed: phone)")]
    assert states(again.apply(invalid="skip", progress=False)) == {"done": 2, "skipped": 1}
    still_wrong = correct(frame.wiz.plan(), of_customers((1, "phone", "12")))
    assert rules(still_wrong) == [("phone", "is not an E.164 phone number like +14155552671")]


def test_a_failed_row_is_corrected_and_pushed(wiz):
    new = pd.DataFrame({"id": [None] * 2, "company_name": ["A", "B"], "display_name": ["A", "B"]})
    new["reference_id"] = ["TAKEN", "FREE"]
    plan = new.wiz.plan()
    wiz.customer.create({"reference_id": "TAKEN", "company_name": "Theirs", "display_name": "Theirs"})
    result = plan.apply(progress=False)
    assert states(result) == {"done": 1, "failed": 1}
    again = correct(result, of_customers((0, "reference_id", "MINE")))
    assert again.counts() == {"create": 1, "update": 0, "delete": 0}
    assert states(again.apply(progress=False)) == {"done": 1}
    assert new["id"].notna().all()
    assert stored(wiz, "customers")[new["id"][0]]["reference_id"] == "MINE"


def test_a_reference_can_be_given_to_a_frame_that_has_none(wiz):
    new = pd.DataFrame({"id": [None], "company_name": ["A"], "display_name": ["A"]})
    again = correct(new.wiz.plan(table="customers"), of_customers((0, "reference_id", "00123")))
    assert states(again.apply(progress=False)) == {"done": 1}
    assert stored(wiz, "customers")[new["id"][0]]["reference_id"] == "00123"


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_conflicts_that_were_decided_are_sent_and_the_others_stay_conflicts(wiz, table):
    make_contacts_valid(wiz)
    frame, before = load(wiz, table), stored(wiz, table)
    frame.loc[[0, 1, 2, 3], "first_name"] = "mine"
    ids = frame["id"]
    for row in range(4):
        wiz.server.overwrite(table, ids[row], first_name=f"theirs {row}")
    result = frame.wiz.plan().apply(progress=False)
    decided = [Correction(table, 0, "first_name", "mine"), Correction(table, 1, "first_name", "theirs 1"),
               Correction(table, 2, "first_name", "agreed")]  # fmt: skip
    again = correct(result, decided)
    assert cells_of(again) == {
        ("update", ids[0], "first_name"): "mine",
        ("update", ids[2], "first_name"): "agreed",
        ("update", ids[3], "first_name"): "mine",
    }
    assert again.cells["old"].tolist() == ["theirs 0", "theirs 2", before[ids[3]]["first_name"]]
    assert again.apply(progress=False).changes["state"].tolist() == ["done", "done", "conflict"]
    names = [stored(wiz, table)[i]["first_name"] for i in ids[:4]]
    assert names == ["mine", "theirs 1", "agreed", "theirs 3"]
    assert frame["first_name"][:4].tolist() == ["mine", "theirs 1", "agreed", "mine"]


def test_contacts_are_corrected_together_with_their_customers(wiz):
    make_contacts_valid(wiz)
    customers, contacts, before = load(wiz), load(wiz, "contacts"), stored(wiz, "contacts")
    customers.loc[0, "payment_term"] = "net77"
    contacts.loc[3, "phone"] = "after 5 pm"
    plan = customers.wiz.plan(contacts=contacts)
    again = correct(plan, [Correction("contacts", 3, "phone", "+14155550199")])
    assert states(again.apply(progress=False)) == {"done": 2}
    assert changed(before, stored(wiz, "contacts")) == {contacts["id"][3]: {"phone": "+14155550199"}}


def test_deletes_are_not_planned_again_by_themselves(wiz):
    plan = load(wiz).head(2).wiz.delete()
    with pytest.raises(PlanError, match=r"Call frame\.wiz\.delete\(\) again"):
        plan.again()


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        (CUSTOMER["phone"], "00123", ("00123", "is not an E.164 phone number like +14155552671")),
        (CUSTOMER["payment_term"], " net30 ", (" net30 ", None)),
        (CUSTOMER["payment_term"], "", (None, None)),
        (CONTACT["is_default"], "yes", (True, None)),
        (CONTACT["is_default"], "maybe", ("maybe", "is neither True nor False")),
        (CUSTOMER["assigned_sales_rep_ids"], "a,b", ("a, b", None)),
        (CUSTOMER["first_name"], "x" * 51, ("x" * 51, "is 51 characters long (allowed: at most 50)")),
    ],
)
def test_what_was_typed_is_read_as_the_column_wants_it_or_kept(field, text, expected):
    assert read_cells([None, text], field) == [(None, None), expected]
