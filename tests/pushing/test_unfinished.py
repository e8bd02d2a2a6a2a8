"""Pushes that were cut off: what resume() shows, asks and refuses; damaged rows; ended sandboxes; purging."""

import contextlib
import datetime as dt
import sqlite3

import numpy as np
import pandas as pd
import pytest
from support.planning import load, stored, writes

import wizframe
from wizframe.errors import (
    InvalidRequestError,
    JournalError,
    LimitExceededError,
    PlanError,
    UnfinishedPushWarning,
    WrongAccountError,
)
from wizframe.pushing.journal_file import journal_path
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def cut_off(wiz, count=3, **options):
    """Push updates of which none is sent; give the push's id."""
    frame = load(wiz).head(count).assign(payment_term="mine")
    with wiz_refusing(wiz):
        return frame.wiz.plan().apply(progress=False, **options).push_id


def cut_off_deletes(wiz):
    frame = load(wiz).head(2)
    with wiz_refusing(wiz):
        return frame.wiz.delete().apply(progress=False, max_deletes=2).push_id


@contextlib.contextmanager
def wiz_refusing(wiz):
    wiz.server.faults.add(Fault("answer", "customers.get", status=401, times=None))
    try:
        yield
    finally:
        wiz.server.faults.clear()
        wiz.server.requests.clear()


def on_the_journal(statement, *values):
    with contextlib.closing(sqlite3.connect(journal_path(), isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        return connection.execute(statement, values).rowcount


def test_resume_shows_what_it_will_send_and_sends_nothing_without_a_terminal(wiz, capsys):
    push_id = cut_off(wiz)
    with pytest.raises(PlanError, match=r"no interactive terminal: nothing was sent\. Pass yes=True"):
        wizframe.resume()
    shown = capsys.readouterr().out
    assert f"push {push_id}" in shown
    assert "3 to update" in shown
    assert "→ mine" in shown
    assert writes(wiz) == []


@pytest.mark.parametrize(("reply", "is_sent"), [("y", True), ("yes", True), ("n", False), ("", False)])
def test_resume_asks_once_for_all_pushes(wiz, monkeypatch, capsys, reply, is_sent):
    cut_off(wiz)
    cut_off_deletes(wiz)
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or reply)
    with contextlib.nullcontext() if is_sent else pytest.raises(PlanError, match="cancelled: nothing was sent"):
        assert [one.counts()["done"] + one.counts()["conflict"] for one in wizframe.resume(progress=False)] == [3, 2]
    assert len(asked) == 1
    assert "what is left of 2 pushes (5 changes) to sandbox at" in asked[0]
    assert bool(writes(wiz)) == is_sent
    assert "- " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_changes": 2}, r"3 changes, but max_changes=2"),
        ({"max_changes": 0}, r"3 changes, but max_changes=0"),
        ({"max_changes": 2, "yes": True}, r"3 changes, but max_changes=2"),
    ],
)
def test_resume_has_the_limit_of_changes_of_a_push(wiz, options, words):
    cut_off(wiz)
    with pytest.raises(LimitExceededError, match=words):
        wizframe.resume(**options)
    assert writes(wiz) == []
    assert wizframe.resume(yes=True, max_changes=3, progress=False)[0].counts()["done"] == 3


def test_deletes_are_resumed_only_with_a_limit_or_after_a_question(wiz):
    cut_off_deletes(wiz)
    for options in ({}, {"max_deletes": 1}, {"max_changes": 9}):
        with pytest.raises(LimitExceededError, match="2 deletes, but max_deletes="):
            wizframe.resume(yes=True, **options)
    assert writes(wiz) == []
    assert wizframe.resume(yes=True, max_deletes=2, progress=False)[0].counts()["done"] == 2


def test_limits_are_for_all_pushes_together(wiz):
    cut_off(wiz, 2)
    cut_off(wiz, 3)
    with pytest.raises(LimitExceededError, match="5 changes"):
        wizframe.resume(yes=True, max_changes=4)
    assert writes(wiz) == []


def test_a_push_without_a_journal_is_unknown():
    with pytest.raises(PlanError, match="the journal has no push 'nope'"):
        wizframe.resume("nope")


def test_nothing_to_resume_is_not_asked_about(wiz):
    load(wiz).head(1).assign(payment_term="mine").wiz.plan().apply(progress=False)
    assert wizframe.resume() == []


DAMAGES = {
    "cells": ("cells", "[["),
    "cells of another form": ("cells", '[["payment_term"]]'),
    "cells that are a number": ("cells", "7"),
    "unknown column": ("cells", '[["is_admin", null, true]]'),
    "label": ("label", "\x00"),
    "action": ("action", "destroy"),
    "state": ("state", "perhaps"),
    "table": ("table_name", "orders"),
    "id": ("id", None),
    "bytes": ("id", b"\xff\xfe"),
    "record": ("after", "[]"),
    "deep": ("before", "[" * 100_000),
}


