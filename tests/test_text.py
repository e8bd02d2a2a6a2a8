"""Numbers with their nouns, options and commands as one would type them, and text that a terminal can show."""

from __future__ import annotations

import pytest

from wizframe.errors import hints_for
from wizframe.text import command, counted, option, plural, printable


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller & Söhne", "Müller & Söhne"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("two\nlines\t\0", "two\\nlines\\t\\x00"),
        ("non-breaking\xa0space", "non-breaking\\xa0space"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


def test_a_long_text_is_cut_before_it_is_escaped():
    assert printable("\n" * 5, 2) == "\\n\\n…"
    assert printable("ab", 2) == "ab"


@pytest.mark.parametrize(
    ("name", "value", "python", "typed"),
    [
        ("match", "reference_id", "match='reference_id'", "--match reference_id"),
        ("max_changes", 3, "max_changes=3", "--max-changes 3"),
        ("clear", ["phone", "email"], "clear=['phone', 'email']", "--clear phone --clear email"),
        ("zone", "my house", "zone='my house'", "--zone 'my house'"),
    ],
)
def test_an_option_is_written_as_one_would_type_it(name, value, python, typed):
    assert option(name, value) == python
    with hints_for("cli"):
        assert option(name, value) == typed


def test_so_is_a_command():
    assert command("undo") == "wizframe.undo()"
    with hints_for("cli"):
        assert command("undo") == "`wizframe undo`"
