"""The grid's frame, edited by texts as a person types or pastes them: kept, marked, undone, planned like any other."""

import warnings

import pandas as pd
import pytest
from support.planning import cells_of, changed, load, make_contacts_valid, rules, states, stored

from wizframe import CLEAR
from wizframe.errors import PlanError, StalePlanError
from wizframe.fields import ADDRESS, TABLES
from wizframe.notebook.editor.edits import MAX_CELLS, EditedFrame, Typed
from wizframe.notebook.overview import overview

E164 = "is not an E.164 phone number like +14155552671"


@pytest.fixture
def sheet(wiz):
    return EditedFrame(load(wiz).copy())


def put(sheet, position, name, text):
    return sheet.edit([Typed(position, name, text)])


def mark(sheet, position, name):
    return sheet.marks([position])[0][name]


def state(sheet, position, name):
    found_mark = mark(sheet, position, name)
    return found_mark.state, found_mark.why


def test_an_edit_is_an_ordinary_edit_of_the_frame(wiz, sheet):
    before, identifier = stored(wiz, "customers"), sheet.frame["id"][3]
    was = sheet.frame["payment_term"][3]
    assert put(sheet, 3, "payment_term", "net77").positions == {3}
    assert state(sheet, 3, "payment_term") == ("changed", f"was {was}")
    assert (sheet.edited, sheet.wrong) == ({(3, "payment_term")}, set())
    plan = sheet.frame.wiz.plan()
    assert cells_of(plan) == {("update", identifier, "payment_term"): "net77"}
    plan.apply(progress=False)
    assert changed(before, stored(wiz, "customers")) == {identifier: {"payment_term": "net77"}}
    sheet.read()
    assert sheet.edited == set()


def test_every_text_is_kept_as_it_was_typed(sheet):
    for text in ("00123", " net30 ", "=1+1", "NA", "null", "\u202eabc", "a\nb", "x" * 600):
        put(sheet, 0, "display_name", text)
        assert sheet.frame["display_name"][0] == text
        assert mark(sheet, 0, "display_name").text == text
    assert str(sheet.frame["display_name"].dtype) == "str"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("phone", "after 5 pm", E164),
        ("email", "nobody", "is not a valid e-mail address"),
        ("first_name", "x" * 51, "is 51 characters long (allowed: at most 50)"),
    ],
)
def test_a_wrong_value_is_marked_with_the_rule_that_the_plan_names_too(sheet, name, text, why):
    put(sheet, 0, name, text)
    assert state(sheet, 0, name) == ("wrong", why)
    assert sheet.wrong == {(0, name)}
    assert rules(sheet.frame.wiz.plan()) == [(name, why)]
    sheet.undo()
    assert sheet.wrong == sheet.edited == set()


def test_a_text_in_a_column_of_flags_is_kept_and_the_dtype_comes_back(wiz):
    make_contacts_valid(wiz)
    sheet = EditedFrame(load(wiz, "contacts").copy())
    was = sheet.frame["is_default"][0]
    put(sheet, 0, "is_default", "maybe")
    assert sheet.frame["is_default"][0] == "maybe"
    assert state(sheet, 0, "is_default") == ("wrong", "is neither True nor False")
    assert rules(sheet.frame.wiz.plan()) == [("is_default", "is neither True nor False")]
    put(sheet, 0, "is_default", "no" if was else "yes")
    assert str(sheet.frame["is_default"].dtype) == "boolean"
    assert state(sheet, 0, "is_default") == ("changed", f"was {was}")
    sheet.undo()
    sheet.undo()
    assert sheet.frame["is_default"][0] == was
    assert sheet.edited == set()


def test_a_value_that_was_wrong_when_loaded_is_shown_but_stops_nothing(wiz):
    wiz.server.overwrite("customers", wiz.server.records("customers")[0]["id"], phone="030")
    sheet = EditedFrame(load(wiz).copy())
    assert state(sheet, 0, "phone") == ("was-wrong", f"{E164}; the value was already wrong when it was loaded")
    assert sheet.wrong == set()


