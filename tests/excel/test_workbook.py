"""To Excel and back: a colleague's edits, and no others, are planned."""

import contextlib
import errno
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from support.planning import cells_of, load, rules, second_client
from support.workbook import edit, loaded, plan_of, rewrite, same

import wizframe
from wizframe import CLEAR
from wizframe.errors import (
    AmbiguousTableError,
    InvalidDataError,
    InvalidDataWarning,
    InvalidRequestError,
    LostBaselineWarning,
    UnreadableFileError,
    WrongAccountError,
)
from wizframe.frames.baselines import attached

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
TEXT_ONLY = "is a number in a text column, zeros or a plus sign may be lost: format the cell as text and type it again"


@pytest.fixture
def dialect():
    """A file knows nothing of dialects: one is enough, but for the first test."""
    return "rest"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sent.xlsx"


@pytest.fixture
def customers(wiz):
    return load(wiz)


@pytest.mark.fault(39)
@pytest.mark.parametrize("dialect", ["rest", "sdk"])
def test_an_unedited_workbook_comes_back_unchanged_and_plans_nothing(wiz, path):
    for frame in (load(wiz), load(wiz, "contacts"), load(wiz, details=True)):
        frame.wiz.to_excel(path, progress=False)
        read = wizframe.read_excel(path)
        same(read, frame)
        plan = read.wiz.plan()
        assert not plan
        assert plan.compared_rows == len(frame)


def test_customers_and_contacts_are_two_sheets_of_one_workbook(wiz, path):
    customers, contacts = load(wiz), load(wiz, "contacts")
    customers.wiz.to_excel(path, contacts=contacts)
    both = wizframe.read_excel(path)
    same(both.customers, customers)
    same(both.contacts, contacts)
    same(wizframe.read_excel(path, sheet="Contacts"), contacts)
    same(wizframe.read_excel(path, table="customers"), customers)
    rewrite(path, lambda book: book.remove(book["Contacts"]))  # means nothing, like a row that is not there
    assert [len(frame) for frame in wizframe.read_excel(path)] == [len(customers), 0]
    with pytest.raises(InvalidRequestError, match="both frames contain contacts"):
        contacts.wiz.to_excel(path, contacts=contacts)


def test_a_colleagues_edits_and_no_others_are_planned_in_another_session(wiz, path):
    first = second_client(wiz)
    frame = load(first)
    frame["phone"] = frame["phone"].fillna("+14155550000")
    frame.wiz.plan(client=first).apply(client=first, progress=False)
    frame.wiz.to_excel(path)
    edit(path, {("payment_term", 5): "net77", ("display_name", 9): "=1+1", ("phone", 3): CLEAR, ("phone", 7): None})
    read = wizframe.read_excel(path)
    first.close()
    with second_client(wiz) as later:
        plan = read.wiz.plan(client=later)
    assert cells_of(plan) == {
        ("update", frame["id"][3], "payment_term"): "net77",
        ("update", frame["id"][7], "display_name"): "=1+1",
        ("update", frame["id"][1], "phone"): "",
    }
    assert plan.blanked == {"phone": 1}
    assert plan.problems.empty


def test_unsent_edits_of_the_frame_are_planned_with_those_of_the_workbook(customers, path):
    customers.loc[0, ["payment_term", "first_name"]] = ["net66", CLEAR]
    customers.wiz.to_excel(path)
    expected = cells_of(customers.wiz.plan())
    assert len(expected) == 2
    same(wizframe.read_excel(path), customers)
    edit(path, {("payment_term", 3): "net77"})
    assert cells_of(wizframe.read_excel(path).wiz.plan()) == expected | {
        ("update", customers["id"][1], "payment_term"): "net77"
    }


