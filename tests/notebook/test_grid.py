"""The editing grid without a browser: what the browser is told, and what comes of what it says."""

import subprocess
import sys

import pandas as pd
import pytest
from support.planning import cells_of, changed, load, make_contacts_valid, states, stored
from support.widgets import HOSTILE, press

from wizframe import CLEAR
from wizframe.errors import PlanError, to_install
from wizframe.notebook.editor.edits import EditedFrame

pytest.importorskip("anywidget")


class Browser:
    """Says to a grid what the one in the browser says, and keeps what it is told."""

    def __init__(self, editor, monkeypatch):
        self.editor = editor
        self.widget = editor.children[0]
        self.received = []
        self.sequence = 0
        monkeypatch.setattr(self.widget, "send", self.received.append)

    @property
    def status(self):
        return self.widget.status

    def say(self, kind, **content):
        self.sequence += kind != "rows"
        given = {"kind": kind, "view": "one", "sequence": self.sequence, "version": self.status["version"]} | content
        self.send(given)
        return self.received[-1] if self.received else None

    def send(self, message):
        """Give a message to the editor as it comes from the browser; what it raises, this raises."""
        self.editor._receive(self.widget, message, [])

    def number(self, name):
        return [column["name"] for column in self.widget.columns].index(name)

    def edit(self, position, name, text):
        return self.say("edit", cells=[[position, self.number(name), text]])

    def paste(self, row, name, text, height=1, width=1):
        return self.say("paste", row=row, col=self.number(name), text=text, height=height, width=width)

    def find(self, text="", limit_to="all rows", sort=None):
        return self.say("find", text=text, limit_to=limit_to, sort=sort)

    def rows(self, first=0, last=60):
        return self.say("rows", **{"from": first, "to": last})["rows"]

    def cell(self, place, name):
        """Give a cell as (text, state, why, raw)."""
        cell = self.rows(place, place + 1)[0]["cells"][self.number(name)]
        return (cell, "", "", cell) if isinstance(cell, str) else tuple(cell)


@pytest.fixture
def customers(wiz):
    return load(wiz)


@pytest.fixture
def grid(customers, monkeypatch):
    return Browser(customers.wiz.edit(), monkeypatch)


def test_the_grid_edits_a_copy_that_is_planned_like_any_frame(wiz, customers, grid):
    before, as_loaded = stored(wiz, "customers"), customers.copy()
    answer = grid.edit(3, "payment_term", "net77")
    assert [row["position"] for row in answer["rows"]] == [3]
    assert grid.cell(3, "payment_term")[:2] == ("net77", "changed")
    assert (grid.status["edited"], grid.status["can_undo"], grid.status["can_redo"]) == (1, True, False)
    pd.testing.assert_frame_equal(customers, as_loaded)
    frame = grid.editor.frame
    assert cells_of(frame.wiz.plan()) == {("update", customers["id"][3], "payment_term"): "net77"}
    assert states(grid.editor.plan().apply(progress=False)) == {"done": 1}
    assert changed(before, stored(wiz, "customers")) == {customers["id"][3]: {"payment_term": "net77"}}


def test_only_the_rows_that_are_asked_for_are_sent(grid):
    assert [row["position"] for row in grid.rows(10, 13)] == [10, 11, 12]
    assert [row["position"] for row in grid.rows(28, 99)] == [28, 29]
    grid.received.clear()
    assert grid.say("rows", version=99, **{"from": 0, "to": 5}) is None  # of an older view


def test_columns_say_what_can_be_edited(wiz, grid, monkeypatch):
    columns = {column["name"]: column for column in grid.widget.columns}
    assert {name for name, column in columns.items() if column["lock"]} == {"id", "status", "created_at", "updated_at"}
    assert columns["phone"]["doc"] == "Phone number, such as +14155552671."
    assert columns["payment_term"]["choices"] is None
    make_contacts_valid(wiz)
    contacts = Browser(load(wiz, "contacts").assign(mine=1).wiz.edit(), monkeypatch)
    columns = {column["name"]: column for column in contacts.widget.columns}
    assert columns["is_default"]["choices"] == ["", "True", "False"]
    assert columns["mine"]["lock"] == "a column that you added: it is never sent"
    assert columns["customer_id"]["free_in_new"]
    assert "<command>" not in columns


