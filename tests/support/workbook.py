"""What the tests of workbooks share: frames that need no service, awkward texts, and programs that rewrite the file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd

from wizframe.account import Account
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.frames.baselines import Baseline, attach, attached
from wizframe.frames.build import to_frame
from wizframe.frames.problems import problems_frame
from wizframe.planning.builder import Options, plan_edits
from wizframe.planning.match import Service
from wizframe.planning.table_choice import which_table
from wizframe.pushing.plan import Plan

#: Texts that some program takes for a formula, a number, a date, a truth value or nothing, and some that it may spoil.
ZOO = [
    "=1+1", "+14155552671", "00123", "1E5", "@x", "-1", "NA", "null", "nan", "None", "TRUE", "wahr", "2024-01-02",
    "31.12.2026", "1/2", "3-4", "12:30", "50%", "€5", "1,5", "1.0", "MAR1", "5 Mai", "3 a", "SEPT2", "#N/A", "#REF!",
    "1234567890123456", "12345678901234567890", "🧵👩\u200d👩", "שלום עולם", "مرحبا", "日本語", "e\u0301", "é",
    "#DIV/0!", "\u200bx", "\ufeffx",
    "two\nlines", "a\r\nb", "a\rb", "\ttab", "x\x01y", "n\x00ul", "\x0b", "\x7f", "\x85", "\u2028", "\ufffe",
    "\uffff",
    "_x0041_", "_x005F_x0041_", "_x000D_", "_xFFFE_", " leading", "trailing ", "   ", "\xa0", "'quoted", "''", "'00123",
    "'s Hertogenbosch", "http://example.com", "a,b;c\td|e", 'say "hi"', "\\", "<b>&amp;</b>", "]]>", "<clear> ", "＝1",
    "%s{}", "<r>&</r>", "<r><t>x</t></r>", "<r>\x01\r\n</r>", "_x0041_x0042_", "\x01_x00e4_x00e4_x00e4_",
    "x" * 32_767, "y" * 40_000, "🧵" * 16_383 + "x", "🧵" * 16_384, "<command>", "DELETE", "Ünïcödé", "0",
    "yes",
]  # fmt: skip
TABLES = {"customers": CUSTOMER, "contacts": CONTACT}
ACCOUNT = Account("http://127.0.0.1:1/v1", "test")


def loaded(table, records, **options):
    """Make a frame as if it had been loaded, with its baseline."""
    frame, _ = to_frame(records, TABLES[table], **options)
    own = Baseline(TABLES[table], ACCOUNT, "here", frame.copy(), problems_frame(), {"status": "active"})
    attach(frame, own)
    return frame


def plan_of(frame, **options):
    """Plan a frame against a service that must not be asked anything."""
    table = which_table(frame, options.pop("table", None), attached(frame))
    return Plan(plan_edits({table.name: frame}, Service(ACCOUNT, "elsewhere", Silent()), Options(**options)))


class Silent:
    """Look-ups of a service without records, which is asked only whether references are free."""

    def by_reference(self, _table, _keys):
        return {}

    def by_id(self, _table, _keys):
        return {}

    def children(self, _table, parent_ids):
        return {one: [] for one in parent_ids}


def same(read, sent):
    """Assert that a frame is what was exported: the cells, the dtypes and the order of columns."""
    pd.testing.assert_frame_equal(read.reset_index(drop=True), sent.reset_index(drop=True))


def edit(path, cells, sheet="Customers"):
    """Type into cells of a workbook; a cell is "B3" or (header, row)."""

    def change(book):
        page = book[sheet]
        places = {str(cell.value).split(" (")[0].removesuffix(" *"): cell.column_letter for cell in page[1]}
        for place, value in cells.items():
            cell = page[place if isinstance(place, str) else f"{places[place[0]]}{place[1]}"]
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # typed into a cell that is formatted as text: "=1+1" is not a formula

    rewrite(path, change)


def rewrite(path, change):
    """Change a workbook as another program does: openpyxl reads and writes all of it."""
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)


def libreoffice(path, folder, kind="xlsx", *options):
    """Open a file in LibreOffice and save it again; give the new file."""
    profile = folder / "profile"
    command = [shutil.which("soffice"), f"-env:UserInstallation={profile.as_uri()}", "--headless", *options,
               "--convert-to", kind, "--outdir", str(folder / "saved"), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return folder / "saved" / Path(path).with_suffix(f".{kind.split(':')[0]}").name
