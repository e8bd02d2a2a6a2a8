# ruff: noqa: DTZ001 - a cell's time has no zone
"""One cell: it is unchanged if it still shows the exported value, and unclear if it may mean several things."""

import datetime as dt
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from wizframe.excel.cells import as_text, cut, read_cell, still_shows
from wizframe.excel.dates import readings
from wizframe.excel.layout import plain_header, zone_of
from wizframe.excel.sheet_data import letters
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.frames.build import Unsure, column

TEXT, FLAG, TIME = CUSTOMER["display_name"], CONTACT["is_default"], CUSTOMER["updated_at"]
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = pd.Timestamp("2026-12-31T13:30:15.123456Z")  # 14:30:15 in Berlin


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a\nb", "a\r\nb"),
        ("a\nb", "a\rb"),
        ("é", "e\u0301"),
        ("_xFFFE_", "\ufffe"),
        ("", "   "),
        (" ", None),
        ("", None),
        (123.0, "00123"),
        (100000.0, "1E5"),
        (14155552671, "+14155552671"),
        (1234567890123450.0, "1234567890123456"),  # Excel keeps 15 digits
        (1234567890123460.0, "1234567890123456"),
        (1234567890123456.0, "1234567890123456"),
        (1234567890123450.0, "0001234567890123456"),
        (12345678901234500000.0, "12345678901234567890"),
        (12345678901234570000.0, "12345678901234567890"),  # and others 16
        (1234567890.12345, "1234567890.123456789"),
        (-1234567890123450.0, "-1234567890123456"),
        (True, "TRUE"),
        (False, "Falsch"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.datetime(2024, 1, 2, 12, 30), "2024-01-02 12:30"),
    ],
)
def test_a_text_that_a_program_stored_in_another_form_is_unchanged(raw, value):
    assert still_shows(raw, value, TEXT, BERLIN)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a", "a "),
        ("A", "a"),
        ("", "a"),
        ("a", None),
        ("123", "00123"),
        (124.0, "00123"),
        (1.0, "TRUE"),
        (True, "FALSE"),
        (True, "1"),
        (45.0, "net45"),
        (dt.date(2024, 1, 3), "2024-01-02"),
        (dt.date(2024, 1, 2), "next week"),
        (1234567890123456.0, "1234567890129999"),
        (1234567890123459.0, "1234567890123456"),
        (1234567890123440.0, "1234567890123456"),
        (12345678901234511000.0, "12345678901234567890"),
        (1234567890123450.0, "-1234567890123456"),
        (1000.0, "1_000"),  # a number in Python only
        (5.0, "1e9999999999999999999"),
        (5.0, "nan"),
    ],
)
def test_a_text_that_a_person_changed_is_an_edit(raw, value):
    assert not still_shows(raw, value, TEXT, BERLIN)


@pytest.mark.parametrize("raw", [True, 1, 1.0, "TRUE", "wahr", " Ja ", "1", "1.0", "VERDADERO", "sì"])
def test_true_is_read_in_many_languages(raw):
    assert read_cell(raw, FLAG, BERLIN) is True
    assert still_shows(raw, True, FLAG, BERLIN)
    assert not still_shows(raw, False, FLAG, BERLIN)


@pytest.mark.parametrize("raw", [False, 0, 0.0, "FALSE", "falsch", "nein", "0"])
def test_false_is_read_in_many_languages(raw):
    assert read_cell(raw, FLAG, BERLIN) is False
    assert still_shows(raw, False, FLAG, BERLIN)


@pytest.mark.parametrize(
    "raw",
    [
        dt.datetime(2026, 12, 31, 14, 30, 15, 123000),
        dt.datetime(2026, 12, 31, 14, 30),
        dt.date(2026, 12, 31),
        46387.60434,
        "2026-12-31 14:30",
        "2026-12-31T13:30:15Z",
        "31.12.2026",
        "31.12.2026 14:30",
        "31.12.26, 14:30:15",
        "12/31/2026 2:30 PM",
        "31/12/2026 2:30 p.m.",
    ],
)
def test_a_time_in_any_form_is_unchanged(raw):
    assert still_shows(raw, MOMENT, TIME, BERLIN)