def test_wrong_values_come_back_marked_with_the_reason(grid):
    grid.edit(0, "phone", "after 5 pm")
    assert grid.cell(0, "phone") == (
        "after 5 pm",
        "wrong",
        "is not an E.164 phone number like +14155552671",
        "after 5 pm",
    )
    assert grid.status["wrong"] == 1
    assert (
        grid.edit(1, "status", "inactive")["message"]
        == "1 cell was not changed, because status is read-only: the service sets it."
    )


def test_steps_are_undone_and_redone(customers, grid):
    grid.paste(0, "first_name", "Ann\tLee\r\nBen\tKim\r\n")
    grid.edit(0, "phone", "1")
    assert grid.status["edited"] == 5
    grid.say("undo")
    answer = grid.say("undo")
    assert [row["position"] for row in answer["rows"]] == [0, 1]
    assert (grid.status["edited"], grid.status["can_undo"], grid.status["can_redo"]) == (0, False, True)
    pd.testing.assert_frame_equal(grid.editor.frame, customers)
    grid.say("redo")
    assert grid.editor.frame["last_name"][:2].tolist() == ["Lee", "Kim"]


def test_a_block_goes_into_the_rows_as_they_are_shown(customers, grid):
    grid.find(sort=[grid.number("company_name"), False])
    shown = [row["position"] for row in grid.rows()]
    grid.paste(2, "payment_term", "a\nb\n")
    assert grid.editor.frame["payment_term"].iloc[[shown[2], shown[3]]].tolist() == ["a", "b"]
    assert [row["position"] for row in grid.rows()] == shown
    refused = grid.say("paste", row=0, col=grid.number("phone"), text="1", height=1, width=1, version=0)
    assert "the rows have moved" in refused["message"]
    grid.find()
    assert [row["position"] for row in grid.rows()] == list(range(30))
    assert grid.editor.frame["id"].tolist() == customers["id"].tolist()


def test_rows_are_found(customers, grid):
    grid.find(customers["reference_id"][17].lower())
    assert [row["position"] for row in grid.rows()] == [17]
    assert (grid.status["rows"], grid.status["shown"]) == (30, 1)
    grid.edit(17, "phone", "1")
    grid.find("", "wrong")
    assert [row["position"] for row in grid.rows()] == [17]


def test_a_row_is_added_and_records_are_marked_for_deletion(wiz, grid):
    grid.find("nothing at all")
    answer = grid.say("add", sibling=None)
    assert answer["select"] == 0  # it is shown, whatever is looked for
    assert grid.rows()[0]["new"]
    grid.find()
    grid.edit(30, "company_name", "New")
    grid.edit(30, "display_name", "New")
    grid.say("delete", rows=[4, 5], is_to_delete=True)
    grid.say("delete", rows=[5], is_to_delete=False)
    assert [row["position"] for row in grid.rows() if row["to_delete"]] == [4]
    assert (grid.status["new"], grid.status["to_delete"]) == (1, 1)
    plan = grid.editor.plan()
    assert plan.counts() == {"create": 1, "update": 0, "delete": 1}
    assert states(plan.apply(max_deletes=1, progress=False)) == {"done": 2}
    assert len(stored(wiz, "customers")) == 30


def test_changes_are_reviewed_below_and_the_grid_shows_what_was_pushed(wiz, grid):
    grid.say("review")
    assert grid.received[-1]["message"] == "Nothing to change."
    grid.say("add", sibling=None)
    grid.edit(30, "company_name", "New")
    grid.edit(30, "display_name", "New")
    grid.edit(0, "payment_term", "net77")
    version = grid.status["version"]
    grid.say("review")
    review = grid.editor.children[1].children[0]
    press(review, "Apply 2 ticked changes")
    press(review, "Yes, send 2 changes")
    assert states(review.wait(30)) == {"done": 2}
    assert grid.status["version"] > version
    assert (grid.status["edited"], grid.status["new"]) == (0, 0)
    assert grid.cell(30, "id")[0] in stored(wiz, "customers")
    assert grid.cell(0, "payment_term") == ("net77", "", "", "net77")


