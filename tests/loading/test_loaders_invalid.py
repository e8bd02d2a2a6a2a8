"""Records that break the schema: reported, refused or left out, never a crash."""

import warnings

import pandas as pd
import pytest
from support.loaders import pages_through, problems_of, stored

from wizframe.errors import IncompleteLoadWarning, InvalidDataError, InvalidDataWarning
from wizframe.fields import CUSTOMER

MESS = [
    {"email": "invalid", "phone": "12"},
    {"first_name": "x" * 60},
    {"reference_id": "", "company_name": ""},
    {"created_at": "2020-13-77T00:00:00Z"},
    {"phone": "+0"},
]


@pytest.fixture
def messy(wiz):
    """Cells of the sandbox that break a rule: those of its own data, and more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidDataWarning)
        expected = problems_of(wiz.load_customers())
    clean = [record["id"] for record in stored(wiz) if record["id"] not in {identifier for identifier, _ in expected}]
    for identifier, columns in zip(clean[2::3], MESS, strict=False):
        wiz.server.overwrite("customers", identifier, **columns)
        expected.update((identifier, column) for column in columns if column != "created_at")
    return expected


def unreadable(wiz):
    return {record["id"] for record in wiz.server.records("customers") if "-13-" in record["created_at"]}


ORDERS = [{}, {"sort": "desc"}, {"sort_by": "company_name", "sort": "desc"}, {"status": "active"}]


@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_warn_keeps_the_rows_and_the_problems_name_rows_of_the_finished_frame(wiz, messy, order):
    with pytest.warns(InvalidDataWarning, match=r"\d+ of \d+ customers break the schema \(") as caught:
        frame = wiz.load_customers(**order)
    assert caught[0].filename == __file__
    here = set(frame["id"])
    assert set(problems_of(frame)) == {cell for cell in messy if cell[0] in here} | {
        (identifier, "created_at") for identifier in unreadable(wiz) & here
    }
    assert len(frame) == len(stored(wiz, **{name: order[name] for name in order if name == "status"}))
    rows = frame.wiz.problems.dropna(subset="row")
    for row, column, value in zip(rows["row"], rows["column"], rows["value"], strict=True):
        assert column == "created_at" or frame.loc[row, column] == value or pd.isna(value)


@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_drop_leaves_the_rows_out_and_says_how_many(wiz, messy, order):
    with pytest.warns(InvalidDataWarning, match="left out"):
        frame = wiz.load_customers(invalid="drop", **order)
    broken = {identifier for identifier, _ in messy} | unreadable(wiz)
    wanted = stored(wiz, **{name: order[name] for name in order if name == "status"})
    assert set(frame["id"]) == {record["id"] for record in wanted} - broken
    assert not problems_of(frame)
    assert frame.index.equals(pd.RangeIndex(len(frame)))


def test_raise_gives_no_frame_but_every_failure(wiz, messy):
    with pytest.raises(InvalidDataError, match="customers break the schema") as caught:
        wiz.load_customers(invalid="raise")
    assert set(caught.value.failures) == {"row", "column", "value", "rule"}
    assert len(caught.value.failures) == messy.total() + len(unreadable(wiz))


def test_rows_outside_the_filters_are_not_validated(wiz, messy):
    assert messy
    for record in stored(wiz):
        wiz.server.overwrite("customers", record["id"], updated_at="2020-01-01T00:00:00Z")
    assert wiz.load_customers(updated_after="2021-01-01", invalid="raise").empty


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
class TestRecordsOfAnotherShape:
    def test_fields_that_are_missing_or_unknown_are_listed_and_the_columns_stay(self, wiz):
        def change(page):
            for record in page.records:
                record.pop("payment_mode", None)
                record["loyalty_tier"] = {"level": 3}
            return page

        with pages_through(wiz.customer, change):
            frame = wiz.load_customers()
        assert tuple(frame.columns) == tuple(CUSTOMER.columns())
        assert frame["payment_mode"].isna().all()
        general = frame.wiz.problems[frame.wiz.problems["row"].isna()]
        assert {"payment_mode", "loyalty_tier"} <= set(general["column"])

    @pytest.mark.parametrize("details", [False, True])
    @pytest.mark.parametrize("nameless", [None, "", 7, ["cust"]], ids=repr)
    def test_a_record_without_a_proper_id_is_kept_once_and_listed(self, wiz, nameless, details):
        reference = stored(wiz, status="inactive")[0]["reference_id"]

        def change(page):
            for record in page.records:
                if record.get("reference_id") == reference:
                    record["id"] = nameless
            return page

        with pages_through(wiz.customer, change):
            frame = wiz.load_customers(details=details)
        assert len(frame) == 30
        row = frame.index[frame["reference_id"] == reference][0]
        rows = frame.wiz.problems
        assert "id" in rows.loc[rows["row"] == row, "column"].tolist()

    @pytest.mark.parametrize("odd", [["A"], {"a": 1}, True], ids=repr)
    def test_a_value_of_another_type_is_listed_with_its_row(self, wiz, odd):
        target = stored(wiz)[3]["id"]

        def change(page):
            for record in page.records:
                if record["id"] == target:
                    record["reference_id"] = odd
            return page

        with pages_through(wiz.customer, change):
            frame = wiz.load_customers()
            with pytest.warns(IncompleteLoadWarning, match="not found: 'A'"):
                assert wiz.load_customers(reference_ids=["A"]).empty
        assert (target, "reference_id") in problems_of(frame)


def test_problems_are_listed_in_the_order_of_the_rows(wiz):
    for row in wiz.server.records("customers"):
        wiz.server.overwrite("customers", row["id"], phone="555")
    with pytest.warns(InvalidDataWarning):
        problems = wiz.load_customers().wiz.problems
    rows = problems["row"].dropna().tolist()
    assert len(rows) >= 30
    assert rows == sorted(rows)
