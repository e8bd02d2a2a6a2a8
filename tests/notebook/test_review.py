"""The review without a browser: what is shown, what a tick does, what is sent, and what becomes of the rest."""

import threading

import pandas as pd
import pytest
from support.planning import changed, load, states, stored, writes
from support.widgets import HOSTILE, find, press, text_of, walk

import wizframe
from wizframe.errors import ConfigurationError
from wizframe.notebook.review import cards
from wizframe.notebook.review.cards import LATER, MINE, THEIRS


@pytest.fixture
def edited(wiz):
    """Customers with three edited rows, the first in two columns, and a new one."""
    new = {"id": None, "reference_id": "NEW-1", "company_name": "New", "display_name": "New"}
    for record, name in zip(wiz.server.records("customers"), ("Ann", "Ben", "Cid"), strict=False):
        wiz.server.overwrite("customers", record["id"], display_name=name)
    frame = pd.concat([load(wiz), pd.DataFrame([new])], ignore_index=True)
    frame.loc[[0, 1, 2], "payment_term"] = "net77"
    frame.loc[0, "shipping_method"] = "by bike"
    return frame


def send(review):
    """Apply what is ticked, and say yes."""
    press(review, "Apply")
    press(review, "Yes, send")
    return review.wait(30)


def boxes(review):
    return {box.description: box for box in walk(review) if type(box).__name__ == "Checkbox"}


def test_nothing_is_sent_before_the_user_confirms(wiz, edited):
    review = edited.wiz.plan().review()
    press(review, "Apply 4 ticked changes")
    said = text_of(review)
    assert f"Send 4 changes (1 to create, 3 to update) to local sandbox at {wiz.base_url} now?" in said
    press(review, "No")
    assert "Send 4 changes" not in text_of(review)
    assert review.result is None
    assert writes(wiz) == []


def test_what_is_not_ticked_is_not_sent_and_stays_edited(wiz, edited):
    before, ids = stored(wiz, "customers"), edited["id"][:3].tolist()
    review = edited.wiz.plan().review()
    boxes(review)[f"Send Ben {ids[1]}"].value = False
    boxes(review)["Send shipping_method of Ann"].value = False
    assert review.chosen.counts() == {"create": 1, "update": 2, "delete": 0}
    assert states(send(review)) == {"done": 3}
    found = changed(before, stored(wiz, "customers"))
    assert {i: found[i] for i in ids if i in found} == {
        ids[0]: {"payment_term": "net77"},
        ids[2]: {"payment_term": "net77"},
    }
    assert edited["id"].notna().all()
    press(review, "Plan again")
    assert review.plan.counts() == {"create": 0, "update": 2, "delete": 0}
    assert not any(box.value for box in boxes(review).values())  # a new change is not ticked by itself
    find(review, "Button", "Tick all").click()
    assert states(send(review)) == {"done": 2}
    assert len(edited.wiz.plan()) == 0


def test_ticks_of_a_record_and_of_its_cells_go_together(edited):
    review = edited.wiz.plan().review()
    whole, cell = boxes(review)[f"Send Ann {edited['id'][0]}"], boxes(review)["Send payment_term of Ann"]
    other = boxes(review)["Send shipping_method of Ann"]
    cell.value = False
    assert (whole.value, other.value) == (True, True)
    other.value = False
    assert whole.value is False
    whole.value = True
    assert (cell.value, other.value) == (True, True)
    whole.value = False
    assert (cell.value, other.value) == (False, False)
    assert len(review.chosen) == 3
    press(review, "Tick none")
    assert len(review.chosen) == 0
    assert find(review, "Button", "Apply 0 ticked changes").disabled