@pytest.mark.parametrize(
    "shape",
    [
        lambda frame: frame.set_index("id"),
        lambda frame: frame.sample(frac=1, random_state=1),
        lambda frame: frame.head(7)[["id", "payment_term"]],
        lambda frame: frame.assign(score=1.5, **{"Payment Term": "mine", "when": pd.Timestamp("2026-01-02"), "": None}),
        lambda frame: frame.merge(pd.DataFrame({"id": frame["id"], "region": "EU"}), on="id"),
        lambda frame: pd.concat([frame, frame.head(2)]),
        lambda frame: frame.head(0),
        lambda frame: frame.astype(object),
        lambda frame: frame.set_axis([7] * len(frame)),
    ],
)
def test_a_frame_of_any_shape_comes_back_with_its_baseline(customers, path, shape):
    frame = shape(customers)
    frame.wiz.to_excel(path)
    read = wizframe.read_excel(path)
    assert attached(read) is not None or frame.empty
    assert len(read) == len(frame)
    assert not read.wiz.plan(table="customers")
    if len(frame):
        edit(path, {("payment_term", 5): "net77"})
        identifier = frame.reset_index()["id"][3]
        assert cells_of(wizframe.read_excel(path).wiz.plan()) == {("update", identifier, "payment_term"): "net77"}


def test_own_columns_come_back(customers, path):
    given = {"score": [1.5, 2], "note": ["=1+1", None], "when": pd.Timestamp("2026-01-02 03:04"), "ok": [True, False]}
    customers.head(2).assign(**given, nested=[[1], {}]).wiz.to_excel(path)
    read = wizframe.read_excel(path)
    assert read["score"].tolist() == [1.5, 2]
    assert read["note"][2] == "=1+1"
    assert read["when"].tolist() == [pd.Timestamp("2026-01-02 03:04")] * 2
    assert read["ok"].tolist() == [True, False]
    assert read["nested"].tolist() == ["[1]", "{}"]
    assert read.wiz.plan().own_columns == ("score", "note", "when", "ok", "nested")


def test_a_file_holds_the_exported_cells_and_nothing_else_of_the_load(customers, path):
    customers["email"] = [f"secret{number}@example.com" for number in range(len(customers))]
    customers.loc[2, "display_name"] = "new name"
    customers.head(3)[["id", "display_name"]].wiz.to_excel(path)
    sent = wizframe.read_excel(path)
    assert attached(sent).frame.columns.tolist() == ["id", "display_name"]
    assert len(attached(sent).frame) == 3
    assert attached(sent).frame["display_name"][2] != "new name"
    with zipfile.ZipFile(path) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret" not in content
    assert wizframe.SANDBOX_API_KEY.encode() not in content


# ---------------------------------------------------------------- what people and programs do to a workbook


def _reorder(book):
    page = book["Customers"]
    rows = list(page.iter_rows(values_only=True))
    book.remove(page)
    page = book.create_sheet("Customers", 0)
    for row in [rows[0], *reversed(rows[1:])]:
        page.append(list(reversed(row)))


def _rename_headers(book):
    for cell in book["Customers"][1]:
        cell.value = f"  {str(cell.value).upper().replace('_', ' ')} "


def _add(book):
    book["Customers"].cell(1, 30).value = "remark"
    book["Customers"].cell(4, 30).value = "call back"
    book["Customers"].cell(4, 31).value = "and nothing above"
    book.create_sheet("Mine")["A1"] = "id"
    book.create_sheet("Chart")


def _rename_sheet(book):
    book["Customers"].title = "Customers - Table 1"
    book.remove(book["Read me"])


def _title_above(book):
    book["Customers"].insert_rows(1, amount=2)
    book["Customers"]["B1"] = "For Ada, until Friday"


def _remove_some(book):
    book["Customers"].delete_rows(5, 3)
    book["Customers"].delete_cols(7, 2)


def _blank_rows(book):
    book["Customers"].insert_rows(4)
    for row in range(40, 60):
        book["Customers"].cell(row, 3).value = "  "


def _show_and_rename_the_hidden_sheet(book):
    book["wizframe"].sheet_state = "hidden"
    book["wizframe"].title = "Sheet 4"


def _spoil_values(book):
    for row in book["Customers"].iter_rows(min_row=2):
        for cell in row:
            if cell.is_date:
                cell.value = cell.value.strftime("%d.%m.%Y %H:%M")
            elif isinstance(cell.value, str):
                cell.value = cell.value.replace("\r\n", "\n").replace("\u00e9", "e\u0301")


