"""Records to typed columns and back: the same dtypes for all records, one kind of blank, no crash."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.client import page_of

from wizframe.api.dialects import decode_record
from wizframe.fields import ADDRESS, CONTACT, CUSTOMER
from wizframe.frames.arrow import is_repeated, release_unused
from wizframe.frames.baselines import differs
from wizframe.frames.build import column, is_blank, pandas_dtype, split_ids, to_frame, to_record_value
from wizframe.frames.problems import problems_frame

TABLES = [CUSTOMER, CONTACT, ADDRESS]
#: One field of each kind.
FIELDS = {field.kind: field for table in TABLES for field in table.fields}
DTYPES = {
    "text": "str",
    "ids": "str",
    "object": "str",
    "list": "str",
    "flag": "boolean",
    "time": "datetime64[us, UTC]",
}
BLANKS = [None, "", float("nan"), np.nan, pd.NA, pd.NaT, Decimal("NaN"), np.datetime64("NaT", "us")]
HALF = "half an emoji \ud83d"

SCALARS = st.one_of(
    st.sampled_from([*BLANKS, HALF, "active", "true", " ", ",", 10**5000, dt.datetime.max.replace(tzinfo=dt.UTC)]),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.text(st.characters(exclude_categories=())),
    st.binary(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)


def dtype_of(kind):
    if kind == "status":
        return pd.CategoricalDtype(["active", "inactive"])
    return pd.api.types.pandas_dtype(DTYPES[kind])


def typed(kind, values):
    """Bring a list of values into a column; give the column as a list, blanks as None, and the rules broken."""
    series, misfits = column(pd.Series(values, dtype=object), FIELDS[kind])
    return [None if is_blank(cell) else cell for cell in series], [misfit.position for misfit in misfits]


class TestDtypes:
    @pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
    @pytest.mark.parametrize("details", [True, False])
    @pytest.mark.parametrize("records", [[], [{}], [{"id": "x"}, {"unknown": 1}], "nulls", "junk"])
    def test_dtypes_are_the_same_for_all_records(self, table, details, records):
        if isinstance(records, str):
            value = None if records == "nulls" else object()
            records = [dict.fromkeys(table.columns(details=True), value)] * 2
        frame, _ = to_frame(records, table, details=details)
        assert list(frame.columns) == table.columns(details=details)
        assert len(frame) == len(records)
        assert isinstance(frame.index, pd.RangeIndex)
        for name in frame.columns:
            assert frame[name].dtype == dtype_of(table[name].kind) == pandas_dtype(table[name]), name

    def test_an_empty_frame_and_a_full_one_have_the_same_dtypes(self, vendor):
        some, _ = to_frame(page_of(vendor["customer_list"], CUSTOMER).records, CUSTOMER)
        none, _ = to_frame([], CUSTOMER)
        assert pd.concat([none, some]).dtypes.equals(some.dtypes)

    @given(values=st.lists(SCALARS, max_size=4), kind=st.sampled_from(sorted(FIELDS)))
    def test_any_list_of_scalars_becomes_a_column_of_the_field_s_dtype(self, values, kind):
        index = [f"row {number}" for number in range(len(values))]
        series, misfits = column(pd.Series(values, index=index, dtype=object), FIELDS[kind])
        assert series.dtype == dtype_of(kind)
        assert list(series.index) == index
        for position, value in enumerate(values):
            rules = [misfit.rule for misfit in misfits if misfit.position == position]
            is_nothing = value == b"" or (isinstance(value, str) and not split_ids(value))
            assert not (is_blank(value) and rules)
            assert rules or is_nothing or is_blank(series.iloc[position]) == is_blank(value)

    @given(values=st.lists(SCALARS, max_size=4), kind=st.sampled_from(sorted(FIELDS)))
    def test_a_typed_column_stays_as_it_is(self, values, kind):
        once, _ = column(pd.Series(values, dtype=object), FIELDS[kind])
        again, misfits = column(once, FIELDS[kind])
        pd.testing.assert_series_equal(once, again, check_names=False)
        assert misfits == []

    @pytest.mark.parametrize(
        "series",
        [
            pd.Series([1, 2]),
            pd.Series([1.5, None]),
            pd.Series([True, None], dtype="boolean"),
            pd.Series(["a", None], dtype="string"),
            pd.Series(["a", "b"], dtype="category"),
            pd.to_datetime(pd.Series(["2026-01-01", None])),
            pd.Series([pd.Timestamp("2026-01-01", tz="Europe/Berlin")]),
            pd.Series([[1], (2,), {"a": 3}, {4}, np.array(["x", "y"])], dtype=object),
            pd.Series([], dtype="int64"),
            pd.Series([pd.Period("2026-01"), pd.Interval(1, 2), pd.Timedelta(1)], dtype=object),
        ],
        ids=lambda series: str(series.dtype),
    )
    @pytest.mark.parametrize("kind", FIELDS)
    def test_a_column_of_any_dtype_is_converted(self, series, kind):
        result, _ = column(series, FIELDS[kind])
        assert result.dtype == dtype_of(kind)
        assert len(result) == len(series)


class TestBlanks:
    @pytest.mark.parametrize("kind", FIELDS)
    def test_null_absent_and_empty_are_all_blank(self, kind):
        cells, misfits = typed(kind, BLANKS)
        assert cells == [None] * len(BLANKS)
        assert misfits == []

    @pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
    def test_blank_fields_of_records_are_blank_cells(self, table):
        names = table.columns(details=True)
        frame, misfits = to_frame([dict.fromkeys(names), dict.fromkeys(names, ""), {}], table, details=True)
        assert frame.isna().all(axis=None)
        assert misfits == []

    def test_an_empty_text_in_a_typed_column_is_blank_too(self):
        series, _ = column(pd.Series(["", "a"], dtype="str"), FIELDS["text"])
        assert series.isna().tolist() == [True, False]

    @pytest.mark.parametrize("value", [0, False, " ", [], {}, (), "nan", "None", np.array([]), np.array([np.nan, 1])])
    def test_a_value_is_not_blank(self, value):
        assert not is_blank(value)


class TestValues:
    @pytest.mark.parametrize(
        ("kind", "values", "cells", "misfits"),
        [
            ("text", ["00123", "=1+1", "NA", " x ", "Zoë 🛍"], ["00123", "=1+1", "NA", " x ", "Zoë 🛍"], []),
            ("text", [123, 1.5, True, b"\xff", b"x"], ["123", "1.5", "True", None, "x"], [0, 1, 2, 3]),
            ("text", [HALF, "whole"], ["half an emoji ?", "whole"], [0]),
            ("flag", [True, "TRUE", "yes", 1, 1.0, "1.0"], [True] * 6, []),
            ("flag", [False, "false", " No ", 0, 0.0], [False] * 5, []),
            ("flag", [np.bool_(True), "perhaps", 2], [True, None, None], [1, 2]),
            ("status", ["active", "inactive", "Active", 1], ["active", "inactive", None, None], [2, 3]),
            ("ids", [["a", "b"], "a,b", " a ,, b ", ("a",), [], ","], ["a, b", "a, b", "a, b", "a", None, None], []),
            ("ids", [7, {"a": 1}, b"x"], ["7", "{'a': 1}", "b'x'"], [0, 1, 2]),
            ("list", [[{"b": 1, "a": "ä"}], [], '["x"]'], ['[{"a":"ä","b":1}]', "[]", '["x"]'], []),
            ("object", [{"b": 1, "a": None}, 7, {1: 2}, 2**70], ['{"a":null,"b":1}', "7", None, None], [2, 3]),
        ],
    )  # fmt: skip
    def test_a_value_that_does_not_fit_is_reported_and_becomes_the_nearest_text(self, kind, values, cells, misfits):
        assert typed(kind, values) == (cells, misfits)

    @pytest.mark.parametrize(
        "value",
        [
            "2026-01-31T08:00:00Z",
            "2026-01-31T10:00:00+02:00",
            "2026-01-31 08:00",
            dt.datetime(2026, 1, 31, 8),  # noqa: DTZ001 - naive means UTC
            dt.datetime(2026, 1, 31, 10, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            pd.Timestamp("2026-01-31 08:00"),
            pd.Timestamp("2026-01-31 10:00", tz="+02:00"),
        ],
    )
    @pytest.mark.parametrize("others", [[], ["nonsense"], [dt.date(2026, 1, 31)]])
    def test_times_of_any_type_become_utc_and_naive_times_are_utc(self, value, others):
        cells, misfits = typed("time", [value, *others])
        assert cells == [pd.Timestamp("2026-01-31T08:00:00Z"), *[None] * len(others)]
        assert misfits == list(range(1, 1 + len(others)))

    def test_a_time_is_exact_to_the_microsecond_from_year_1_to_9999(self):
        texts = ["0001-01-01T00:00:00Z", "2026-01-31T08:00:00.123456Z", "9999-12-31T23:59:59.999999Z"]
        cells, _ = typed("time", texts)
        assert [cell.year for cell in cells] == [1, 2026, 9999]
        assert (cells[1].microsecond, cells[2].microsecond) == (123456, 999999)

    def test_a_misfit_in_a_record_says_where_and_what(self):
        frame, [(name, misfit)] = to_frame([{"id": "a"}, {"id": "b", "phone": 123}], CUSTOMER)
        assert (name, misfit.position, misfit.value) == ("phone", 1, 123)
        assert "number" in misfit.rule
        assert frame["phone"][1] == "123"

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
    def test_texts_are_unchanged(self, texts):
        frame, misfits = to_frame([{"designation": text} for text in texts], CONTACT)
        assert [None if is_blank(cell) else cell for cell in frame["designation"]] == [text or None for text in texts]
        assert misfits == []


class TestBack:
    @pytest.mark.parametrize(
        ("kind", "cell", "value"),
        [
            ("text", "a", "a"),
            ("text", float("nan"), None),
            ("flag", np.bool_(False), False),
            ("flag", pd.NA, None),
            ("ids", "a, b", ["a", "b"]),
            ("ids", float("nan"), None),
            ("time", pd.NaT, None),
        ],
    )
    def test_a_cell_becomes_the_value_of_a_record(self, kind, cell, value):
        result = to_record_value(cell, FIELDS[kind])
        assert result == value
        assert type(result) is type(value)

    @given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), max_size=5))
    def test_ids_are_unchanged_by_a_frame(self, ids):
        [cell], _ = typed("ids", [ids])
        assert split_ids(cell or "") == ids

    @pytest.mark.parametrize(("example", "table"), [("customer", CUSTOMER), ("contact", CONTACT)])
    def test_the_documented_examples_keep_their_meaning_in_a_frame(self, vendor, example, table):
        record = decode_record(vendor[example], table)
        frame, misfits = to_frame([record], table, details=True)
        assert misfits == []
        for name in frame.columns:
            kind, value, cell = table[name].kind, record.get(name), to_record_value(frame[name][0], table[name])
            if kind == "time":
                assert cell == dt.datetime.fromisoformat(value)
            elif kind in ("list", "object"):
                assert json.loads(cell) == value
            else:
                assert cell == value


def test_a_frame_of_problems_has_its_columns_also_without_rows():
    assert list(problems_frame().columns) == ["row", "column", "value", "rule"]
    assert problems_frame([(0, "a", [1], "odd")])["value"][0] == [1]


@given(st.lists(st.sampled_from(["", "a", "b", "cust_1", "cust_2", "é", "😀"])))
def test_repeated_texts_are_found_without_a_dictionary(texts):
    values = pd.Series(texts, dtype="str")
    assert is_repeated(values).tolist() == values.duplicated(keep=False).tolist()


@given(
    texts=st.lists(st.sampled_from([None, "", "a", "b", "ab", "ba", "é"]), min_size=1, max_size=9),
    edits=st.lists(st.tuples(st.integers(0, 99), st.sampled_from([None, "", "a", "b", "ab", "aab"])), max_size=6),
    start=st.sampled_from([0, 1, 31]),
)
@example(["a", "b"], [(2, "ab"), (3, "")], 0)  # the same bytes in other texts
def test_texts_that_differ_are_found_in_slices_and_in_pieces(texts, edits, start):
    before = (texts * 100)[:100]
    after = before.copy()
    for row, text in edits:
        after[row] = text
    left, right = (pd.Series(side, dtype="str").iloc[start:] for side in (before, after))
    expected = [one != other for one, other in zip(before[start:], after[start:], strict=True)]
    assert differs(left, right).tolist() == expected
    halves = pd.concat([right.iloc[:7], right.iloc[7:]])
    assert differs(halves, left).tolist() == expected


def test_bytes_that_arrow_keeps_behind_a_blank_are_ignored():
    was = pa.array(["a", "bb", "c"] * 100, pa.large_string())
    bits = pa.array([True, False, True] * 100).buffers()[1]
    blanked = pa.Array.from_buffers(pa.large_string(), 300, [bits, *was.buffers()[1:]])
    left, right = (pd.Series(texts, dtype="str") for texts in (blanked, was))
    assert differs(left, pd.Series(["a", None, "c"] * 100, dtype="str")).tolist() == [False] * 300
    assert differs(left, right).tolist() == [False, True, False] * 100


def test_a_release_of_memory_leaves_arrows_pool_as_it_is():
    before = pa.default_memory_pool().backend_name
    release_unused(10_000_000)
    assert pa.default_memory_pool().backend_name == before


def test_few_free_bytes_are_not_worth_a_release(monkeypatch):
    calls = []
    monkeypatch.setattr("wizframe.frames.arrow._malloc_trim", calls.append)
    release_unused(10_000)
    assert calls == []
    release_unused(10_000_000)
    assert calls == [0]
