"""``df.wiz.edit()``: an editing grid in a notebook, whose frame is planned like any other.

What a text means is decided by :mod:`wizframe.notebook.editor.edits`; the browser shows and sends texts. The grid needs
anywidget, which is part of the extra ``notebook``; it is imported when the first one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.errors import PlanError, WizframeError
from wizframe.notebook.editor.edits import Done, Sheet, Typed
from wizframe.notebook.editor.search import VIEWS, found
from wizframe.notebook.editor.widget import described, surface, visible
from wizframe.notebook.kernel import between_cells
from wizframe.pushing.api import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.notebook.editor.marks import Mark
    from wizframe.pushing.plan import Plan

__all__ = ["Editor"]

Content = dict[str, Any]


class Editor(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """An editing grid of a copy of a frame.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts; it is left alone.
    client : Client, optional
        For its plans; by default the open connection of the account that the frame was loaded from.
    table : {'customers', 'contacts'}, optional
        Where neither the load nor the columns tell.
    columns : sequence of str, optional
        Which are shown; by default all.

    Raises
    ------
    MissingExtraError
        anywidget is not installed.
    PlanError
        The frame cannot be planned, so it is not edited either.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        client: Client | None = None,
        table: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        make = surface()
        self._sheet = Sheet(frame.copy(), table, columns)
        self._client = client
        self._review: Any = None
        self._finding: dict[str, Any] = {"text": "", "view": VIEWS[0], "by": None, "ascending": True}
        self._version = 0
        self._taken: dict[str, int] = {}
        self._early: dict[tuple[str, int], Content] = {}
        self._view = found(self._sheet)
        label = f"Editing grid of {self._sheet.table.name}"
        self._surface = make(columns=described(self._sheet), status=self._status(), label=label)
        self._surface.on_msg(self._receive)
        self._below = widgets.VBox()
        super().__init__([self._surface, self._below])

    def __repr__(self) -> str:
        sheet = self._sheet
        return (
            f"<Editor of {len(sheet)} {sheet.table.name}: {len(sheet.edited)} cells edited, {len(sheet.wrong)} wrong>"
        )

    @property
    def frame(self) -> pd.DataFrame:
        """The frame as it is edited: an ordinary one, with the baseline of its load.

        Returns
        -------
        DataFrame
            The same object until rows come or go; rows that are to be deleted say so in the column ``<command>``.
        """
        return self._sheet.frame

    def plan(self, **options: Any) -> Plan:
        """Plan the edits; see :func:`wizframe.plan`.

        Parameters
        ----------
        **options
            As for :func:`wizframe.plan`.

        Returns
        -------
        Plan
            Nothing is written until its ``apply()``.
        """
        table: Any = self._sheet.table.name
        return plan(self.frame, **{"client": self._client, "table": table} | options)

    def review(self) -> Any:
        """Plan the edits and show the plan below the grid, as the button does.

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
        """Show the frame as it is now: after it was pushed, or edited in code."""
        self._sheet.read()
        self._show_anew()

    def _status(self) -> dict[str, Any]:
        sheet, by = self._sheet, self._finding["by"]
        new, gone = sheet.counts()
        return {
            "version": self._version,
            "rows": len(sheet),
            "shown": len(self._view),
            "edited": len(sheet.edited),
            "wrong": len(sheet.wrong),
            "added": new,
            "gone": gone,
            "undo": sheet.can_undo,
            "redo": sheet.can_redo,
            "sort": None if by is None else [sheet.columns.index(by), self._finding["ascending"]],
        }

    def _show_anew(self, also: Sequence[int] = ()) -> None:
        """Look for the rows to show again; some are shown in any case."""
        self._version += 1
        self._view = found(self._sheet, **self._finding)
        self._view += [position for position in also if position not in set(self._view)]
        self._surface.status = self._status()

    def _receive(self, _surface: Any, content: Content, _buffers: Any) -> None:
        """Do what a person did in the browser, between two cells."""
        if content["kind"] == "rows":
            between_cells(lambda: self._send_rows(content))
        else:
            between_cells(lambda: self._take_in_order(content))

    def _take_in_order(self, content: Content) -> None:
        """Wait for the message before this one: the thread that JupyterLab begins to use may overtake the other."""
        view = str(content["view"])
        self._early[view, content["sequence"]] = content
        while (one := self._early.pop((view, self._taken.get(view, 0) + 1), None)) is not None:
            self._taken[view] = one["sequence"]
            self._do(one)

    def _do(self, content: Content) -> None:
        """Do it, and answer with the rows as they are now."""
        kind = content["kind"]
        done = Done(said="something went wrong: nothing was edited")
        try:
            done = self._act(kind, content)
        except WizframeError as error:
            done = Done(said=str(error), is_reset=True)
        finally:
            self._answer(content, done)

    def _act(self, kind: str, content: Content) -> Done:
        if self._review is not None and self._review.is_pushing:
            raise PlanError("a push is under way: nothing was edited. It goes on when that is done")
        actions: dict[str, Callable[[Content], Done]] = {
            "edit": self._edit,
            "paste": self._paste,
            "add": lambda content: self._sheet.add(content["like"]),
            "delete": lambda content: self._sheet.delete(content["rows"], is_to_go=content["is_to_go"]),
            "undo": lambda _: self._sheet.undo(),
            "redo": lambda _: self._sheet.redo(),
            "find": self._find,
            "review": self._show_review,
        }
        return actions[kind](content)

    def _edit(self, content: Content) -> Done:
        names = self._sheet.columns
        return self._sheet.edit(Typed(position, names[number], text) for position, number, text in content["cells"])

    def _paste(self, content: Content) -> Done:
        if content["version"] != self._version:
            raise PlanError("the rows moved meanwhile: nothing was pasted, paste it again")
        rows, names = self._view[content["row"] :], self._sheet.columns[content["col"] :]
        return self._sheet.paste(rows, names, content["text"], height=content["height"], width=content["width"])

    def _find(self, content: Content) -> Done:
        number, ascending = content["sort"] or (None, True)
        by = None if number is None else self._sheet.columns[number]
        self._finding = {"text": content["text"], "view": content["view_of"], "by": by, "ascending": ascending}
        return Done(is_reset=True)

    def _show_review(self, _content: Content) -> Done:
        review = self.review()
        return Done(said="" if review.plan else "nothing to change")

    def _answer(self, content: Content, done: Done) -> None:
        go = None
        if done.is_reset:
            added = sorted(done.positions) if content["kind"] == "add" else []
            self._show_anew(added)
            go = self._view.index(added[0]) if added else None
        else:
            self._surface.status = self._status()
        known = sorted(position for position in done.positions if position < len(self._sheet))
        self._surface.send(
            {
                "kind": "answer",
                "view": content.get("view"),
                "sequence": content.get("sequence"),
                "said": visible(done.said),
                "go": go,
                "rows": self._rows(known),
            }
        )

    def _send_rows(self, content: Content) -> None:
        if content["version"] == self._version:
            rows = self._rows(self._view[content["from"] : content["to"]])
            self._surface.send({"kind": "rows", "version": self._version, "from": content["from"], "rows": rows})

    def _rows(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        sheet = self._sheet
        return [
            {
                "at": position,
                "label": visible(str(sheet.frame.index[position])),
                "name": visible(_name(marks)),
                "new": sheet.is_new(position),
                "gone": sheet.is_to_go(position),
                "cells": [_cell(marks[name]) for name in sheet.columns],
            }
            for position, marks in zip(positions, sheet.marks(positions), strict=True)
        ]


def _name(marks: Mapping[str, Mark]) -> str:
    """Name a row as people do: by the first column of names that says something."""
    names = ("display_name", "company_name", "first_name", "last_name", "email")
    return next((marks[name].text for name in names if name in marks and marks[name].text), "")


def _cell(mark: Mark) -> str | list[str]:
    """Write a cell as short as can be: most are plain texts."""
    shown = visible(mark.text)
    if shown == mark.text and not mark.state:
        return shown
    return [shown, mark.state, visible(mark.why), mark.text]