@pytest.mark.parametrize(
    "change",
    [
        _reorder,
        _rename_headers,
        _add,
        _rename_sheet,
        _title_above,
        _remove_some,
        _blank_rows,
        _show_and_rename_the_hidden_sheet,
        _spoil_values,
    ],
)
def test_a_change_of_form_alone_plans_nothing(customers, path, change):
    customers.loc[:3, "display_name"] = "Café\r\nthe second"
    customers.wiz.plan().apply(progress=False)
    customers.wiz.to_excel(path, zone="America/New_York")
    rewrite(path, change)
    read = wizframe.read_excel(path)
    assert "payment_term" in read
    plan = read.wiz.plan()
    assert len(plan) == 0, plan
    assert plan.problems.empty, plan
    assert not plan.blanked


def test_a_row_typed_below_is_a_new_record(wiz, customers, path):
    customers.wiz.to_excel(path)
    new = {("company_name", 32): "Ada & Co", ("display_name", 32): "00123", ("phone", 32): "+14155552671"}
    edit(path, new)
    plan = wizframe.read_excel(path).wiz.plan()
    assert plan.counts() == {"create": 1, "update": 0, "delete": 0}
    assert plan.problems.empty
    plan.apply(progress=False)
    stored = {record["company_name"]: record for record in wiz.server.records("customers")}
    assert stored["Ada & Co"]["display_name"] == "00123"


def test_spaces_are_blank(customers, path):
    customers.loc[0, "phone"] = "+14155550000"
    customers.wiz.to_excel(path)
    edit(path, {("phone", 2): "  ", ("company_name", 32): "A", ("display_name", 32): "A", ("first_name", 32): " "})
    read = wizframe.read_excel(path)
    assert read.loc[[2, 32], ["phone", "first_name"]].isna().to_numpy().tolist() == [[True, False], [True, True]]


def test_a_new_contact_names_its_customer(wiz, path):
    contacts = load(wiz, "contacts")
    contacts.wiz.to_excel(path)
    row = len(contacts) + 2
    owner = contacts["customer_id"][0]
    edit(path, {("customer_id", row): owner, ("first_name", row): "Ada", ("email", row): "a@b.org"}, "Contacts")
    plan = wizframe.read_excel(path).wiz.plan()
    assert plan.problems.empty
    assert plan.changes["customer_id"].tolist() == [owner]


def test_headers_in_the_colleagues_language_are_kept_and_reversed(customers, path):
    labels = {"payment_term": "Zahlungsziel", "display_name": "Anzeigename", "created_at": "Angelegt"}
    customers.wiz.to_excel(path, labels=labels)
    headers = [cell.value for cell in openpyxl.load_workbook(path)["Customers"][1]]
    assert {"Zahlungsziel", "Anzeigename *", "Angelegt (UTC)"} <= set(headers)
    same(wizframe.read_excel(path), customers)
    rewrite(path, lambda book: book.remove(book["wizframe"]))
    with pytest.warns(LostBaselineWarning):
        same(wizframe.read_excel(path, labels=labels), customers)
    with pytest.raises(InvalidRequestError, match="'payment_trem'"):
        customers.wiz.to_excel(path, labels={"payment_trem": "Zahlungsziel"})
    with pytest.raises(InvalidRequestError, match=r"'email' and 'phone'|'phone' and 'email'"):
        customers.wiz.to_excel(path, labels={"phone": "E-Mail", "email": "e mail"})


def test_the_zone_that_a_header_names_is_known_without_the_hidden_sheet(customers, path):
    customers.wiz.to_excel(path, zone="Asia/Tokyo")
    rewrite(path, lambda book: book.remove(book["wizframe"]))
    same(wizframe.read_excel(path, original=customers), customers)
    with pytest.warns(LostBaselineWarning):
        same(wizframe.read_excel(path), customers)


def test_blank_columns_at_the_end_are_ignored(customers, path):
    customers.wiz.to_excel(path)

    def widen(book):
        book["Customers"]["Z1"] = " "
        book["Customers"]["Z99"] = " "

    rewrite(path, widen)
    same(wizframe.read_excel(path), customers)


