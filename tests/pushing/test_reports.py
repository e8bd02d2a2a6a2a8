"""What a plan and a result remember and write: the connection, workbooks of any length, the user's own columns."""

import copy
import errno
import os
import pickle

import pandas as pd
import pytest
from support.planning import load

import wizframe

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def test_a_plan_remembers_the_connection_that_it_was_made_with(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    with wizframe.connect(base_url=wiz.base_url, api_key=wizframe.SANDBOX_API_KEY) as other:
        assert other.account == wiz.account
        plan = frame.wiz.plan(client=wiz)
        result = plan.choose(plan.changes).apply(progress=False)
        assert result.connection == wiz.connection
        assert result.undo().apply(progress=False).connection == wiz.connection
        frame.loc[1, "payment_term"] = "mine"
        assert wizframe.push(frame.wiz.plan(client=wiz), yes=True).connection == wiz.connection
        assert load(wiz).head(1).wiz.delete(client=wiz).apply(max_deletes=1, progress=False).counts()["done"] == 1
        frame.loc[2, "payment_term"] = "mine"
        chosen = frame.wiz.plan(client=wiz).apply(client=other, progress=False)
        assert chosen.connection == other.connection


def test_a_plan_of_a_closed_connection_uses_the_one_that_is_open(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    with wizframe.connect(base_url=wiz.base_url, api_key=wizframe.SANDBOX_API_KEY) as other:
        plan = frame.wiz.plan(client=other)
    assert plan.apply(progress=False).connection == wiz.connection


def test_a_plan_can_be_copied_without_its_connection(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    plan = frame.wiz.plan()
    copied = copy.copy(plan)
    assert pickle.dumps(plan)
    assert (copied.id, copied.client) == (plan.id, None)


def test_an_undo_of_a_push_without_changes_says_so(wiz):
    result = load(wiz).wiz.plan().apply(progress=False)
    undone = result.undo()
    assert (len(undone), len(undone.apply(progress=False))) == (0, 0)
    assert "nothing to undo: this push changed nothing" in str(undone)


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_an_undo_of_records_never_says_that_no_row_has_a_record(wiz, table):
    frame = load(wiz, table).head(2)
    result = frame.wiz.delete().apply(max_deletes=2, progress=False)
    for shown in (str(result.undo()), str(wizframe.undo(result.push_id))):
        assert "nothing to compare" not in shown
        assert "compared 2 rows" in shown


@pytest.mark.parametrize("most", [1, 3, 4])
def test_a_plan_with_more_rows_than_a_sheet_is_written_to_several(wiz, tmp_path, monkeypatch, most):
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr("wizframe.pushing.plan_report._MOST_ROWS", most)
    frame = load(wiz)
    frame.loc[:6, "payment_term"] = "mine"
    plan = frame.wiz.plan()
    plan.to_excel(tmp_path / "plan.xlsx")
    sheets = pd.read_excel(tmp_path / "plan.xlsx", sheet_name=None, dtype=str, engine="openpyxl")
    names = [name for name in sheets if name != "Plan"]
    assert names == ["Changes", *(f"Changes {number}" for number in range(2, -(-7 // most) + 1))]
    assert max(len(sheets[name]) for name in names) <= most
    written = pd.concat([sheets[name] for name in names])
    assert written["Id"].tolist() == plan.cells["id"].tolist()
    assert f"Changes are on {len(names)} sheets: {', '.join(names)}" in sheets["Plan"].to_string()
    assert written["Place"].tolist() == [f"index {number}" for number in range(7)]


@pytest.mark.parametrize("own", [["state"], ["State"], ["what_happened", "push_state"], ["next_step"]])
def test_the_user_s_own_columns_are_not_overwritten_in_a_workbook_of_results(wiz, tmp_path, own):
    pytest.importorskip("xlsxwriter")
    frame = load(wiz).assign(**dict.fromkeys(own, "mine"))
    frame.loc[0, "payment_term"] = "new"
    result = frame.wiz.plan().apply(progress=False)
    result.to_excel(tmp_path / "results.xlsx")
    written = wizframe.read_excel(tmp_path / "results.xlsx")
    assert [written[name].tolist() for name in own] == [["mine"]] * len(own)
    told = [name for name in written.columns if str(name).endswith("state") and name not in own]
    assert [written[name].tolist() for name in told] == [["done"]]
    assert len(written.wiz.plan()) == 0


@pytest.mark.parametrize("failure", ["write", "flush"])
def test_a_plan_that_could_not_be_saved_leaves_no_file(wiz, tmp_path, monkeypatch, failure):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "new"
    plan = frame.wiz.plan()
    (tmp_path / "plan.json").write_text("old")

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = "wizframe.pushing.plan_file._json" if failure == "write" else "pathlib.Path.replace"
    monkeypatch.setattr(target, full)
    with pytest.raises(OSError, match=r"(?i)no space left"):
        plan.save(tmp_path / "plan.json")
    monkeypatch.undo()
    assert [one.name for one in tmp_path.iterdir() if "plan" in one.name or "part" in one.name] == ["plan.json"]
    assert (tmp_path / "plan.json").read_text() == "old"


def test_equal_conflicts_and_their_advice_are_said_once(wiz):
    frame = load(wiz)
    old = frame["payment_term"].copy()
    rows = frame.index[:17]
    frame.loc[rows, "payment_term"] = "mine"
    for identifier in frame["id"][:17]:
        wiz.server.overwrite("customers", identifier, payment_term="theirs")
    result = frame.wiz.plan().apply(progress=False)
    assert result.counts()["conflict"] == 17
    shown = str(result)
    assert shown.count("on_conflict='mine'") == 1
    assert len(shown.splitlines()) <= 3 + old[:17].nunique(dropna=False)
