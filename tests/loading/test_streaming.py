"""Streams: frames that arrive one after the other, complete, in order, in flat memory, and stopped at any time."""

import threading
import time
import tracemalloc
import warnings
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.loaders import pages_through, stored
from support.meddler import WALKS, Meddler, scripts

import wizframe
from wizframe.api.pages import Columns, Contents, Page
from wizframe.api.seen_ids import Seen
from wizframe.errors import (
    IncompleteLoadWarning,
    InvalidDataError,
    InvalidDataWarning,
    InvalidRequestError,
    LoadStoppedError,
)
from wizframe.fields import CUSTOMER
from wizframe.frames.baselines import attached, live
from wizframe.frames.problems import problems_frame
from wizframe.progress import Watch
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def ids(frames):
    return [identifier for frame in frames for identifier in frame["id"]]


def in_stream_order(records):
    return [record["id"] for status in ("inactive", "active") for record in records if record["status"] == status]


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("wizframe")]


class TestCustomers:
    @pytest.mark.parametrize(("chunksize", "sizes"), [(1, [1] * 30), (7, [7, 7, 7, 7, 2]), (30, [30]), (999, [30])])
    @pytest.mark.parametrize("page_size", [4, 100])
    def test_all_customers_come_once_in_chunks_of_the_size_asked_for(self, wiz, chunksize, sizes, page_size):
        frames = list(wiz.iter_customers(chunksize=chunksize, page_size=page_size))
        assert [len(frame) for frame in frames] == sizes
        assert ids(frames) == in_stream_order(stored(wiz))

    @pytest.mark.parametrize("details", [False, True])
    def test_chunks_are_cut_from_what_a_load_gives(self, wiz, details):
        whole = wiz.load_customers(details=details).set_index("id")
        frames = list(wiz.iter_customers(chunksize=8, details=details))
        for frame in frames:
            assert isinstance(frame.index, pd.RangeIndex)
            pd.testing.assert_frame_equal(frame.set_index("id"), whole.loc[frame["id"]])

    def test_an_account_without_customers_gives_no_frame(self, dialect):
        with wizframe.sandbox(customers=0, dialect=dialect) as wiz:
            assert list(wiz.iter_customers()) == []

    def test_filters_are_those_of_a_load_and_do_not_make_chunks_smaller(self, wiz):
        times = sorted(record["created_at"] for record in stored(wiz))
        half = datetime.fromisoformat(times[4]) + timedelta(microseconds=500_000)
        filters = {"status": "active", "created_after": half, "updated_after": times[2]}
        expected = wiz.load_customers(**filters)["id"].tolist()
        frames = list(wiz.iter_customers(chunksize=4, page_size=3, **filters))
        assert ids(frames) == expected
        assert {len(frame) for frame in frames[:-1]} == {4}

    def test_a_record_without_an_id_comes_once_too(self, wiz):
        def without_ids(page):
            for record in page.records:
                record.pop("id")
            return page

        with pages_through(wiz.customer, without_ids):
            frames = list(wiz.iter_customers(chunksize=9))
        assert sum(map(len, frames)) == 30

    def test_an_invalid_option_is_refused_at_once(self, wiz):
        for wrong in ({"chunksize": 0}, {"chunksize": 2.5}, {"status": "all"}, {"workers": 0}, {"invalid": "no"}):
            with pytest.raises(InvalidRequestError, match=next(iter(wrong))):
                wiz.iter_customers(**wrong)
        assert not wiz.server.requests

    def test_each_chunk_is_validated_and_says_so(self, wiz):
        for number in (3, 20):
            wiz.server.overwrite("customers", stored(wiz, status="active")[number]["id"], email="invalid")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            bad = [frame.wiz.problems["column"].tolist().count("email") for frame in wiz.iter_customers(chunksize=15)]
        mine = [warning for warning in caught if warning.category is InvalidDataWarning]
        assert sum(bad) >= 2
        assert {warning.filename for warning in mine} == {__file__}
        kept = ids(wiz.iter_customers(chunksize=15, invalid="drop"))
        assert 0 < len(kept) <= 28
        with pytest.raises(InvalidDataError):
            list(wiz.iter_customers(chunksize=15, invalid="raise"))