def test_times_are_local_times_of_the_zone_that_is_named(customers, path):
    customers.wiz.to_excel(path, zone="Asia/Tokyo")
    page = openpyxl.load_workbook(path)["Customers"]
    place = [cell.value for cell in page[1]].index("updated_at (Asia/Tokyo)")
    expected = customers["updated_at"][0].tz_convert("Asia/Tokyo").tz_localize(None).floor("ms")
    assert page.cell(2, place + 1).value == expected
    same(wizframe.read_excel(path), customers)
    with pytest.raises(InvalidRequestError, match="Europe/Berlin"):
        customers.wiz.to_excel(path, zone="Middle-earth")


# ---------------------------------------------------------------- without the hidden sheet


@pytest.fixture
def lost(wiz, customers, path):
    """A workbook without its hidden sheet and with two edits. Another user changed other cells in WizCommerce since."""
    customers.wiz.to_excel(path)
    sent = path.read_bytes()
    edit(path, {("payment_term", 2): "net77", ("payment_term", 4): "net77"})
    rewrite(path, lambda book: book.remove(book["wizframe"]))
    wiz.server.overwrite("customers", customers["id"][1], payment_term="newer")
    wiz.server.overwrite("customers", customers["id"][2], display_name="newer")
    (path.parent / "original.xlsx").write_bytes(sent)
    return path


def test_with_the_sent_file_a_workbook_without_hidden_sheet_plans_the_same_edits(wiz, customers, lost):
    for original in (lost.parent / "original.xlsx", customers):
        read = wizframe.read_excel(lost, original=original)
        assert cells_of(read.wiz.plan()) == {
            ("update", customers["id"][0], "payment_term"): "net77",
            ("update", customers["id"][2], "payment_term"): "net77",
        }
    read.wiz.plan().apply(progress=False)
    stored = {record["id"]: record for record in wiz.server.records("customers")}
    assert stored[customers["id"][1]]["payment_term"] == "newer"
    assert stored[customers["id"][2]]["display_name"] == "newer"


def test_without_any_baseline_newer_edits_of_another_user_are_not_reverted(wiz, customers, lost):
    ids = customers["id"].tolist()
    with pytest.warns(LostBaselineWarning, match="original="):
        read = wizframe.read_excel(lost)
    assert attached(read) is None
    with second_client(wiz) as later:  # this session knows of no load
        plan = wizframe.plan(read, client=later)
        assert cells_of(plan) == {("update", ids[0], "payment_term"): "net77"}
        assert {column for column, _ in rules(plan)} == {"payment_term", "display_name"}
        assert all("it is unknown which of the two values is newer" in rule for _, rule in rules(plan))
        plan.apply(client=later, invalid="skip", progress=False)
    stored = {record["id"]: record for record in wiz.server.records("customers")}
    assert stored[ids[1]]["payment_term"] == "newer"
    assert stored[ids[2]]["display_name"] == "newer"


def test_a_changed_hidden_sheet_is_not_used(customers, path):
    customers.wiz.to_excel(path)

    def change(book):
        book["wizframe"]["A2"] = book["wizframe"]["A2"].value.replace("A", "B")

    rewrite(path, change)
    with pytest.warns(LostBaselineWarning, match="its hidden sheet was changed"):
        assert attached(wizframe.read_excel(path)) is None
    with pytest.raises(InvalidRequestError, match="is not a workbook that wizframe wrote"):
        wizframe.read_excel(path, original=path)


# ---------------------------------------------------------------- accounts


def test_a_workbook_of_another_account_is_refused(customers, path, dialect):
    customers.wiz.to_excel(path)
    read = wizframe.read_excel(path)
    with wizframe.sandbox(customers=5, dialect=dialect) as other:
        with pytest.raises(WrongAccountError, match="were loaded from"):
            read.wiz.plan(client=other)
        assert not list(other.server.requests)
        other.account = attached(read).account  # the same address, but another server now
        with pytest.raises(WrongAccountError, match="does not have their records"):
            read.wiz.plan(client=other)