def test_a_cell_is_cleared_on_purpose_by_typing_nothing_but_not_by_pasting_nothing(sheet):
    sheet.frame["phone"] = "+14155550101"
    sheet = EditedFrame(sheet.frame)
    put(sheet, 0, "shipping_method", "by bike")
    row = next(row for row in range(30) if isinstance(sheet.frame["email"][row], str))
    was = sheet.frame["email"][row]
    put(sheet, row, "email", "")
    assert sheet.frame["email"][row] == CLEAR
    assert state(sheet, row, "email") == ("cleared", f"will be cleared; it was {was}")
    sheet.undo()
    sheet.paste([row], ["email"], "\t")
    assert pd.isna(sheet.frame["email"][row])
    assert state(sheet, row, "email")[0] == "blanked"
    assert sheet.frame.wiz.plan().blanked["email"] == 1
    put(sheet, 0, "company_name", "")
    assert state(sheet, 0, "company_name") == ("wrong", "is required and cannot be cleared")


@pytest.mark.parametrize("name", ["id", "status", "created_at", "mine"])
def test_locked_cells_stay_as_they_are_and_say_why(wiz, name):
    sheet = EditedFrame(load(wiz).assign(mine=1.5))
    before = sheet.frame.copy()
    done = sheet.edit([Typed(0, name, "x"), Typed(1, name, "y")])
    assert done.message.startswith(f"2 cells were not changed, because {name} is ")
    assert done.message.endswith(f"{sheet.lock(name)}.")
    assert not sheet.can_undo
    pd.testing.assert_frame_equal(sheet.frame, before)


def test_a_block_is_pasted_from_excel(sheet):
    names = sheet.columns[sheet.columns.index("first_name") :]
    assert names[:4] == ["first_name", "last_name", "phone", "email"]
    done = sheet.paste(range(2, 30), names, 'Ann\tLee\t+14155550101\tann@x.org\r\n"a ""b""\tc"\t\tno phone\tx\r\n')
    assert done.positions == {2, 3}
    assert sheet.frame.loc[2, names[:4]].tolist() == ["Ann", "Lee", "+14155550101", "ann@x.org"]
    assert sheet.frame["first_name"][3] == 'a "b"\tc'
    assert sheet.wrong == {(3, "phone"), (3, "email")}
    sheet.undo()
    assert sheet.edited == set()
    sheet.redo()
    assert sheet.wrong == {(3, "phone"), (3, "email")}


def test_one_value_fills_what_is_selected_and_quotes_stay_quotes(sheet):
    sheet.paste([4, 9, 2], ["payment_term", "shipping_method"], '"net77"', height=3, width=1)
    assert sheet.frame["payment_term"][[4, 9, 2]].tolist() == ['"net77"'] * 3
    assert len(sheet.edited) == 3


def test_rows_and_columns_that_do_not_fit_are_reported(sheet):
    done = sheet.paste([28, 29], sheet.columns[-1:], "a\tb\nc\td\ne\tf\n")
    assert "1 row was not pasted: the grid has no more rows below." in done.message
    assert "1 column was not pasted" in done.message
    assert "2 cells were not changed, because updated_at is read-only" in done.message
    assert "(allowed: at most 100,000)" in sheet.paste([0], ["phone"], "\t" * MAX_CELLS + "\n").message
    assert sheet.edited == set()


def test_empty_lines_of_a_column_are_blank_cells(sheet):
    sheet.paste([0, 1, 2], ["payment_term"], "a\r\n\r\nb\r\n")
    assert sheet.frame["payment_term"][[0, 2]].tolist() == ["a", "b"]
    assert pd.isna(sheet.frame["payment_term"][1])


def test_a_row_is_added_filled_in_and_created(wiz, sheet):
    dtypes = sheet.frame.dtypes
    sheet.add()
    assert (sheet.frame.dtypes == dtypes).all()
    assert sheet.is_new(30)
    assert sheet.wrong == {(30, "company_name"), (30, "display_name")}
    sheet.edit([Typed(30, "company_name", "New"), Typed(30, "display_name", "New"), Typed(30, "phone", "")])
    assert sheet.wrong == set()
    assert (sheet.frame.dtypes == dtypes).all()
    plan = sheet.frame.wiz.plan()
    assert plan.counts() == {"create": 1, "update": 0, "delete": 0}
    assert states(plan.apply(progress=False)) == {"done": 1}
    put(sheet, 0, "payment_term", "net77")  # the grid goes on with what the push wrote into its frame
    assert not sheet.is_new(30)
    assert sheet.frame["id"][30] in stored(wiz, "customers")
    assert sheet.frame.wiz.plan().counts() == {"create": 0, "update": 1, "delete": 0}


