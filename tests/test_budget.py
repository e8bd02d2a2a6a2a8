"""What wizframe costs, in counts that no machine's speed moves: modules imported, requests sent, cells visited."""

import subprocess
import sys

import pytest

import wizframe
from wizframe.frames.baselines import attached, is_same_memory
from wizframe.planning import diff as comparing
from wizframe.planning import typed_frame as intake

COUNT = "import pandas, requests, sys; before = set(sys.modules); {}; print(len(set(sys.modules) - before))"


@pytest.mark.parametrize(
    ("used", "most"),
    [
        ("import wizframe", 5),
        ("import wizframe; wizframe.load_customers", 60),
        ("import wizframe; wizframe.sandbox", 110),
    ],
    ids=["imported", "loading", "sandbox"],
)
def test_only_modules_that_are_used_are_imported_in_addition_to_pandas_and_requests(used, most):
    code = [sys.executable, "-c", COUNT.format(used)]
    added = int(subprocess.run(code, capture_output=True, check=True, text=True).stdout)
    assert 0 < added <= most


@pytest.fixture(scope="module")
def counted():
    """How many requests a load and a push of ten edits take, by the number of customers."""
    found = {}
    for customers in (1_000, 10_000):
        with wizframe.sandbox(customers=customers) as wiz:
            wiz.customer.list(page_size=1)
            wiz.server.requests.clear()
            frame = wiz.load_customers(invalid="drop", progress=False)
            loaded = len(wiz.server.requests)
            frame.loc[:9, "payment_term"] = "edited"
            wiz.server.requests.clear()
            frame.wiz.plan().apply(progress=False)
            found[customers] = loaded, len(wiz.server.requests)
    return found


pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def test_the_requests_of_a_load_grow_no_faster_than_its_pages(counted):
    few, many = counted[1_000][0], counted[10_000][0]
    assert 10 <= few <= 40  # 10 pages, and what proves them complete
    assert 100 <= many <= 10 * few
    assert many <= 1.5 * 100


def test_a_push_sends_two_requests_for_each_edit_however_large_the_frame_is(counted):
    assert counted[1_000][1] == counted[10_000][1] == 20


@pytest.fixture
def frame():
    with wizframe.sandbox(customers=1_000):
        yield wizframe.load_customers(progress=False)


def visits(monkeypatch, frame):
    """Count the cells that planning looks at one by one, and name the columns that it compares, each time."""
    seen = {"cells": 0, "columns": []}
    judge, differs = comparing._judge, comparing.differs

    def counting_judge(found, taken, base, positions, **options):
        seen["cells"] += len(positions)
        return judge(found, taken, base, positions, **options)

    def counting_differs(left, right):
        if not is_same_memory(left, right):
            seen["columns"].append(left.name)
        return differs(left, right)

    monkeypatch.setattr(comparing, "_judge", counting_judge)
    monkeypatch.setattr(comparing, "differs", counting_differs)
    monkeypatch.setattr(intake, "differs", counting_differs)
    plan = frame.wiz.plan()
    monkeypatch.undo()
    return plan, seen


def test_planning_looks_at_the_cells_that_differ_alone(monkeypatch, frame):
    frame.loc[:4, "payment_term"] = "edited"
    frame.loc[3:6, "first_name"] = "Edited"
    plan, seen = visits(monkeypatch, frame)
    assert sum(len(change.cells) for change in plan.changes_list) == seen["cells"] == 9


def test_columns_without_edits_are_not_compared(monkeypatch, frame):
    frame.loc[:4, "payment_term"] = "edited"
    _, seen = visits(monkeypatch, frame)
    assert [name for name in seen["columns"] if frame[name].dtype == "str"] == ["payment_term"]


def test_a_plan_shares_the_texts_of_its_frame_instead_of_copying_them(frame):
    frame.loc[:4, "payment_term"] = "edited"
    assert isinstance(plan := frame.wiz.plan(), wizframe.Plan)
    own = attached(frame)
    for name in ("id", "company_name", "email"):
        assert is_same_memory(plan.parts[0].as_planned[name], frame[name])
        assert is_same_memory(own.frame[name], frame[name])
    assert not is_same_memory(own.frame["payment_term"], frame["payment_term"])