# ---------------------------------------------------------------- what is not clear


def test_an_ambiguous_cell_is_reported_with_its_place_and_planned_as_a_problem(customers, path):
    customers.wiz.to_excel(path)
    edit(path, {("payment_term", 3): 45, ("display_name", 4): True, ("phone", 5): pd.Timestamp("2026-01-02"),
                ("email", 6): "#REF!"})  # fmt: skip
    with pytest.warns(InvalidDataWarning) as caught:
        read = wizframe.read_excel(path)
    message = str(caught[0].message)
    assert f"Customers!N3 '45' {TEXT_ONLY}" in message
    assert caught[0].filename == __file__
    assert read.wiz.problems[["row", "column", "value"]].to_numpy().tolist() == [
        [4, "display_name", "True"],
        [5, "phone", "2026-01-02"],
        [6, "email", "#REF!"],
        [3, "payment_term", "45"],
    ]
    plan = read.wiz.plan()
    assert len(plan) == 0
    assert {column for column, _ in rules(plan)} == {"payment_term", "display_name", "phone", "email"}
    assert [row for row, column in plan.problems[["row", "column"]].to_numpy().tolist() if column == "phone"] == [5]


def test_a_number_that_shows_the_exported_text_is_that_text(path):
    texts = [
        "00123",
        "1234567890123456",
        "12345678901234567890",
        "1E5",
        "+14155552671",
        "-1",
        "1.0",
        "TRUE",
        "2024-01-02",
    ]
    frame = loaded("customers", [{"id": f"c{text}", "display_name": text} for text in texts])
    frame.wiz.to_excel(path)
    numbers = [
        123,
        1234567890123456,
        1.2345678901234567e19,
        100000,
        14155552671,
        -1,
        1,
        True,
        pd.Timestamp("2024-01-02"),
    ]
    edit(path, {("display_name", row): value for row, value in enumerate(numbers, 2)})
    same(wizframe.read_excel(path), frame)


def test_a_text_of_digits_that_excel_rounded_is_unchanged_and_another_number_is_unclear(path):
    texts = ["1234567890123456", "12345678901234567890", "0001234567890123456", "1_000"]
    frame = loaded("customers", [{"id": f"c{place}", "payment_term": text} for place, text in enumerate(texts)])
    frame.wiz.to_excel(path)
    edit(path, {("payment_term", row): text for row, text in enumerate(texts, 2)})
    same(wizframe.read_excel(path), frame)
    rounded = {2: 1234567890123450, 3: 12345678901234500000, 4: 1234567890123460}
    edit(path, {("payment_term", row): number for row, number in rounded.items()})
    same(wizframe.read_excel(path), frame)
    edit(path, {("payment_term", 2): 1234567890123459, ("payment_term", 5): 1000})
    with pytest.warns(InvalidDataWarning, match=f"N2 '1234567890123459' {TEXT_ONLY}; Customers!N5 '1000'"):
        read = wizframe.read_excel(path)
    plan = plan_of(read)
    assert len(plan) == 0
    assert plan.problems["row"].tolist() == [2, 5]


def test_ids_that_became_numbers_are_found(path):
    frame = loaded("customers", [{"id": f"000{number}", "display_name": "A"} for number in range(1, 4)])
    frame.wiz.to_excel(path)
    edit(path, {("id", row): row - 1 for row in (2, 3, 4)} | {("display_name", 3): "B"})
    read = wizframe.read_excel(path)
    assert read["id"].tolist() == frame["id"].tolist()
    assert cells_of(plan_of(read)) == {("update", "0002", "display_name"): "B"}


def test_ids_that_became_the_same_number_are_not_mixed_up(path):
    frame = loaded("customers", [{"id": "00123", "display_name": "A"}, {"id": "123", "display_name": "B"}])
    frame.wiz.to_excel(path)
    edit(path, {("id", 2): 123, ("id", 3): 123, ("display_name", 2): "C"})
    plan = plan_of(wizframe.read_excel(path))
    assert plan.counts()["update"] == 0
    unclear = plan.problems[plan.problems["column"] == "id"]
    assert unclear["row"].tolist() == [2, 3]  # a row with a problem is not sent