class TestEdits:
    def test_an_edited_chunk_is_planned_and_pushed_like_any_frame(self, wiz):
        for frame in wiz.iter_customers(chunksize=10, page_size=5):
            frame["payment_term"] = "net77"
            result = frame.wiz.plan(only=["payment_term"]).apply()
            assert set(result.changes["state"]) == {"done"}
            assert not len(frame.wiz.plan())
        assert {record["payment_term"] for record in stored(wiz)} == {"net77"}

    def test_a_newer_edit_of_another_user_is_a_conflict(self, wiz):
        frame = next(wiz.iter_customers(chunksize=5))
        wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
        frame.loc[0, "payment_term"] = "mine"
        assert frame.wiz.plan().apply().changes["state"].tolist() == ["conflict"]

    def test_only_the_newest_chunk_outlives_its_frame(self, wiz):
        for _ in wiz.iter_customers(chunksize=5):
            pass
        assert len(live(CUSTOMER, wiz.account, wiz.connection)) == 1
        kept = list(wiz.iter_customers(chunksize=5))
        assert all(attached(frame) is not None for frame in kept)


class TestChangesDuringTheStream:
    @pytest.mark.fault(21)
    def test_no_surviving_record_is_missed_or_doubled_or_the_stream_says_so(self, dialect):
        said = []

        @settings(max_examples=max(WALKS // 12, 10))
        @given(
            seed=st.integers(0, 3), size=st.integers(2, 7), workers=st.sampled_from([1, 3]),
            script=scripts("edit", "insert", "delete", "delete"),
        )  # fmt: skip
        def one_stream(seed, size, workers, script):
            with wizframe.sandbox(customers=40, seed=seed, dialect=dialect) as wiz:
                before = {record["id"] for record in stored(wiz)}
                with Meddler(wiz, script), warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    options = {"page_size": size, "workers": workers, "progress": False}
                    found = ids(wiz.iter_customers(chunksize=6, **options))
                after = {record["id"] for record in stored(wiz)}
            assert len(found) == len(set(found))
            said.append(any(warning.category is IncompleteLoadWarning for warning in caught))
            assert said[-1] or before & after <= set(found)

        one_stream()
        assert sum(said) < 0.2 * len(said)

    @pytest.mark.parametrize("status", ["active", "inactive"])
    def test_a_customer_that_changes_its_status_between_two_frames_is_not_missed(self, wiz, status):
        other = "inactive" if status == "active" else "active"
        for record in stored(wiz)[::3]:
            wiz.server.set_status("customers", record["id"], "inactive")
        before = {record["id"] for record in stored(wiz)}
        found = []
        for frame in wiz.iter_customers(chunksize=3, page_size=2, workers=1):
            found += frame["id"].tolist()
            left = stored(wiz, status=other)
            if left:
                wiz.server.set_status("customers", left[-1]["id"], status)
        assert sorted(found) == sorted(before)

    def test_a_stream_that_may_be_incomplete_warns_once_after_the_last_frame(self):
        fault = Fault("total_too_large", "customers.list", times=None)
        with wizframe.sandbox(customers=30, faults=[fault]) as wiz:
            stream = wiz.iter_customers(chunksize=10)
            assert [len(next(stream)) for _ in range(3)] == [10, 10, 10]
            with pytest.warns(IncompleteLoadWarning, match="counts") as caught:
                assert list(stream) == []
            assert wiz.server.faults.fired
        assert [warning.filename for warning in caught] == [__file__]


class TestStopping:
    def test_a_closed_stream_asks_for_nothing_more(self, dialect):
        with wizframe.sandbox(customers=400, dialect=dialect, latency_s=0.01) as wiz:
            stream = wiz.iter_customers(chunksize=10, page_size=5)
            next(stream)
            stream.close()
            asked = len(wiz.server.requests)
            assert asked < 60
            assert not threads()
            time.sleep(0.1)
            assert len(wiz.server.requests) == asked

    def test_nothing_is_asked_for_before_the_first_frame_is(self, wiz):
        stream = wiz.iter_customers()
        assert not wiz.server.requests
        assert len(next(stream)) == 30

    def test_leaving_the_loop_is_enough(self, wiz):
        for frame in wiz.iter_customers(chunksize=4, page_size=2):
            assert len(frame) == 4
            break
        asked = len(wiz.server.requests)
        time.sleep(0.05)
        assert len(wiz.server.requests) == asked
        assert not threads()

    def test_a_watch_stops_a_stream(self, wiz):
        watch = Watch()
        frames = wiz.iter_customers(chunksize=4, page_size=2, progress=watch)
        next(frames)
        watch.stop()
        with pytest.raises(LoadStoppedError):
            list(frames)


class TestContacts:
    def test_contacts_of_a_stream_of_customers_come_in_the_order_of_the_customers(self, wiz):
        frames = list(wiz.iter_contacts(wiz.iter_customers(chunksize=7), chunksize=20))
        whole = wiz.load_contacts(in_stream_order(stored(wiz)))
        assert {len(frame) for frame in frames[:-1]} == {20}
        pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), whole)

    def test_a_customer_that_is_named_twice_is_asked_for_once(self, wiz):
        one = stored(wiz)[0]["id"]
        list(wiz.iter_contacts([one, one, pd.DataFrame({"id": [one]})]))
        lists = [request for request in wiz.server.requests if request.path.endswith("/contacts")]
        assert len({(request.path, request.query) for request in lists}) == len(lists)

    def test_customers_are_asked_for_as_their_contacts_are_wanted(self, wiz):
        asked = []

        def names():
            for record in stored(wiz) * 100:
                asked.append(record["id"])
                yield record["id"]

        stream = wiz.iter_contacts(names(), chunksize=2, workers=1)
        next(stream)
        stream.close()
        assert len(asked) < 20
        assert not threads()

    def test_an_edited_contact_is_pushed_whole(self, wiz):
        frame = next(wiz.iter_contacts(wiz.load_customers(), chunksize=3, invalid="drop"))
        frame.loc[0, "designation"] = "Head of Ropes"
        assert frame.wiz.push(yes=True).changes["state"].tolist() == ["done"]
        now = next(record for record in stored(wiz, "contacts") if record["id"] == frame["id"][0])
        assert (now["designation"], now["email"]) == ("Head of Ropes", frame["email"][0])

    def test_unknown_customers_are_reported_after_the_last_frame(self, wiz):
        known = stored(wiz)[0]["id"]
        stream = wiz.iter_contacts(["cust_a", known])
        assert set(next(stream)["customer_id"]) == {known}
        with pytest.warns(IncompleteLoadWarning, match="cust_a"):
            assert list(stream) == []

    @pytest.mark.parametrize("wrong", [7, [7], {"id": "cust_1"}, ["a/b"], pd.DataFrame({"customer": ["cust_1"]})])
    def test_what_names_no_customer_is_refused(self, wiz, wrong):
        assert wiz.dialect
        wiz.server.requests.clear()
        with pytest.raises(InvalidRequestError):
            list(wiz.iter_contacts(wrong))
        assert not wiz.server.requests