def test_problems_come_first_cannot_be_ticked_and_are_corrected_in_place(wiz, edited):
    edited.loc[2, "phone"] = "after 5 pm"
    edited.loc[9, "status"] = "inactive"
    review = edited.wiz.plan().review()
    said = text_of(review)
    assert "2 rows with problems cannot be ticked until corrected" in said
    assert said.index("is not an E.164") < said.index("Ann")
    assert boxes(review)[f"Send Cid {edited['id'][2]}"].disabled
    assert len(review.chosen) == 3
    fields = [one for one in walk(review) if type(one).__name__ == "Text" and "Correct" in (one.tooltip or "")]
    assert [field.description for field in fields] == ["phone"]  # status is read-only
    assert fields[0].value == "after 5 pm"
    fields[0].value = "+14155550101"
    press(review, "Plan again")
    assert edited["phone"][2] == "+14155550101"
    assert boxes(review)[f"Send Cid {edited['id'][2]}"].value
    assert states(send(review)) == {"done": 4}
    assert stored(wiz, "customers")[edited["id"][2]]["phone"] == "+14155550101"
    assert writes(wiz).count("POST") == 1


def test_a_problem_of_a_whole_column_stops_every_row(edited):
    edited["payment_term_x"] = "?"
    review = edited.wiz.plan().review()
    assert "every row, column payment_term_x" in text_of(review)
    assert "a whole column has problems" in text_of(review)
    assert len(review.chosen) == 0
    assert find(review, "Button", "Apply 0").disabled


def test_a_contact_goes_with_its_new_customer(edited):
    people = pd.DataFrame([{"id": None, "customer_reference_id": "NEW-1", "first_name": "Ada", "email": "a@x.org"}])
    review = edited.wiz.plan(contacts=people).review()
    customer, contact = boxes(review)["Send New NEW-1"], next(b for name, b in boxes(review).items() if "Ada" in name)
    customer.value = False
    assert (contact.value, contact.disabled) == (False, True)
    assert "its new customer is not ticked" in text_of(review)
    assert len(review.chosen) == 3
    customer.value = True
    assert (contact.value, contact.disabled) == (True, False)
    assert states(send(review)) == {"done": 5}
    assert len(edited.wiz.plan(contacts=people)) == 0


def test_production_is_shown_in_red_before_anything_is_sent(wiz, edited, monkeypatch):
    monkeypatch.setattr(type(wiz), "environment", "PRODUCTION")
    review = edited.wiz.plan().review()
    press(review, "Apply")
    question = next(one.value for one in walk(review) if "class='wiz-question" in str(getattr(one, "value", "")))
    assert "wiz-danger" in question
    assert "<span class='wiz-production'>PRODUCTION</span>" in question
    assert find(review, "Button", "Yes").button_style == "danger"


def test_deletes_say_how_many_contacts_are_deleted_too_and_need_no_other_limit(wiz):
    frame = load(wiz).head(2)
    review = frame.wiz.delete().review()
    count = sum(contact["customer_id"] in set(frame["id"]) for contact in wiz.server.records("contacts"))
    press(review, "Apply 2 ticked changes")
    assert f"{count} contacts of the deleted records are deleted, too" in text_of(review)
    boxes(review)[next(iter(boxes(review)))].value = False
    assert "are deleted, too" not in text_of(review)  # the question was of other changes
    assert states(send(review)) == {"done": 1}
    assert frame["id"].isin(stored(wiz, "customers")).tolist() == [True, False]


def test_deletes_that_the_frame_asks_for_are_reviewed_with_its_edits(wiz, edited):
    edited["<command>"] = None
    edited.loc[[7, 8], "<command>"] = "DELETE"
    review = edited.wiz.plan().review()
    find(review, "Dropdown", "Show").value = "delete"
    next(iter(boxes(review).values())).value = False
    assert review.chosen.counts() == {"create": 1, "update": 3, "delete": 1}
    assert states(send(review)) == {"done": 5}
    assert edited["id"][[7, 8]].isin(stored(wiz, "customers")).tolist() == [True, False]
    press(review, "Plan again")
    assert review.plan.counts() == {"create": 0, "update": 0, "delete": 1}
    assert len(review.chosen) == 0


