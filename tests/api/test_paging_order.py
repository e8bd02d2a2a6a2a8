"""The walk with many requests at a time, served in any order, while records come, go and change lists.

Nothing here depends on threads: what stands for them decides when each request is served and when its answer arrives.
The environment variable WIZFRAME_WALKS says how many walks are tried, as in test_paging_drift.
"""

import os
import random
from collections import Counter

import pytest
from support.paging_order import AnyOrder, Scripted, Service, walked

from wizframe.api import listing

WALKS = 4 * int(os.environ.get("WIZFRAME_WALKS", "300"))


@pytest.fixture
def tally(monkeypatch):
    """Count the windows: how many stood, how many of those continued another one, how many moved."""
    counts = Counter()
    take = listing.Listing.take

    def counted(self, window, pages):
        taken = take(self, window, pages)
        counts["moved" if taken is None else "continued" if window.start > 1 else "stood"] += 1
        return taken

    monkeypatch.setattr(listing.Listing, "take", counted)
    return counts


def setting(seed, statuses, kinds):
    chance = random.Random(seed)  # noqa: S311 - chance, no secret
    service = Service(
        chance.choices(statuses, k=chance.randint(1, 80)), size=chance.randint(1, 4), totals=chance.random() < 0.5
    )
    return service, AnyOrder(chance.choice([1, 2, 3]), service, chance, kinds)


def test_no_survivor_is_missed_in_whatever_order_requests_are_served(tally):
    said = 0
    for seed in range(WALKS):
        service, turns = setting(seed, ["active"], ["insert", "delete", "delete"])
        before = set(service.status)
        found, doubts = walked(service, ["active"], turns)
        said += bool(doubts)
        assert doubts or before & set(service.status) <= found, seed
    assert said < 0.01 * WALKS
    assert tally["continued"] > WALKS
    assert tally["moved"] > WALKS / 4


@pytest.mark.parametrize("way", ["active", "inactive"])
def test_a_record_that_moves_from_one_list_to_the_other_is_not_missed(tally, way):
    for seed in range(WALKS):
        service, turns = setting(seed, ["active", "inactive"], ["insert", way])
        before = set(service.status)
        found, doubts = walked(service, ["inactive", "active", "inactive"], turns)
        assert (before - found, doubts) == (set(), []), seed
    assert tally["continued"] > WALKS
    assert tally["moved"] > WALKS / 4


class TestTheOrderOfEvents:
    """Each breaks a walk that takes one liberty with the order which the argument needs."""

    def test_a_second_look_comes_after_all_other_responses(self):
        """Page 3 takes so long that a delete falls between the second look, were it not to wait, and page 3."""
        service = Service(["active"] * 12, size=2, totals=True)
        turns = Scripted(3, late=[(0, 3, 1)], before={(0, 3, 1): lambda: service.status.pop("r0")})
        found, doubts = walked(service, ["active"], turns)
        assert turns.happened
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_a_second_look_begins_the_next_window_only_after_that_one_s_first_look(self):
        """The first look at page 6 takes so long that page 2, shared by two windows, could be looked at before it."""
        service = Service(["active"] * 9, size=1, totals=False)
        pop = {(0, 2, 2): lambda: service.status.pop("r0")}
        turns = Scripted(3, late=[(0, 6, 1)], tardy=[(0, 2, 2)], after=pop)
        found, doubts = walked(service, ["active"], turns)
        assert turns.happened
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_a_page_that_was_read_by_itself_is_read_again_with_the_next_window(self):
        """The first page of the second list tells how long it is. A delete then moves a record onto that page."""
        service = Service(["inactive"] * 6 + ["active"] * 12, size=2, totals=True)
        turns = Scripted(3, after={(1, 1, 1): lambda: service.status.pop("r6")})
        found, doubts = walked(service, ["inactive", "active"], turns)
        assert turns.happened
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_an_end_that_is_seen_late_closes_what_was_read_before(self):
        """Seven deletes bring the last records in front of the last page that was read, before the end is seen."""
        service = Service(["active"] * 14, size=1, totals=False)
        deleted = ["r0", "r1", "r2", "r4", "r5", "r6", "r7"]
        turns = Scripted(
            1,
            before={(0, 6, 2): lambda: service.status.pop("r3")},  # pages 2 to 6 have to be read again
            after={(0, 6, 4): lambda: [service.status.pop(name) for name in deleted]},
        )
        found, doubts = walked(service, ["active"], turns)
        assert len(turns.happened) == 2
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_a_list_that_is_read_again_makes_the_later_ones_begin_again(self):
        """The second list was read before a record of the first went there; the first is read again after that."""
        service = Service(["inactive"] * 8 + ["active"] * 4, size=2, totals=True)
        turns = Scripted(
            3,
            late=[(0, 4, 2)],
            before={(0, 4, 2): lambda: service.status.update(r0="active")},
            after={(0, 4, 2): lambda: service.status.update(r5="active")},
        )
        found, doubts = walked(service, ["inactive", "active"], turns)
        assert len(turns.happened) == 2
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_a_list_that_goes_on_makes_the_later_ones_begin_again(self):
        """A record is pushed behind the end, and goes to the second list after that was read."""
        service = Service(["active"] * 4 + ["inactive"] * 8 + ["active"] * 4, size=2, totals=True)
        turns = Scripted(
            3,
            late=[(0, 4, 2)],
            after={
                (0, 1, 1): lambda: service.status.update(r0="inactive"),
                (0, 5, 1): lambda: service.status.update(r11="active"),
            },
        )
        found, doubts = walked(service, ["inactive", "active"], turns)
        assert len(turns.happened) == 2
        assert (set(service.status) - found, doubts) == (set(), [])

    def test_a_later_list_is_not_begun_before_the_end_of_the_first_is_in_sight(self):
        """The first look at the first list takes so long that the second list could be read before it."""
        service = Service(["inactive"] * 8 + ["active"], size=2, totals=True)
        turns = Scripted(3, late=[(0, 4, 1)], before={(0, 4, 1): lambda: service.status.update(r3="active")})
        found, doubts = walked(service, ["inactive", "active"], turns)
        assert turns.happened
        assert (set(service.status) - found, doubts) == (set(), [])


def test_a_total_that_was_right_when_it_was_sent_raises_no_doubt():
    service = Service(["active"] * 16, size=3, totals=True)
    turns = Scripted(
        1,
        after={
            (0, 1, 1): lambda: service.status.pop("r9"),
            (0, 5, 1): service.insert,
            (0, 5, 2): lambda: service.status.pop("r4"),
        },
    )
    found, doubts = walked(service, ["active"], turns)
    assert len(turns.happened) == 3
    assert (set(service.status) - found - {"new 16"}, doubts) == (set(), [])
