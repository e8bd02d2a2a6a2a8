"""The fault catalogue is whole: each row is proven by a test that names it, and worded by one of them."""

from collections import Counter

from support.catalogue import HOLDS, NUMBERS, marks


def test_every_row_is_proven_by_a_test():
    assert {number for (number, *_), _, _ in marks()} == set(NUMBERS)


def test_every_row_has_one_text():
    worded = [mark for mark, _, _ in marks() if len(mark) > 1]
    assert Counter(number for number, *_ in worded) == Counter(NUMBERS)
    assert [mark for mark in worded if len(mark) != 4 or not set(mark[3].split()) <= set(HOLDS)] == []


def test_every_marked_test_is_run():
    assert [test for _, _, test in marks() if not test.startswith("test_")] == []
