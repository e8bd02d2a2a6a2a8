"""The lists of a review: changes to tick; after a push, the changes that were not done, to correct or decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets as widgets

from wizframe.notebook.html import typed_text
from wizframe.notebook.review import html as markup
from wizframe.notebook.review.choices import FILTERS, PlanRow
from wizframe.planning.changes import CLEAR
from wizframe.pushing.corrections import Correction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wizframe.notebook.review.choices import Choices
    from wizframe.pushing.outcomes import ConflictCell, Outcome
    from wizframe.pushing.plan import Result

    #: (table, position) to the columns with conflicts, and for each the string to send; None: not decided yet.
    Decisions = dict[tuple[str, int], dict[str, str | None]]

__all__ = ["LATER", "MINE", "PAGE_SIZE", "THEIRS", "ChangeList", "CorrectionFields", "OutcomeList", "bar", "styled"]

#: The cards on a page. A browser draws a few hundred widgets without a pause, and a card has ten or more.
PAGE_SIZE = 20
# The choices for each cell with a conflict.
LATER, MINE, THEIRS = "decide later", "send mine", "keep WizCommerce's"
_STATES = ("conflict", "failed", "unknown", "unsent", "skipped")  # in the order of the list


def styled(widget: Any, *names: str) -> Any:
    """Add classes of the style sheet to a widget, and return the widget."""
    for name in names:
        widget.add_class(name)
    return widget


def bar(*controls: Any) -> Any:
    """Arrange controls in a row that wraps."""
    return styled(widgets.HBox(controls), "wiz-bar")


class Pages:
    """A long list, shown one page at a time. ``draw`` returns the card of one item, which has a ``widget``."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.drawn: list[Any] = []
        self._draw = draw
        self._items: Sequence[Any] = ()
        self._first = 0
        self._previous = widgets.Button(description="‹ Previous", tooltip="Previous page", layout={"width": "auto"})
        self._next = widgets.Button(description="Next ›", tooltip="Next page", layout={"width": "auto"})
        self._previous.on_click(lambda _: self._turn(-PAGE_SIZE))
        self._next.on_click(lambda _: self._turn(PAGE_SIZE))
        self._place = widgets.HTML()
        self._cards = widgets.VBox()
        self._pager = bar(self._previous, self._place, self._next)
        self.widget = widgets.VBox([self._cards, self._pager])

    def show(self, items: Sequence[Any]) -> None:
        """Show a list, beginning with its first page."""
        self._items, self._first = items, 0
        self._turn(0)

    def _turn(self, by: int) -> None:
        self._first += by
        last = min(self._first + PAGE_SIZE, len(self._items))
        before, self.drawn = self.drawn, [self._draw(item) for item in self._items[self._first : last]]
        self._cards.children = [card.widget for card in self.drawn]
        for card in before:  # widgets that are not closed stay in memory, in the kernel and in the browser
            _close(card.widget)
        self._previous.disabled, self._next.disabled = self._first == 0, last >= len(self._items)
        self._pager.layout.display = None if len(self._items) > PAGE_SIZE else "none"
        self._place.value = f"&nbsp;{self._first + 1}–{last} of {len(self._items)}&nbsp;"


def _close(widget: Any) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


class CorrectionFields:
    """Fields for corrected values of cells. They remember the typed values when the user turns the page."""

    def __init__(self) -> None:
        self._typed: dict[tuple[str, int, str], str] = {}

    def field(self, table: str, position: int, column: str, text: str) -> Any:
        """Create a field for a cell with a text value."""
        key = (table, position, column)

        def remember(change: dict[str, str]) -> None:
            if change["new"] == text:
                self._typed.pop(key, None)
            else:
                self._typed[key] = change["new"]

        made = widgets.Text(self._typed.get(key, text), description=column, tooltip=f"Correct {column}")
        made.style.description_width = "initial"
        made.observe(remember, "value")
        return made

    def corrections(self) -> list[Correction]:
        """List the cells for which the user typed another value."""
        return [Correction(*key, text) for key, text in self._typed.items()]


