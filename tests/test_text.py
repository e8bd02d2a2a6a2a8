"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from wizframe.text import counted, plural


@pytest.mark.parametrize(
    ("count", "noun", "written"),
    [
        (0, "row", "0 rows"), (1, "row", "1 row"), (2, "row", "2 rows"), (12_345, "row", "12,345 rows"),
        (1, "push", "1 push"), (2, "push", "2 pushes"), (2, "address", "2 addresses"), (2, "match", "2 matches"),
    ],
)  # fmt: skip
def test_a_number_and_its_noun_agree(count, noun, written):
    assert counted(count, noun) == written


def test_a_verb_agrees_too():
    assert [plural(count, "goes", "go") for count in (0, 1, 2)] == ["go", "goes", "go"]