def test_rows_pasted_from_a_new_row_on_become_new_rows(sheet):
    sheet.add()
    names = sheet.columns[sheet.columns.index("company_name") :]
    done = sheet.paste([30], names, "A\tA\nB\tB\nC\tC")
    assert done.is_reset
    assert sheet.frame["company_name"].tolist()[30:] == ["A", "B", "C"]
    assert sheet.frame.wiz.plan().counts()["create"] == 3
    sheet.undo()
    assert len(sheet) == 31
    sheet.redo()
    assert sheet.frame["company_name"].tolist()[30:] == ["A", "B", "C"]


def test_a_new_row_is_removed_and_put_back(sheet):
    for number in range(3):
        sheet.add()
        put(sheet, 30 + number, "company_name", f"New {number}")
    as_it_was = sheet.frame.copy()
    plan = sheet.frame.wiz.plan()
    sheet.delete([31])
    assert sheet.frame["company_name"].tolist()[30:] == ["New 0", "New 2"]
    assert {position for position, _ in sheet.wrong} == {30, 31}
    put(sheet, 31, "company_name", "Newest")
    sheet.undo()
    sheet.undo()
    pd.testing.assert_frame_equal(sheet.frame, as_it_was)
    assert {position for position, _ in sheet.wrong} == {30, 31, 32}
    with pytest.raises(StalePlanError, match="rows were added or removed"):
        plan.apply(invalid="skip")
    while sheet.can_undo:
        sheet.undo()
    assert len(sheet) == 30
    assert len(sheet.frame.wiz.plan()) == 0


def test_a_record_is_marked_for_deletion_and_unmarked(wiz, sheet):
    identifier = sheet.frame["id"][5]
    put(sheet, 5, "payment_term", "net77")
    sheet.delete([5, 6])
    assert (sheet.is_to_delete(5), sheet.is_to_delete(6), sheet.is_to_delete(7)) == (True, True, False)
    sheet.delete([6], is_to_delete=False)
    assert sheet.frame.wiz.plan().counts() == {"create": 0, "update": 0, "delete": 1}
    sheet.undo()
    assert sheet.is_to_delete(6)
    sheet.undo()
    assert sheet.frame.wiz.plan().counts() == {"create": 0, "update": 1, "delete": 0}
    sheet.redo()
    sheet.delete([6], is_to_delete=False)
    assert states(sheet.frame.wiz.plan().apply(max_deletes=1, progress=False)) == {"done": 1}
    assert identifier not in stored(wiz, "customers")


def test_edits_made_before_the_grid_are_marked_too(wiz):
    frame = load(wiz)
    frame.loc[2, "phone"] = "030"
    frame.loc[3, "status"] = {"active": "inactive", "inactive": "active"}[frame["status"][3]]
    frame.loc[4, "payment_term"] = CLEAR
    sheet = EditedFrame(frame.sort_values("company_name"))
    rows = [frame.sort_values("company_name").index.get_loc(label) for label in (2, 3, 4)]
    assert sheet.edited == {(rows[0], "phone"), (rows[1], "status"), (rows[2], "payment_term")}
    assert sheet.wrong == {(rows[0], "phone"), (rows[1], "status")}
    assert state(sheet, rows[1], "status") == ("wrong", "is read-only: restore it, or change it in WizCommerce itself")


def test_a_new_contact_belongs_to_the_customer_of_the_chosen_row(wiz):
    make_contacts_valid(wiz)
    sheet = EditedFrame(load(wiz, "contacts").copy())
    rows = len(sheet)
    owner = sheet.frame["customer_id"][4]
    assert sheet.lock("customer_id", 4)
    sheet.add(sibling=4)
    assert sheet.frame["customer_id"][rows] == owner
    assert sheet.lock("customer_id", rows) == ""
    sheet.edit([Typed(rows, "first_name", "Ada"), Typed(rows, "email", "ada@x.org"), Typed(rows, "is_default", "no")])
    assert sheet.wrong == set()
    assert states(sheet.frame.wiz.plan().apply(progress=False)) == {"done": 1}
    sheet.add()
    assert (rows + 1, "customer_id") in sheet.wrong


def test_a_frame_without_a_load_is_edited_too(wiz):
    made = pd.DataFrame({"id": [None], "company_name": ["A"], "display_name": ["A"], "phone": [None]})
    sheet = EditedFrame(made, "customers")
    put(sheet, 0, "phone", "12")
    assert state(sheet, 0, "phone") == ("wrong", E164)
    put(sheet, 0, "phone", "+14155550101")
    assert states(sheet.frame.wiz.plan().apply(progress=False)) == {"done": 1}
    assert stored(wiz, "customers")[sheet.frame["id"][0]]["phone"] == "+14155550101"


