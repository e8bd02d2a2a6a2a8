"""The walk over lists in memory that answer as no honest service does; how it copes with a busy one is in _drift."""

import itertools
import threading
from typing import NamedTuple

import pytest

from wizframe.api.listing import MAX_ATTEMPTS, MAX_SETBACKS
from wizframe.api.pages import Page, identity
from wizframe.api.seen_ids import SeenHashes
from wizframe.api.walk import walk_lists
from wizframe.errors import ProtocolError

LIMIT = 2 * MAX_ATTEMPTS * MAX_SETBACKS * 3  # attempts of three requests each; beyond that it would be endless


class Walk(NamedTuple):
    records: list
    doubts: list


class Listing:
    """A list cut into pages of ten, with totals or without; `alter` may change an answer, by page number."""

    def __init__(self, count=48, *, totals=False, alter=lambda _number, page: page, size=10):
        self.records = [{"id": f"r{number}"} for number in range(count)]
        self.totals = totals
        self.size = size
        self.requests = 0
        self.alter = alter

    def __call__(self, number):
        self.requests += 1
        assert self.requests <= LIMIT, "the walk does not come to an end"
        return self.alter(number, self.page(number))

    def page(self, number):
        records = self.records[(number - 1) * self.size : number * self.size]
        totals = (len(self.records), -(-len(self.records) // self.size)) if self.totals else ()
        return Page(records, *totals)

    def walk(self, *, page_size=10, workers=1, progress=lambda *_: None):
        records, doubts = {}, []
        for taken in walk_lists([self], page_size=page_size, totals=self.totals, workers=workers, doubts=doubts):
            records.update((identity(record), record) for page in taken.pages for record in page.records)
            progress(taken.known, taken.total)
        return Walk(list(records.values()), doubts)


@pytest.fixture(params=[True, False], ids=["totals", "bare"])
def totals(request):
    return request.param


def ids(records):
    return [identity(record) for record in records]


def only(number, change):
    """Change one page's answer."""
    return lambda asked, page: change(page) if asked == number else page


def with_records(page, records):
    return Page(list(records), page.total_records, page.total_pages)


class TestPagesThatAreWrong:
    @pytest.mark.fault(22)
    @pytest.mark.parametrize(
        "alter",
        [
            only(1, lambda page: with_records(page, [])),
            only(2, lambda page: with_records(page, [])),
            only(2, lambda page: with_records(page, page.records[:7])),
            only(1, lambda page: with_records(page, page.records[:7])),
            only(3, lambda page: with_records(page, Listing().page(2).records)),
            only(3, lambda page: with_records(page, page.records[:9] + page.records[:1])),
            lambda _number, page: with_records(page, Listing().page(1).records),
            lambda number, page: with_records(page, Listing().page(min(number, 3)).records),
        ],
        ids=[
            "first empty",
            "empty",
            "short",
            "short first",
            "repeated",
            "record twice",
            "always the first",
            "end repeated",
        ],
    )
    def test_a_page_that_is_wrong_each_time_is_reported(self, totals, alter):
        listing = Listing(totals=totals, alter=alter)
        found = listing.walk()
        assert found.doubts
        assert listing.requests < 10 * MAX_ATTEMPTS
        assert len(ids(found.records)) == len(set(ids(found.records)))

    @pytest.mark.parametrize("wrong", range(1, 16))
    def test_a_page_that_is_empty_once_is_read_again_or_reported(self, totals, wrong):
        listing = Listing(50, totals=totals)
        listing.alter = lambda _number, page: with_records(page, []) if listing.requests == wrong else page
        found = listing.walk()
        assert found.doubts or found.records == listing.records

    def test_new_records_in_every_response_do_not_go_on_for_ever(self, totals):
        fresh = itertools.count()

        def alter(_number, page):
            return with_records(page, [{"id": f"new {next(fresh)}"} for _ in range(10)])

        assert "changed all the time" in Listing(1000, totals=totals, alter=alter).walk().doubts[-1]

    def test_records_without_an_id_are_distinguished_by_all_their_fields(self, totals):
        listing = Listing(25, totals=totals)
        listing.records[3:6] = [{"name": "A"}, {"id": "", "name": "A"}, {"id": 10**30, "name": "\ud83d"}]
        assert listing.walk().records == listing.records


class TestTotalsThatAreWrong:
    @pytest.mark.parametrize("count", [10, 20, 48])
    @pytest.mark.parametrize("pages", [0, 1, 2, 900], ids="{} pages".format)
    @pytest.mark.parametrize("records", [0, 1, None], ids="{} records".format)
    def test_too_small_a_total_and_any_number_of_pages_cost_no_record(self, count, pages, records):
        listing = Listing(count, totals=True, alter=lambda _number, page: Page(page.records, records, pages))
        found = listing.walk()
        assert (found.records, found.doubts) == (listing.records, [])

    def test_too_large_a_total_is_reported_and_costs_no_record(self):
        listing = Listing(totals=True, alter=lambda _number, page: Page(page.records, 49, 900))
        found = listing.walk()
        assert found.records == listing.records
        assert "counts 49 records, its pages have 48" in found.doubts[0]

    @pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 48, 500])
    @pytest.mark.parametrize("cap", [1, 9, 10])
    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_page_may_hold_less_than_was_asked_for(self, totals, count, cap, workers):
        listing = Listing(count, totals=totals, size=cap)
        found = listing.walk(workers=workers)
        assert (found.records, found.doubts) == (listing.records, [])

    def test_a_cap_that_the_number_of_pages_knows_nothing_of(self):
        listing = Listing(totals=True, size=7, alter=lambda _number, page: Page(page.records, 48, 1))
        found = listing.walk(page_size=100)
        assert (found.records, found.doubts) == (listing.records, [])

    def test_pages_that_change_their_size_during_the_walk_are_reported(self, totals):
        listing = Listing(200, totals=totals)

        def alter(_number, page):
            listing.size = 4 if listing.requests > 8 else 10
            return page

        listing.alter = alter
        found = listing.walk()
        assert found.doubts or found.records == listing.records


