"""A workbook that was opened in LibreOffice and saved again is the workbook that was sent."""

import shutil

import pandas as pd
import pytest
from support.planning import cells_of, load
from support.workbook import ZOO, edit, libreoffice, loaded, plan_of, same

import wizframe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("libreoffice"),
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.skipif(
        shutil.which("soffice") is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc"
    ),
]


#: LibreOffice escapes only one of two codes that share a "_", and reads its own file back as "_x0041B".
SPOILT_BY_LIBREOFFICE = {"_x0041_x0042_", "\x01_x00e4_x00e4_x00e4_"}


def zoo():
    """Customers and contacts with every awkward text, in a column of its own meaning and in others."""
    texts = [text for text in ZOO if text not in SPOILT_BY_LIBREOFFICE]
    times = ["2026-03-29T01:30:00.123456Z", "2026-10-25T00:30:00Z", "1999-12-31T23:59:59.999999Z", None]
    customers = [
        {"id": f"c{number}", "display_name": text, "company_name": f"A {text[:100]}", "payment_term": text[:50][::-1],
         "created_at": times[number % 4], "updated_at": times[0]}
        for number, text in enumerate(texts)
    ]  # fmt: skip
    contacts = [
        {"id": f"k{number}", "customer_id": "c1", "designation": text, "is_default": [True, False, None][number % 3]}
        for number, text in enumerate(texts)
    ]
    return loaded("customers", customers), loaded("contacts", contacts)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_every_awkward_text_survives_being_saved(tmp_path, zone):
    customers, contacts = zoo()
    customers.wiz.to_excel(tmp_path / "sent.xlsx", contacts=contacts, zone=zone)
    saved = libreoffice(tmp_path / "sent.xlsx", tmp_path)
    both = wizframe.read_excel(saved)
    same(both.customers, customers)
    same(both.contacts, contacts)
    assert not plan_of(both.customers)
    assert not plan_of(both.contacts)


def test_edits_and_no_others_survive_being_saved(wiz, tmp_path):
    customers = load(wiz)
    customers.wiz.to_excel(tmp_path / "sent.xlsx")
    new = {("company_name", 32): "New", ("display_name", 32): "New"}
    edit(tmp_path / "sent.xlsx", {("payment_term", 5): "00123", ("display_name", 9): "=1+1"} | new)
    plan = wizframe.read_excel(libreoffice(tmp_path / "sent.xlsx", tmp_path)).wiz.plan()
    assert plan.problems.empty
    found = cells_of(plan)
    assert found.pop(("update", customers["id"][3], "payment_term")) == "00123"
    assert found.pop(("update", customers["id"][7], "display_name")) == "=1+1"
    assert {action for action, _, _ in found} == {"create"}


def test_an_old_format_and_back_changes_nothing(tmp_path):
    frame = loaded("customers", [{"id": f"c{number}", "display_name": text} for number, text in enumerate(ZOO[:40])])
    frame.wiz.to_excel(tmp_path / "sent.xlsx")
    there = libreoffice(tmp_path / "sent.xlsx", tmp_path, "ods")
    back = libreoffice(there, tmp_path)
    same(wizframe.read_excel(back), frame)


def test_a_csv_file_that_was_saved_again_is_the_file_that_was_sent(tmp_path):
    texts = [text for text in ZOO if len(text) < 10_000]
    frame = loaded("customers", [{"id": f"c{number}", "display_name": text} for number, text in enumerate(texts)])
    frame = frame.assign(updated_at=pd.Timestamp("2026-03-29T01:30:00.123456Z"))
    frame.wiz.to_csv(tmp_path / "sent.csv")
    form = "44,34,76,1,,0,false,{},false"  # comma, double quote, UTF-8; {}: whether to look for numbers
    options = (f"csv:Text - txt - csv (StarCalc):{form.format('false')}", f"--infilter=CSV:{form.format('true')}")
    saved = libreoffice(tmp_path / "sent.csv", tmp_path, *options)
    same(wizframe.read_csv(saved, original=frame), frame)