@pytest.mark.parametrize("index", [["id"], ["region", "id"]])
def test_an_index_of_ids_is_edited_but_gets_no_rows(wiz, index):
    sheet = EditedFrame(load(wiz).assign(region="EU").set_index(index))
    put(sheet, 0, "payment_term", "net77")
    assert len(sheet.frame.wiz.plan()) == 1
    with pytest.raises(PlanError, match="reset_index"):
        sheet.add()
    assert len(sheet) == 30


@pytest.mark.parametrize("labels", [list("abcdefghij") * 3, [7] * 30, pd.date_range("2026-01-01", periods=30)])
def test_rows_are_added_under_labels_that_no_row_has(wiz, labels):
    sheet = EditedFrame(load(wiz).set_axis(labels))
    sheet.add()
    sheet.add()
    assert len(sheet) == 32
    assert sheet.frame.index[-2:].is_unique
    sheet.undo()
    sheet.undo()
    assert len(sheet) == 30
    assert sheet.edited == set()


def test_rows_that_moved_outside_the_grid_are_shown_again_and_not_edited(sheet):
    put(sheet, 0, "payment_term", "net77")
    sheet.frame.index = sheet.frame.index[::-1]
    with pytest.raises(PlanError, match="nothing was edited"):
        put(sheet, 0, "phone", "1")
    assert not sheet.can_undo
    put(sheet, 0, "phone", "1")
    assert sheet.frame["phone"].iloc[0] == "1"


def test_rows_are_found_and_sorted_without_moving_in_the_frame(wiz):
    wiz.server.overwrite("customers", wiz.server.records("customers")[29]["id"], display_name="Zz needle (x)")
    frame = load(wiz)
    sheet = EditedFrame(frame)
    order = frame["id"].tolist()
    assert sheet.find("NEEDLE (") == [29]
    put(sheet, 4, "phone", "1")
    put(sheet, 2, "payment_term", "net77")
    sheet.delete([7])
    sheet.add()
    assert sheet.find(limit_to="edited") == [2, 4]
    assert sheet.find(limit_to="wrong") == [4, 30]
    assert sheet.find(limit_to="new") == [30]
    assert sheet.find(limit_to="to delete") == [7]
    by_name = sheet.find(by="display_name", ascending=False)
    names = sheet.frame["display_name"].iloc[by_name[:-1]].str.casefold().tolist()
    assert names == sorted(names, reverse=True)
    assert by_name[-1] == 30  # blanks last, either way
    assert sorted(by_name) == list(range(31))
    assert sheet.find(by="created_at")[:30] == frame["created_at"].argsort(kind="stable").tolist()[:30]
    assert sheet.frame["id"].tolist()[:30] == order


def test_columns_of_few_values_have_suggestions(sheet):
    assert set(sheet.suggestions("payment_term")) <= set(sheet.frame["payment_term"].dropna())
    assert sheet.suggestions("phone") == sheet.suggestions("company_name") == sheet.suggestions("status") == []


def test_a_frame_that_does_not_hold_records_is_refused(wiz):
    frame = load(wiz)
    with pytest.raises(PlanError, match="does not have these columns"):
        EditedFrame(frame, columns=["nothing"])
    with pytest.raises(PlanError, match="two columns"):
        EditedFrame(pd.concat([frame, frame], axis=1))
    assert EditedFrame(frame, columns=["phone", "id"]).columns == ["phone", "id"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EditedFrame(frame.iloc[:0].copy()).add()


def test_a_table_that_is_new_to_the_grid_is_edited_by_its_own_rules(monkeypatch):
    monkeypatch.setitem(TABLES, "addresses", ADDRESS)
    frame = pd.DataFrame({"id": ["a1"], "customer_id": ["c1"], "address_line_1": ["1 Main St"], "type": ["billing"]})
    edits = EditedFrame(frame)
    assert edits.table is ADDRESS
    assert edits.lock("customer_id") == "fixed: addresses cannot move to another customer"
    edits.add(sibling=0)
    assert edits.frame["customer_id"].tolist() == ["c1", "c1"]
    assert edits.wrong == {(1, "address_line_1"), (1, "type")}
    seen = overview(edits.frame)
    assert (seen.title, seen.kind_name, seen.owner_name) == ("2 addresses", "Type", "Addresses per customer")
    assert seen.owners.to_dict() == {"2": 1}
