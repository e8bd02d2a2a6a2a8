"""The fault catalogue, people: a frame edited after its plan, a file pushed twice, texts that look like others."""

import io

import pandas as pd
import pytest
from support.catalogue import edited, new, said
from support.planning import load, make_contacts_valid, rules, states, stored, writes
from test_roundtrip import AWKWARD

import wizframe
from wizframe.errors import PlanProblemsError, StalePlanError


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


#: Edits of a planned frame, in place.
EDITS = {
    "a cell": lambda frame: frame.__setitem__("first_name", "other"),
    "a blank": lambda frame: frame.loc.__setitem__((0, "first_name"), None),
    "an own column": lambda frame: frame.__setitem__("note", "mine"),
    "a column less": lambda frame: frame.pop("email"),
    "the labels": lambda frame: setattr(frame, "index", frame.index + 1),
    "a row more": lambda frame: frame.loc.__setitem__(len(frame), frame.loc[0]),
}


@pytest.mark.fault(
    34,
    "the frame is edited after the plan was made",
    "an error before anything is sent: make a new plan",
    "E",
)
@pytest.mark.parametrize("edit", EDITS)
def test_a_plan_of_a_frame_that_was_edited_since_is_refused(wiz, edit):
    frame = edited(wiz, "customers")
    plan = frame.wiz.plan()
    EDITS[edit](frame)
    with pytest.raises(StalePlanError, match=r"were edited .* after this plan was made\. Plan them again") as stale:
        plan.apply(progress=False)
    assert stale.value.code == "stale_plan"
    assert writes(wiz) == []


def file_of(wiz, table):
    """Give a file without ids, as it is read from disk each time; its references are its own, or it has none."""
    rows = new(wiz, table, 3).drop(columns="id").assign(email=[f"new{n}@example.com" for n in range(3)])
    text = rows.to_csv(index=False)
    return lambda: pd.read_csv(io.StringIO(text), dtype=str)


@pytest.mark.fault(
    35,
    "a cell of a notebook is run twice, or a file is pushed twice or from two machines",
    "nothing to change; or a problem before anything is sent, because the record exists or looks like an "
    "existing one; or *failed*: the reference is taken",
    "D",
)
def test_a_file_that_is_pushed_twice_by_reference_changes_nothing_the_second_time(wiz, table):
    file, before = file_of(wiz, table), stored(wiz, table)
    for expected in ("+ 3 to create", "nothing to change"):
        plan = wizframe.plan(file(), match="reference_id", new="create")
        assert plan.summary() == expected
        plan.apply(progress=False)
    assert writes(wiz) == ["POST"] * 3
    assert len(stored(wiz, table)) == len(before) + 3


@pytest.mark.fault(35)
def test_a_cell_that_is_run_twice_plans_nothing_the_second_time(wiz, table):
    frame, before = file_of(wiz, table)().assign(id=None).drop(columns="reference_id"), stored(wiz, table)
    for expected in ("+ 3 to create", "nothing to change"):
        plan = frame.wiz.plan()
        assert plan.summary() == expected
        plan.apply(progress=False)
    assert len(stored(wiz, table)) == len(before) + 3


@pytest.mark.fault(35)
@pytest.mark.parametrize(("references", "words"), [("none", "exists as "), ("other", "looks like ")])
def test_new_rows_that_are_read_and_pushed_again_are_problems_not_creates(wiz, table, references, words):
    """Without references of their own both machines make up the same ones; with others, their content tells."""
    file, before = file_of(wiz, table), stored(wiz, table)
    first, second = (file().assign(id=None) for _ in range(2))
    if references == "none":
        first, second = (frame.drop(columns="reference_id") for frame in (first, second))
    else:
        second["reference_id"] = [f"M2-{number}" for number in range(3)]
    assert states(first.wiz.plan().apply(progress=False)) == {"done": 3}
    again = second.wiz.plan()
    ids = first["id"].tolist()
    assert [rule.startswith(f"{words}{identifier}") for (_, rule), identifier in zip(rules(again), ids, strict=True)]
    assert all(rule.startswith(words) for _, rule in rules(again))
    with pytest.raises(PlanProblemsError, match=rf"nothing was sent, because the plan has \d problems?: .*{words}"):
        again.apply(progress=False)
    assert writes(wiz) == ["POST"] * 3
    assert len(stored(wiz, table)) == len(before) + 3


@pytest.mark.fault(35)
def test_two_machines_that_planned_the_same_file_at_the_same_time_create_it_once(wiz, table, monkeypatch, tmp_path):
    file, before = file_of(wiz, table), stored(wiz, table)
    plans = [file().assign(id=None).drop(columns="reference_id").wiz.plan() for _ in range(2)]
    results = []
    for machine, plan in enumerate(plans):
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"machine-{machine}"))
        results.append(plan.apply(progress=False))
    assert [states(result) for result in results] == [{"done": 3}, {"failed": 3}]
    assert all(what.startswith("reference ") and " is already in use: " in what for _, what in said(results[1]))
    assert [request.status for request in wiz.server.requests].count(409) == 3
    assert len(stored(wiz, table)) == len(before) + 3


#: To a file, and back.
FILES = {
    "xlsx": (wizframe.to_excel, wizframe.read_excel),
    "csv": (wizframe.to_csv, wizframe.read_csv),
}
TEXTS = [
    *AWKWARD, '=HYPERLINK("x")', "+491234", "-5", "1,234.50", "2026-01-31", "31.01.2026", "0x1F", "TRUE", "12:30",
]  # fmt: skip


@pytest.mark.fault(
    39,
    "texts that look like a formula, a number, a date, or nothing",
    "the same text after each round trip",
    "L E",
)
@pytest.mark.parametrize("file", FILES)
def test_texts_that_look_like_something_else_come_back_as_they_were(wiz, table, file, tmp_path):
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    places = range(min(len(frame), len(TEXTS)))
    frame.loc[places, "first_name"] = [TEXTS[place] for place in places]
    assert states(frame.wiz.plan().apply(progress=False)) == {"done": len(places)}
    now = stored(wiz, table)
    assert [now[identifier]["first_name"] for identifier in frame["id"][places]] == TEXTS[: len(places)]
    again, path = load(wiz, table), tmp_path / f"{table}.{file}"
    write, read_back = FILES[file]
    write(again, path, progress=False)
    read = read_back(path)
    for one in (again, read):
        texts = one.set_index("id").loc[frame["id"][places], "first_name"]
        assert texts.tolist() == TEXTS[: len(places)]
        assert len(one.wiz.plan()) == 0
    read.iloc[0, read.columns.get_loc("last_name")] = TEXTS[0]
    assert [cell.new for cell in read.wiz.plan().cells.itertuples()] == [TEXTS[0]]