class ChangeList:
    """The changes of a plan, with boxes to tick. ``changed`` is called when a tick changes."""

    def __init__(self, choices: Choices, fields: CorrectionFields, changed: Callable[[], None]) -> None:
        self._choices = choices
        self._changed = changed
        self._pages = Pages(lambda row: _ChangeCard(row, choices, fields, self._on_tick))
        self._filter = widgets.Dropdown(options=FILTERS, description="Show", tooltip="Changes to show")
        self._text = widgets.Text(placeholder="name, id, column, value …", description="Find", continuous_update=False)
        for control in (self._filter, self._text):
            control.style.description_width = "initial"
            control.observe(lambda _: self._show(), "value")
        tick = widgets.Button(
            description="Tick all", tooltip="Tick all shown changes, on all pages", layout={"width": "auto"}
        )
        untick = widgets.Button(
            description="Tick none", tooltip="Untick all shown changes, on all pages", layout={"width": "auto"}
        )
        tick.on_click(lambda _: self._tick_all(is_ticked=True))
        untick.on_click(lambda _: self._tick_all(is_ticked=False))
        self.widget = widgets.VBox([bar(self._text, self._filter, tick, untick), self._pages.widget])
        self._show()

    def _found(self) -> list[PlanRow]:
        return self._choices.find(self._filter.value, self._text.value.strip())

    def _show(self) -> None:
        self._pages.show(self._found())

    def _tick_all(self, *, is_ticked: bool) -> None:
        for row in self._found():
            self._choices.tick(row, is_ticked=is_ticked)
        self._on_tick()

    def _on_tick(self) -> None:
        for card in self._pages.drawn:  # all cards, because a contact depends on its new customer
            card.refresh()
        self._changed()


class _ChangeCard:
    """The card of a row: a box for the record, a box for each cell of an update, and fields for problems."""

    def __init__(self, row: PlanRow, choices: Choices, fields: CorrectionFields, changed: Callable[[], None]) -> None:
        self._row = row
        self._choices = choices
        self._changed = changed
        self._is_refreshing = False
        self._title = widgets.HTML()
        self._box = self._tick_box(f"Send {row.name} {row.identity}", None)
        own_boxes = row.columns if len(row.columns) > 1 and not row.problems else ()
        self._boxes = {name: self._tick_box(f"Send {name} of {row.name}", name) for name in own_boxes}
        inner = styled(widgets.VBox([*self._cells(), *_problems(row, fields)]), "wiz-inner")
        self.widget = styled(widgets.VBox([_line(self._box, self._title), inner]), "wiz-card")
        if row.problems:
            self.widget.add_class("wiz-stopped")
        self.refresh()

    def _tick_box(self, name: str, column: str | None) -> Any:
        box = widgets.Checkbox(indent=False, description=markup.label(name))  # read by screen readers, not shown
        box.observe(lambda change: self._on_box(column, is_ticked=change["new"]), "value")
        return styled(box, "wiz-tick")

    def _cells(self) -> list[Any]:
        change = self._row.change
        if change is None:
            return []
        if not self._boxes:
            return [widgets.HTML(markup.cells(change))]
        return [_line(self._boxes[one.column], widgets.HTML(markup.cell(change, one))) for one in change.cells]

    def _on_box(self, column: str | None, *, is_ticked: bool) -> None:
        if not self._is_refreshing:
            self._choices.tick(self._row, is_ticked=is_ticked, column=column)
            self._changed()

    def refresh(self) -> None:
        """Update the card to show what is ticked."""
        self._is_refreshing = True
        row, obstacle = self._row, self._choices.obstacle(self._row)
        self._title.value = markup.title(row, "" if row.problems else obstacle)
        for name, box in [(None, self._box), *self._boxes.items()]:
            box.disabled = bool(obstacle)
            box.value = not obstacle and (bool(row.ticked) if name is None else name in row.ticked)
        self._is_refreshing = False


def _line(*children: Any) -> Any:
    return styled(widgets.HBox(children), "wiz-line")


def _problems(row: PlanRow, fields: CorrectionFields) -> Iterator[Any]:
    """Show the problems of a row, with a field for each cell that can be corrected here."""
    for column in dict.fromkeys(problem.column for problem in row.problems):
        about = [problem for problem in row.problems if problem.column == column]
        yield widgets.HTML("".join(map(markup.problem, about)))
        if row.position is not None and row.can_be_corrected(column):
            frame = row.part.frame
            text = typed_text(frame[column].iat[row.position]) if column in frame else ""
            yield fields.field(row.part.table.name, row.position, column, text)