def test_failures_are_corrected_in_place_and_pushed_again(wiz, edited):
    review = edited.wiz.plan().review()
    wiz.customer.create({"reference_id": "NEW-1", "company_name": "Theirs", "display_name": "Theirs"})
    assert states(send(review)) == {"done": 3, "failed": 1}
    assert "reference NEW-1 is already in use" in text_of(review)
    find(review, "Text", "reference_id").value = "NEW-2"
    press(review, "Plan again")
    assert review.plan.counts() == {"create": 1, "update": 0, "delete": 0}
    assert states(send(review)) == {"done": 1}
    assert stored(wiz, "customers")[edited["id"][30]]["reference_id"] == "NEW-2"


@pytest.mark.parametrize(
    ("decision", "typed", "expected"),
    [(MINE, None, "net77"), (THEIRS, None, "theirs"), (MINE, "agreed", "agreed"), (LATER, None, "theirs")],
)
def test_conflicts_are_decided_in_place(wiz, edited, decision, typed, expected):
    review = edited.wiz.plan().review()
    identifier = edited["id"][1]
    wiz.server.overwrite("customers", identifier, payment_term="theirs")
    assert states(send(review)) == {"done": 3, "conflict": 1}
    assert "yours net77 · now in WizCommerce theirs" in text_of(review)
    find(review, "Dropdown", "payment_term").value = decision
    if typed:
        find(review, "Text", "sent as").value = typed
    press(review, "Plan again")
    assert len(review.plan) == (0 if decision == THEIRS else 1)
    if len(review.plan):
        assert states(send(review)) == {"conflict" if decision == LATER else "done": 1}
    assert stored(wiz, "customers")[identifier]["payment_term"] == expected
    assert edited["payment_term"][1] == ("net77" if decision == LATER else expected)


def test_a_record_is_decided_as_a_whole(wiz, edited):
    review = edited.wiz.plan().review()
    wiz.server.overwrite("customers", edited["id"][0], payment_term="theirs", shipping_method="theirs")
    send(review)
    find(review, "Dropdown", "payment_term").value = MINE
    press(review, "Plan again")
    assert "Decide all conflicts of a record" in text_of(review)
    find(review, "Dropdown", "shipping_method").value = THEIRS
    press(review, "Plan again")
    assert states(send(review)) == {"done": 1}
    record = stored(wiz, "customers")[edited["id"][0]]
    assert (record["payment_term"], record["shipping_method"]) == ("net77", "theirs")


def test_a_push_can_be_undone_after_another_review(wiz, edited):
    before = stored(wiz, "customers")
    review = edited.head(30).wiz.plan().review()
    assert states(send(review)) == {"done": 3}
    press(review, "Undo")
    assert changed(before, stored(wiz, "customers")) != {}  # only planned yet
    assert states(send(review)) == {"done": 3}
    assert changed(before, stored(wiz, "customers")) == {}


def test_a_push_can_be_stopped_and_the_rest_planned_again(wiz, edited, monkeypatch):
    wiz.workers = 1
    review = edited.wiz.plan().review()
    request, pressed = wiz.transport.request, threading.Event()

    def slow(method, segments, **content):
        if method != "GET" and not pressed.is_set():
            press(review, "Stop")
            pressed.set()
        return request(method, segments, **content)

    monkeypatch.setattr(wiz.transport, "request", slow)
    assert states(send(review)) == {"done": 1, "unsent": 3}
    assert pressed.is_set()
    assert "the push was stopped before this row" in text_of(review)
    press(review, "Plan again")
    assert states(send(review)) == {"done": 3}


def test_a_frame_that_was_edited_after_planning_is_planned_again(wiz, edited):
    review = edited.wiz.plan().review()
    edited.loc[5, "payment_term"] = "net88"
    send(review)
    assert review.result is None
    assert "were edited (or pushed) after this plan was made" in text_of(review)
    assert writes(wiz) == []
    press(review, "Plan again")
    assert states(send(review)) == {"done": 5}


