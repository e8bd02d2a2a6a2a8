"""The first rows in an order: the same as the head of the whole load, with as few requests as that takes."""

import pandas as pd
import pytest
from support.loaders import pages_through, requests_through, stored

import wizframe
from wizframe.errors import IncompleteLoadWarning, InvalidRequestError

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

ORDERS = [
    {},
    {"sort": "desc"},
    {"sort_by": "updated_at"},
    {"sort_by": "updated_at", "sort": "desc"},
    {"sort_by": "company_name"},
    {"sort_by": "display_name", "sort": "desc"},
]


@pytest.mark.parametrize("limit", [1, 7, 29, 30, 1000])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_limit_gives_the_head_of_the_whole_load(wiz, order, limit):
    whole = wiz.load_customers(**order)
    some = wiz.load_customers(**order, limit=limit, page_size=5)
    pd.testing.assert_frame_equal(some, whole.head(limit))


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_filters_are_applied_before_the_limit(wiz, order):
    times = sorted(record["created_at"] for record in stored(wiz))
    filters = {"created_after": times[4], "created_before": times[25], "status": "active"}
    whole = wiz.load_customers(**filters, **order)
    some = wiz.load_customers(**filters, **order, limit=6, page_size=2)
    pd.testing.assert_frame_equal(some, whole.head(6))


def test_references_and_details_take_the_limit_too(wiz):
    references = [record["reference_id"] for record in stored(wiz)]
    assert wiz.load_customers(reference_ids=references, limit=3)["reference_id"].tolist() == references[:3]
    before = len(wiz.server.requests)
    frame = wiz.load_customers(limit=3, details=True)
    assert frame["addresses"].notna().all()
    asked = [request.path for request in wiz.server.requests[before:] if not request.path.endswith("/customers")]
    assert len(asked) == 3


def test_what_is_not_needed_is_not_read(dialect):
    with wizframe.sandbox(customers=300, dialect=dialect) as wiz:
        assert wiz.dialect == dialect
        before = len(wiz.server.requests)
        assert len(wiz.load_customers(limit=20, sort_by="updated_at", sort="desc", page_size=10)) == 20
        assert len(wiz.server.requests) - before == 4  # two pages of each status


def test_a_limited_load_does_not_claim_to_show_all_customers(wiz):
    """Else a new row that looks like a record which was not loaded would pass for new."""
    frame = wiz.load_customers(limit=5, sort="desc")
    unseen = next(record for record in stored(wiz) if record["email"])
    frame.loc[5] = {name: unseen[name] for name in ("company_name", "display_name", "email")}
    plan = frame.wiz.plan()
    assert plan.problems["rule"].str.contains(unseen["id"]).any()


def test_edits_of_a_limited_load_are_planned_like_any(wiz):
    frame = wiz.load_customers(limit=5, sort="desc")
    frame.loc[2, "payment_term"] = "net77"
    assert frame.wiz.push(yes=True).counts()["done"] == 1


def test_a_record_that_does_not_say_when_it_was_made_comes_last(wiz):
    silent = stored(wiz)[3]["id"]

    def change(page):
        for record in page.records:
            if record["id"] == silent:
                record["created_at"] = None
        return page

    with pages_through(wiz.customer, change):
        for sort in ("asc", "desc"):
            whole = wiz.load_customers(sort=sort)
            assert whole["id"].tolist()[-1] == silent
            pd.testing.assert_frame_equal(wiz.load_customers(sort=sort, limit=40), whole)
            assert silent not in wiz.load_customers(sort=sort, limit=29)["id"].tolist()


def test_a_service_that_is_spelled_otherwise_is_asked_again_and_one_that_ignores_the_order_is_read_whole(wiz):
    for record in stored(wiz)[::2]:
        wiz.server.overwrite("customers", record["id"], updated_at="2026-11-01T00:00:00Z")
    names = {"sort_by": "sortBy", "sortBy": "sort_by"}
    whole = wiz.load_customers()
    with requests_through(wiz, lambda query: {names.get(name, name): value for name, value in query.items()}):
        pd.testing.assert_frame_equal(wiz.load_customers(limit=9), whole.head(9))
    deaf = requests_through(wiz, lambda query: {name: query[name] for name in query if name not in names})
    with deaf, pytest.warns(IncompleteLoadWarning, match="in the order asked for"):
        pd.testing.assert_frame_equal(wiz.load_customers(limit=9, page_size=4), whole.head(9))


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "10"])
def test_an_invalid_limit_is_refused_before_any_request(wiz, limit):
    with pytest.raises(InvalidRequestError, match="limit"):
        wiz.load_customers(limit=limit)
    assert len(wiz.server.requests) == 0
