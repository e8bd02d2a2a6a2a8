"""A new default takes the flag from another record: the plan says so, the frame shows it, and an undo gives it back."""

import json

import pytest
from support.planning import load, make_contacts_valid, stored

import wizframe
from wizframe.errors import PlanError

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def contacts(wiz):
    """Load contacts of which a customer has two, the first one with the flag."""
    make_contacts_valid(wiz)
    frame = load(wiz, "contacts")
    several = frame["customer_id"].value_counts()
    owner = several[several > 1].index[0]
    rows = frame.index[frame["customer_id"] == owner]
    for place, row in enumerate(rows):
        wiz.server.overwrite("contacts", frame["id"][row], is_default=place == 0)
    frame = load(wiz, "contacts")
    frame.attrs["rows"] = rows.tolist()
    return frame


def flags(wiz, frame, rows):
    known = stored(wiz, "contacts")
    return [known[frame["id"][row]]["is_default"] for row in rows]


def test_a_plan_names_the_record_that_loses_the_flag(contacts, tmp_path):
    old, new = contacts.attrs["rows"][:2]
    contacts.loc[new, "is_default"] = True
    plan = contacts.wiz.plan()
    words = f"takes the default from {contacts['id'][old]}"
    assert words in str(plan)
    assert words in plan._repr_html_()
    assert len(plan) == 1
    plan.save(tmp_path / "plan.json")
    assert words in str(wizframe.load_plan(tmp_path / "plan.json"))
    content = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    content["parts"][0]["changes"][0]["displaced"] = []
    (tmp_path / "plan.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(PlanError, match="was changed after it was saved"):
        wizframe.load_plan(tmp_path / "plan.json")


def test_the_frame_shows_who_lost_the_flag_and_the_next_edit_is_right(wiz, contacts):
    old, new = contacts.attrs["rows"][:2]
    contacts.loc[new, "is_default"] = True
    assert contacts.wiz.plan().apply(progress=False).counts()["done"] == 1
    assert contacts["is_default"][[old, new]].tolist() == [False, True]
    assert len(contacts.wiz.plan()) == 0
    contacts.loc[old, "designation"] = "CEO"
    assert contacts.wiz.plan().apply(progress=False).counts()["done"] == 1
    assert flags(wiz, contacts, [old, new]) == [False, True]


@pytest.mark.parametrize("more", [False, True])
def test_an_undo_restores_the_old_default(wiz, contacts, more):
    old, new = contacts.attrs["rows"][:2]
    contacts.loc[new, "is_default"] = True
    if more:
        contacts.loc[new, "designation"] = "CEO"
        contacts.loc[old, "designation"] = "CTO"
    before = stored(wiz, "contacts")
    result = contacts.wiz.plan().apply(progress=False)
    back = result.undo()
    assert f"takes the default from {contacts['id'][new]}" in str(back)
    undone = back.apply(progress=False)
    assert set(undone.changes["state"]) == {"done"}
    after = stored(wiz, "contacts")
    names = ("is_default", "designation", "first_name", "email")
    assert [[after[one][name] for name in names] for one in after] == [
        [before[one][name] for name in names] for one in before
    ]
    assert contacts["is_default"][[old, new]].tolist() == [True, False]
    assert undone.undo().apply(progress=False).counts()["conflict"] == 0
    assert flags(wiz, contacts, [old, new]) == [False, True]


def test_an_undo_of_a_new_default_contact_restores_the_old_default(wiz, contacts):
    old = contacts.attrs["rows"][0]
    new = {"customer_id": contacts["customer_id"][old], "first_name": "New", "email": "new@example.com"}
    contacts.loc[len(contacts)] = new | {"is_default": True}
    result = contacts.wiz.plan().apply(progress=False)
    assert flags(wiz, contacts, [old]) == [False]
    assert contacts["is_default"][old] is False or not contacts["is_default"][old]
    undone = result.undo().apply(max_deletes=1, progress=False)
    assert set(undone.changes["state"]) == {"done"}
    assert flags(wiz, contacts, [old]) == [True]


def test_a_flag_that_the_plan_itself_takes_away_is_not_named_twice(wiz, contacts):
    old, new = contacts.attrs["rows"][:2]
    contacts.loc[new, "is_default"] = True
    contacts.loc[old, "is_default"] = False
    plan = contacts.wiz.plan()
    assert "takes the default from" not in str(plan)
    assert plan.apply(progress=False).counts()["done"] == 2
    assert flags(wiz, contacts, [old, new]) == [False, True]