def test_what_was_typed_is_not_written_into_rows_that_moved(edited):
    edited.loc[2, "phone"] = "after 5 pm"
    review = edited.wiz.plan().review()
    find(review, "Text", "phone").value = "+14155550101"
    edited.index = edited.index[::-1]
    press(review, "Plan again")
    assert "Your corrections were not used" in text_of(review)
    assert (edited["phone"] == "+14155550101").sum() == 0


def test_a_refusal_is_shown_and_nothing_is_lost(wiz, edited):
    review = edited.wiz.plan().review()
    wiz.transport.read_only = True
    send(review)
    assert f"nothing was sent: the connection to {wiz.base_url} is read-only" in text_of(review)
    wiz.transport.read_only = False
    assert states(send(review)) == {"done": 4}


def test_the_note_is_stored_in_the_journal(edited):
    review = edited.wiz.plan().review()
    find(review, "Text", "Note").value = "asked by Ada"
    send(review)
    assert wizframe.pushes()["note"].tolist() == ["asked by Ada"]


def test_many_changes_are_shown_a_page_at_a_time_and_can_be_searched(wiz):
    frame = load(wiz)
    frame["payment_term"] = "net77"
    frame.loc[25, "display_name"] = "Needle"
    review = frame.wiz.plan().review()
    shown = len(boxes(review))
    assert shown < 30
    boxes(review)[next(iter(boxes(review)))].value = False
    press(review, "Next")
    assert len(boxes(review)) < 30
    assert "21–30 of 30" in text_of(review)
    press(review, "‹ Previous")
    assert [box.value for box in boxes(review).values()].count(False) == 1
    find(review, "Text", "Find").value = "needle"
    assert len([name for name in boxes(review) if "display_name" in name]) == 1
    press(review, "Tick none")
    assert len(review.chosen) == 28
    find(review, "Text", "Find").value = ""
    find(review, "Dropdown", "Show").value = "not ticked"
    assert len({name for name in boxes(review) if " of " not in name}) == 2
    assert cards.PAGE_SIZE == 20


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_show_as_text(wiz, edited, name):
    wiz.server.overwrite("customers", edited["id"][0], display_name=name)
    frame = load(wiz)
    frame.loc[0, ["payment_term", "phone"]] = [name, name]
    frame.loc[1, "shipping_method"] = name
    review = frame.wiz.plan().review()
    visible = name.replace("\u202e", "\\u202e")

    def check(times):
        markup = "".join(one.value for one in walk(review) if type(one).__name__ == "HTML")
        assert "\u202e" not in markup
        assert not any(bad in markup for bad in ("<img", "<script", "</script", "<b>x"))
        assert text_of(review).count(visible) >= times
        assert not any("$" in name for name in boxes(review))  # the notebook would typeset it

    check(4)
    press(review, "Apply")
    wiz.server.overwrite("customers", frame["id"][1], shipping_method=name + "!")
    send(review)
    check(2)


def test_frames_are_written_between_two_cells(wiz, edited, monkeypatch):
    waited = []

    def between_cells(action, *, within_s=None):
        waited.append((within_s, stored(wiz, "customers")[edited["id"][0]]["payment_term"], edited["id"].isna().sum()))
        action()

    monkeypatch.setattr("wizframe.notebook.review.review.between_cells", between_cells)
    edited.loc[5, "phone"] = "1"
    review = edited.wiz.plan().review()
    send(review)
    find(review, "Button", "Plan again").click()
    assert waited == [(10.0, "net77", 1), (None, "net77", 0)]


def test_a_plan_without_changes_says_so(wiz):
    review = load(wiz).wiz.plan().review()
    assert "Nothing to change." in text_of(review)
    assert repr(review) == f"<Review of plan {review.plan.id[:12]}: 0 of 0 changes ticked>"


def test_a_review_needs_a_connection(wiz, edited):
    plan = edited.wiz.plan()
    wiz.close()
    with pytest.raises(ConfigurationError):
        plan.review()