class _NotDone(NamedTuple):
    row: PlanRow
    outcome: Outcome


class OutcomeList:
    """The changes that a push did not do: conflicts to decide first, then failed cells to correct."""

    def __init__(self, result: Result, fields: CorrectionFields) -> None:
        self._decisions: Decisions = {}
        not_done = sorted(_not_done(result), key=lambda one: _STATES.index(one.outcome.state))
        for row, outcome in not_done:
            if outcome.state == "conflict" and row.change and row.change.action == "update":
                self._decisions[row.part.table.name, row.change.position] = {
                    cell.column: None for cell in outcome.conflicts
                }
        pages = Pages(lambda one: _OutcomeCard(one, fields, self._decisions))
        pages.show(not_done)
        self.widget = pages.widget

    def corrections(self) -> list[Correction]:
        """List the decided cells of the records without undecided conflicts."""
        return [
            Correction(table, position, column, text)
            for (table, position), cells in self._decisions.items()
            if None not in cells.values()
            for column, text in cells.items()
            if text is not None
        ]

    def count_half_decided(self) -> int:
        """Count the records with both decided and undecided conflicts."""
        counts = [sum(text is not None for text in cells.values()) for cells in self._decisions.values()]
        return sum(0 < count < len(cells) for count, cells in zip(counts, self._decisions.values(), strict=True))


def _not_done(result: Result) -> Iterator[_NotDone]:
    for part in result.parts:
        for number, (change, outcome) in enumerate(part.pairs()):
            if outcome.state != "done":
                yield _NotDone(PlanRow(part.plan, number, change, change.position), outcome)


class _OutcomeCard:
    """The card of a change that was not done."""

    def __init__(self, not_done: _NotDone, fields: CorrectionFields, decisions: Decisions) -> None:
        row, outcome = not_done
        cells = decisions.get((row.part.table.name, row.position or 0), {})
        what_happened, next_step = outcome.what_happened, outcome.next_step
        controls = [_decision(cell, cells) for cell in outcome.conflicts if cell.column in cells]
        if controls:
            what_happened = "another user changed the record after you loaded it"
            next_step = "choose a value below, then press Plan again"
        elif outcome.state == "failed":
            controls = list(_fields(row, fields))
            where = "cells below" if controls else "row in the frame"
            next_step = f"correct the {where}, then press Plan again"
        inner = [widgets.HTML(markup.outcome(outcome, what_happened, next_step)), *controls]
        box = styled(widgets.VBox(inner), "wiz-inner")
        self.widget = styled(widgets.VBox([widgets.HTML(markup.title(row)), box]), "wiz-card", "wiz-stopped")


def _fields(row: PlanRow, fields: CorrectionFields) -> Iterator[Any]:
    change = row.change
    for cell in change.cells if change else ():
        if change and row.can_be_corrected(cell.column):
            text = _typed(cell.new, is_update=change.action == "update")
            yield fields.field(row.part.table.name, change.position, cell.column, text)


def _decision(cell: ConflictCell, cells: dict[str, str | None]) -> Any:
    """Let the user decide: keep the other user's value, or send their own, which they can still edit."""
    theirs, mine = _typed(cell.now, is_update=False), _typed(cell.yours, is_update=True)
    decided = cells[cell.column]
    chosen = LATER if decided is None else THEIRS if decided == theirs else MINE
    choice = widgets.Dropdown(options=[LATER, MINE, THEIRS], value=chosen, description=cell.column)
    text = widgets.Text(decided if decided is not None and chosen == MINE else mine, description="sent as")
    for control in (choice, text):
        control.style.description_width = "initial"
    text.disabled = chosen != MINE

    def remember(_change: Any) -> None:
        text.disabled = choice.value != MINE
        cells[cell.column] = {LATER: None, MINE: text.value, THEIRS: theirs}[choice.value]

    choice.observe(remember, "value")
    text.observe(remember, "value")
    return widgets.VBox([widgets.HTML(markup.conflict(cell)), _line(choice, text)])


def _typed(value: Any, *, is_update: bool) -> str:
    """Write a value of a record as a user types it into a cell. For an update, a blank is the text ``<clear>``."""
    return typed_text(value) or (CLEAR if is_update else "")
