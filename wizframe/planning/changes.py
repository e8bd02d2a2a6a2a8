"""A change: what a plan would do to one record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.fields import CLEAR, COMMAND, DELETE, TABLES
from wizframe.frames.problems import cell_place
from wizframe.text import counted, plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from wizframe.fields import Table

__all__ = [
    "CLEAR",
    "COMMAND",
    "DELETE",
    "Action",
    "Cell",
    "Change",
    "Problem",
    "children_too",
    "counted_children",
    "places",
    "shown",
]

Action = Literal["create", "update", "delete"]
_SHOWN_PLACES = 3


class Cell(NamedTuple):
    """One cell of a change: values as in a plain record (str, bool, list of str); None is blank."""

    column: str
    old: Any
    new: Any


class Problem(NamedTuple):
    """What must be corrected. ``position`` is the row's in the planned frame; None: the whole column."""

    position: int | None
    column: str
    value: Any
    rule: str


class Change(NamedTuple):
    """What happens to one record."""

    action: Action
    position: int  # the row in the planned frame …
    label: Any  # … and its index label
    name: str  # what people call the record
    id: str | None  # None if it is not known yet
    customer_id: str | None  # the parent's, if the table has one
    reference_id: str | None
    cells: tuple[Cell, ...]  # update: what changes; create: what is given; delete: what the record was when loaded
    customer_reference_id: str | None = None  # of a parent that the same plan creates
    left_out: tuple[Cell, ...] = ()  # edited cells that are not sent: they stay edited in the frame
    children: tuple[tuple[str, int], ...] = ()  # of a delete: tables and numbers of the records that go with it

    @property
    def owner(self) -> tuple[str | None, str | None]:
        """Which parent the record belongs to: its id, or the reference of one that is created first."""
        return self.customer_id, self.customer_reference_id

    @property
    def new_values(self) -> dict[str, Any]:
        """Column to new value."""
        return {cell.column: cell.new for cell in self.cells}


def counted_children(changes: Iterable[Change]) -> tuple[str, int]:
    """Count the records that go with deleted ones: in words, such as "3 contacts and 1 address", and as a number."""
    counts = Counter[str]()
    for change in changes:
        counts.update(dict(change.children))
    words = (counted(count, TABLES[name].singular) for name, count in counts.items() if count)
    return " and ".join(words), sum(counts.values())


def children_too(changes: Iterable[Change], table: Table) -> str:
    """Say how many records go with the deleted ones; empty if none do."""
    words, total = counted_children(changes)
    return f"{words} {plural(total, 'is', 'are')} deleted with the {table.name}" if words else ""


def places(frame: pd.DataFrame, labels: Sequence[Any], column: str = "") -> str:
    """Name cells by their places in the file that a frame was read from, such as ``Customers!F12 and 3 more``.

    Empty if the frame does not come from a file. Without a column, the rows are meant.
    """
    first = [cell_place(frame, label, column) for label in labels[:_SHOWN_PLACES]]
    more = f" and {len(labels) - _SHOWN_PLACES} more" if len(labels) > _SHOWN_PLACES else ""
    return ", ".join(first) + more if all(first) else ""


def shown(value: Any, longest: int = 40) -> str:
    """Write a cell's value for people: blanks named, lists joined, control characters escaped, long texts cut."""
    if value is None or value in ("", []):
        return "(blank)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"
