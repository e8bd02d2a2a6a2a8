"""Deletes that are asked for row by row, in the column of commands of a frame or a workbook."""

import pandas as pd
import pytest
from support.display import html_of
from support.planning import cells_of, load, make_contacts_valid, rules, second_client, states, stored, without_attrs

import wizframe
from wizframe import COMMAND
from wizframe.errors import LimitExceededError
from wizframe.text import counted, plural

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_command_deletes_the_record_of_its_row_and_nothing_else(wiz, table):
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    frame.loc[3, COMMAND] = " delete "
    frame.loc[3, "first_name"] = "not sent"
    frame.loc[5, "first_name"] = "Ada"
    plan = frame.wiz.plan()
    assert plan.counts() == {"create": 0, "update": 1, "delete": 1}
    assert plan.problems.empty
    assert plan.own_columns == ()
    with pytest.raises(LimitExceededError, match="max_deletes"):
        plan.apply()
    before = stored(wiz, table)
    result = plan.apply(max_deletes=1, progress=False)
    assert states(result) == {"done": 2}
    after = stored(wiz, table)
    assert before.keys() - after.keys() == {frame["id"][3]}
    assert after[frame["id"][5]]["first_name"] == "Ada"
    again = plan.again()
    assert not again
    assert "1 record to delete is already gone" in repr(again)
    undone = result.undo()
    assert undone.counts()["create"] == 1
    assert "nothing is restored yet: to restore, apply this plan" in repr(undone)
    assert "load again afterwards" in html_of(undone)
    done = undone.apply(progress=False)
    assert f"push {done.push_id} already did this" in repr(result.undo())
    assert "nothing is restored yet" in repr(done.undo())  # what undid it can be undone, too


def test_a_customer_takes_its_contacts_along_and_the_plan_says_so(wiz):
    customers, contacts = load(wiz), load(wiz, "contacts")
    owner = contacts["customer_id"][0]
    customers.loc[customers["id"] == owner, COMMAND] = "DELETE"
    contacts.loc[contacts["customer_id"] == owner, COMMAND] = "DELETE"
    count = int((contacts["customer_id"] == owner).sum())
    assert f"{counted(count, 'contact')} {plural(count, 'is', 'are')} deleted with the customers" in repr(
        customers.wiz.plan()
    )
    plan = wizframe.plan(customers, contacts=contacts)
    assert plan.counts()["delete"] == 1 + count
    assert states(plan.apply(max_deletes=1 + count, progress=False)) == {"done": 1 + count}
    assert owner not in stored(wiz, "customers")


def test_invalid_commands_and_rows_without_a_record_are_problems(wiz):
    frame = load(wiz).astype({"id": object})
    frame[COMMAND] = None
    frame.loc[1, COMMAND] = "remove"
    frame.loc[2, COMMAND] = 7
    new = pd.DataFrame([{COMMAND: "DELETE", "company_name": "A", "display_name": "A"}])
    again = frame.iloc[[4]].assign(**{COMMAND: "DELETE"})
    plan = pd.concat([frame, new, again], ignore_index=True).wiz.plan(table="customers")
    assert len(plan) == 0
    found = [(row, column, rule.split(":")[0]) for row, column, _, rule, *_ in plan.problems.to_numpy().tolist()]
    assert found == [
        (1, COMMAND, "is not a command"),
        (2, COMMAND, "is not a command"),
        (4, "id", "is in several rows that differ"),
        (31, "id", "is in several rows that differ"),
        (30, COMMAND, "has no id, so there is nothing to delete"),
    ]
    assert frame.wiz.validate()["column"].tolist()[:2] == [COMMAND, COMMAND]


def test_a_record_that_changed_since_is_a_conflict_and_stays(wiz):
    frame = load(wiz)
    frame[COMMAND] = None
    frame.loc[2, COMMAND] = "DELETE"
    plan = frame.wiz.plan()
    wiz.server.overwrite("customers", frame["id"][2], display_name="newer")
    assert states(plan.apply(max_deletes=1, progress=False)) == {"conflict": 1}
    assert stored(wiz, "customers")[frame["id"][2]]["display_name"] == "newer"


def test_without_a_baseline_only_unchanged_records_are_deleted(wiz):
    frame = without_attrs(load(wiz)).assign(**{COMMAND: None})
    frame.loc[[1, 2, 3], COMMAND] = "DELETE"
    wiz.server.overwrite("customers", frame["id"][1], display_name="newer")
    wiz.customer.delete(frame["id"][3])
    with second_client(wiz) as later:
        plan = wizframe.plan(frame, client=later)
        assert plan.changes["id"].tolist() == [frame["id"][2]]
        assert [column for column, _ in rules(plan)].count(COMMAND) == 1
        assert "load again" in dict(rules(plan))[COMMAND]
        assert "id" not in dict(rules(plan))
        assert "1 record to delete is already gone" in repr(plan)
        trusting = wizframe.plan(frame, client=later, baseline="service")
        assert set(trusting.changes.query("action == 'delete'")["id"]) == set(frame["id"][1:3])


def test_a_row_that_a_reference_names_can_be_deleted(wiz):
    references = load(wiz)["reference_id"][:2]
    frame = pd.DataFrame({"reference_id": references, COMMAND: ["DELETE", ""], "payment_term": ["x", "net77"]})
    plan = wizframe.plan(frame, table="customers", match="reference_id")
    assert plan.changes["action"].tolist() == ["delete", "update"]
    assert plan.counts() == {"create": 0, "update": 1, "delete": 1}


def test_a_column_of_blank_commands_changes_nothing(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    expected = cells_of(frame.wiz.plan())
    for blank in (None, "", " ", float("nan"), pd.NA):
        assert cells_of(frame.assign(**{COMMAND: blank}).wiz.plan()) == expected
