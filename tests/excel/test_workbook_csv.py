"""To CSV and back: no spreadsheet makes a formula, a number or a date of a text, and CSV of any program is read."""

import codecs
import csv
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import cells_of
from support.workbook import ZOO, loaded, plan_of, same

import wizframe
from wizframe.errors import InvalidDataError, InvalidDataWarning, InvalidRequestError, UnreadableFileError
from wizframe.excel.csv import escape, unescape

HEADER = "id,reference_id,display_name,payment_term\r\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.csv"


@pytest.fixture
def frame():
    names = ["Ada; & Co", "=1+1", "00123", "two\r\nlines", 'say "hi"', None]
    records = [{"id": f"c{n}", "reference_id": f"R{n}", "display_name": name} for n, name in enumerate(names)]
    return loaded("customers", records)[["id", "reference_id", "display_name", "payment_term"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_an_unedited_file_comes_back_as_it_was(frame, path, delimiter):
    frame.wiz.to_csv(path, delimiter=delimiter, progress=False)
    assert path.read_bytes().startswith(codecs.BOM_UTF8)  # or Excel takes it for Windows-1252
    read = wizframe.read_csv(path)
    same(read, frame)
    assert read.index.tolist() == [2, 3, 4, 5, 6, 7]
    assert not plan_of(wizframe.read_csv(path, original=frame))


def test_edits_in_a_spreadsheet_are_found_with_the_file_that_was_sent(frame, path, tmp_path):
    frame.wiz.to_csv(path)
    (tmp_path / "sent.csv").write_bytes(path.read_bytes())
    text = path.read_text("utf-8-sig").replace("\r\nlines", "\nlines").replace("R2", "R2b")
    path.write_text(text, "utf-8", newline="")
    read = wizframe.read_csv(path, original=frame)
    assert cells_of(plan_of(read)) == {("update", "c2", "reference_id"): "R2b"}
    other = wizframe.read_csv(path, original=tmp_path / "sent.csv", table="customers")
    assert other["display_name"][5] == "two\r\nlines"


def test_every_column_has_its_dtype(path):
    record = {"id": "c1", "customer_id": "k1", "is_default": True, "status": "active",
              "created_at": "2026-01-31T08:00:00.123456Z", "updated_at": "2026-01-31T08:00:00Z"}  # fmt: skip
    frame = loaded("contacts", [record, {"id": "c2"}])
    frame.wiz.to_csv(path)
    same(wizframe.read_csv(path), frame)
    text = path.read_text("utf-8-sig")
    assert "TRUE" in text
    assert "2026-01-31T08:00:00.123456Z" in text
    assert "2026-01-31T08:00:00Z" in text


def test_headers_are_translated_there_and_back(frame, path):
    frame.wiz.to_csv(path, labels={"payment_term": "Zahlungsziel"})
    assert wizframe.read_csv(path).columns[-1] == "Zahlungsziel"
    same(wizframe.read_csv(path, labels={"payment_term": "Zahlungsziel"}), frame)
    same(wizframe.read_csv(path, rename={"zahlungsziel": "payment_term"}), frame)


# ---------------------------------------------------------------- what a spreadsheet would change


@pytest.mark.parametrize("text", ZOO)
def test_no_awkward_text_is_changed_by_csv(path, text):
    assert unescape(escape(text)) == text
    frame = loaded("customers", [{"id": "c1", "display_name": text}])[["id", "display_name"]]
    frame.wiz.to_csv(path)
    same(wizframe.read_csv(path), frame)


@given(st.text())
@settings(max_examples=300)
def test_only_an_escape_is_removed(text):
    assert unescape(escape(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "00123", "1E5", "1,5", "1.234.567", "1/2", "1-2", "12:30",
        "2024-01-02", "31.12.2026", "5 May", "MAR1", "DEC 10", "5. Mai", "14 juil", "3 PM", "3a", "50%", "€5", "$5",
        "TRUE", "wahr", "#N/A", "#REF!", "#DIV/0!", "１２３", "(5)", "1234567890123456", "   ",
    ],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_change_is_escaped(text):
    assert escape(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["Ada", "CUST00003", "net30", "a@b.org", "12 Monkeys", "May", "#5 Main St", "Marzipan 5", "a=b", "x-1", "x"]
)
def test_a_text_that_no_spreadsheet_changes_is_not_escaped(text):
    assert escape(text) == text


def test_no_cell_begins_like_a_formula(path):
    texts = [f"{space}{sign}cmd|' /C calc'!A0" for sign in "=+-@" for space in ("", " ", "\t", "\n", "\r", "\xa0")]
    frame = loaded("customers", [{"id": text, "display_name": text, "phone": text} for text in texts])
    frame.assign(own=texts).wiz.to_csv(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.strip()[:1] in set("=+-@") - {""}]


def test_an_apostrophe_of_another_program_stays(path):
    path.write_text(HEADER + "c1,R1,'s Hertogenbosch,'00123\r\n", "utf-8")
    read = wizframe.read_csv(path)
    assert read["display_name"].tolist() == ["'s Hertogenbosch"]
    assert read["payment_term"].tolist() == ["00123"]  # others mark a text so, too


# ---------------------------------------------------------------- what other programs write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_in_encodings_with_a_mark(path, encoding):
    path.write_bytes((HEADER + "c1,R1,Ünïcödé 日本,net30\r\n").encode(encoding))
    assert wizframe.read_csv(path)["display_name"].tolist() == ["Ünïcödé 日本"]


def test_other_encodings_are_never_guessed(path):
    path.write_bytes((HEADER + "c1,R1,Zürich,net30\r\n").encode("cp1252"))
    with pytest.raises(UnreadableFileError, match="encoding='cp1252'"):
        wizframe.read_csv(path)
    assert wizframe.read_csv(path, encoding="cp1252")["display_name"].tolist() == ["Zürich"]
    with pytest.raises(InvalidRequestError, match="not an encoding that Python knows"):
        wizframe.read_csv(path, encoding="cp9999")
    path.write_bytes((HEADER + "c1,R1,Zürich,net30\r\n").encode("utf-16-le"))
    with pytest.raises(UnreadableFileError, match="utf-16-le"):
        wizframe.read_csv(path)
    assert wizframe.read_csv(path, encoding="utf-16-le")["display_name"].tolist() == ["Zürich"]


@pytest.mark.parametrize(
    "text",
    [
        "id;display_name;payment_term\r\nc1;A, B, C;net30\r\n",
        '"id";"display_name";"payment_term"\n"c1";"A, B, C";"net30"\n',
        "sep=;\r\nid;display_name;payment_term\r\nc1;A, B, C;net30\r\n",
        "id\tdisplay_name\tpayment_term\rc1\tA, B, C\tnet30\r",
        'id,"display_name","payment_term"\nc1,"A, B, C",net30',
        "id|display_name|payment_term\nc1|A, B, C|net30\n\n\n",
        '\n"the, report";;\nid;display_name;payment_term;;\nc1;A, B, C;net30;;\n;;;;\n',
    ],
)
def test_the_delimiter_is_found_out(path, text):
    path.write_text(text, "utf-8", newline="")
    read = wizframe.read_csv(path)
    assert read[["id", "display_name", "payment_term"]].to_numpy().tolist() == [["c1", "A, B, C", "net30"]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("c1,R1,Ada, Byron,net30\r\n", "row 2 has 5 cells, but the header has 4"),
        ('c1,R1,"Ada,net30\r\n', "line 2, has quotes that do not match"),
        ('c1,R1,"A"da,net30\r\n', "line 2, has quotes that do not match"),
        ("c1,R1,Ada,net30\r\nc2,R2,B", "ends in the middle of row 3"),
    ],
)
def test_a_file_with_cells_that_may_have_moved_is_refused(path, body, words):
    path.write_text(HEADER + body, "utf-8", newline="")
    with pytest.raises(UnreadableFileError, match=words):
        wizframe.read_csv(path)


def test_a_foreign_file_is_renamed_and_translated(path):
    path.write_text("KUNNR;ZTERM;Note\n0000123;ZB30;x\n0000124;net60;\n;;\n", "cp1252")
    options = {
        "rename": {"KUNNR": "reference_id", "ZTERM": "payment_term"},
        "values": {"payment_term": {"ZB30": "net30", "ZB60": "net60"}},
    }
    read = wizframe.read_csv(path, **options)
    assert read.columns.tolist() == ["reference_id", "payment_term", "Note"]
    assert read[["reference_id", "payment_term"]].to_numpy().tolist() == [["0000123", "net30"], ["0000124", "net60"]]
    assert read.index.name == "file!"
    with pytest.raises(InvalidRequestError, match="no column 'LIFNR'"):
        wizframe.read_csv(path, rename={"LIFNR": "reference_id"})


def test_an_unclear_day_is_reported_with_its_place(path):
    path.write_text("id,company_name,updated_at\nc1,A,01/02/2026\nc2,B,31.12.2026\n", "utf-8")
    with pytest.warns(InvalidDataWarning, match="file!C2 '01/02/2026' may be 2026-01-02 or 2026-02-01"):
        read = wizframe.read_csv(path)
    assert read["updated_at"][3] == pd.Timestamp("2026-12-31", tz="UTC")


def test_the_error_of_a_formula_is_unclear_but_an_escaped_text_like_it_is_a_text(path):
    path.write_text(HEADER + "c1,R1,'#N/A,#N/A\n", "utf-8")
    with pytest.warns(InvalidDataWarning, match="file!D2 '#N/A' is the error of a formula"):
        read = wizframe.read_csv(path)
    assert read["display_name"].tolist() == ["#N/A"]


def test_a_file_that_is_not_csv_is_refused(path, frame):
    path.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match="is empty"):
        wizframe.read_csv(path)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(UnreadableFileError, match=r"Read it with wizframe\.read_excel\(\)"):
        wizframe.read_csv(path)
    path.write_text("id,ID,company_name\nc1,c2,A\n", "utf-8")
    with pytest.raises(InvalidDataError, match="file!A and file!B both mean the column 'id'"):
        wizframe.read_csv(path)
    for delimiter in ("", ",,", '"', "\n"):
        with pytest.raises(InvalidRequestError, match=r"delimiter=.* is not valid \(allowed: one character, such as"):
            frame.wiz.to_csv(path, delimiter=delimiter)


def test_long_cells_are_read_and_the_limit_of_the_csv_module_is_restored(path):
    before = csv.field_size_limit()
    frame = loaded("customers", [{"id": "c1", "addresses": "x" * 500_000}], details=True)[["id", "addresses"]]
    frame.wiz.to_csv(path)
    same(wizframe.read_csv(path, table="customers"), frame)
    assert csv.field_size_limit() == before


def test_a_file_with_many_columns_is_read_in_time_that_grows_with_their_number(tmp_path):
    names = [f"c{number}" for number in range(10_000)]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + "1," * 9_999 + "1\n", "utf-8")
    began = time.process_time()
    frame = wizframe.read_csv(tmp_path / "wide.csv")
    assert list(frame) == names
    assert [frame[name].iloc[0] for name in names[:2_000]] == ["1"] * 2_000  # each access copied the attrs
    assert time.process_time() - began < 30  # 7 minutes before


def test_headers_that_repeat_keep_all_columns(tmp_path):
    (tmp_path / "again.csv").write_text("x (C),x,x,x (C),,y\n1,2,3,4,5,6\n", "utf-8")
    frame = wizframe.read_csv(tmp_path / "again.csv")
    assert frame.iloc[0].tolist() == list("123456")
    assert frame.columns.is_unique
