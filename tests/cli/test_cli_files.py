"""Files on the command line: exported, edited without Python, planned and pushed, with a result for each row."""

import json

import openpyxl
import pandas as pd
import pytest
from support.cli import run
from support.planning import load, stored, writes

import wizframe
from wizframe.server import Fault


def edit(path, cells, sheet="Customers"):
    """Edit cells by row and header; a row may be one below the last."""
    book = openpyxl.load_workbook(path)
    page = book[sheet]
    headers = {str(cell.value).rstrip(" *"): cell.column for cell in page[1]}
    for row, header, value in cells:
        page.cell(row, headers[header]).value = value
    book.save(path)
    return {header: page.cell(2, column).value for header, column in headers.items()}


def test_a_workbook_goes_out_and_comes_back_and_exactly_the_edits_are_pushed(wiz, tmp_path):
    book, before = str(tmp_path / "customers.xlsx"), stored(wiz, "customers")
    done = run(wiz, "export", "customers", "--status", "active", "-o", book)
    assert done.returncode == 0
    assert all(line.startswith("wizframe: ") and "break the schema" in line for line in done.stderr.splitlines())
    assert run(wiz, "plan", book, "--detailed-exitcode").returncode == 0
    last = sum(record["status"] == "active" for record in before.values()) + 2
    row = edit(
        book,
        [
            (2, "payment_term", "net77"),
            (last, "company_name", "New Shop"),
            (last, "display_name", "New"),
            (3, "Command", "DELETE"),
        ],
    )
    planned = run(wiz, "plan", book, "--detailed-exitcode")
    assert (planned.returncode, "+ 1 to create, ~ 1 to update, - 1 to delete" in planned.stdout) == (10, True)
    refused = run(wiz, "push", book, "--yes", "--max-changes", "9")
    assert (refused.returncode, writes(wiz)) == (5, [])
    results = str(tmp_path / "results.xlsx")
    done = run(wiz, "push", book, "--yes", "--max-changes", "9", "--max-deletes", "1", "--results", results)
    assert (done.returncode, "3 done" in done.stdout) == (0, True)
    after = stored(wiz, "customers")
    assert after[row["id"]]["payment_term"] == "net77"
    assert len(after) == len(before)
    told = wizframe.read_excel(results)
    assert set(told["state"]) == {"done"}
    assert run(wiz, "plan", results, "--detailed-exitcode").returncode == 0


def test_failed_rows_come_first_in_the_results_and_can_be_corrected_there(wiz, tmp_path):
    book, results = str(tmp_path / "customers.xlsx"), str(tmp_path / "results.xlsx")
    run(wiz, "export", "customers", "-o", book)
    row = edit(book, [(number, "payment_term", f"net{number}") for number in (2, 3, 4)])
    wiz.server.overwrite("customers", row["id"], payment_term="elsewhere")
    wiz.server.faults.add(Fault("answer", "customers.update", status=422))
    done = run(wiz, "push", book, "--yes", "--max-changes", "9", "--results", results)
    assert done.returncode == 3
    told = wizframe.read_excel(results)
    assert told["state"].tolist() == ["failed", "conflict", "done"]
    assert told["what_happened"].str.contains("422|changed in WizCommerce|changed").all()
    edit(results, [(2, "payment_term", "net2"), (3, "payment_term", "elsewhere")])
    done = run(wiz, "push", results, "--yes", "--max-changes", "9")
    assert (done.returncode, "2 done" in done.stdout) == (0, True), done.stdout
    assert sorted(r["payment_term"] for r in stored(wiz, "customers").values()).count("net2") == 1


def test_both_sheets_are_one_plan(wiz, tmp_path):
    book = str(tmp_path / "both.xlsx")
    done = run(wiz, "export", "customers", "--with-contacts", "-o", book)
    assert "contacts" in done.stdout
    edit(book, [(2, "payment_term", "net77")])
    edit(book, [(2, "designation", "Pilot")], "Contacts")
    planned = run(wiz, "plan", book)
    assert "for the customers and contacts of" in planned.stdout
    assert "~ 2 to update" in planned.stdout