class TestRecordsThatMove:
    def test_many_deletes_between_two_windows_are_caught_up(self, totals):
        """The walk goes back in growing steps until it finds records that it knows."""
        listing = Listing(900, totals=totals)

        def progress(known, _total):
            if known > 400 and len(listing.records) == 900:
                del listing.records[:395]

        survivors = ids(listing.records[395:])
        found = listing.walk(progress=progress)
        assert found.doubts == []
        assert set(survivors) <= set(ids(found.records))

    def test_a_list_that_becomes_empty_ends_the_walk(self, totals):
        listing = Listing(900, totals=totals)
        found = listing.walk(progress=lambda *_: listing.records.clear())
        assert len(found.records) >= 10

    def test_a_delete_before_every_single_request_is_reported(self, totals):
        listing = Listing(4000, totals=totals)
        listing.alter = lambda _number, page: listing.records.pop(0) and page
        found = listing.walk()
        assert "did not fit together" in found.doubts[0]


class TestOrder:
    @staticmethod
    def walk_over(*times):
        listing = Listing(len(times))
        for record, time in zip(listing.records, times, strict=True):
            record["created_at"] = time
        return listing.walk().records

    @pytest.mark.parametrize(
        "times",
        [
            ["2026-01-01T00:00:00Z"] * 25,
            ["2026-01-01T00:00:00Z", None, "soon", 7, "2026-01-01T00:00:01Z"],
            ["2026-01-01T00:00:00", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.5Z", "2026-01-02"],
        ],
        ids=["equal", "unreadable", "mixed forms"],
    )
    def test_records_in_order_pass(self, times):
        assert len(self.walk_over(*times)) == len(times)

    @pytest.mark.parametrize("later", ["2025-12-31", "2026-01-01T00:00:00+00:01"])
    def test_a_record_that_is_older_than_the_one_before_is_an_error(self, later):
        with pytest.raises(ProtocolError, match="created_at") as caught:
            self.walk_over("2026-01-01T00:00:00Z", None, later)
        assert caught.value.code == "order"


def test_progress_grows_up_to_the_number_of_records(totals):
    shown = []
    Listing(480, totals=totals).walk(progress=lambda known, total: shown.append((known, total)))
    assert shown == sorted(shown)
    assert shown[-1] == (480, 480 if totals else None)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ProtocolError])
@pytest.mark.parametrize("request_number", [1, 3, 9])
def test_an_error_ends_the_walk_and_its_threads(totals, error, request_number):
    listing = Listing(2000, totals=totals)

    def alter(_number, page):
        if listing.requests >= request_number:
            raise error("stop")
        return page

    listing.alter = alter
    with pytest.raises(error):
        listing.walk(workers=3)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("wizframe")]
    assert listing.requests < request_number + 80


def test_a_list_that_grows_while_its_end_is_looked_for_is_read_on_without_a_doubt():
    asked = [0]

    def grow(number, page):
        if (asked[-1], number) == (6, 7) and len(listing.records) == 50:
            listing.records += [{"id": f"r{later}"} for later in range(50, 65)]
            page = listing.page(7)
        asked.append(number)
        return page

    listing = Listing(50, alter=grow)
    found = listing.walk()
    assert len(listing.records) == 65
    assert ids(found.records) == ids(listing.records)
    assert found.doubts == []


@pytest.mark.parametrize("count", [0, 9_000, 30_000])
def test_seen_names_are_recognized_as_by_a_set(count):
    names = [f"cust_{number % 20_000:x}" for number in range(count)]
    seen, expected = SeenHashes(), set()
    for start in range(0, count, 700):
        seen.update(iter(names[start : start + 700]))
        expected.update(names[start : start + 700])
        assert len(seen) == len(expected)
    others = ["", "cust_", "nobody"]
    assert [name in seen for name in names[::97] + others] == [True] * len(names[::97]) + [False] * len(others)
