"""A workbook becomes one plan that names every cell, and a plan becomes a workbook for approval."""

import openpyxl
import pandas as pd
import pytest
from support.display import html_of
from support.planning import load, make_contacts_valid, states, stored
from support.workbook import edit, rewrite

import wizframe
from wizframe import COMMAND
from wizframe.errors import InvalidRequestError

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sent.xlsx"


def test_one_workbook_is_one_plan_and_every_row_has_its_own_outcome(wiz, path):
    """An edit in the middle, a new row, a DELETE, a change made on the server meanwhile, and an illegal value."""
    customers = load(wiz)
    ids = customers["id"].tolist()
    customers.wiz.to_excel(path)
    wiz.server.overwrite("customers", ids[10], payment_term="newer")
    edit(path, {
        ("payment_term", 9): "net77",
        ("company_name", 32): "Ada & Co", ("display_name", 32): "Ada",
        ("Command", 6): "DELETE",
        ("payment_term", 12): "mine",
        ("phone", 15): "after five",
    })  # fmt: skip
    plan = wizframe.read_excel(path).wiz.plan()
    text = repr(plan)
    assert plan.counts() == {"create": 1, "update": 2, "delete": 1}
    for line in (
        "! Customers!I15, phone: 'after five' is not an E.164 phone number",
        "[Customers!32]",
        "[Customers!6]",
        "→ net77  [Customers!N9]",
        "→ mine  [Customers!N12]",
    ):
        assert line in text
    assert "Customers!6" in html_of(plan)
    before = stored(wiz, "customers")
    result = plan.apply(max_deletes=1, invalid="skip", progress=False)
    told = result.changes.set_index("index")["state"].to_dict()
    assert told == {9: "done", 32: "done", 6: "done", 12: "conflict", 15: "skipped"}
    assert result.conflict_cells[["index", "column", "yours", "now"]].to_numpy().tolist() == [
        [12, "payment_term", "mine", "newer"]
    ]
    after = stored(wiz, "customers")
    assert before.keys() - after.keys() == {ids[4]}
    assert after[ids[7]]["payment_term"] == "net77"
    assert after[ids[10]]["payment_term"] == "newer"
    assert len(after.keys() - before.keys()) == 1


def test_both_sheets_are_one_plan(wiz, path):
    make_contacts_valid(wiz)
    customers, contacts = load(wiz), load(wiz, "contacts")
    customers.wiz.to_excel(path, contacts=contacts)
    edit(path, {("payment_term", 9): "net77", ("company_name", 32): "A", ("display_name", 32): "A",
                ("reference_id", 32): "NEW-1"})  # fmt: skip
    row = len(contacts) + 2
    edit(path, {("designation", 3): "Head", ("Command", 4): "DELETE"}, "Contacts")
    both = wizframe.read_excel(path)
    plan = wizframe.plan(both.customers, contacts=both.contacts)
    assert plan.problems.empty
    assert plan.counts() == {"create": 1, "update": 2, "delete": 1}
    assert "Contacts!I3" in repr(plan)
    assert row == len(both.contacts) + 2
    assert states(plan.apply(max_deletes=1, progress=False)) == {"done": 4}


def test_commands_come_back(wiz, path):
    frame = load(wiz)
    frame[COMMAND] = None
    frame.loc[3, COMMAND] = "DELETE"
    for write, read in ((frame.wiz.to_excel, wizframe.read_excel), (frame.wiz.to_csv, wizframe.read_csv)):
        write(path)
        back = read(path)
        assert back[COMMAND].dropna().to_dict() == {5: "DELETE"}
        assert back.wiz.plan().counts() == {"create": 0, "update": 0, "delete": 1}
    frame.wiz.to_excel(path, labels={COMMAND: "Befehl"})
    assert openpyxl.load_workbook(path)["Customers"]["A1"].value == "Befehl"
    assert wizframe.read_excel(path)[COMMAND].dropna().to_dict() == {5: "DELETE"}
    rewrite(path, lambda book: book["Customers"].delete_cols(1))
    assert COMMAND not in wizframe.read_excel(path)


def test_places_are_named_only_if_the_labels_are_those_of_the_sheet(wiz, path):
    load(wiz).wiz.to_excel(path)
    edit(path, {("payment_term", 9): "net77"})
    read = wizframe.read_excel(path)
    shuffled = read.sample(frac=1, random_state=1).assign(own=1)
    assert "[Customers!N9]" in repr(shuffled.wiz.plan())
    for other in (read.reset_index(drop=True), pd.DataFrame(read.to_dict("list"))):
        assert "Customers!" not in repr(other.wiz.plan(table="customers"))


# ---------------------------------------------------------------- a plan as a workbook


def test_a_plan_can_be_read_and_approved_in_excel(wiz, path, tmp_path):
    make_contacts_valid(wiz)
    customers, contacts = load(wiz), load(wiz, "contacts")
    customers.loc[0, ["payment_term", "display_name", "first_name"]] = ["=1+1", "00123", "<r>&</r>"]
    customers.loc[1, "phone"] = "after five"
    contacts.loc[0, COMMAND] = "DELETE"
    plan = wizframe.plan(customers, contacts=contacts)
    plan.to_excel(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Plan", "Changes", "Problems"]
    assert plan.id[:12] in book["Plan"]["A1"].value
    assert plan.id in book["Plan"]["A3"].value
    rows = [[cell.value for cell in row] for row in book["Changes"]]
    assert rows[0] == ["Table", "Action", "Place", "Id", "Reference", "Name", "Column", "Old", "New"]
    changed = {(row[1], row[2], row[6]): row[8] for row in rows[1:]}
    assert changed == {
        ("update", "index 0", "payment_term"): "=1+1",
        ("update", "index 0", "display_name"): "00123",
        ("update", "index 0", "first_name"): "<r>&</r>",
        ("delete", "index 0", None): None,
    }
    assert {cell.data_type for row in book["Changes"] for cell in row if cell.value is not None} == {"s"}
    assert [cell.value for cell in book["Problems"][2]] == [
        "customers", "index 1", "phone", "after five", "is not an E.164 phone number like +14155552671",
    ]  # fmt: skip
    plan.choose(plan.changes.head(1)).to_excel(path)
    assert openpyxl.load_workbook(path).sheetnames == ["Plan", "Changes"]
    with pytest.raises(InvalidRequestError, match=r"Use a name that ends in \.xlsx"):
        plan.to_excel(tmp_path / "plan.csv")


def test_a_plan_of_a_workbook_names_its_cells_in_the_workbook_for_approval(wiz, path, tmp_path):
    load(wiz).wiz.to_excel(path)
    edit(path, {("payment_term", 9): "net77", ("phone", 15): "after five"})
    wizframe.read_excel(path).wiz.plan().to_excel(tmp_path / "plan.xlsx")
    book = openpyxl.load_workbook(tmp_path / "plan.xlsx")
    assert book["Changes"]["C2"].value == "Customers!N9"
    assert book["Problems"]["B2"].value == "Customers!I15"
