"""The matrix of deviations: whatever a service does, what wizframe says of it is true.

Each cell is an operation with a service that has one deviation. What the server stores is compared with every claim of
the result, untouched fields of all records included.
"""

import os

import pandas as pd
import pytest
from support.killing import Nursery
from support.known_wrong import KNOWN_WRONG
from support.matrix import AFFECTED, OPERATIONS, cells, wrong_cell
from support.planning import load, writes

import wizframe
from wizframe.errors import ProtocolError
from wizframe.server.deviations import DEVIATIONS, KINDS

pytestmark = [
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.skipif(os.name != "posix", reason="forks and kills"),
]


def known(name, dialect, operation):
    reason, wrong = KNOWN_WRONG.get(name, ("", ""))
    is_wrong = {operation, f"{dialect}:{operation}"} & set(wrong.split())
    return [pytest.mark.xfail(reason=reason, strict=True)] if is_wrong else []


def marked_cells():
    for name, dialect, operation, often in cells():
        marks = [] if often == "always" else [getattr(pytest.mark, often)]
        yield pytest.param(name, dialect, operation, marks=[*marks, *known(name, dialect, operation)])


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as opened:
        yield opened


@pytest.mark.parametrize(("name", "dialect", "operation"), list(marked_cells()))
def test_what_is_said_is_true_whatever_the_service_does(name, dialect, operation, nursery):
    assert wrong_cell(name, dialect, operation, nursery) == []


@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_a_service_without_deviations_does_all_of_it(operation, dialect, nursery):
    assert wrong_cell("", dialect, operation, nursery) == []


@pytest.mark.parametrize("name", ["errors_with_200", "errors_say_success_false"])
def test_a_create_that_is_refused_with_200_is_sent_once_and_not_called_created(name, dialect):
    with wizframe.sandbox(customers=3, dialect=dialect, deviations=[name]) as wiz:
        wiz.settle_s = 0.1
        rows = pd.DataFrame([{"id": None, "reference_id": "taken", "company_name": "New", "display_name": "New"}])
        plan = rows.wiz.plan(client=wiz)
        wiz.server.overwrite("customers", wiz.server.records("customers")[0]["id"], reference_id="taken")
        result = plan.apply(progress=False)
        assert result.changes["state"].tolist() == ["conflict"]
        assert writes(wiz) == ["POST"]
        assert rows["id"].isna().all()


def test_a_delete_that_is_refused_with_200_shows_the_words_of_the_service(dialect):
    with wizframe.sandbox(customers=3, dialect=dialect, deviations=["delete_says_success_false"]) as wiz:
        wiz.settle_s = 0.1
        result = load(wiz).head(1).wiz.delete(client=wiz).apply(progress=False, max_deletes=1)
        assert result.changes["state"].isin(["failed", "unknown"]).all()
        assert "the record has open orders and cannot be deleted" in result.changes["what_happened"][0]


def test_a_login_page_is_shown_in_part_with_what_to_check(dialect):
    refused = pytest.raises(ProtocolError, match=r"Please sign in.*base_url and the API key")
    with wizframe.sandbox(customers=3, dialect=dialect, deviations=["login_page_with_200"]) as wiz, refused:
        load(wiz)


def test_each_kind_says_what_it_affects():
    assert list(AFFECTED) == list(KINDS)
    assert {operation for affected in AFFECTED.values() for operation in affected.split()} == set(OPERATIONS)


def test_only_cells_that_exist_are_known_to_be_wrong():
    names = {f"{prefix}{operation}" for prefix in ("", "rest:", "sdk:") for operation in OPERATIONS}
    assert KNOWN_WRONG.keys() <= DEVIATIONS.keys()
    assert {operation for _, wrong in KNOWN_WRONG.values() for operation in wrong.split()} <= names
