"""A frame page by page: sorted by a click on a column, searched by words, rows ticked. Read-only; all of it is text."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from ipywidgets.widgets.widget_bool import CheckboxStyle  # shared: each of its own would be a widget more

from wizframe.notebook.html import cell_text, page_html, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

__all__ = ["FrameTable"]

PAGE_SIZES = (10, 25, 50, 100)
_NARROWEST_PX, _WIDEST_PX, _CHARACTER_PX, _AROUND_PX = 70, 260, 7.2, 24
_MEASURED_ROWS = 500


class FrameTable:
    """A table of a frame's rows.

    Parameters
    ----------
    noun : str
        What a row is, in the plural.
    changed : callable, optional
        Called without arguments when rows were ticked or unticked.
    page_size : int, default 10
        Rows on a page.

    Attributes
    ----------
    root : ipywidgets.VBox
    frame : DataFrame
        What is shown: the rows as they were when they were given.
    """

    def __init__(self, noun: str, changed: Callable[[], None] | None = None, *, page_size: int = 10) -> None:
        self.frame = pd.DataFrame()
        self._noun = noun
        self._changed = changed
        self._lock = threading.RLock()  # a load's thread draws while the user clicks
        self._is_drawing = False
        self._order: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._is_ticked: npt.NDArray[np.bool_] = np.empty(0, bool)
        self._texts: pd.Series[str] | None = None
        self._sorted_by: tuple[int, bool] | None = None
        self._drawn = b""
        self._left: tuple[Any, ...] = ()
        self._make_widgets(page_size)

    def _make_widgets(self, page_size: int) -> None:
        self.search = widgets.Text(
            description="Search",
            placeholder=f"words in these {self._noun}",
            tooltip="Rows that hold all of these words; a comma means: or",
        )
        self.tick_found = widgets.Button(description="Tick all found", layout={"width": "auto"})
        self.untick = widgets.Button(description="Untick all", layout={"width": "auto"})
        self.count = widgets.HTML()
        self.head = widgets.HBox().add_class("wizframe-head")
        self.ticks = widgets.VBox(layout={"flex": "none", "overflow": "hidden"})
        self._tick_layout = widgets.Layout(width="34px", margin="0")
        self._tick_style = CheckboxStyle()
        self.rows = widgets.HTML(layout={"margin": "0", "flex": "none"})
        self.previous = widgets.Button(description="‹ Back", layout={"width": "80px"})
        self.next = widgets.Button(description="Next ›", layout={"width": "80px"})
        self.page = widgets.BoundedIntText(1, min=1, max=1, description="Page", layout={"width": "150px"})
        self.page_size = widgets.Dropdown(
            options=PAGE_SIZES, value=page_size, description="Rows", layout={"width": "160px"}
        )
        self.pages = widgets.HTML()
        line = {"flex_flow": "row wrap", "align_items": "center"}
        tools = widgets.HBox([self.search, self.tick_found, self.untick, self.count], layout=line)
        turning = widgets.HBox([self.previous, self.next, self.page, self.pages, self.page_size], layout=line)
        body = widgets.HBox([self.ticks, self.rows], layout={"overflow": "visible", "width": "max-content"})
        grid = widgets.VBox([self.head, body]).add_class("wizframe-grid")
        self.root = widgets.VBox([tools, grid, turning])
        self._connect()

    def _connect(self) -> None:
        self.search.observe(lambda _change: self._arrange(), "value")
        self.page.observe(lambda _change: self._draw(), "value")
        self.page_size.observe(lambda _change: self._turn_to(1), "value")
        self.previous.on_click(lambda _button: self._turn_to(self.page.value - 1))
        self.next.on_click(lambda _button: self._turn_to(self.page.value + 1))
        self.tick_found.on_click(lambda _button: self._tick_all(self._order, ticked=True))
        self.untick.on_click(lambda _button: self._tick_all(slice(None), ticked=False))

    def show(self, frame: pd.DataFrame) -> None:
        """Show another frame; no row is ticked.

        Parameters
        ----------
        frame : DataFrame
        """
        with self._lock:
            self.frame = frame.copy(deep=False)
            self._is_ticked = np.zeros(len(frame), bool)
            self._forget_ticks()
            self._texts = None
            self._sorted_by = None
            self._widths = [_width(frame, place) for place in range(frame.shape[1])]
            self._make_head()
            self._arrange()

    @property
    def ticked(self) -> npt.NDArray[np.intp]:
        """Positions of the ticked rows in the frame, in its order."""
        return np.flatnonzero(self._is_ticked)

    def tick(self, positions: Iterable[int], *, ticked: bool = True) -> None:
        """Tick rows, or untick them.

        Parameters
        ----------
        positions : iterable of int
            In the frame.
        ticked : bool, default True
        """
        self._tick_all(np.fromiter(positions, np.intp), ticked=ticked)

    def sort(self, place: int) -> None:
        """Sort by a column, the other way round at the second time, and not at all at the third.

        Parameters
        ----------
        place : int
            The column's, from 0.
        """
        with self._lock:
            after = {(place, True): (place, False), (place, False): None}
            self._sorted_by = after.get(self._sorted_by, (place, True)) if self._sorted_by else (place, True)
            self._arrange()

    def _tick_all(self, positions: Any, *, ticked: bool) -> None:
        with self._lock:
            self._is_ticked[positions] = ticked
            self._draw()
        if self._changed:
            self._changed()

    def _arrange(self) -> None:
        """Find the rows that the search lets through, put them in order, and go to the first page."""
        with self._lock:
            order = np.arange(len(self.frame)) if self._sorted_by is None else _sorted(self.frame, *self._sorted_by)
            asked = [words for part in self.search.value.casefold().split(",") if (words := part.split())]
            if asked:
                found = np.logical_or.reduce([self._holds(words) for words in asked])
                order = order[found[order]]
            self._order = order
            self._turn_to(1)

    def _holds(self, words: Sequence[str]) -> npt.NDArray[np.bool_]:
        if self._texts is None:
            self._texts = _texts(self.frame)
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
        """Tell clicks from what is set here."""
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
            page = self.frame.iloc[positions]
            self.rows.value = page_html(page.itertuples(index=False, name=None), self._widths) if len(page) else _EMPTY
            self._draw_ticks(positions)
            self._draw_words()

    def _draw_ticks(self, positions: npt.NDArray[np.intp]) -> None:
        """Give each row of the page a box of its own.

        A box never becomes another row's: a click that was under way while the rows changed ticks the row that the user
        saw, so the boxes of the page before are still heard.
        """
        if positions.tobytes() != self._drawn:
            self._drawn = positions.tobytes()
            for box in self._left:
                box.close()
            self._left = self.ticks.children
            self.ticks.children = [self._make_tick(position) for position in positions]
        for box, position in zip(self.ticks.children, positions, strict=True):
            box.value = bool(self._is_ticked[position])

    def _forget_ticks(self) -> None:
        """Hear no box any more: what it was for is in another frame."""
        for box in (*self._left, *self.ticks.children):
            box.close()
        self._left = self.ticks.children = ()
        self._drawn = b""

    def _make_tick(self, position: int) -> Any:
        box = widgets.Checkbox(
            bool(self._is_ticked[position]),
            description=f"Tick {_name(self.frame, position)}",
            indent=False,
            layout=self._tick_layout,
            style=self._tick_style,
        ).add_class("wizframe-tick")

        def tick(change: dict[str, Any]) -> None:
            if not self._is_drawing:
                self._tick_all(position, ticked=change["new"])

        box.observe(tick, "value")
        return box

    def _draw_words(self) -> None:
        found, ticked = len(self._order), len(self.ticked)
        what = f"{len(self.frame):,} {self._noun}"
        many = f"{found:,} of {what}" if found != len(self.frame) else what
        self.count.value = said(f"{many}, {ticked:,} ticked")
        self.pages.value = said(f"of {self.page.max:,}")
        self.previous.disabled = self.page.value <= 1
        self.next.disabled = self.page.value >= self.page.max
        self.tick_found.disabled, self.untick.disabled = not found, not ticked
        for place, (button, name) in enumerate(zip(self.head.children[1:], self.frame.columns, strict=True)):
            button.description = f"{name}{_ARROWS[self._direction(place)]}"

    def _direction(self, place: int) -> bool | None:
        return self._sorted_by[1] if self._sorted_by and self._sorted_by[0] == place else None

    def _make_head(self) -> None:
        spacer = widgets.HTML(layout={"width": "34px", "margin": "0", "flex": "none"})
        self.head.children = [
            spacer,
            *(self._make_column(place, str(name)) for place, name in enumerate(self.frame.columns)),
        ]

    def _make_column(self, place: int, name: str) -> Any:
        layout = {"width": f"{self._widths[place]}px", "margin": "0", "flex": "none"}
        button = widgets.Button(description=name, tooltip=f"Sort by {name}", layout=layout)
        button.on_click(lambda _button: self.sort(place))
        return button


_ARROWS = {True: " ▲", False: " ▼", None: ""}
_EMPTY = said("no rows")


def _width(frame: pd.DataFrame, place: int) -> int:
    """Fit a column to its first rows, within limits."""
    column = frame.iloc[:_MEASURED_ROWS, place]
    longest = max([len(str(frame.columns[place])) + 2, *(len(cell_text(value)) for value in column)])
    return int(min(max(longest * _CHARACTER_PX + _AROUND_PX, _NARROWEST_PX), _WIDEST_PX))


def _sorted(frame: pd.DataFrame, place: int, ascending: bool) -> npt.NDArray[np.intp]:  # noqa: FBT001 - from a pair
    """Order rows by a column, texts without regard to case; blank comes last."""
    values = frame.iloc[:, place].reset_index(drop=True)
    if isinstance(values.dtype, pd.StringDtype):
        values = values.str.casefold()
    return values.sort_values(ascending=ascending, kind="stable").index.to_numpy()


def _texts(frame: pd.DataFrame) -> pd.Series[str]:
    """Join the texts of each row, for the search."""
    joined = pd.Series("", index=range(len(frame)), dtype="str")
    for values in (frame.iloc[:, place] for place in range(frame.shape[1])):
        if isinstance(values.dtype, (pd.StringDtype, pd.CategoricalDtype)):
            joined = joined + "\n" + values.astype("str").fillna("").reset_index(drop=True)
    return joined.str.casefold()


def _name(frame: pd.DataFrame, position: int) -> str:
    """Name a row for those who hear it."""
    names = [name for name in ("reference_id", "company_name", "first_name", "last_name") if name in frame]
    words = [cell_text(frame[name].iat[position]) for name in names]
    return " ".join(filter(None, words)) or f"row {position + 1}"
