"""What became of a push: what failed can be corrected in place, conflicts are decided cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets as widgets

from wizframe.notebook.review import html as markup
from wizframe.notebook.review.cards import Pages, line, with_class
from wizframe.notebook.review.choices import Item
from wizframe.planning.changes import CLEAR
from wizframe.pushing.corrections import Correction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.notebook.review.cards import Editors
    from wizframe.planning.changes import Change
    from wizframe.pushing.results import ConflictCell, Outcome, Result

__all__ = ["LATER", "MINE", "THEIRS", "OutcomeList"]

LATER, MINE, THEIRS = "decide later", "send mine", "keep WizCommerce's"
_FIRST = ("conflict", "failed", "unknown", "unsent", "skipped")


class _Row(NamedTuple):
    item: Item
    outcome: Outcome


class OutcomeList:
    """The changes that were not done, conflicts first.

    Parameters
    ----------
    result : Result
    editors : Editors
        For cells of failed rows.
    """

    def __init__(self, result: Result, editors: Editors) -> None:
        self._decisions: dict[tuple[str, int], dict[str, str | None]] = {}
        self.rows = sorted(_rows(result), key=lambda row: _FIRST.index(row.outcome.state))
        for row in self.rows:
            if row.outcome.state == "conflict" and row.item.change and row.item.change.action == "update":
                cells = {cell.column: None for cell in row.outcome.conflicts}
                self._decisions[row.item.part.table.name, row.item.change.position] = dict(cells)
        pages = Pages(lambda row: _Card(row, editors, self._decisions))
        pages.show(self.rows)
        self.widget = pages.widget

    def corrections(self) -> list[Correction]:
        """List the cells of the conflicts that were decided.

        Returns
        -------
        list of Correction
            A record counts when all of its cells are decided.
        """
        return [
            Correction(table, position, column, text)
            for (table, position), cells in self._decisions.items()
            if all(text is not None for text in cells.values())
            for column, text in cells.items()
            if text is not None
        ]

    def half_decided(self) -> int:
        """Count the records of which only some cells are decided.

        Returns
        -------
        int
        """
        counts = [sum(text is not None for text in cells.values()) for cells in self._decisions.values()]
        return sum(0 < count < len(cells) for count, cells in zip(counts, self._decisions.values(), strict=True))


def _rows(result: Result) -> Iterator[_Row]:
    for part in result.parts:
        for number, (change, outcome) in enumerate(zip(part.plan.changes_list, part.outcomes, strict=True)):
            if outcome.state != "done":
                yield _Row(Item(part.plan, number, change, change.position), outcome)


class _Card:
    """One change that was not done."""

    def __init__(self, row: _Row, editors: Editors, decisions: dict[tuple[str, int], dict[str, str | None]]) -> None:
        change = row.item.change
        cells = decisions.get((row.item.part.table.name, row.item.position or 0), {})
        here = "somebody else changed it since you loaded it. Decide, then plan again" if cells else ""
        inner = [widgets.HTML(markup.outcome(row.outcome, here))]
        inner += [_decision(cell, cells) for cell in row.outcome.conflicts if cell.column in cells]
        if change is not None and row.outcome.state == "failed":
            inner += _fields(row.item, change, editors)
        box = with_class(widgets.VBox(inner), "wiz-inner")
        self.widget = with_class(widgets.VBox([widgets.HTML(markup.title(row.item)), box]), "wiz-card", "wiz-stopped")


def _fields(item: Item, change: Change, editors: Editors) -> Iterator[Any]:
    for cell in change.cells:
        if item.can_be_corrected(cell.column):
            text = as_typed(cell.new, is_update=change.action == "update")
            yield editors.field(item.part.table.name, change.position, cell.column, text)


def _decision(cell: ConflictCell, cells: dict[str, str | None]) -> Any:
    """Let somebody decide: theirs, or mine, which can be changed to something that both agree on."""
    theirs, mine = as_typed(cell.now, is_update=False), as_typed(cell.yours, is_update=True)
    decided = cells[cell.column]
    said = LATER if decided is None else THEIRS if decided == theirs else MINE
    what = widgets.Dropdown(options=[LATER, MINE, THEIRS], value=said, description=cell.column)
    text = widgets.Text(mine if said != MINE else decided, description="sent as")
    for control in (what, text):
        control.style.description_width = "initial"
    text.disabled = said != MINE

    def note(_change: Any) -> None:
        text.disabled = what.value != MINE
        cells[cell.column] = {LATER: None, MINE: text.value, THEIRS: theirs}[what.value]

    what.observe(note, "value")
    text.observe(note, "value")
    return widgets.VBox([widgets.HTML(markup.conflict(cell)), line(what, text)])


def as_typed(value: Any, *, is_update: bool) -> str:
    """Write a value as it is typed into a cell.

    Parameters
    ----------
    value : object
        As in a plain record.
    is_update : bool
        Whether a blank means that the cell is cleared.

    Returns
    -------
    str
    """
    if value is None or value in ("", []):
        return CLEAR if is_update else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
