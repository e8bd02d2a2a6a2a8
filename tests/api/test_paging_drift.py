"""Loads while a second client edits, inserts and deletes between any two requests, over real HTTP.

The environment variable WIZFRAME_WALKS says how many loads are tried in all: 300 unless given, 5,000 every night. A
load is three walks: inactive, active and inactive customers.
"""

import warnings
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.meddler import WALKS, Meddler, scripts

import wizframe
from wizframe.errors import IncompleteLoadWarning
from wizframe.frames.problems import problems_frame

ONE_SECOND = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def without_validation(monkeypatch):
    """Which rows came is judged here, not what is in them; validation would take a third of the time."""
    monkeypatch.setattr("wizframe.loading.frame.find_problems", lambda *_: problems_frame())


DRIFT = ("edit", "insert", "delete", "delete")
accounts = st.fixed_dictionaries({"customers": st.integers(20, 60), "seed": st.integers(0, 3)})
cuts = st.fixed_dictionaries({"page_size": st.integers(2, 7), "workers": st.sampled_from([1, 1, 3])})
caps = st.sampled_from([None, None, None, 3])


def naive_loop(client, found, **parameters):
    """Read as most people would write it: one page after the other until one is empty. Pauses after each."""
    page = 1
    while rows := client.customer.list(page=page, **parameters):
        found += [row["id"] for row in rows]
        page += 1
        yield


def ids_of(wiz, *statuses):
    return {record["id"] for record in wiz.server.records("customers") if record["status"] in statuses}


def load(wiz, **options):
    """Load, and tell which ids came and whether the load said that it may be incomplete."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = wiz.load_customers(progress=False, **options)
    assert frame["created_at"].is_monotonic_increasing
    return frame["id"].tolist(), any(issubclass(warning.category, IncompleteLoadWarning) for warning in caught)


@pytest.mark.fault(
    21,
    "other users create, edit and delete records while pages are read",
    "each record that existed during the whole load, once; or a warning that the load may be incomplete",
    "L",
)
@pytest.mark.fault(24)
def test_no_surviving_record_is_missed_or_doubled_or_the_load_says_so(dialect):
    tally = Counter()

    @settings(max_examples=WALKS * 4 // 10)
    @given(account=accounts, cut=cuts, cap=caps, same_second=st.booleans(), script=scripts(*DRIFT))
    def one_load(account, cut, cap, same_second, script):
        with wizframe.sandbox(dialect=dialect, page_size_cap=cap, **account) as wiz:
            for record in wiz.server.records("customers") if same_second else ():
                wiz.server.overwrite("customers", record["id"], **ONE_SECOND)
            before = ids_of(wiz, "active", "inactive")
            active = ids_of(wiz, "active")
            by_default, by_creation = [], []
            with Meddler(wiz, script) as meddler:
                size = cut["page_size"]
                meddler.loops = [
                    naive_loop(meddler.client, by_default, page_size=size),
                    naive_loop(meddler.client, by_creation, page_size=size, sort_by="created_at", sort="asc"),
                ]
                found, says_so = load(wiz, **cut)
                for loop in meddler.loops:
                    list(loop)
            after = ids_of(wiz, "active", "inactive")
            assert len(found) == len(set(found))
            assert says_so or before & after <= set(found)
            tally["walks"] += 1
            tally["said so"] += says_so
            tally["of one second"] += same_second
            for name, rows in (("by default", by_default), ("by creation", by_creation)):
                tally[name] += len(rows) > len(set(rows)) or not active & after <= set(rows)

    one_load()
    print(dict(tally))  # noqa: T201 - figures for `pytest -s`
    assert tally["walks"] >= WALKS * 4 // 10
    assert tally["of one second"] > 0.2 * tally["walks"]
    assert tally["said so"] < 0.03 * tally["walks"]
    assert tally["by default"] > 0.3 * tally["walks"]
    assert tally["by creation"] > 0.3 * tally["walks"]


@pytest.mark.fault(21)
@pytest.mark.parametrize("flip", ["activate", "deactivate"])
def test_a_customer_is_not_missed_if_its_status_changes_during_the_load(dialect, flip):
    """All changes go one way, and nothing is deleted meanwhile; see the module docstring of paging."""

    @settings(max_examples=WALKS // 20)
    @given(account=accounts, cut=cuts, script=scripts("edit", "insert", flip))
    def one_load(account, cut, script):
        with wizframe.sandbox(dialect=dialect, **account) as wiz:
            for record in wiz.server.records("customers")[::3]:
                wiz.server.set_status("customers", record["id"], "inactive")
            before = ids_of(wiz, "active", "inactive")
            with Meddler(wiz, script):
                found, says_so = load(wiz, **cut)
            assert len(found) == len(set(found))
            assert before <= set(found)
            assert not says_so

    one_load()
