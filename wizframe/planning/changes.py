"""A change: what a plan would do to one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.frames.problems import cell_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

__all__ = [
    "CLEAR",
    "COMMAND",
    "DELETE",
    "Action",
    "Cell",
    "Change",
    "Problem",
    "contacts_too",
    "places",
    "printable",
    "shown",
]

Action = Literal["create", "update", "delete"]
_SHOWN_PLACES = 3

#: The text that clears a cell, in a frame as in a workbook; a blank cell is never sent.
CLEAR = "<clear>"

#: A column of a frame, as of a workbook: what is to happen with a row. Blank for nothing but its edits, or
#: :data:`DELETE`. A row that is not there means nothing.
COMMAND, DELETE = "<command>", "DELETE"


class Cell(NamedTuple):
    """One cell of a change: values as in a plain record (str, bool, list of str); None is blank."""

    column: str
    old: Any
    new: Any


class Problem(NamedTuple):
    """What stands in the way of a plan. ``position`` is the row's in the planned frame; None: the whole frame."""

    position: int | None
    column: str
    value: Any
    rule: str


class Change(NamedTuple):
    """What happens to one record.

    Parameters
    ----------
    action : {'create', 'update', 'delete'}
    position : int
        The row in the planned frame.
    label : object
        The row's index label.
    name : str
        What a person calls the record.
    id, customer_id, reference_id : str or None
        None where not known yet; ``customer_id`` for contacts only.
    cells : tuple of Cell
        Update: what changes. Create: what is given. Delete: what the record was when it was loaded.
    customer_reference_id : str or None
        Of a new contact whose customer is new, too: the reference under which the same plan creates it.
    left_out : tuple of Cell
        Cells of an update that were edited, too, but are not part of it: they stay edited in the frame.
    contacts : int
        Of a customer that is deleted: how many contacts go with it.
    """

    action: Action
    position: int
    label: Any
    name: str
    id: str | None
    customer_id: str | None
    reference_id: str | None
    cells: tuple[Cell, ...]
    customer_reference_id: str | None = None
    left_out: tuple[Cell, ...] = ()
    contacts: int = 0

    @property
    def owner(self) -> tuple[str | None, str | None]:
        """What tells the customers of contacts apart: id, or the reference of one that is yet to be created."""
        return self.customer_id, self.customer_reference_id

    @property
    def new_values(self) -> dict[str, Any]:
        """Column to new value."""
        return {cell.column: cell.new for cell in self.cells}


def contacts_too(changes: Iterable[Change]) -> str:
    """Say how many contacts go with deleted customers.

    Parameters
    ----------
    changes : iterable of Change

    Returns
    -------
    str
    """
    count = sum(change.contacts for change in changes)
    return f"{count} contact{'s'[: count != 1]} go with the customers"


def places(frame: pd.DataFrame, labels: Sequence[Any], column: str = "") -> str:
    """Name cells by their places in the file that a frame was read from.

    Parameters
    ----------
    frame : DataFrame
    labels : sequence
        Of the rows; some are enough.
    column : str
        Without it, the rows are meant.

    Returns
    -------
    str
        Such as ``Customers!F12, Customers!F15 and 3 more``; empty where the frame does not come from a file.
    """
    first = [cell_place(frame, label, column) for label in labels[:_SHOWN_PLACES]]
    more = f" and {len(labels) - _SHOWN_PLACES} more" if len(labels) > _SHOWN_PLACES else ""
    return ", ".join(first) + more if all(first) else ""


def shown(value: Any, longest: int = 40) -> str:
    """Write a cell's value for people.

    Parameters
    ----------
    value : object
    longest : int
        In characters.

    Returns
    -------
    str
        ``(blank)`` for blank; a list joined; control characters made visible; cut with an ellipsis.
    """
    if value is None or value in ("", []):
        return "(blank)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(line: str) -> str:
    r"""Make visible what a terminal would obey, or what would begin a line: names and references may hold anything.

    Parameters
    ----------
    line : str

    Returns
    -------
    str
        Such as ``\x1b[2J``; ``\u202e`` for what turns the direction of writing.
    """
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)