def test_nothing_is_edited_while_a_push_is_running(wiz, grid, monkeypatch):
    grid.edit(0, "payment_term", "net77")
    grid.say("review")
    review = grid.editor.children[1].children[0]
    request, refused = wiz.transport.request, []

    def slow(method, segments, **content):
        if method != "GET" and not refused:
            refused.append(grid.edit(1, "payment_term", "net88")["message"])
        return request(method, segments, **content)

    monkeypatch.setattr(wiz.transport, "request", slow)
    press(review, "Apply")
    press(review, "Yes")
    assert states(review.wait(30)) == {"done": 1}
    assert refused == ["nothing was edited, because a push is running. Edit again when it has finished."]
    grid.edit(1, "payment_term", "net88")
    assert len(grid.editor.plan()) == 1


def test_edits_in_code_show_after_refresh(grid):
    grid.editor.frame.loc[2, "phone"] = "12"
    grid.editor.refresh()
    assert grid.cell(2, "phone")[1] == "wrong"
    grid.editor.frame.index = grid.editor.frame.index[::-1]
    assert "nothing was edited" in grid.edit(0, "phone", "1")["message"]
    assert grid.rows()[0]["label"] == "29"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_shown_visibly_and_kept_as_they_are(wiz, monkeypatch, name):
    wiz.server.overwrite("customers", wiz.server.records("customers")[0]["id"], display_name=name)
    grid = Browser(load(wiz).wiz.edit(), monkeypatch)
    shown, *_, raw = grid.cell(0, "display_name")
    assert (shown, raw) == (name.replace("\u202e", "\\u202e"), name)
    assert "\u202e" not in grid.rows(0, 1)[0]["name"]
    grid.edit(0, "phone", name)
    assert grid.editor.frame["phone"][0] == name


def test_a_message_that_overtook_another_one_waits_for_it(grid):
    messages = [
        {"kind": "edit", "cells": [[0, grid.number("payment_term"), text]], "view": "one", "sequence": number}
        for number, text in enumerate(("first", "second", "third"), 1)
    ]
    for number in (3, 2):
        grid.send(messages[number - 1])
    assert grid.received == []
    grid.send(messages[0])
    assert [answer["sequence"] for answer in grid.received] == [1, 2, 3]
    assert grid.editor.frame["payment_term"][0] == "third"


def test_an_unexpected_error_gets_a_response_and_is_raised(grid, monkeypatch):
    monkeypatch.setattr(EditedFrame, "edit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        grid.edit(0, "payment_term", "x")
    assert grid.received[-1]["message"] == "Something went wrong. Nothing was edited."


def test_a_cell_that_is_emptied_is_cleared(customers, grid):
    row = customers.index[customers["phone"].notna()][0]
    grid.edit(int(row), "phone", "")
    assert grid.editor.frame["phone"][row] == CLEAR
    assert grid.cell(int(row), "phone")[1] == "cleared"


def test_what_cannot_be_planned_is_not_edited(customers):
    with pytest.raises(PlanError):
        pd.DataFrame({"a": [1]}).wiz.edit()
    assert repr(customers.wiz.edit()) == "<Editor of 30 customers: 0 cells edited, 0 wrong>"
    assert [column["name"] for column in customers.wiz.edit(columns=["phone"]).children[0].columns] == ["phone"]


def test_without_anywidget_a_sentence_says_what_to_install():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import pandas as pd, wizframe\n"
        "try: pd.DataFrame({'id': [], 'company_name': []}).wiz.edit()\n"
        "except wizframe.errors.MissingExtraError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == f"the editing grid needs anywidget: {to_install('notebook')}\n"


def test_a_large_frame_is_sent_a_block_at_a_time(wiz, monkeypatch):
    frame = pd.concat([load(wiz)] * 1000, ignore_index=True)
    frame["id"] = [f"cust_{number}" for number in range(len(frame))]
    grid = Browser(frame.wiz.edit(table="customers"), monkeypatch)
    assert len(grid.widget.get_state()["columns"]) == 15
    assert [row["position"] for row in grid.rows(29_990, 30_050)] == list(range(29_990, 30_000))
    grid.edit(29_999, "payment_term", "net77")
    assert grid.status["edited"] == 1
