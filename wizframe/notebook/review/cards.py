"""The rows of a plan as cards, a page at a time: what would change, a box to tick, problems that can be corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.frames.build import is_blank
from wizframe.notebook.review import html as markup
from wizframe.notebook.review.choices import VIEWS
from wizframe.pushing.corrections import Correction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizframe.notebook.review.choices import Choices, Item

__all__ = ["PAGE", "ChangeList", "Editors", "Pages", "line", "with_class"]

#: Cards on a page. A browser draws some hundred widgets at once without a pause.
PAGE = 20


def with_class(widget: Any, *names: str) -> Any:
    """Give a widget classes of the style sheet.

    Parameters
    ----------
    widget : DOMWidget
    *names : str

    Returns
    -------
    DOMWidget
        The same.
    """
    for name in names:
        widget.add_class(name)
    return widget


def line(*children: Any) -> Any:
    """Put widgets beside each other.

    Parameters
    ----------
    *children : Widget

    Returns
    -------
    HBox
    """
    return with_class(widgets.HBox(children), "wiz-line")


class Pages:
    """A long list, drawn a page at a time. Closes the widgets of the page before.

    Parameters
    ----------
    draw : callable
        Makes the card of one thing: something with a ``widget``.
    """

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.drawn: list[Any] = []
        self._draw = draw
        self._things: Sequence[Any] = ()
        self._first = 0
        self._before = widgets.Button(description="‹ previous", tooltip="Previous page")
        self._after = widgets.Button(description="next ›", tooltip="Next page")
        self._before.on_click(lambda _: self._turn(-PAGE))
        self._after.on_click(lambda _: self._turn(PAGE))
        for button in (self._before, self._after):
            button.layout.width = "auto"
        self._where = widgets.HTML()
        self._cards = widgets.VBox()
        self._pager = with_class(widgets.HBox([self._before, self._where, self._after]), "wiz-bar")
        self.widget = widgets.VBox([self._cards, self._pager])

    def show(self, things: Sequence[Any]) -> None:
        """Show a list from its beginning.

        Parameters
        ----------
        things : sequence
        """
        self._things, self._first = things, 0
        self._turn(0)

    def _turn(self, by: int) -> None:
        self._first += by
        last = min(self._first + PAGE, len(self._things))
        before, self.drawn = self.drawn, [self._draw(thing) for thing in self._things[self._first : last]]
        self._cards.children = [card.widget for card in self.drawn]
        for card in before:
            _close(card.widget)
        self._before.disabled, self._after.disabled = self._first == 0, last >= len(self._things)
        self._pager.layout.display = None if len(self._things) > PAGE else "none"
        self._where.value = f"&nbsp;{self._first + 1}–{last} of {len(self._things)}&nbsp;"


def _close(widget: Any) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


class Editors:
    """Fields to correct cells in. What was typed outlives the page that it was typed on."""

    def __init__(self) -> None:
        self._typed: dict[tuple[str, int, str], str] = {}

    def field(self, table: str, position: int, column: str, text: str) -> Any:
        """Make a field for a cell.

        Parameters
        ----------
        table : str
        position : int
        column : str
        text : str
            What stands in the cell.

        Returns
        -------
        Text
        """
        key = (table, position, column)
        made = widgets.Text(self._typed.get(key, text), description=column, tooltip=f"Correct {column}")
        made.style.description_width = "initial"
        made.observe(lambda change: self._note(key, text, change["new"]), "value")
        return made

    def _note(self, key: tuple[str, int, str], was: str, typed: str) -> None:
        if typed == was:
            self._typed.pop(key, None)
        else:
            self._typed[key] = typed

    def corrections(self) -> list[Correction]:
        """List what was typed and differs from what stood there.

        Returns
        -------
        list of Correction
        """
        return [Correction(*key, text) for key, text in self._typed.items()]


class ChangeList:
    """The list of changes, with boxes to tick.

    Parameters
    ----------
    choices : Choices
    editors : Editors
    changed : callable
        Called whenever a tick came or went.
    """

    def __init__(self, choices: Choices, editors: Editors, changed: Callable[[], None]) -> None:
        self._choices = choices
        self._changed = changed
        self._pages = Pages(lambda item: _Card(item, choices, editors, self._on_tick))
        self._view = widgets.Dropdown(options=VIEWS, description="Show", tooltip="Which changes are shown")
        self._text = widgets.Text(placeholder="name, id, column, value …", description="Find", continuous_update=False)
        self._all = widgets.Button(description="Tick all", tooltip="Tick all changes that are shown, on all pages")
        self._none = widgets.Button(description="Tick none", tooltip="Untick all changes that are shown")
        for button in (self._all, self._none):
            button.layout.width = "auto"
        for control in (self._view, self._text):
            control.style.description_width = "initial"
            control.observe(lambda _: self._show(), "value")
        self._all.on_click(lambda _: self._tick_all(is_ticked=True))
        self._none.on_click(lambda _: self._tick_all(is_ticked=False))
        bar = with_class(widgets.HBox([self._text, self._view, self._all, self._none]), "wiz-bar")
        self.widget = widgets.VBox([bar, self._pages.widget])
        self._show()

    def _viewed(self) -> list[Item]:
        return self._choices.viewed(self._view.value, self._text.value.strip())

    def _show(self) -> None:
        self._pages.show(self._viewed())

    def _tick_all(self, *, is_ticked: bool) -> None:
        for item in self._viewed():
            self._choices.tick(item, is_ticked=is_ticked)
        self._on_tick()

    def _on_tick(self) -> None:
        """Bring every box in line: a contact depends on its customer's."""
        for card in self._pages.drawn:
            card.refresh()
        self._changed()


