"""References of customers for the service's filter, and the matching records of its responses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wizframe.api.pages import Page, Record

__all__ = ["NO_REFERENCE", "groups", "having", "plain_references"]

# Servers may reject URLs above 8 kB, and a character of a reference may take three characters in the URL.
_REFERENCES_PER_REQUEST = 40
_CHARACTERS_PER_REQUEST = 4000
# Requested together with references that exist: a filter that reads all of them as one string finds none.
NO_REFERENCE = "no-such-reference"


def plain_references(page: Page) -> list[str]:
    """Return up to two references of a page that a filter can find: without commas or outer spaces."""
    shown = (one for one in page.values("reference_id") if isinstance(one, str))
    return [one for one in shown if one and one == one.strip() and "," not in one][:2]


def having(references: Collection[str], records: Iterable[Record]) -> list[Record]:
    """Return the records with exactly one of these references."""
    return [one for one in records if isinstance(own := one.get("reference_id"), str) and own in references]


def groups(references: Iterable[str]) -> Iterator[list[str]]:
    """Divide references into groups that fit into one request."""
    group: list[str] = []
    characters = 0
    for reference in references:
        characters += len(quote(reference))
        if group and (len(group) == _REFERENCES_PER_REQUEST or characters > _CHARACTERS_PER_REQUEST):
            yield group
            group, characters = [], len(quote(reference))
        group.append(reference)
    if group:
        yield group
