"""Values that a frame gets by accident: numpy's scalars, words for a missing value, bad ids, look-alikes."""

import contextlib
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from support.planning import load, rules, stored, writes

import wizframe
from wizframe.errors import InvalidRequestError, PlanError, PlanProblemsError, UnmatchedRowsError
from wizframe.planning.uniqueness import reference_key

SCALARS = {
    "integer": np.int64(30),
    "float": np.float64(30.5),
    "truth value": np.bool_(True),
    "time": np.datetime64("2026-01-01"),
    "nanoseconds": np.datetime64("2026-01-01T00:00:00.123456789"),
    "span": np.timedelta64(3, "D"),
    "far time": np.datetime64("300000-01-01"),
}
PRESENT = pd.Series([30]).iloc[0]


@pytest.mark.parametrize("value", SCALARS.values(), ids=SCALARS)
def test_a_scalar_of_numpy_in_a_text_column_is_a_problem_that_every_view_shows(wiz, value):
    frame = load(wiz)
    frame["payment_term"] = frame["payment_term"].astype(object)
    frame.loc[3, "payment_term"] = value
    plan = frame.wiz.plan()
    assert [(row.row, row.column) for row in plan.problems.itertuples()] == [(3, "payment_term")]
    assert "text" in plan.problems["rule"][0]
    assert "payment_term" in str(plan)
    assert "payment_term" in plan._repr_html_()
    with pytest.raises(PlanProblemsError):
        plan.apply()
    assert writes(wiz) == []


def test_a_column_of_numbers_is_a_problem_in_each_row(wiz):
    frame = load(wiz).head(3)
    frame["payment_term"] = pd.array([30] * 3, dtype="Int64")
    assert {rule.split(",")[0] for _, rule in rules(frame.wiz.plan())} == {"is a number in a text column"}


@pytest.mark.parametrize("blank", [pd.NA, np.float64("nan"), np.datetime64("NaT"), pd.NaT, None, np.str_("")])
def test_every_missing_value_is_a_blank_cell(wiz, blank):
    frame = load(wiz)
    frame["payment_term"] = frame["payment_term"].astype(object)
    frame.loc[3, "payment_term"] = blank
    plan = frame.wiz.plan()
    assert len(plan) == 0
    assert len(plan.problems) == 0


def test_options_and_filters_take_numpys_scalars(wiz):
    warnings.simplefilter("ignore")
    frame = load(wiz)
    frame.loc[0, "payment_term"] = np.str_("net77")
    plan = frame.wiz.plan(only=np.array(["payment_term"]), clear=pd.Index(["phone"]))
    assert plan.counts()["update"] == 1
    bound = frame["created_at"].sort_values().iloc[10]
    for after in (bound.to_numpy(), np.datetime64(bound.tz_convert(None), "s"), bound):
        found = wiz.load_customers(created_after=after, progress=False)
        assert set(found["id"]) >= set(frame["id"][frame["created_at"] > bound])
        assert len(found) < len(frame)
    assert len(wiz.load_customers(limit=np.int64(4), page_size=np.int32(10), status=np.str_("active"))) == 4
    references = frame["reference_id"].dropna().head(2).to_numpy()
    assert len(wiz.load_customers(reference_ids=references, progress=False)) == 2


@pytest.mark.parametrize("value", [pd.NaT, np.datetime64("NaT"), np.int64(5), "soon", pd.NA])
def test_a_filter_that_is_not_a_time_is_refused(wiz, value):
    with pytest.raises(InvalidRequestError, match="times such as 2026-01-31"):
        wiz.load_customers(updated_after=value)


@pytest.mark.parametrize(("only", "error"), [(5, InvalidRequestError), ("payment_term", PlanError)])
def test_columns_that_are_not_a_list_are_refused(wiz, only, error):
    with pytest.raises(error, match=r"only=.* is not (a list|valid)"):
        load(wiz).wiz.plan(only=only)


@pytest.fixture
def stack():
    with warnings.catch_warnings(), contextlib.ExitStack() as opened:
        warnings.simplefilter("ignore")  # pandas warns of the option itself, also when it is set back
        yield opened


@pytest.mark.parametrize("storage", ["pyarrow", "python"])
def test_blanks_stay_blank_without_pandas_own_strings(wiz, tmp_path, storage, stack):
    before = stored(wiz, "customers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack.enter_context(pd.option_context("future.infer_string", False, "mode.string_storage", storage))
        frame = load(wiz)
        frame.wiz.to_excel(tmp_path / "c.xlsx")
        frame.wiz.to_csv(tmp_path / "c.csv")
        frame.to_parquet(tmp_path / "c.parquet")
        files = [
            wizframe.read_excel(tmp_path / "c.xlsx"),
            wizframe.read_csv(tmp_path / "c.csv", original=frame),
            pd.read_parquet(tmp_path / "c.parquet"),
        ]
        for way in (frame, *files, frame.copy(), frame.set_index("id")):
            plan = way.wiz.plan()
            assert (len(plan), len(plan.problems)) == (0, 0), str(plan)
        new = pd.DataFrame({"id": [None], "reference_id": ["R1"], "company_name": ["Co"], "display_name": ["Co"]})
        plan = wizframe.plan(new, table="customers")
        assert (plan.counts()["create"], len(plan.problems)) == (1, 0)
        frame.loc[0, "payment_term"] = "net61"
        frame.wiz.plan().apply()
        assert len(frame.wiz.plan()) == 0
    changed = {name for one, now in stored(wiz, "customers").items() for name in now if now[name] != before[one][name]}
    assert changed == {"payment_term", "updated_at"}


@pytest.mark.parametrize("value", ["#N/A", "-", "cust_1/2", "..", "a b", "?x", "é", "\ufeffcust"])
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_bad_id_is_a_problem_of_its_row_next_to_the_others(wiz, table, value):
    frame = load(wiz, table)
    frame.loc[3, "id"] = value
    frame.loc[5, "phone"] = "after 5"
    found = {(row.row, row.column): row.rule for row in frame.wiz.plan().problems.itertuples()}
    assert "is not a valid id" in found[3, "id"]
    assert (5, "phone") in found


def test_a_bad_customer_id_of_a_contact_is_a_problem_of_its_row(wiz):
    parent = load(wiz)["id"][0]
    new = pd.DataFrame({"id": None, "customer_id": ["#N/A", parent], "first_name": "A", "email": ["a@b.de", "c@b.de"]})
    plan = wizframe.plan(new, table="contacts")
    assert [(row.row, row.column) for row in plan.problems.itertuples()] == [(0, "customer_id")]


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "<NA>", "NULL", "\\N", "#N/A", "NaT", "n/a", " null "])
def test_words_for_a_missing_value_are_noted(wiz, word):
    frame = load(wiz)
    is_blank = frame["shipping_method"].isna()
    assert is_blank.any()
    frame["shipping_method"] = frame["shipping_method"].fillna(word)
    [note] = [line for line in str(frame.wiz.plan()).splitlines() if "leave them blank" in line]
    assert repr(word) in note
    assert f"shipping_method {is_blank.sum()}" in note


