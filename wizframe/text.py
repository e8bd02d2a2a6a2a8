"""Words for people: numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted", "plural"]

#: Nouns that end so take -es: push, address, box, match.
_HISSING = ("s", "x", "z", "ch", "sh")


def counted(count: int, noun: str) -> str:
    """Write a number with its noun in the right form, such as "1 row" or "1,200 addresses"."""
    return f"{count:,} {plural(count, noun)}"


def plural(count: int, one: str, many: str = "") -> str:
    """Choose the form of a word that fits a number; ``many`` is needed for verbs and irregular nouns."""
    if count == 1:
        return one
    return many or (f"{one}es" if one.endswith(_HISSING) else f"{one}s")
