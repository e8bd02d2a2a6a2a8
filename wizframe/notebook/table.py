"""A read-only table of a frame: pages, sorting by a click on a column, a search, and rows to tick."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from ipywidgets.widgets.widget_bool import CheckboxStyle

from wizframe.frames.arrow import TEXTS
from wizframe.notebook.html import cell_text, message, rows_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

__all__ = ["FrameTable"]

# The numbers of rows on a page from which the user can choose.
_PAGE_SIZES = (10, 25, 50, 100)
# Widths of columns in pixels. A character of the table's 12 px font is 7.2 px wide on average.
_MIN_WIDTH_PX, _MAX_WIDTH_PX, _CHARACTER_PX, _PADDING_PX = 70, 260, 7.2, 24
# The same width as in looks.css.
_TICK_WIDTH = "34px"
# The width of a column is measured on this many rows, because measuring 100,000 rows takes seconds.
_MEASURED_ROWS = 500
_ARROWS = {True: " ▲", False: " ▼", None: ""}


class FrameTable:
    """A table of a frame's rows. Later edits of the frame do not appear in it.

    ``noun`` names the rows in the plural. ``changed`` is called without arguments when rows are ticked or unticked.
    """

    def __init__(self, noun: str, changed: Callable[[], None] | None = None) -> None:
        self.frame = pd.DataFrame()
        self._noun = noun
        self._changed = changed
        self._lock = threading.RLock()  # the thread of a load may draw while the user clicks
        self._is_drawing = False
        self._order: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._is_ticked: npt.NDArray[np.bool_] = np.empty(0, bool)
        self._texts: pd.Series[str] | None = None
        self._sorted_by: tuple[int, bool] | None = None
        self._drawn = b""
        self._old_boxes: tuple[Any, ...] = ()
        self._make_widgets()
        self._connect()

    def _make_widgets(self) -> None:
        self.search = widgets.Text(
            description="Search",
            placeholder=f"words in these {self._noun}",
            tooltip="Shows the rows that contain all of these words. A comma separates alternatives.",
        )
        self.tick_found = widgets.Button(description="Tick all found", layout={"width": "auto"})
        self.untick = widgets.Button(description="Untick all", layout={"width": "auto"})
        self.count = widgets.HTML()
        self.head = widgets.HBox().add_class("wizframe-head")
        self.ticks = widgets.VBox(layout={"flex": "none", "overflow": "hidden"})
        # All boxes share one layout and one style, because separate ones would add two widgets per row.
        self._tick_layout = widgets.Layout(width=_TICK_WIDTH, margin="0")
        self._tick_style = CheckboxStyle()
        self.rows = widgets.HTML(layout={"margin": "0", "flex": "none"})
        self.previous = widgets.Button(description="‹ Previous", layout={"width": "90px"})
        self.next = widgets.Button(description="Next ›", layout={"width": "90px"})
        self.page = widgets.BoundedIntText(1, min=1, max=1, description="Page", layout={"width": "150px"})
        self.page_size = widgets.Dropdown(options=_PAGE_SIZES, description="Rows", layout={"width": "160px"})
        self.pages = widgets.HTML()
        line = {"flex_flow": "row wrap", "align_items": "center"}
        tools = widgets.HBox([self.search, self.tick_found, self.untick, self.count], layout=line)
        pager = widgets.HBox([self.previous, self.next, self.page, self.pages, self.page_size], layout=line)
        body = widgets.HBox([self.ticks, self.rows], layout={"overflow": "visible", "width": "max-content"})
        grid = widgets.VBox([self.head, body]).add_class("wizframe-grid")
        self.root = widgets.VBox([tools, grid, pager])

    def _connect(self) -> None:
        self.search.observe(lambda _change: self._arrange(), "value")
        self.page.observe(lambda _change: self._draw(), "value")
        self.page_size.observe(lambda _change: self._turn_to(1), "value")
        self.previous.on_click(lambda _button: self._turn_to(self.page.value - 1))
        self.next.on_click(lambda _button: self._turn_to(self.page.value + 1))
        self.tick_found.on_click(lambda _button: self.tick(self._order, is_ticked=True))
        self.untick.on_click(lambda _button: self.tick(slice(None), is_ticked=False))

    def show(self, frame: pd.DataFrame) -> None:
        """Show another frame, with no row ticked."""
        with self._lock:
            self.frame = frame.copy(deep=False)
            self._is_ticked = np.zeros(len(frame), bool)
            for box in (*self._old_boxes, *self.ticks.children):  # a late click on them belongs to the old frame
                box.close()
            self._old_boxes = self.ticks.children = ()
            self._drawn = b""
            self._texts = None
            self._sorted_by = None
            self._widths_px = [_width_px(frame, place) for place in range(frame.shape[1])]
            corner = widgets.HTML(layout={"width": _TICK_WIDTH, "margin": "0", "flex": "none"})
            self.head.children = [corner, *(self._make_column(at, str(name)) for at, name in enumerate(frame.columns))]
            self._arrange()

    def _make_column(self, place: int, name: str) -> Any:
        layout = {"width": f"{self._widths_px[place]}px", "margin": "0", "flex": "none"}
        button = widgets.Button(description=name, tooltip=f"Sort by {name}", layout=layout)
        button.on_click(lambda _button: self.sort(place))
        return button

    @property
    def ticked(self) -> npt.NDArray[np.intp]:
        """The positions of the ticked rows, in the order of the frame."""
        return np.flatnonzero(self._is_ticked)

    def tick(self, positions: Any, *, is_ticked: bool = True) -> None:
        """Tick or untick rows; ``positions`` is any numpy index of the frame's rows."""
        with self._lock:
            self._is_ticked[positions] = is_ticked
            self._draw()
        if self._changed:
            self._changed()

    def sort(self, place: int) -> None:
        """Sort by the column at a place: first in ascending, then in descending order, the third time not at all."""
        with self._lock:
            after = {(place, True): (place, False), (place, False): None}
            self._sorted_by = after.get(self._sorted_by, (place, True)) if self._sorted_by else (place, True)
            self._arrange()

    def _arrange(self) -> None:
        """Find and sort the rows to show, and go to the first page."""
        with self._lock:
            order = np.arange(len(self.frame)) if self._sorted_by is None else _sorted(self.frame, *self._sorted_by)
            alternatives = [words for part in self.search.value.casefold().split(",") if (words := part.split())]
            if alternatives:
                is_found = np.logical_or.reduce([self._contains(words) for words in alternatives])
                order = order[is_found[order]]
            self._order = order
            self._turn_to(1)

    def _contains(self, words: Sequence[str]) -> npt.NDArray[np.bool_]:
        if self._texts is None:
            self._texts = _row_texts(self.frame)
        found = np.ones(len(self.frame), bool)
        for word in words:
            found &= self._texts.str.contains(word, regex=False).to_numpy(bool)
        return found

    def _turn_to(self, page: int) -> None:
        with self._lock:
            with self._drawing():
                self.page.max = max(1, -(-len(self._order) // self.page_size.value))
                self.page.value = min(max(page, 1), self.page.max)
            self._draw()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Mark the changes of widgets that this class makes, so that they do not count as clicks of the user."""
        was, self._is_drawing = self._is_drawing, True
        try:
            yield
        finally:
            self._is_drawing = was

    def _draw(self) -> None:
        if self._is_drawing:
            return
        with self._lock, self._drawing():
            first = (self.page.value - 1) * self.page_size.value
            positions = self._order[first : first + self.page_size.value]
            rows = self.frame.iloc[positions].itertuples(index=False, name=None)
            self.rows.value = rows_html(rows, self._widths_px) if len(positions) else message("no rows")
            self._draw_ticks(positions)
            self._draw_texts()

    def _draw_ticks(self, positions: npt.NDArray[np.intp]) -> None:
        """Create a separate box for each row of the page.

        A box always belongs to the same row, and the boxes of the previous page still work. If the rows change while
        the user clicks, the click ticks the row that the user saw.
        """
        if positions.tobytes() != self._drawn:
            self._drawn = positions.tobytes()
            for box in self._old_boxes:
                box.close()
            self._old_boxes = self.ticks.children
            self.ticks.children = [self._make_tick(position) for position in positions]
        for box, position in zip(self.ticks.children, positions, strict=True):
            box.value = bool(self._is_ticked[position])

    def _make_tick(self, position: int) -> Any:
        box = widgets.Checkbox(
            bool(self._is_ticked[position]),
            description=f"Tick {_row_name(self.frame, position)}",
            indent=False,
            layout=self._tick_layout,
            style=self._tick_style,
        ).add_class("wizframe-tick")

        def tick(change: dict[str, Any]) -> None:
            if not self._is_drawing:
                self.tick(position, is_ticked=change["new"])

        box.observe(tick, "value")
        return box

    def _draw_texts(self) -> None:
        found, ticked = len(self._order), len(self.ticked)
        rows = f"{len(self.frame):,} {self._noun}"
        shown = f"{found:,} of {rows}" if found != len(self.frame) else rows
        self.count.value = message(f"{shown}, {ticked:,} ticked")
        self.pages.value = message(f"of {self.page.max:,}")
        self.previous.disabled = self.page.value <= 1
        self.next.disabled = self.page.value >= self.page.max
        self.tick_found.disabled, self.untick.disabled = not found, not ticked
        by, is_ascending = self._sorted_by or (None, None)
        for place, (button, name) in enumerate(zip(self.head.children[1:], self.frame.columns, strict=True)):
            button.description = f"{name}{_ARROWS[is_ascending if place == by else None]}"


def _width_px(frame: pd.DataFrame, place: int) -> int:
    """Return the width of a column that fits its first rows."""
    column = frame.iloc[:_MEASURED_ROWS, place]
    longest = max([len(str(frame.columns[place])) + 2, *(len(cell_text(value)) for value in column)])
    return int(min(max(longest * _CHARACTER_PX + _PADDING_PX, _MIN_WIDTH_PX), _MAX_WIDTH_PX))


def _sorted(frame: pd.DataFrame, place: int, ascending: bool) -> npt.NDArray[np.intp]:  # noqa: FBT001 - from a pair
    """Return the order of the rows when sorted by a column; capitals are ignored, and blanks come last."""
    values = frame.iloc[:, place].reset_index(drop=True)
    if isinstance(values.dtype, pd.StringDtype):
        values = values.str.casefold()
    return values.sort_values(ascending=ascending, kind="stable").index.to_numpy()


def _row_texts(frame: pd.DataFrame) -> pd.Series[str]:
    """Join the strings of each row, for the search."""
    joined = pd.Series("", index=range(len(frame)), dtype=TEXTS)
    for values in (frame.iloc[:, place] for place in range(frame.shape[1])):
        if isinstance(values.dtype, (pd.StringDtype, pd.CategoricalDtype)):
            joined = joined + "\n" + values.astype(TEXTS).fillna("").reset_index(drop=True)
    return joined.str.casefold()


def _row_name(frame: pd.DataFrame, position: int) -> str:
    """Return the name of a row for screen readers."""
    names = [name for name in ("reference_id", "company_name", "first_name", "last_name") if name in frame]
    words = [cell_text(frame[name].iat[position]) for name in names]
    return " ".join(filter(None, words)) or f"row {position + 1}"