@pytest.mark.parametrize(
    "raw", ["2026-12-31 15:30", dt.datetime(2026, 12, 31, 14, 32), dt.date(2027, 1, 1), "soon", "", 12.0, True]
)
def test_another_time_is_a_change(raw):
    assert not still_shows(raw, MOMENT, TIME, BERLIN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("01/02/2026", [(2026, 1, 2), (2026, 2, 1)]),
        ("01-02-2026", [(2026, 1, 2), (2026, 2, 1)]),
        ("02/02/2026", [(2026, 2, 2)]),
        ("13/02/2026", [(2026, 2, 13)]),
        ("01.02.2026", [(2026, 2, 1)]),
        ("1.2.69", [(2069, 2, 1)]),
        ("1.2.70", [(1970, 2, 1)]),
        ("2026/2/1", [(2026, 2, 1)]),
        ("31.02.2026", []),
        ("99.99.2026", []),
        ("1.2.2026 25:00", []),
        ("1.2.2026 13:00 pm", []),
        ("1.2.0", [(2000, 2, 1)]),
        ("1.2", []),
        ("now", []),
    ],
)
def test_a_date_may_mean_one_day_two_days_or_none(text, found):
    assert [reading.moment.timetuple()[:3] for reading in readings(text, BERLIN)] == found


def test_midnight_and_noon_in_twelve_hours():
    hours = {
        text: readings(f"1.2.2026 {text}", BERLIN)[0].moment.hour for text in ("12:00 AM", "12:00 pm", "1:00 a.m.")
    }
    assert hours == {"12:00 AM": 0, "12:00 pm": 12, "1:00 a.m.": 1}


def test_a_new_time_is_read_in_the_zone_of_the_sheet_and_an_unclear_one_is_not_guessed():
    assert pd.Timestamp(read_cell("31.12.2026 14:30", TIME, BERLIN)) == pd.Timestamp("2026-12-31T13:30Z")
    unclear = read_cell("01/02/2026", TIME, BERLIN)
    assert unclear == Unsure("01/02/2026", "may be 2026-01-02 or 2026-02-01: write it as in 2026-12-31")
    assert read_cell("soon", TIME, BERLIN) == "soon"


@pytest.mark.parametrize(
    ("raw", "value", "word"),
    [
        (45.0, "45", "number"),
        (4.5, "4.5", "number"),
        (True, "True", "boolean"),
        (dt.date(2026, 1, 2), "2026-01-02", "date"),
    ],
)
def test_other_values_than_texts_in_a_text_column_are_unclear(raw, value, word):
    unclear = read_cell(raw, TEXT, BERLIN)
    assert unclear.value == value == str(unclear)
    assert word in unclear.rule


def test_an_unclear_cell_is_a_misfit_of_every_kind_of_column():
    for field in (TEXT, FLAG, TIME, CUSTOMER["status"], CUSTOMER["addresses"]):
        typed, misfits = column(pd.Series([Unsure("x", "is unclear"), None], dtype=object), field)
        assert typed.isna().all()
        assert misfits == [(0, "x", "is unclear")]


@pytest.mark.parametrize("length", [1, 16_383, 16_384, 32_767, 32_768, 100_000])
@pytest.mark.parametrize("character", ["x", "é", "日", "🧵"])
def test_a_text_is_cut_only_if_excel_would_refuse_it(character, length):
    text = character * length
    fits = len(text.encode("utf-16-le")) // 2 <= 32_767
    assert (cut(text) == text) == fits
    assert len(cut(text).encode("utf-16-le")) // 2 <= 32_767


def test_headers_that_differ_only_in_case_spaces_and_marks_mean_the_same():
    same = ["payment_term", "Payment Term", " PAYMENT  TERM *", "payment-term", "Payment_Term*", "ｐayment term"]
    assert {plain_header(header) for header in same} == {"payment_term"}
    assert plain_header("updated_at (Europe/Berlin)") == plain_header("Updated at (UTC)") == "updated_at"
    assert plain_header("phone (work)") != "phone"
    assert zone_of("Updated (America/New_York) *") == "America/New_York"
    assert zone_of("updated_at") is None


def test_columns_are_named_as_in_a_spreadsheet():
    assert [letters(place) for place in (0, 25, 26, 51, 52, 701, 702, 16_383)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip


def test_a_number_is_written_as_a_person_types_it():
    assert [as_text(cell) for cell in (45.0, 45, 4.5, "045", 1e20)] == [
        "45",
        "45",
        "4.5",
        "045",
        "100000000000000000000",
    ]