class _Card:
    """One row of a plan."""

    def __init__(self, item: Item, choices: Choices, editors: Editors, changed: Callable[[], None]) -> None:
        self._item = item
        self._choices = choices
        self._changed = changed
        self._is_refreshing = False
        self._title = widgets.HTML()
        self._box = self._tick_box(f"Send {item.name} {item.identity}", None)
        self._boxes = {name: self._tick_box(f"Send {name} of {item.name}", name) for name in self._own_boxes()}
        inner = [*self._cells(), *_problems(item, editors)]
        box = with_class(widgets.VBox(inner), "wiz-inner")
        self.widget = with_class(widgets.VBox([line(self._box, self._title), box]), "wiz-card")
        if item.problems:
            self.widget.add_class("wiz-stopped")
        self.refresh()

    def _own_boxes(self) -> tuple[str, ...]:
        """Give each cell of an update a box of its own, where there are several."""
        return self._item.columns if len(self._item.columns) > 1 and not self._item.problems else ()

    def _tick_box(self, name: str, column: str | None) -> Any:
        box = widgets.Checkbox(indent=False, description=markup.label(name))  # for screen readers: not to be seen
        box.observe(lambda change: self._on_box(column, is_ticked=change["new"]), "value")
        return with_class(box, "wiz-tick")

    def _cells(self) -> list[Any]:
        change = self._item.change
        if change is None:
            return []
        if not self._boxes:
            return [widgets.HTML(markup.cells(change))]
        return [line(self._boxes[one.column], widgets.HTML(markup.cell(change, one))) for one in change.cells]

    def _on_box(self, column: str | None, *, is_ticked: bool) -> None:
        if not self._is_refreshing:
            self._choices.tick(self._item, is_ticked=is_ticked, column=column)
            self._changed()

    def refresh(self) -> None:
        """Show what is ticked."""
        self._is_refreshing = True
        obstacle = self._choices.obstacle(self._item)
        self._title.value = markup.title(self._item, "" if self._item.problems else obstacle)
        for name, box in [(None, self._box), *self._boxes.items()]:
            box.disabled = bool(obstacle)
            box.value = not obstacle and (bool(self._item.ticked) if name is None else name in self._item.ticked)
        self._is_refreshing = False


def _problems(item: Item, editors: Editors) -> list[Any]:
    """Say what is wrong, with a field for each cell that can be corrected here."""
    shown: list[Any] = []
    position = item.position
    for column in dict.fromkeys(problem.column for problem in item.problems):
        about = [problem for problem in item.problems if problem.column == column]
        shown.append(widgets.HTML("".join(map(markup.problem, about))))
        if position is not None and item.can_be_corrected(column):
            shown.append(editors.field(item.part.table.name, position, column, _text_of(item, column)))
    return shown


def _text_of(item: Item, column: str) -> str:
    if column not in item.part.frame or item.position is None:
        return ""
    value = item.part.frame[column].iat[item.position]
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if is_blank(value) else str(value)