@pytest.mark.fault(
    "32b",
    "one row of the journal is damaged",
    "the other rows are finished, undone and listed; the damaged one is reported",
    "L E",
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_one_damaged_row_does_not_block_the_others(wiz, damage):
    column, value = DAMAGES[damage]
    push_id = cut_off(wiz)
    assert on_the_journal(f"UPDATE changes SET {column} = ? WHERE number = 1", value) == 1  # noqa: S608
    shown = []
    (finished,) = wizframe.resume(yes=True, progress=False, show=lambda plan: shown.append(str(plan)))
    assert finished.counts()["done"] == 2
    assert "1 row of the journal cannot be read and is left out (row 1: " in shown[0]
    told = wizframe.history()
    assert told["outcome"].value_counts().to_dict() == {"done": 2, "damaged": 1}
    assert "is damaged" in told["what_happened"][told["outcome"] == "damaged"].item()
    assert len(wizframe.pushes()) == 1
    back = wizframe.undo(push_id)
    assert back.counts()["update"] == 2
    assert "1 row of the journal is damaged" in str(back)


@pytest.mark.parametrize(("column", "value"), [("table_name", "orders"), ("on_conflict", "win"), ("table_name", "")])
def test_a_damaged_push_does_not_block_the_others(wiz, column, value):
    damaged = cut_off(wiz, 1)
    cut_off(wiz, 2)
    on_the_journal(f"UPDATE pushes SET {column} = ? WHERE push_id = ?", value, damaged)  # noqa: S608
    with pytest.warns(UnfinishedPushWarning, match=f"push {damaged} cannot be finished"):
        (finished,) = wizframe.resume(yes=True, progress=False)
    assert finished.counts()["done"] == 2
    with pytest.raises(JournalError, match="its row in the journal is damaged"):
        wizframe.resume(damaged, yes=True)


def test_a_damaged_time_hides_no_push(wiz):
    cut_off(wiz)
    on_the_journal("UPDATE pushes SET started_at = 'yesterday'")
    assert wizframe.pushes()["started_at"].isna().tolist() == [True]


def test_a_push_to_a_sandbox_that_has_ended_is_reported_and_can_be_purged():
    with wizframe.sandbox(customers=3) as wiz:
        push_id = cut_off(wiz)
        assert wizframe.purge(older_than_days=0) == 0  # its sandbox runs
        assert len(wizframe.pushes()) == 1
        address = wiz.base_url
    words = f"push {push_id} cannot be finished: it went to the sandbox at {address}, which has ended"
    with pytest.raises(WrongAccountError, match=rf"{words}\. To remove it: purge\(older_than_days=0\)"):
        wizframe.resume(push_id)
    with pytest.warns(UnfinishedPushWarning, match=words):
        assert wizframe.resume() == []
    assert wizframe.purge(older_than_days=1) == 0
    assert wizframe.purge(older_than_days=0) == 1
    assert wizframe.pushes().empty


@pytest.mark.parametrize(
    "days",
    [-1, -0.001, float("nan"), float("inf"), float("-inf"), 1e9, 36_501, "3", "", True, None, [1],
     np.float64("nan"), pd.NA, pd.NaT, dt.timedelta(days=1), 1 + 0j, np.True_],
)  # fmt: skip
def test_purging_refuses_what_is_not_a_number_of_days(wiz, days):
    load(wiz).head(1).assign(payment_term="mine").wiz.plan().apply(progress=False)
    with pytest.raises(InvalidRequestError, match=r"^nothing was removed: older_than_days=.*from 0 to 36,500\)$"):
        wizframe.purge(older_than_days=days)
    assert len(wizframe.pushes()) == 1


@pytest.mark.parametrize("days", [0, 0.0, np.int64(0), np.float32(0)])
def test_purging_takes_any_number_of_days(wiz, days):
    load(wiz).head(1).assign(payment_term="mine").wiz.plan().apply(progress=False)
    assert wizframe.purge(older_than_days=36_500) == 0
    assert wizframe.purge(older_than_days=days) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"since": "yesterday"}, "^since='yesterday': allowed: times such as 2026-01-31"),
        ({"since": 5}, "^since=5: allowed"),
        ({"since": pd.NaT}, "^since=NaT: allowed"),
        ({"since": ""}, "^since='': allowed"),
        ({"id": 5}, "^id=5 is not valid"),
        ({"id": ""}, "^id='': the id of a record"),
        ({"field": "payment"}, r"^field='payment' is not a column \(allowed: .*payment_term"),
        ({"field": ["phone"]}, r"^field=\['phone'\] is not a column"),
    ],
)
def test_history_refuses_what_it_cannot_look_for(options, words):
    with pytest.raises(InvalidRequestError, match=words):
        wizframe.history(**options)


def test_rows_for_which_nothing_was_sent_are_not_in_the_history(wiz):
    frame = load(wiz).head(4)
    frame["payment_term"] = "mine"
    again = frame.copy()
    wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")  # a conflict
    wiz.server.overwrite("customers", frame["id"][1], payment_term="mine")  # it already has the value
    assert frame.wiz.plan().apply(progress=False).counts()["done"] == 3
    told = wizframe.history()
    assert sorted(told["id"]) == sorted(frame["id"][2:])
    assert again.wiz.plan().apply(progress=False).counts()["done"] == 3
    assert wizframe.history().equals(told)
    assert len(stored(wiz, "customers")) > 4
