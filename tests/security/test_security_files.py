"""Files for spreadsheets: no cell becomes a formula or a link, whatever it says, and none holds the key."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
import zipfile

import openpyxl
import pytest
from support.planning import load
from support.security import shows
from support.workbook import loaded, same

import wizframe

#: What Excel, LibreOffice or Google Sheets would run, fetch or call; some begin with what programs strip.
FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1,1)", "=cmd|'/c calc'!A1", '=HYPERLINK("http://127.0.0.1:9/"&A1,"x")',
    '=IMPORTXML("http://127.0.0.1:9","//a")', "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\u3000=1+1",
    "＝1+1", "＋1", "－1", "＠SUM(1)", '=1+1"', '"=1+1', "'=1+1", "=1+1,=2+2", 'x",=1+1,"', "x\n=1+1", "{=1+1}",
    "http://127.0.0.1:9/", "mailto:a@example.com", "file:///etc/passwd", "\\\\host\\share", "%0A=1+1", "_x003D_1+1",
    "]]><f>1+1</f>", "</t></is></c><c><f>1+1</f></c>", "&#61;1+1", "=\u200b1+1",
]  # fmt: skip
STARTS_A_FORMULA = re.compile(r"[\s\"]*[=+\-@＝＋－＠]")


@pytest.fixture
def frame():
    """A frame of hostile texts: cells, own columns and their names."""
    records = [
        {"id": f"cust_{number}", "reference_id": text, "company_name": text, "payment_term": text, "email": text}
        for number, text in enumerate(FORMULAS)
    ]
    made = loaded("customers", records)
    return made.assign(own=FORMULAS, **dict.fromkeys(FORMULAS[:5], FORMULAS))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "customers.xlsx"


LABELS = {"company_name": "=2+2", "payment_term": "@SUM(2)", "email": "http://127.0.0.1:9/"}


def parts_of(path):
    """Read the parts of a workbook."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def local_name(element):
    return element.tag.rpartition("}")[2]


class TestExcel:
    def test_no_cell_header_or_choice_is_a_formula_or_a_link(self, frame, path):
        wizframe.to_excel(frame, path, labels=LABELS)
        parts = parts_of(path)
        assert not [name for name in parts if re.search(r"external|vba|connection|query|embed|calcChain", name)]
        elements = [element for text in parts.values() for element in ET.fromstring(text).iter()]  # noqa: S314
        assert not {local_name(element) for element in elements} & {"f", "hyperlink", "ddeLink", "oleLink"}
        rules = {element.text for element in elements if local_name(element).startswith("formula")}
        assert all(re.fullmatch(RULE, rule) for rule in rules), rules
        names = {element.get("name") for element in elements if local_name(element) == "definedName"}
        assert all(name.startswith("_xlnm.") for name in names)

    def test_every_text_comes_back_identical(self, frame, path):
        wizframe.to_excel(frame, path)
        same(wizframe.read_excel(path), frame)

    def test_a_formula_would_be_found(self, path):
        book = openpyxl.Workbook()
        book.active["A1"] = "=1+1"
        book.save(path)
        elements = [element for text in parts_of(path).values() for element in ET.fromstring(text).iter()]  # noqa: S314
        assert "f" in {local_name(element) for element in elements}


#: The rules of a sheet: constants of ours, and places in the hidden sheet.
RULE = r'"DELETE"|"TRUE,FALSE"|FALSE|wizframe!\$[B-Z]\$1:\$[B-Z]\$\d+|UPPER\(TRIM\(\$A2\)\)="DELETE"'


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_no_cell_or_header_begins_like_a_formula(self, frame, tmp_path, delimiter):
        path = tmp_path / "customers.csv"
        wizframe.to_csv(frame, path, labels=LABELS, delimiter=delimiter)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=delimiter))
        assert len(rows) == len(FORMULAS) + 1
        assert [cell for row in rows for cell in row if STARTS_A_FORMULA.match(cell)] == []

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_every_text_comes_back_identical(self, frame, tmp_path, delimiter):
        path = tmp_path / "customers.csv"
        wizframe.to_csv(frame, path, delimiter=delimiter)
        same(wizframe.read_csv(path), frame)


class TestKey:
    def test_no_file_holds_it(self, wiz, tmp_path):
        customers = load(wiz)
        contacts = load(wiz, "contacts")
        wizframe.to_excel(customers, tmp_path / "both.xlsx", contacts=contacts)
        wizframe.to_csv(customers, tmp_path / "customers.csv")
        customers.to_excel(tmp_path / "plain.xlsx")
        texts = [text for name in ("both", "plain") for text in parts_of(tmp_path / f"{name}.xlsx").values()]
        texts.append((tmp_path / "customers.csv").read_text("utf-8"))
        assert len(texts) > 10
        assert shows("\n".join(texts), wizframe.SANDBOX_API_KEY) == set()
