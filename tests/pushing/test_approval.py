"""The approval of a plan: its id covers all that it shows, and a file that shows something else is refused."""

import copy
import json

import pandas as pd
import pytest
from support.planning import load, make_contacts_valid, signed, writes

import wizframe
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.fields import COMMAND, DELETE

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def content(wiz, tmp_path):
    """Save a plan of two tables with creates, updates and deletes; give what is in the file."""
    make_contacts_valid(wiz)
    customers, contacts = load(wiz), load(wiz, "contacts")
    customers.loc[:2, "payment_term"] = "net77"
    customers.loc[3, COMMAND] = DELETE
    customers.loc[4, "first_name"] = None
    customers["mine"] = "x"
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New", "reference_id": "N-1"}
    contacts.loc[0, "designation"] = "CEO"
    plan = customers.wiz.plan(contacts=contacts)
    plan.save(tmp_path / "plan.json")
    assert str(wizframe.load_plan(tmp_path / "plan.json")) == str(plan)
    assert wizframe.load_plan(tmp_path / "plan.json").id == plan.id
    return json.loads((tmp_path / "plan.json").read_text("utf-8"))


def places(value, path=()):
    """Give the path to every value in some JSON, the inner ones too."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def other(value):
    """Give values that are not this one: of the same kind, and of others."""
    if isinstance(value, bool):
        return [not value, None, 1]
    if isinstance(value, int):
        return [value + 1, str(value), True, float(value), -1]
    if isinstance(value, str):
        return [f"{value} ", None, 5, [value]]
    if value is None:
        return ["x", 0, []]
    if isinstance(value, list):
        return [[*value, value[0]] if value else ["x"], value[:-1] if value else None, None, "x"]
    return [{**value, "more": 1}, None, []]


def changed(content, path, value):
    found = copy.deepcopy(content)
    target = found
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return found


def refused(path, text):
    path.write_text(text, "utf-8")
    with pytest.raises(PlanError, match=r"was changed after it was saved|is not a plan that wizframe saved|of form"):
        wizframe.load_plan(path)


def test_no_word_of_a_saved_plan_can_be_changed(content, tmp_path):
    tried = 0
    for path in list(places(content))[1:]:
        value = content
        for key in path:
            value = value[key]
        for one in other(value):
            refused(tmp_path / "other.json", json.dumps(changed(content, path, one)))
            tried += 1
    assert tried > 300


def test_no_key_of_a_saved_plan_can_be_removed_or_said_twice(content, tmp_path):
    text = json.dumps(content)
    for path in list(places(content))[1:]:
        if isinstance(path[-1], str):
            found = copy.deepcopy(content)
            target = found
            for key in path[:-1]:
                target = target[key]
            del target[path[-1]]
            refused(tmp_path / "other.json", json.dumps(found))
    for key in ("parts", "id", "changes", "name", "cells", "notices", "account"):
        assert f'"{key}": ' in text
        refused(tmp_path / "other.json", text.replace(f'"{key}": ', f'"{key}": null, "{key}": ', 1))
        refused(
            tmp_path / "other.json", text.replace(f'"{key}": ', f'"\\u00{ord(key[0]):x}{key[1:]}": 1, "{key}": ', 1)
        )


FORGERIES = {
    "a column twice": ("update", lambda c: c["cells"].append(list(c["cells"][0])), "a column occurs twice"),
    "no cells": ("update", lambda c: c.update(cells=[]), "it changes nothing"),
    "no id": ("update", lambda c: c.update(id=None), "the id is missing"),
    "another id": ("update", lambda c: c.update(id="../../x"), "is not a valid id"),
    "an empty id": ("update", lambda c: c.update(id=""), "is not a valid id"),
    "a parent": ("update", lambda c: c.update(customer_id="cust_1"), "it has no parent"),
    "status": ("update", lambda c: c["cells"].append(["status", "active", "inactive"]), "status cannot be set"),
    "id": ("update", lambda c: c["cells"].append(["id", "a", "b"]), "id cannot be set"),
    "contacts": ("update", lambda c: c["cells"].append(["contacts", None, []]), "contacts cannot be set"),
    "unknown column": ("update", lambda c: c["cells"].append(["is_admin", None, True]), "is not a column of customers"),
    "a number": ("update", lambda c: c["cells"][0].__setitem__(2, 45), "payment_term is int, not str"),
    "a mapping": ("update", lambda c: c["cells"][0].__setitem__(2, {"a": 1}), "payment_term is dict, not str"),
    "a list": ("update", lambda c: c["cells"][0].__setitem__(2, ["net45"]), "payment_term is list, not str"),
    "a short cell": ("update", lambda c: c["cells"].append(["phone", None]), "not a list of 3"),
    "delete without content": ("delete", lambda c: c.update(cells=[]), "its content is missing"),
    "delete of blanks": ("delete", lambda c: c.update(cells=[["phone", None, None]]), "its content is missing"),
    "delete with new values": ("delete", lambda c: c["cells"][0].__setitem__(2, "x"), "one value too many"),
    "delete without an id": ("delete", lambda c: c.update(id=None), "the id is missing"),
    "children": ("delete", lambda c: c.update(children=[["contacts", -1]]), "its children have the wrong form"),
    "other children": ("delete", lambda c: c.update(children=[["orders", 1]]), "its children have the wrong form"),
    "create with an id": ("create", lambda c: c.update(id="cust_1"), "a new record has no id"),
    "create with another reference": ("create", lambda c: c.update(reference_id="N-2"), "the reference is missing"),
    "action": ("update", lambda c: c.update(action="upsert"), "unknown action"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_change_that_wizframe_never_makes_is_refused_even_with_the_right_id(content, tmp_path, forgery):
    action, forge, words = FORGERIES[forgery]
    forge(next(change for change in content["parts"][0]["changes"] if change["action"] == action))
    with pytest.raises(PlanError, match=f"is not a plan that wizframe saved .*{words}"):
        signed(content, tmp_path / "plan.json")


def test_two_changes_of_one_record_are_refused(content, tmp_path):
    changes = content["parts"][0]["changes"]
    changes.append(copy.deepcopy(changes[0]))
    with pytest.raises(PlanError, match="is changed twice"):
        signed(content, tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NaN", "not a finite number"),
        ("-Infinity", "not a finite number"),
        ("1e999", "not a finite number"),
        ("9" * 5_000, "not a plan"),
        ("[" * 100_000, "RecursionError"),
        ('{"a":' * 100_000, "RecursionError"),
        ("", "JSONDecodeError"),
        ("[]", "the file is list"),
        ("{}", "the file has no"),
        ('{"wizframe_plan": true}', "the file has no"),
        ('{"wizframe_plan": 2}', "of form 2, this wizframe reads form 3"),
        ('{"wizframe_plan": 9}', "of form 9, this wizframe reads form 3"),
    ],
)
def test_a_file_that_is_not_a_plan_is_refused(tmp_path, text, words):
    path = tmp_path / "plan.json"
    path.write_text(text, "utf-8")
    with pytest.raises(PlanError, match=words):
        wizframe.load_plan(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_only_utf_8_is_read(content, tmp_path, encoding):
    path = tmp_path / "plan.json"
    path.write_bytes(json.dumps(content | {"account": "Zoë"}, ensure_ascii=False).encode(encoding, "replace"))
    with pytest.raises(PlanError, match="not a plan that wizframe saved"):
        wizframe.load_plan(path)


def test_plans_that_show_something_else_have_other_ids(wiz):
    """Equal changes, but another label, name, source, own column or count of blanked cells."""
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    renamed = load(wiz).assign(payment_term=frame["payment_term"])
    renamed.index = renamed.index + 1
    own, blanked, reloaded = frame.copy(), frame.copy(), load(wiz)
    own["mine"] = 1
    blanked.loc[5, "company_name"] = None
    wiz.server.overwrite("customers", frame["id"][0], display_name="Other name", company_name="Other name")
    reloaded = load(wiz)
    reloaded.loc[0, "payment_term"] = "net77"
    plans = [one.wiz.plan() for one in (frame, renamed, own, blanked, reloaded)]
    assert len({plan.id for plan in plans}) == len(plans)
    assert frame.wiz.plan().id == plans[0].id
    assert frame.sample(frac=1, random_state=1).wiz.plan().id == plans[0].id
    assert all(len(plan.id) == 64 and set(plan.id) <= set("0123456789abcdef") for plan in plans)


def test_a_delete_of_other_content_has_another_id(wiz):
    frame = load(wiz)
    one = frame.iloc[[3]].wiz.delete()
    wiz.server.overwrite("customers", frame["id"][3], phone="+14155550123")
    assert load(wiz).iloc[[3]].wiz.delete().id != one.id


@pytest.mark.parametrize("length", [0, 1, 12, 63])
def test_a_short_form_of_an_id_approves_nothing(wiz, length):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    words = r"is not the whole id of a plan, which has 64 characters\. Two plans .*plan\.id is the whole id"
    for send in (
        plan.apply,
        lambda **given: wizframe.push(plan, yes=True, **given),
        lambda **given: wizframe.apply(plan, **given),
    ):
        with pytest.raises(PlanError, match=words):
            send(expect=plan.id[:length])
        with pytest.raises(PlanError, match=r"has the id .*, not the expected"):
            send(expect="0" * 64)
    with pytest.raises(InvalidRequestError, match="nothing was sent: expect=5 is not valid"):
        plan.apply(expect=5)
    assert writes(wiz) == []
    assert plan.apply(expect=plan.id, progress=False).counts()["done"] == 1


def test_a_plan_of_a_workbook_shows_its_places_again(wiz, tmp_path):
    pytest.importorskip("xlsxwriter")
    load(wiz).wiz.to_excel(tmp_path / "customers.xlsx")
    frame = wizframe.read_excel(tmp_path / "customers.xlsx")
    frame.iloc[2, frame.columns.get_loc("payment_term")] = "net77"
    plan = frame.wiz.plan()
    assert "[Customers!" in str(plan)
    plan.save(tmp_path / "plan.json")
    again = wizframe.load_plan(tmp_path / "plan.json")
    assert (str(again), again.id) == (str(plan), plan.id)
    content = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    content["parts"][0]["sheet"] = "Other!"
    refused(tmp_path / "other.json", json.dumps(content))


def test_a_plan_that_was_resumed_or_undone_can_be_saved(wiz, tmp_path):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    frame.loc[len(frame)] = {"company_name": "New", "display_name": "New"}
    result = frame.wiz.plan().apply(progress=False)
    deleted = load(wiz).iloc[[5]].wiz.delete().apply(max_deletes=1, progress=False)
    for plan in (result.undo(), deleted.undo()):
        plan.save(tmp_path / "plan.json")
        again = wizframe.load_plan(tmp_path / "plan.json")
        assert (str(again), again.id) == (str(plan), plan.id)
    assert isinstance(plan.changes, pd.DataFrame)