def test_a_foreign_file_is_read_by_a_map(wiz, tmp_path):
    references = [record["reference_id"] for record in stored(wiz, "customers").values()][:2]
    (tmp_path / "erp.csv").write_text("KUNNR;ZTERM\n" + "".join(f"{r};ZB77\n" for r in references), "utf-8")
    (tmp_path / "map.toml").write_text(
        '[rename]\nKUNNR = "reference_id"\nZTERM = "payment_term"\n[values.payment_term]\nZB77 = "net77"\n'
    )
    file, how = (
        str(tmp_path / "erp.csv"),
        ["--table", "customers", "--match", "reference_id", "--map", str(tmp_path / "map.toml")],
    )
    saved = tmp_path / "plan.json"
    planned = run(wiz, "plan", file, *how, "-o", str(saved))
    assert "~ 2 to update" in planned.stdout
    done = run(wiz, "push", str(saved), "--expect", json.loads(saved.read_text("utf-8"))["id"], "--yes")
    assert (done.returncode, "2 done" in done.stdout) == (0, True)
    assert run(wiz, "plan", file, *how, "--detailed-exitcode").returncode == 0
    (tmp_path / "map.toml").write_text("[renames]\n")
    refused = run(wiz, "plan", file, *how)
    assert (refused.returncode, "renames" in refused.stderr) == (6, True)


def test_problems_of_a_file_name_their_cells(wiz, tmp_path):
    book = str(tmp_path / "customers.xlsx")
    run(wiz, "export", "customers", "-o", book)
    edit(book, [(5, "phone", "not a number")])
    planned = run(wiz, "plan", book)
    assert planned.returncode == 6
    assert "Customers!" in planned.stdout
    assert writes(wiz) == []


@pytest.fixture
def stale(wiz, tmp_path):
    """A CSV file with two edits; one of its rows was changed in WizCommerce after the export."""
    file = tmp_path / "customers.csv"
    run(wiz, "export", "customers", "-o", str(file))
    read = wizframe.read_csv(file)
    wiz.server.overwrite("customers", read["id"].iat[0], display_name="Elsewhere")
    read.iloc[:2, read.columns.get_loc("payment_term")] = "net77"
    file.replace(tmp_path / "sent.csv")
    wizframe.to_csv(read, file)
    return str(file), read["id"].tolist()


def test_the_good_rows_of_a_stale_csv_file_can_be_pushed(wiz, stale):
    file, ids = stale
    refused = run(wiz, "push", file, "--yes", "--max-changes", "9")
    assert (refused.returncode, writes(wiz)) == (6, [])
    assert "leave these rows out with --skip-invalid" in refused.stderr
    assert "or plan with --baseline service to send your value" in refused.stdout
    assert run(wiz, "push", file, "--dry-run", "--skip-invalid").returncode == 0
    done = run(wiz, "push", file, "--yes", "--max-changes", "9", "--skip-invalid")
    assert (done.returncode, "1 done, 1 skipped" in done.stdout) == (3, True)
    terms = {i: row["payment_term"] for i, row in stored(wiz, "customers").items()}
    assert (terms[ids[0]] == "net77", terms[ids[1]]) == (False, "net77")


def test_the_file_as_it_was_sent_settles_what_a_stale_csv_file_edits(wiz, stale, tmp_path):
    file, ids = stale
    how = ["--original", str(tmp_path / "sent.csv")]
    planned = run(wiz, "plan", file, *how, "--detailed-exitcode")
    assert (planned.returncode, "~ 2 to update" in planned.stdout) == (10, True)
    wiz.server.overwrite("customers", ids[1], payment_term="elsewhere")
    done = run(wiz, "push", file, *how, "--yes", "--max-changes", "9")
    assert (done.returncode, "1 done, 1 conflict" in done.stdout) == (4, True)
    after = stored(wiz, "customers")
    assert (after[ids[0]]["payment_term"], after[ids[0]]["display_name"]) == ("net77", "Elsewhere")
    assert after[ids[1]]["payment_term"] == "elsewhere"
    with wizframe.sandbox(customers=5, seed=2) as other:
        refused = run(other, "plan", file, *how)
    assert (refused.returncode, "it is another account" in refused.stderr) == (6, True)


def test_an_option_declares_the_rows_of_a_file_newer_than_the_service(wiz, stale):
    planned = run(wiz, "plan", stale[0], "--baseline", "service", "--detailed-exitcode")
    assert (planned.returncode, "~ 2 to update" in planned.stdout) == (10, True)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_other_kinds_of_files(wiz, tmp_path, kind):
    file = tmp_path / f"contacts.{kind}"
    assert run(wiz, "export", "contacts", "--status", "inactive", "-o", str(file)).returncode == 0
    read = wizframe.read_csv(file) if kind == "csv" else pd.read_parquet(file)
    customers = load(wiz, status="inactive")
    assert set(read["customer_id"]) == set(customers["id"])
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "customers", "-o", "customers.ods"],
        ["export", "contacts", "--with-contacts", "-o", "c.xlsx"],
        ["plan", "customers.ods"],
        ["plan", "nowhere.xlsx"],
    ],
)
def test_what_cannot_be_done_is_refused_before_any_request(wiz, arguments):
    done = run(wiz, *arguments)
    assert done.returncode in (2, 6)
    assert done.stderr.startswith("wizframe: ")
    assert "Errno" not in done.stderr