def test_an_edit_of_a_read_only_column_is_a_problem(customers, path):
    customers.wiz.to_excel(path)
    edit(path, {("status", 2): "closed", ("updated_at", 3): pd.Timestamp("2031-01-02")})
    assert {(column, rule.split(":")[0]) for column, rule in rules(wizframe.read_excel(path).wiz.plan())} >= {
        ("updated_at", "is read-only")
    }


def test_a_text_that_is_too_long_for_a_cell_is_unchanged_unless_it_is_edited(path):
    frame = loaded(
        "customers", [{"id": "c1", "display_name": "x" * 50_000}, {"id": "c2", "display_name": "🧵" * 20_000}]
    )
    frame.wiz.to_excel(path)
    same(wizframe.read_excel(path), frame)
    frame = wizframe.read_excel(path)[["id", "display_name"]]
    frame.wiz.to_excel(path)
    shown = openpyxl.load_workbook(path)["Customers"]["C2"].value
    assert shown.endswith("(too long for a cell: 50000 characters)")
    edit(path, {("display_name", 2): f"{shown}!"})
    with pytest.warns(InvalidDataWarning, match="was cut"):
        read = wizframe.read_excel(path)
    assert [column for column, _ in rules(plan_of(read))] == ["display_name"]


def test_a_value_that_does_not_fit_is_shown_as_unclear_and_is_a_problem_until_it_is_typed_again(wiz, path):
    frame = load(wiz, "contacts").astype({"designation": object, "is_default": object, "updated_at": object})
    cells = {(4, "designation"): 45, (5, "designation"): pd.Timestamp("2026-01-02"), (6, "is_default"): "maybe"}
    for (row, column), value in cells.items():
        frame.loc[row, column] = value
    expected = {(row, column) for row, column in cells}
    for write, read, file in (
        (frame.wiz.to_excel, wizframe.read_excel, path),
        (frame.wiz.to_csv, wizframe.read_csv, path.with_suffix(".csv")),
    ):
        write(file)
        with pytest.warns(InvalidDataWarning, match="[HI]6 '45' was already unclear"):
            back = read(file)
        plan = back.wiz.plan()
        assert len(plan) == 0
        assert {(row - 2, column) for row, column in plan.problems[["row", "column"]].to_numpy().tolist()} == expected
    assert openpyxl.load_workbook(path)["Contacts"]["I6"].value == "45 (unclear: type it again)"
    edit(path, {("designation", 6): "45", ("designation", 7): "Head", ("is_default", 8): False}, "Contacts")
    plan = wizframe.read_excel(path).wiz.plan()
    assert plan.problems.empty
    assert cells_of(plan)["update", frame["id"][4], "designation"] == "45"


def test_an_unclear_cell_of_a_workbook_stays_one_when_it_is_exported_again(customers, path):
    customers.wiz.to_excel(path)
    edit(path, {("payment_term", 3): 45})
    wizframe.read_excel(path).wiz.to_excel(path)
    assert rules(wizframe.read_excel(path).wiz.plan()) == [
        ("payment_term", "was already unclear when it was exported: type it again")
    ]


# ---------------------------------------------------------------- other programs' workbooks


def _foreign(path, rows, sheets=("Sheet1",)):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in sheets:
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)


