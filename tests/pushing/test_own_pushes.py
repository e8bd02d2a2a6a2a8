"""The same workbook, planned again after its push: what was done is recognised, and what changed since is not."""

import pytest
from support.planning import load, stored

import wizframe
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def book(wiz, tmp_path):
    """Export customers; give a function that reads the workbook with three edits and a new row."""
    pytest.importorskip("xlsxwriter")
    frame = load(wiz)
    for row in range(3):
        wiz.server.overwrite("customers", frame["id"][row], payment_term="old", updated_at="2025-01-01T00:00:00Z")
    load(wiz).wiz.to_excel(tmp_path / "customers.xlsx")

    def read():
        found = wizframe.read_excel(tmp_path / "customers.xlsx")
        found.iloc[:3, found.columns.get_loc("payment_term")] = "new"
        found.loc[len(found) + 10] = {"company_name": "New", "display_name": "New", "reference_id": "N-1"}
        return found

    return read


def test_a_workbook_that_was_pushed_plans_nothing_again(book):
    result = book().wiz.plan().apply(progress=False)
    assert result.counts()["done"] == 4
    again = book().wiz.plan()
    assert (len(again), len(again.problems)) == (0, 0)
    assert f"6 edited cells were already sent by push {result.push_id}, and were left out" in str(again)
    assert again.apply(progress=False).counts()["done"] == 0
    assert len(wizframe.pushes()) == 1


def test_a_new_edit_in_a_pushed_workbook_is_planned_alone(book):
    book().wiz.plan().apply(progress=False)
    frame = book()
    frame.iloc[0, frame.columns.get_loc("payment_term")] = "newer"
    frame.iloc[1, frame.columns.get_loc("shipping_method")] = "ground"
    assert frame.wiz.plan().cells["new"].tolist() == ["newer", "ground"]


def test_what_was_undone_can_be_pushed_again(book):
    result = book().wiz.plan().apply(progress=False)
    result.undo().apply(max_deletes=1, progress=False)
    assert book().wiz.plan().counts() == {"create": 1, "update": 3, "delete": 0}


def test_what_was_not_done_is_planned_again(wiz, book):
    wiz.server.faults.add(Fault("answer", "customers.update", status=422))
    result = book().wiz.plan().apply(progress=False)
    assert result.counts()["failed"] == 1
    assert book().wiz.plan().counts() == {"create": 0, "update": 1, "delete": 0}


def test_an_edit_of_a_newer_export_is_planned(wiz, book, tmp_path):
    frame = book()
    frame.wiz.plan().apply(progress=False)
    wiz.server.overwrite("customers", frame["id"].iloc[0], payment_term="old", updated_at="2999-01-01T00:00:00Z")
    load(wiz).wiz.to_excel(tmp_path / "customers.xlsx")
    found = wizframe.read_excel(tmp_path / "customers.xlsx")
    place = found["id"].tolist().index(frame["id"].iloc[0])
    found.iloc[place, found.columns.get_loc("payment_term")] = "new"
    assert len(found.wiz.plan()) == 1
    assert stored(wiz, "customers")[frame["id"].iloc[0]]["payment_term"] == "old"
