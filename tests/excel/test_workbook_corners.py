"""Rare workbooks: many rows, added and removed columns, frames without ids or with several accounts."""

import zipfile

import pandas as pd
import pytest
from support.planning import cells_of, load, rules, without_attrs
from support.workbook import edit, loaded, plan_of, rewrite, same

import wizframe
from wizframe import CLEAR
from wizframe.errors import AmbiguousTableError, InvalidRequestError
from wizframe.frames.baselines import attached

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def dialect():
    return "rest"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sent.xlsx"


def many(rows):
    return loaded("customers", [{"id": f"c{n}", "display_name": f"Name {n}", "phone": f"+1{n}"} for n in range(rows)])


@pytest.mark.parametrize("in_memory", [5_000, 5_001])
def test_many_rows_are_written_row_by_row_with_their_texts_in_the_cells(path, monkeypatch, in_memory):
    monkeypatch.setattr("wizframe.excel.writer._MAX_ROWS_IN_MEMORY", in_memory)
    frame = many(5_001)
    frame.loc[:2, "display_name"] = ["<r>&</r>", "_x0041_x0042_", "=1+1"]
    frame.wiz.to_excel(path)
    same(wizframe.read_excel(path), frame)
    with zipfile.ZipFile(path) as archive:
        assert (b"inlineStr" in archive.read("xl/worksheets/sheet2.xml")) == (in_memory < len(frame))
    csv = path.with_suffix(".csv")
    frame.wiz.to_csv(csv)
    same(wizframe.read_csv(csv), frame)


def test_a_sorted_sheet_of_thousands_of_rows_with_some_edits(path):
    frame = many(3_000)
    frame.wiz.to_excel(path)

    def change(book):
        page = book["Customers"]
        rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=2)]
        rows.sort(key=lambda row: row[1], reverse=True)
        for number, row in enumerate(rows, 2):
            for place, value in enumerate(row, 1):
                page.cell(number, place).value = value
        page.cell(2, 6).value = "Edited"

    rewrite(path, change)
    read = wizframe.read_excel(path)
    assert read["id"].iloc[0] == "c999"
    assert cells_of(plan_of(read)) == {("update", "c999", "display_name"): "Edited"}


def test_contacts_that_name_their_customers_by_reference(wiz, path):
    contacts = load(wiz, "contacts").head(3).assign(customer_reference_id=["00123", None, "=1+1"])
    contacts.wiz.to_excel(path)
    same(wizframe.read_excel(path), contacts.astype({"customer_reference_id": "str"}))
    assert not wizframe.read_excel(path).wiz.plan()


def test_rows_without_ids_come_back_and_are_found_by_reference(wiz, path):
    customers = load(wiz)
    rows = without_attrs(customers[["reference_id", "payment_term"]].head(3))
    wizframe.to_excel(rows, path, table="customers")
    edit(path, {("payment_term", 3): "net77"})
    read = wizframe.read_excel(path)
    assert attached(read) is None
    plan = wizframe.plan(read, table="customers", match="reference_id", baseline="service")
    assert cells_of(plan) == {("update", customers["id"][1], "payment_term"): "net77"}


def test_ids_may_be_added_to_rows_that_had_none(wiz, path):
    customers = load(wiz)
    rows = without_attrs(customers[["reference_id", "payment_term"]].head(3))
    wizframe.to_excel(rows, path, table="customers")
    edit(path, {"D1": "id", "D2": customers["id"][0], "C2": "net77"})
    plan = wizframe.plan(wizframe.read_excel(path).head(1), table="customers", baseline="service")
    assert cells_of(plan) == {("update", customers["id"][0], "payment_term"): "net77"}


def test_a_clear_in_a_column_of_flags_comes_back(path):
    frame = loaded("contacts", [{"id": "k1", "is_default": True}, {"id": "k2", "is_default": False}])
    frame["is_default"] = frame["is_default"].astype(object)
    frame.loc[0, "is_default"] = CLEAR
    frame.wiz.to_excel(path)
    read = wizframe.read_excel(path)
    assert read["is_default"].tolist() == [CLEAR, False]
    assert rules(plan_of(read)) == [("is_default", "is a flag: set it to False instead of clearing it")]


def test_a_column_that_was_not_exported_can_be_added(wiz, path):
    customers = load(wiz)
    customers[["id", "updated_at", "payment_term"]].wiz.to_excel(path)
    edit(path, {"E1": "Shipping Method", "E4": "by hand"})
    assert cells_of(wizframe.read_excel(path).wiz.plan()) == {
        ("update", customers["id"][2], "shipping_method"): "by hand"
    }


def test_copies_of_a_sheet_are_distinguished_only_by_name(path):
    many(3).wiz.to_excel(path)
    rewrite(path, lambda book: book.copy_worksheet(book["Customers"]))
    assert len(wizframe.read_excel(path)) == 3

    def rename(book):
        book["Customers"].title = "One"
        book["Customers Copy"].title = "Two"

    rewrite(path, rename)
    with pytest.raises(AmbiguousTableError, match="'One', 'Two' match customers equally well"):
        wizframe.read_excel(path)
    assert len(wizframe.read_excel(path, sheet="Two")) == 3


def test_a_frame_that_may_come_from_two_accounts_gets_no_baseline(wiz, path):
    merged = load(wiz).merge(pd.DataFrame({"region": ["EU"]}), how="cross")
    merged.wiz.to_excel(path)
    assert attached(wizframe.read_excel(path)) is not None
    with wizframe.sandbox(customers=2) as other:
        load(other)
        merged.wiz.to_excel(path)
    read = wizframe.read_excel(path)
    assert attached(read) is None
    same(read[merged.columns.drop("region")], merged.drop(columns="region"))


def test_two_columns_with_one_header_are_refused(path):
    with pytest.raises(InvalidRequestError, match="same header"):
        many(1).wiz.to_csv(path, labels={"phone": "x", "email": "x"})
    with pytest.raises(InvalidRequestError, match="would have the same header 'e-mail'"):
        many(1).wiz.to_excel(path, labels={"phone": "E Mail", "email": "e-mail"})