def test_a_foreign_workbook_is_renamed_and_translated(customers, path):
    reference = customers["reference_id"][1]
    _foreign(path, [["Report"], [], ["KUNNR", "ZTERM", "Name"], [reference, "ZB30", "x"], ["unknown", "net60", None]])
    options = {"rename": {"KUNNR": "reference_id", "ZTERM": "payment_term"}}
    erp = wizframe.read_excel(path, **options, values={"payment_term": {"ZB30": "net99", "ZB60": "net60"}})
    assert erp["payment_term"].tolist() == ["net99", "net60"]
    plan = wizframe.plan(erp, table="customers", match="reference_id")
    assert cells_of(plan) == {("update", customers["id"][1], "payment_term"): "net99"}
    erp = wizframe.read_excel(path, **options, values={"payment_term": str.lower, "reference_id": {reference: "A"}})
    assert erp["payment_term"].tolist() == ["zb30", "net60"]
    assert [str(cell) for cell in erp["reference_id"]] == ["A", "unknown"]
    unknown = wizframe.plan(erp, table="customers", match="reference_id").problems
    assert "is not among the values= of this column" in unknown["rule"][0]
    with pytest.raises(InvalidRequestError, match=r"no column 'LIFNR'\. Its headers are KUNNR, ZTERM, Name"):
        wizframe.read_excel(path, rename={"ZTERM": "payment_term", "LIFNR": "reference_id"})
    with pytest.raises(InvalidRequestError, match="no column 'phone'"):
        wizframe.read_excel(path, values={"phone": {}})


def test_an_ambiguous_sheet_is_an_error_that_lists_the_sheets(path):
    rows = [["id", "company_name"], ["c1", "A"]]
    _foreign(path, rows, ("Old", "New"))
    with pytest.raises(AmbiguousTableError, match="has the sheets 'Old', 'New'"):
        wizframe.read_excel(path)
    assert wizframe.read_excel(path, sheet="New")["id"].tolist() == ["c1"]
    with pytest.raises(InvalidRequestError, match=r"no sheet 'Newer'\. Its sheets are 'Old', 'New'"):
        wizframe.read_excel(path, sheet="Newer")
    _foreign(path, [["first_name", "customer_id"], ["A", "c1"]], ("People",))
    assert wizframe.read_excel(path)["customer_id"].tolist() == ["c1"]


def test_repeated_columns_are_refused_with_their_places(customers, path):
    customers.wiz.to_excel(path)
    edit(path, {"Q1": "Payment Term", "R1": "payment_term"})
    with pytest.raises(InvalidDataError, match="Customers!N and Customers!R both mean the column 'payment_term'"):
        wizframe.read_excel(path)


def test_a_workbook_without_the_exported_columns_is_refused(customers, path):
    customers.wiz.to_excel(path)
    rewrite(path, lambda book: book["Customers"].delete_rows(1))
    with pytest.raises(UnreadableFileError, match="no sheet with the exported columns: id, reference_id"):
        wizframe.read_excel(path)


# ---------------------------------------------------------------- the file itself


def test_the_workbook_helps_the_person_who_edits_it(wiz, path):
    customers, contacts = load(wiz), load(wiz, "contacts")
    customers.wiz.to_excel(path, contacts=contacts)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Read me", "Customers", "Contacts", "wizframe"]
    assert book["wizframe"].sheet_state == "veryHidden"
    page = book["Customers"]
    headers = {cell.value: cell for cell in page[1]}
    assert page.freeze_panes == "D2"
    assert page.auto_filter.ref == f"A1:P{len(customers) + 1}"
    assert not page.protection.sheet
    assert {"company_name *", "display_name *", "created_at (UTC)", "Command"} <= headers.keys()
    for name in ("id", "reference_id", "phone"):
        cells = page[headers[name].column_letter][1:]
        assert {cell.number_format for cell in cells if cell.value} == {"@"}
    assert page[f"{headers['created_at (UTC)'].column_letter}2"].is_date
    ruled = {str(rule.sqref).split(":")[0]: rule for rule in page.data_validations.dataValidation}
    closed = [f"{headers[name].column_letter}2" for name in ("id", "status", "created_at (UTC)", "updated_at (UTC)")]
    assert {place for place, rule in ruled.items() if rule.formula1 == "FALSE"} == set(closed)
    offered = ruled[f"{headers['payment_term'].column_letter}2"]
    first, last = re.fullmatch(r"wizframe!\$(\w)\$1:\$\1\$(\d+)", offered.formula1).groups()
    values = [cell.value for cell in book["wizframe"][first][: int(last)]]
    assert values == sorted(customers["payment_term"].dropna().unique())
    assert not offered.showErrorMessage  # a suggestion, not a wall
    text = " ".join(str(cell) for row in book["Read me"].iter_rows(values_only=True) for cell in row if cell)
    assert {"DELETE", CLEAR, "UTC"} <= set(re.findall(r"<clear>|\w+", text))
    flags = [rule for rule in book["Contacts"].data_validations.dataValidation if "TRUE" in str(rule.formula1)]
    assert [rule.formula1 for rule in flags] == ['"TRUE,FALSE"']


