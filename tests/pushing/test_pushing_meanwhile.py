"""A notebook lets its user go on while a push runs: edits made meanwhile are kept, and the push can be stopped."""

import pandas as pd
import pytest
from support.planning import cells_of, load, states, stored, writes

import wizframe
from wizframe.errors import StalePlanError
from wizframe.progress import Watch


@pytest.fixture
def meanwhile(wiz, monkeypatch):
    """Do something after the first write of a push and before its end, once."""
    left = []
    request = wiz.transport.request

    def observed(method, segments, **content):
        answer = request(method, segments, **content)
        if method != "GET" and left:
            left.pop()()
        return answer

    monkeypatch.setattr(wiz.transport, "request", observed)
    wiz.workers = 1
    return left.append


@pytest.fixture
def edited(wiz):
    new = {"id": None, "reference_id": "NEW-1", "company_name": "New", "display_name": "New"}
    frame = pd.concat([load(wiz), pd.DataFrame([new])], ignore_index=True)
    frame.loc[[0, 1], "payment_term"] = "net77"
    return frame


def test_what_is_edited_while_a_push_runs_is_kept_and_planned_next(wiz, edited, meanwhile):
    ids, plan = edited["id"], edited.wiz.plan()

    def edit():
        edited.loc[0, ["payment_term", "phone"]] = ["net88", "+14155550101"]
        edited.loc[[5, 30], "shipping_method"] = "by bike"
        wiz.server.overwrite("customers", ids[0], email="elsewhere@x.org")

    meanwhile(edit)
    assert states(plan.apply(progress=False)) == {"done": 3}
    rest = edited.wiz.plan()
    assert cells_of(rest) == {
        ("update", ids[0], "payment_term"): "net88",
        ("update", ids[0], "phone"): "+14155550101",
        ("update", ids[5], "shipping_method"): "by bike",
        ("update", edited["id"][30], "shipping_method"): "by bike",
    }
    assert rest.cells.loc[rest.cells["column"] == "payment_term", "old"].tolist() == ["net77"]
    assert states(rest.apply(progress=False)) == {"done": 3}
    assert len(edited.wiz.plan()) == 0


def test_rows_may_be_added_below_while_a_push_runs(edited, meanwhile):
    plan = edited.wiz.plan()

    def add():
        edited.loc[99] = None
        edited.loc[99, ["company_name", "display_name"]] = "Newer"

    meanwhile(add)
    assert states(plan.apply(progress=False)) == {"done": 3}
    assert edited["id"].isna().sum() == 1
    assert edited.wiz.plan().counts() == {"create": 1, "update": 0, "delete": 0}


def _relabelled(frame):
    frame.index = frame.index[::-1]


def _sorted(frame):
    frame[:] = frame.sort_values("company_name").to_numpy()


def _turned(frame):
    frame.loc[99] = frame.loc[5]
    frame.index = frame.index[::-1]


def _with_a_column_twice(frame):
    frame.insert(0, "phone", "1", allow_duplicates=True)


@pytest.mark.parametrize("moved", [_relabelled, _sorted, _turned, _with_a_column_twice])
def test_rows_that_move_while_a_push_runs_are_left_alone(wiz, edited, meanwhile, moved):
    """Their positions say nothing any more, and a cell in a wrong row would be sent with the next push."""
    plan, expected = edited.wiz.plan(), edited.copy()
    meanwhile(lambda: moved(edited))
    assert states(plan.apply(progress=False)) == {"done": 3}
    assert {i: stored(wiz, "customers")[i]["payment_term"] for i in expected["id"][:2]} == dict.fromkeys(
        expected["id"][:2], "net77"
    )
    moved(expected)
    pd.testing.assert_frame_equal(edited, expected)


def test_a_push_can_be_stopped_and_says_what_was_not_sent(wiz, edited, meanwhile):
    watch = Watch()
    plan = edited.wiz.plan()
    meanwhile(watch.stop)
    result = plan.apply(progress=watch)
    assert states(result) == {"done": 1, "unsent": 2}
    assert set(result.changes["what_happened"][1:]) == {"the push was stopped before this row"}
    assert len(writes(wiz)) == 1
    assert wizframe.pushes()["ended_at"].isna().all()
    assert len(edited.wiz.plan()) == 2
    assert states(wizframe.resume(yes=True)[0]) == {"done": 2}


def test_a_push_that_was_stopped_before_it_began_sends_nothing(wiz, edited):
    watch = Watch()
    watch.stop()
    result = edited.wiz.plan().apply(progress=watch)
    assert states(result) == {"unsent": 3}
    assert writes(wiz) == []


def test_a_watch_gets_the_progress_of_a_push(edited):
    told = []
    watch = Watch(lambda: told.append((watch.what, watch.done, watch.total)))
    edited.wiz.plan().apply(progress=watch)
    assert told == [("changes", 1, 3), ("changes", 2, 3), ("changes", 3, 3)]


def test_a_cell_that_is_edited_while_a_plan_is_made_makes_it_stale(wiz, edited, monkeypatch):
    """Else the push would take the edit for an untouched cell, and put the service's value there."""
    request, edits = wiz.transport.request, []

    def observed(method, segments, **content):
        if not edits:
            edits.append(method)
            edited.loc[0, "phone"] = "+14155550101"
        return request(method, segments, **content)

    monkeypatch.setattr(wiz.transport, "request", observed)
    plan = edited.wiz.plan()  # looks the new row's reference up
    assert edits == ["GET"]
    assert "phone" not in plan.cells["column"].tolist()
    with pytest.raises(StalePlanError):
        plan.apply(progress=False)
