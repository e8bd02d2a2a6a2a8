"""``df.wiz.edit()``: an editing grid in a notebook. The frame of the grid is planned like any other frame.

The browser shows and sends strings. :mod:`wizframe.notebook.editor.edits` converts them to values.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from wizframe.arguments import FRAME, NAMES, TEXT, checked, or_none
from wizframe.errors import MissingExtraError, PlanError, WizframeError, to_install
from wizframe.notebook.editor.edits import FILTERS, EditedFrame, EditResult, Typed
from wizframe.notebook.html import typed_text
from wizframe.notebook.kernel import between_cells
from wizframe.pushing.api import plan
from wizframe.text import counted, plural, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.notebook.editor.marks import Mark
    from wizframe.pushing.plan import Plan

__all__ = ["Editor"]

Content = dict[str, Any]

# Widths of columns, in characters. The narrowest fits a flag, and the widest leaves room for three other columns.
_MIN_WIDTH, _MAX_WIDTH = 8, 34
# A column's width is measured on this many rows, because measuring 100,000 rows takes 7 seconds.
_MEASURED_ROWS = 500


class Editor(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """An editing grid for a copy of a frame.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts. The grid edits a copy, and this frame is not changed.
    client : Client, optional
        The client for the plans; by default the open connection of the account that the frame was loaded from.
    table : {'customers', 'contacts'}, optional
        Needed if neither the load nor the columns show which table the frame holds.
    columns : sequence of str, optional
        The columns to show; by default all.

    Raises
    ------
    MissingExtraError
        anywidget is not installed.
    PlanError
        The frame cannot be planned, so it cannot be edited.
    """

    @checked(frame=FRAME, table=or_none(TEXT), columns=or_none(NAMES))
    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        client: Client | None = None,
        table: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        make_grid = _grid_class()
        self._edits = EditedFrame(frame.copy(), table, columns)
        self._client = client
        self._review: Any = None
        self._search: dict[str, Any] = {"text": "", "limit_to": FILTERS[0], "by": None, "ascending": True}
        self._version = 0
        self._done: dict[str, int] = {}
        self._early: dict[tuple[str, int], Content] = {}
        self._shown = self._edits.find()
        described = [_described(self._edits, name) for name in self._edits.columns]
        label = f"Editing grid of {self._edits.table.name}"
        self._grid = make_grid(columns=described, status=self._status(), label=label)
        self._grid.on_msg(self._receive)
        self._below = widgets.VBox()
        super().__init__([self._grid, self._below])

    def __repr__(self) -> str:
        edits, count = self._edits, len(self._edits)
        rows = f"{count:,} {plural(count, edits.table.singular, edits.table.name)}"
        return f"<Editor of {rows}: {counted(len(edits.edited), 'cell')} edited, {len(edits.wrong)} wrong>"

    @property
    def frame(self) -> pd.DataFrame:
        """The edited frame, with the baseline of its load.

        Returns
        -------
        DataFrame
            The same object until rows are added or removed. The column ``<command>`` marks the records to delete.
        """
        return self._edits.frame

    def plan(self, **options: Any) -> Plan:
        """Plan the edits; see :func:`wizframe.plan`.

        Parameters
        ----------
        **options
            As for :func:`wizframe.plan`.

        Returns
        -------
        Plan
            Nothing is sent until you call its method ``apply()``.
        """
        table: Any = self._edits.table.name
        return plan(self.frame, **{"client": self._client, "table": table} | options)

    def review(self) -> Any:
        """Plan the edits and show the plan below the grid, as the button Review does.

        Returns
        -------
        wizframe.notebook.review.review.Review
        """
        review = self.plan().review(client=self._client)
        review.observe(lambda _: self.refresh(), "result")
        self._review = review
        self._below.children = [review]
        return review

    def refresh(self) -> None:
        """Show the frame's current values, after a push or after edits in code."""
        self._edits.read()
        self._find_rows()

    def _status(self) -> dict[str, Any]:
        edits, by = self._edits, self._search["by"]
        new, to_delete = edits.counts()
        return {
            "version": self._version,
            "rows": len(edits),
            "shown": len(self._shown),
            "edited": len(edits.edited),
            "wrong": len(edits.wrong),
            "new": new,
            "to_delete": to_delete,
            "can_undo": edits.can_undo,
            "can_redo": edits.can_redo,
            "sort": None if by is None else [edits.columns.index(by), self._search["ascending"]],
        }

    def _find_rows(self, also: Sequence[int] = ()) -> None:
        """Search again for the rows to show. The rows ``also`` are shown even if the search does not match them."""
        self._version += 1
        self._shown = self._edits.find(**self._search)
        self._shown += [position for position in also if position not in set(self._shown)]
        self._grid.status = self._status()

    def _receive(self, _grid: Any, content: Content, _buffers: Any) -> None:
        if content["kind"] == "rows":
            between_cells(lambda: self._send_rows(content))
        else:
            between_cells(lambda: self._act_in_order(content))

    def _act_in_order(self, content: Content) -> None:
        """Act on messages in the order in which they were sent: JupyterLab may deliver them from two threads."""
        view = str(content["view"])
        self._early[view, content["sequence"]] = content
        while (one := self._early.pop((view, self._done.get(view, 0) + 1), None)) is not None:
            self._done[view] = one["sequence"]
            result = EditResult(message="Something went wrong. Nothing was edited.")
            try:
                result = self._act(one)
            except WizframeError as error:
                result = EditResult(message=str(error), is_reset=True)
            finally:
                self._respond(one, result)

    def _act(self, content: Content) -> EditResult:
        if self._review is not None and self._review.is_pushing:
            raise PlanError("nothing was edited, because a push is running", hint="Edit again when it has finished.")
        edits = self._edits
        actions: dict[str, Callable[[Content], EditResult]] = {
            "edit": lambda content: edits.edit(
                Typed(position, edits.columns[number], text) for position, number, text in content["cells"]
            ),
            "paste": self._paste,
            "add": lambda content: edits.add(content["sibling"]),
            "delete": lambda content: edits.delete(content["rows"], is_to_delete=content["is_to_delete"]),
            "undo": lambda _: edits.undo(),
            "redo": lambda _: edits.redo(),
            "find": self._find,
            "review": lambda _: EditResult(message="" if self.review().plan else "Nothing to change."),
        }
        return actions[content["kind"]](content)

    def _paste(self, content: Content) -> EditResult:
        if content["version"] != self._version:
            raise PlanError("nothing was pasted, because the rows have moved", hint="Paste again.")
        rows, names = self._shown[content["row"] :], self._edits.columns[content["col"] :]
        return self._edits.paste(rows, names, content["text"], height=content["height"], width=content["width"])

    def _find(self, content: Content) -> EditResult:
        number, ascending = content["sort"] or (None, True)
        by = None if number is None else self._edits.columns[number]
        self._search = {"text": content["text"], "limit_to": content["limit_to"], "by": by, "ascending": ascending}
        return EditResult(is_reset=True)

    def _respond(self, content: Content, result: EditResult) -> None:
        """Send the browser the result of its message, with the current rows."""
        select = None
        if result.is_reset:
            added = sorted(result.positions) if content["kind"] == "add" else []
            self._find_rows(added)
            select = self._shown.index(added[0]) if added else None
        else:
            self._grid.status = self._status()
        known = sorted(position for position in result.positions if position < len(self._edits))
        self._grid.send(
            {
                "kind": "response",
                "view": content.get("view"),
                "sequence": content.get("sequence"),
                "message": printable(result.message),
                "select": select,
                "rows": self._rows(known),
            }
        )

    def _send_rows(self, content: Content) -> None:
        if content["version"] == self._version:
            rows = self._rows(self._shown[content["from"] : content["to"]])
            self._grid.send({"kind": "rows", "version": self._version, "from": content["from"], "rows": rows})

    def _rows(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        edits = self._edits
        return [
            {
                "position": position,
                "label": printable(str(edits.frame.index[position])),
                "name": printable(edits.table.record_name({name: mark.text for name, mark in marks.items()})),
                "new": edits.is_new(position),
                "to_delete": edits.is_to_delete(position),
                "cells": [_cell(marks[name]) for name in edits.columns],
            }
            for position, marks in zip(positions, edits.marks(positions), strict=True)
        ]


def _cell(mark: Mark) -> str | list[str]:
    """Write a cell for the browser. Most cells are plain strings, which keeps the messages small."""
    text = printable(mark.text)
    return text if text == mark.text and not mark.state else [text, mark.state, printable(mark.why), mark.text]


def _described(edits: EditedFrame, name: Any) -> dict[str, Any]:
    """Describe a column for the browser."""
    table = edits.table
    is_flag = name in table and table[name].kind == "flag"
    longest = max((len(typed_text(value)) for value in edits.frame[name].iloc[:_MEASURED_ROWS]), default=0)
    lock = edits.lock(name)
    doc = table[name].doc if name in table else ""
    return {
        "name": printable(str(name)),
        "doc": " ".join(filter(None, [doc, f"This column is {lock}." if lock else ""])),
        "lock": lock,
        "free_in_new": name in table.parent_columns and bool(lock),
        "choices": ["", "True", "False"] if is_flag and not lock else None,
        "suggestions": edits.suggestions(name),
        "width": min(max(longest + 3, len(str(name)) + 4, _MIN_WIDTH), _MAX_WIDTH),
    }


@cache
def _grid_class() -> Any:
    """Return the class of the grid in the browser. It is made here, because anywidget is optional."""
    try:
        import anywidget  # noqa: PLC0415 - part of the extra notebook
    except ImportError:
        raise MissingExtraError(f"the editing grid needs anywidget: {to_install('notebook')}") from None

    class Grid(anywidget.AnyWidget):
        """Shows the rows that it requests from Python, and sends what the user types."""

        _esm = Path(__file__).with_name("grid.js")
        _css = Path(__file__).with_name("grid.css")
        columns: Any = traitlets.List().tag(sync=True)
        status: Any = traitlets.Dict().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)

    return Grid