def test_words_in_new_rows_are_noted_and_a_name_that_was_there_is_not(wiz):
    row = {"id": None, "reference_id": "R1", "company_name": "Nan", "display_name": "Co", "phone": None}
    assert "1 cell without a value has the text 'Nan' (company_name 1)" in str(wizframe.plan(pd.DataFrame([row])))
    wiz.server.overwrite("customers", wiz.server.records("customers")[0]["id"], company_name="Null")
    assert "leave them blank" not in str(load(wiz).wiz.plan())


def test_frames_of_other_libraries_are_named_with_the_way_to_convert_them(wiz):
    for module, name, hint in (
        ("polars.dataframe.frame", "DataFrame", "frame.to_pandas()"),
        ("polars.lazyframe.frame", "LazyFrame", "frame.collect().to_pandas()"),
        ("pyarrow.lib", "Table", "frame.to_pandas()"),
        ("dask.dataframe", "DataFrame", "frame.compute()"),
    ):
        other = type(name, (), {"__module__": module})()
        with pytest.raises(PlanError) as caught:
            wizframe.plan(other, table="customers", client=wiz)
        assert f"not one of {module.partition('.')[0]}" in str(caught.value)
        assert hint in str(caught.value)


@pytest.mark.parametrize("name", ["ID", "Id", "id ", " ID"])
def test_an_id_column_in_other_letters_is_named(wiz, name):
    with pytest.raises(UnmatchedRowsError, match=f"Rename '{name}' to 'id'"):
        load(wiz).rename(columns={"id": name}).wiz.plan()


SPOILT = {
    "fixed width": lambda text: text.ljust(20),
    "before": lambda text: f" {text}",
    "tab": lambda text: f"{text}\t",
    "no-break space": lambda text: f"{text}\u00a0",
    "byte order mark": lambda text: f"\ufeff{text}",
    "zero width": lambda text: f"{text[:3]}\u200b{text[3:]}",
    "soft hyphen": lambda text: f"{text[:3]}\u00ad{text[3:]}",
    "filler": lambda text: f"{text}\u3164",
    "lower case": str.lower,
    "full width": lambda text: text.replace("C", "\uff23"),
}


@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "not loaded"])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_reference_that_only_looks_new_is_a_problem(wiz, spoil, is_loaded):
    if is_loaded:
        known = load(wiz)
    reference = wiz.server.records("customers")[2]["reference_id"]
    other = wiz.server.records("customers")[2]["id"]
    new = pd.DataFrame({"reference_id": [spoil(reference), "R-NEW"], "company_name": "Co", "display_name": "Co"})
    options = {"table": "customers", "match": "reference_id", "new": "create"}
    plan = wizframe.plan(new, **options)
    [(column, rule)] = rules(plan)
    assert column == "reference_id"
    assert f"differs from {reference!r} of {other} only in" in rule
    assert plan.problems["row"].tolist() == [0]
    assert rules(wizframe.plan(new, **options, duplicates="create")) == []
    if is_loaded:
        assert len(known) == 30


def test_new_rows_with_references_that_look_alike_are_problems_and_generated_ones_are_not(wiz):
    new = pd.DataFrame({"id": None, "reference_id": ["A 1", "a  1", "B", None, None], "company_name": "Co"})
    new["display_name"] = "Co"
    plan = wizframe.plan(new, table="customers")
    assert plan.problems["row"].tolist() == [0, 1]
    assert "of row 1" in plan.problems["rule"][0]
    parent = load(wiz)["id"][0]
    contacts = pd.DataFrame({"id": None, "customer_id": parent, "reference_id": ["X1", "x1 "], "first_name": "A"})
    contacts["email"] = ["a@b.de", "c@b.de"]
    assert wizframe.plan(contacts, table="contacts").problems["row"].tolist() == [0, 1]


def test_the_key_of_references_ignores_only_what_people_do_not_see():
    assert reference_key("C-1") != reference_key("C1")
    assert reference_key("C1") != reference_key("C2")
    assert reference_key("Ä1") == reference_key("a\u03081".replace("a", "A"))
    assert reference_key(None) == reference_key(datetime.now(UTC)) == ""
