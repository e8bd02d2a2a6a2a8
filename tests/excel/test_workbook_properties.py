"""Any frame comes back from a file unchanged, and any edits typed into the file are planned, and no others."""

import csv
import datetime as dt
import io
import os
import re
import unicodedata
import zipfile
from xml.sax.saxutils import escape as xml_escape

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.planning import cells_of
from support.workbook import ZOO, loaded, plan_of, same

import wizframe
from wizframe import CLEAR
from wizframe.excel.csv import escape
from wizframe.excel.sheet_data import letters
from wizframe.excel.workbook_file import open_workbook

EXAMPLES = int(os.environ.get("WIZFRAME_WORKBOOKS", "300"))
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
FREE = {"customers": ["display_name", "company_name", "payment_term", "shipping_method"], "contacts": ["designation"]}
IDS = ["c1", "00123", "1E5", "12345678901234567890", "TRUE", "é", "=1+1", "2024-01-02", "x,y;z", "-7", "NA", "a b"]

texts = st.one_of(st.none(), st.sampled_from(ZOO), st.text(max_size=12))
times = st.none() | st.datetimes(dt.datetime(1895, 1, 1), dt.datetime(2120, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
flags = st.none() | st.booleans()


@st.composite
def frames(draw, table):
    """Draw a loaded frame of up to six rows with the most awkward texts."""
    records = []
    for identifier in draw(st.lists(st.sampled_from(IDS), max_size=6, unique=True)):
        record = {"id": identifier, "created_at": draw(times), "updated_at": draw(times)}
        record["status"] = draw(st.sampled_from(["active", "inactive"]))
        record |= {name: draw(texts) for name in [*FREE[table], "phone", "email", "reference_id"]}
        record |= {"is_default": draw(flags), "customer_id": draw(texts)} if table == "contacts" else {}
        records.append(
            {name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in record.items()}
        )
    return loaded(table, records)


def plain(text):
    """What programs leave of a text at the least."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


@st.composite
def edits(draw, frame, table):
    """Draw edits of cells: (row, column) to a text, CLEAR, or None for blank; each differs from what is there."""
    cells = {}
    for _ in range(draw(st.integers(0, 4)) if len(frame) else 0):
        row, column = draw(st.integers(0, len(frame) - 1)), draw(st.sampled_from(FREE[table]))
        new = draw(st.one_of(texts, st.just(CLEAR)))
        old = frame[column][row]
        old = old if isinstance(old, str) else ""
        if new is None or (
            new.strip() and plain(new) != plain(old) and len(new) < 9_000 and not new.startswith("#")
            and not {"\ufffe", "\uffff"} & set(new)  # they reach a file as _xFFFE_, and no user can type them
            and (old or new != CLEAR)
        ):  # fmt: skip
            cells[row, column] = new
    return cells


def type_into_workbook(path, cells, sheet):
    """Type texts into cells, as a program stores them; a cell is (row of the sheet, header)."""
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    page = parts["xl/worksheets/sheet2.xml"].decode()
    headers = [str(header) for header in open_workbook(path).rows(sheet)[0]]
    for (row, column), text in cells.items():
        place = next(place for place, header in enumerate(headers) if header.split(" ")[0] == column)
        name = f"{letters(place)}{row}"
        page = re.sub(rf'<c r="{name}"[^>]*?(/>|>.*?</c>)', "", page, flags=re.DOTALL)
        stored = re.sub(
            "[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)", lambda found: f"_x{ord(found[0]):04X}_", text or ""
        )
        cell = f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{xml_escape(stored)}</t></is></c>'
        before, start, after = re.split(rf'(<row r="{row}"[^>]*>)', page, maxsplit=1)
        page = before + start + after.replace("</row>", (cell if text else "") + "</row>", 1)
    parts["xl/worksheets/sheet2.xml"] = page.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def type_into_csv(path, cells):
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    for (row, column), text in cells.items():
        rows[row - 1][rows[0].index(column)] = escape(text) if text else ""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)


def expected(frame, cells):
    """What the edits mean for a plan: (action, id, column) to value, and how many cells became blank."""
    sent = {
        ("update", frame["id"][row], column): "" if text == CLEAR else text
        for (row, column), text in cells.items()
        if text is not None and not (text == CLEAR and column in ("company_name", "display_name"))
    }
    blanked = {}
    for (row, column), text in cells.items():
        if text is None and isinstance(frame[column][row], str) and frame[column][row].strip():
            blanked[column] = blanked.get(column, 0) + 1
    return sent, blanked


def there_and_back(table, folder, data):
    frame = data.draw(frames(table))
    cells = data.draw(edits(frame, table))
    sent, blanked = expected(frame, cells)
    refused = sum(text == CLEAR and column in ("company_name", "display_name") for (_, column), text in cells.items())
    placed = {(row + 2, column): text for (row, column), text in cells.items()}
    for kind in ("xlsx", "csv"):
        path = folder / f"file.{kind}"
        if kind == "xlsx":
            frame.wiz.to_excel(path, zone=data.draw(st.sampled_from(ZONES)))
        else:
            frame.wiz.to_csv(path)
        read = wizframe.read_excel(path) if kind == "xlsx" else wizframe.read_csv(path)
        same(read, frame)
        assert not plan_of(read if kind == "xlsx" else wizframe.read_csv(path, original=frame))
        if kind == "xlsx":
            type_into_workbook(path, placed, table.capitalize())
            read = wizframe.read_excel(path)
        else:
            type_into_csv(path, placed)
            read = wizframe.read_csv(path, original=frame)
        plan = plan_of(read)
        assert cells_of(plan) == sent
        assert plan.blanked == blanked
        assert len(plan.problems) == refused
        assert read.index.tolist() == [number + 2 for number in range(len(frame))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("table", ["customers", "contacts"])
@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_a_file_carries_exactly_the_edits(table, folder, data):
    there_and_back(table, folder, data)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["customers", "contacts"])
@settings(max_examples=EXAMPLES // 2)
@given(data=st.data())
def test_a_file_carries_exactly_the_edits_many_times(table, folder, data):
    there_and_back(table, folder, data)