def test_a_workbook_is_protected_on_request(customers, path):
    customers.wiz.to_excel(path, protect=True)
    page = openpyxl.load_workbook(path)["Customers"]
    assert page.protection.sheet
    headers = {cell.value: cell.column_letter for cell in page[1]}
    assert page[f"{headers['id']}2"].protection.locked
    assert not page[f"{headers['payment_term']}2"].protection.locked
    same(wizframe.read_excel(path), customers)


@pytest.mark.fault(39)
def test_no_cell_is_a_formula_or_a_link(path):
    texts = ["=1+1", "+1", "@SUM(A1)", "http://example.com", "mailto:a@b.org", "=cmd|'/c calc'!A1"]
    frame = loaded("customers", [{"id": text, "display_name": text, "email": text} for text in texts])
    frame.assign(own=texts, **{"=own": texts}).wiz.to_excel(path)
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets)
    page = openpyxl.load_workbook(path)["Customers"]
    assert {cell.data_type for row in page for cell in row if cell.value is not None} == {"s"}


@pytest.mark.parametrize("rows", [10, 200_000])
def test_a_failed_export_leaves_the_old_file_and_no_other(customers, path, monkeypatch, rows):
    path.write_bytes(b"the old one")
    monkeypatch.setattr("wizframe.excel.writer._MAX_ROWS_IN_MEMORY", rows)

    def fail(*_given):
        raise OSError("disk full")

    monkeypatch.setattr("xlsxwriter.worksheet.Worksheet.very_hidden", fail)  # the last step before the file is written
    with pytest.raises(OSError, match="disk full"):
        customers.wiz.to_excel(path)
    assert path.read_bytes() == b"the old one"
    assert [file.name for file in path.parent.iterdir() if file.name != "state"] == [path.name]


def test_a_full_disk_is_an_os_error(customers, path, monkeypatch):
    def fail(_book):
        raise xlsxwriter.exceptions.FileCreateError(OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr("xlsxwriter.Workbook.close", fail)
    with pytest.raises(OSError, match=r"(?i)no space left"):
        customers.wiz.to_excel(path)
    assert not path.exists()


def test_more_rows_than_a_sheet_has_are_refused(path, monkeypatch):
    monkeypatch.setattr("wizframe.excel.writer._MAX_ROWS", 2)
    frame = loaded("customers", [{"id": str(number)} for number in range(3)])
    with pytest.raises(InvalidRequestError, match="3 rows do not fit"):
        frame.wiz.to_excel(path)


def test_a_path_that_does_not_end_in_xlsx_is_refused(customers, path):
    with pytest.raises(InvalidRequestError, match=r"Use a name that ends in \.xlsx"):
        customers.wiz.to_excel(path.with_suffix(".xls"))


def test_without_the_libraries_the_error_says_what_to_install(customers, path, monkeypatch):
    customers.wiz.to_excel(path)
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(ImportError, match=r"pip install 'wizframe\[excel\]'"):
        customers.wiz.to_excel(path)
    with pytest.raises(ImportError, match="python-calamine"):
        wizframe.read_excel(path)


@pytest.mark.parametrize("method", ["to_excel", "to_csv"])
def test_plain_pandas_exports_of_a_loaded_frame_work(customers, tmp_path, method):
    path = tmp_path / f"plain.{method[3:].replace('excel', 'xlsx')}"
    getattr(customers, method)(path)
    reader = wizframe.read_excel if method == "to_excel" else wizframe.read_csv
    with pytest.warns(LostBaselineWarning) if method == "to_excel" else contextlib.nullcontext():
        read = reader(path)
    same(read[customers.columns], customers)
    assert not read.wiz.plan()
