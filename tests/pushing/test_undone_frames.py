"""After an undo, the frame of the undone push and its baseline show what the records are again."""

import pytest
from support.planning import load, make_contacts_valid, stored

import wizframe
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def by_result(result):
    return result.undo()


def by_id(result):
    return wizframe.undo(result.push_id)


@pytest.mark.parametrize("undone", [by_result, by_id])
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_the_next_edit_after_an_undo_makes_no_conflict(wiz, table, undone):
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    old = frame["first_name"].tolist()
    frame.loc[:2, "first_name"] = "Pushed"
    result = frame.wiz.plan().apply(progress=False)
    assert result.counts()["done"] == 3
    assert undone(result).apply(progress=False).counts()["done"] == 3
    shown = [value if isinstance(value, str) else None for value in frame["first_name"]]
    assert shown == [value if isinstance(value, str) else None for value in old]
    assert len(frame.wiz.plan()) == 0
    frame.loc[0, "first_name"] = "Again"
    assert frame.wiz.plan().apply(progress=False).counts()["done"] == 1
    assert stored(wiz, table)[frame["id"][0]]["first_name"] == "Again"


def test_later_edits_of_an_undone_row_stay_edits(wiz):
    frame = load(wiz)
    frame.loc[:1, "payment_term"] = "pushed"
    result = frame.wiz.plan().apply(progress=False)
    frame.loc[0, "payment_term"] = "later"
    frame.loc[1, "shipping_method"] = "later"
    assert result.undo().apply(progress=False).counts()["done"] == 2
    plan = frame.wiz.plan()
    assert plan.cells[["column", "new"]].to_numpy().tolist() == [
        ["payment_term", "later"],
        ["shipping_method", "later"],
    ]
    assert plan.apply(progress=False).counts()["done"] == 2


def test_a_created_row_that_was_undone_is_not_created_again(wiz):
    frame = load(wiz)
    frame.loc[len(frame)] = {"company_name": "New", "display_name": "New"}
    result = frame.wiz.plan().apply(progress=False)
    assert result.undo().apply(max_deletes=1, progress=False).counts()["done"] == 1
    assert frame.wiz.plan().counts()["create"] == 0
    assert len(stored(wiz, "customers")) == len(frame) - 1


def test_an_undo_of_an_undo_is_shown_too(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "pushed"
    undone = frame.wiz.plan().apply(progress=False).undo().apply(progress=False)
    assert undone.undo().apply(progress=False).counts()["done"] == 1
    assert frame["payment_term"][0] == "pushed"
    assert len(frame.wiz.plan()) == 0


def test_a_frame_shows_what_resume_did_to_its_rows(wiz):
    frame = load(wiz)
    frame.loc[:2, "payment_term"] = "pushed"
    wiz.server.faults.add(Fault("answer", "customers.get", status=401, times=None))
    assert frame.wiz.plan().apply(progress=False).counts()["unsent"] == 3
    wiz.server.faults.clear()
    assert wizframe.resume(yes=True, progress=False)[0].counts()["done"] == 3
    assert len(frame.wiz.plan()) == 0
    frame.loc[0, "payment_term"] = "again"
    assert frame.wiz.plan().apply(progress=False).counts()["done"] == 1


def test_frames_that_are_gone_or_changed_do_no_harm(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "pushed"
    result = frame.wiz.plan().apply(progress=False)
    del frame["id"]
    assert result.undo().apply(progress=False).counts()["done"] == 1
    other = load(wiz)
    other.loc[0, "payment_term"] = "pushed"
    push_id = other.wiz.plan().apply(progress=False).push_id
    del other
    assert wizframe.undo(push_id).apply(progress=False).counts()["done"] == 1