def synthetic(number, count, size=100):
    """Make a page of a list of `count` customers."""
    first = (number - 1) * size
    rows = range(first, min(first + size, count))
    if not rows:
        return Page([], count, -(-count // size))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    columns = {name: [f"{name} {row}@example.com" for row in rows] for name in CUSTOMER.columns()}
    columns["status"] = ["active"] * len(rows)
    for name in ("created_at", "updated_at"):
        columns[name] = [f"{start + timedelta(seconds=row):%Y-%m-%dT%H:%M:%SZ}" for row in rows]
    return Page.of(Contents(Columns(columns), count, -(-count // size)))


def peak(wiz, count):
    """Tell how many bytes a stream of `count` rows needs at most, Python's and Arrow's.

    One worker, so that it depends on no race how many pages wait to be taken.
    """
    wiz.customer.page = lambda page, status, **_: synthetic(page, count if status == "active" else 0)
    arrow, rows = [], 0
    tracemalloc.start()
    for frame in wiz.iter_customers(chunksize=2_000, workers=1, invalid="drop", progress=False):
        rows += len(frame)
        arrow.append(pa.total_allocated_bytes())
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == count
    return python + max(arrow)


def test_memory_does_not_grow_with_the_number_of_rows(monkeypatch):
    monkeypatch.setattr("wizframe.loading.frame.find_problems", lambda *_: problems_frame())
    with wizframe.sandbox(customers=1) as wiz:
        assert wiz.dialect
        peak(wiz, 4_000)
        few, many = peak(wiz, 8_000), peak(wiz, 64_000)
    assert many < 1.2 * few


def test_names_on_disk_are_a_set():
    with Seen() as seen:
        names, others = seen.new(), seen.new()
        assert names.added(["a", "b", "a", "half \ud83d"]) == [0, 1, 3]
        assert names.added(["c", "b"]) == [0]
        assert len(names) == 4
        assert "half \ud83d" in names
        assert "d" not in names
        assert 7 not in names
        assert others.added(["a"]) == [0]
        many = [str(number) for number in range(2_000)]
        assert names.added(many) == list(range(2_000))
        assert names.added(many) == []
