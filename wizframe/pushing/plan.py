"""The plan: a value that says what would change, shows itself, and knows when it is stale."""

from __future__ import annotations

import hashlib
import html
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import orjson

from wizframe.errors import Hint, PlanError, StalePlanError
from wizframe.fields import CUSTOMER
from wizframe.frames.build import SUPERSEDED, is_same_frame
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import places, printable, shown
from wizframe.pushing.plan_text import SHOWN_NAMES, SIGNS, group_html, group_lines
from wizframe.text import option

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from wizframe.account import Account
    from wizframe.fields import Table
    from wizframe.planning.changes import Action, Change, Problem
    from wizframe.progress import Watch

__all__ = ["Plan"]

_SHOWN_GROUPS = 15
_SHOWN_PROBLEMS = 20
_ALL_CHANGES = Hint("see plan.changes", "`wizframe plan FILE -o PLAN.xlsx` writes them all")
_ALL_PROBLEMS = Hint("see plan.problems", "`wizframe plan FILE -o PLAN.xlsx` writes them all")
_CHANGE_COLUMNS = [
    "table", "action", "index", "id", "customer_id", "customer_reference_id", "reference_id", "name", "columns", "old",
    "new",
]  # fmt: skip
_CELL_COLUMNS = ["table", "action", "index", "id", "column", "old", "new"]
_PROBLEM_COLUMNS = ["row", "column", "value", "rule", "table"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What a push would do, cell by cell. Nothing is sent until :meth:`apply`.

    Parameters
    ----------
    table : Table
    account : Account
        Where it goes.
    frame : DataFrame
        The user's frame; new ids are written into it when they are known.
    changes_list : tuple of Change
    problems_list : tuple of Problem
    blanked : dict of int
        Column to the number of cells that became blank and are not sent.
    own_columns : tuple of str
        The user's columns, left alone.
    notices : tuple of str
    compared_rows : int
    compared_columns : tuple of str
    compared_with : str
        What the rows were compared with.
    decisions : mapping
        The options of :func:`wizframe.plan` that it was made with.
    contacts : Plan, optional
        Of a plan of customers: what happens to contacts after it. They are one plan: everything but ``table``,
        ``frame``, the lists and what was compared speaks of both.
    """

    table: Table
    account: Account
    frame: pd.DataFrame = field(repr=False)
    changes_list: tuple[Change, ...]
    problems_list: tuple[Problem, ...] = ()
    blanked: dict[str, int] = field(default_factory=dict)
    own_columns: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    compared_rows: int = 0
    compared_columns: tuple[str, ...] = ()
    compared_with: str = ""
    decisions: Mapping[str, Any] = field(default_factory=dict, repr=False)
    contacts: Plan | None = None
    #: A plan that is made of another one gets that one's, and so is as stale.
    _as_planned: pd.DataFrame | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self._as_planned is None:
            # Copy-on-write: this costs nothing until one side is edited, and then only the edited columns.
            object.__setattr__(self, "_as_planned", self.frame.copy(deep=False))

    @property
    def as_planned(self) -> pd.DataFrame:
        """The frame as it was when the plan was made."""
        return self.frame if self._as_planned is None else self._as_planned

    @cached_property
    def id(self) -> str:
        """Hash of account, table and changes: the same plan has the same id anywhere."""
        content: list[str] = []
        for part in self.parts:
            changes = sorted(
                _as_text([change.action, change.id, *change.owner, change.reference_id, *map(list, change.cells)])
                for change in part.changes_list
            )
            content += [_as_text([str(part.account), part.table.name]), *changes]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]

    @property
    def parts(self) -> tuple[Plan, ...]:
        """The plan itself, and then that of the contacts, in the order in which they are sent."""
        return (self,) if self.contacts is None else (self, self.contacts)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """One row per changed record.

        Returns
        -------
        DataFrame
            Columns table, action, index (the user's label), id, customer_id, customer_reference_id (of a contact whose
            customer is created by this plan), reference_id, name, columns, old, new; the last three are lists of the
            same length, one entry per cell.
        """
        rows = [
            (
                part.table.name, change.action, change.label, change.id, *change.owner, change.reference_id,
                change.name,
                [cell.column for cell in change.cells],
                [cell.old for cell in change.cells],
                [cell.new for cell in change.cells],
            )
            for part in self.parts
            for change in part.changes_list
        ]  # fmt: skip
        return problems_frame(rows, _CHANGE_COLUMNS)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per changed cell.

        Returns
        -------
        DataFrame
            Columns table, action, index (the user's label), id, column, old, new.
        """
        rows = [
            (part.table.name, change.action, change.label, change.id, *cell)
            for part in self.parts
            for change in part.changes_list
            for cell in change.cells
        ]
        return problems_frame(rows, _CELL_COLUMNS)

    @cached_property
    def problems(self) -> pd.DataFrame:
        """What stands in the way.

        Returns
        -------
        DataFrame
            Columns row (the user's label; None: the whole column), column, value, rule, table.
        """
        rows = [
            (part._label(problem), *problem[1:], part.table.name)  # noqa: SLF001 - a plan like this one
            for part in self.parts
            for problem in part.problems_list
        ]
        return problems_frame(rows, _PROBLEM_COLUMNS)

    def _label(self, problem: Problem) -> Any:
        return None if problem.position is None else self.frame.index[problem.position]

    def counts(self) -> dict[Action, int]:
        """Count the changes by action: create, update, delete."""
        counted = Counter(change.action for part in self.parts for change in part.changes_list)
        return {action: counted[action] for action in SIGNS}

    def check_fresh(self) -> None:
        """Refuse a plan whose frame was edited since.

        Raises
        ------
        StalePlanError
        """
        for part in self.parts:
            if SUPERSEDED in part.frame.attrs:
                raise StalePlanError(f"nothing was sent: {part.frame.attrs[SUPERSEDED]}")
            if not is_same_frame(part.as_planned, part.frame):
                raise StalePlanError(
                    f"the rows of {part.table.name} were edited (or pushed) after this plan was made: plan it again"
                )

    def choose(self, rows: pd.DataFrame) -> Plan:
        """Make a plan of some of the changes.

        Parameters
        ----------
        rows : DataFrame
            Rows of :attr:`changes` or of :attr:`cells`, under their own labels: what is to be done. A new record and a
            delete are chosen whole; a new contact goes with its new customer, or not at all.

        Returns
        -------
        Plan
            Of the same frame. What is not chosen stays edited there. Of the problems, those of the chosen rows.

        Raises
        ------
        PlanError
            The rows are none of this plan's.

        Examples
        --------
        >>> customers = wizframe.load_customers()
        >>> customers.loc[[0, 1], "payment_term"] = "net45"
        >>> plan = customers.wiz.plan()
        >>> len(plan.choose(plan.changes[plan.changes["id"] == customers["id"][1]]))
        1
        """
        from wizframe.pushing.selection import choose  # noqa: PLC0415 - it makes plans itself

        return choose(self, rows)

    def apply(
        self,
        *,
        client: Any = None,
        max_changes: int | None = None,
        max_deletes: int = 0,
        on_conflict: Literal["skip", "mine", "theirs"] = "skip",
        invalid: Literal["raise", "skip"] = "raise",
        note: str = "",
        progress: bool | Watch = True,
    ) -> Any:
        """Send the changes; see :func:`wizframe.apply`.

        Parameters
        ----------
        client, max_changes, max_deletes, on_conflict, invalid, note, progress
            As for :func:`wizframe.apply`.

        Returns
        -------
        Result
            One row per change.
        """
        from wizframe.pushing.api import apply  # noqa: PLC0415 - a convenience that points up the layers

        return apply(
            self,
            client=client,
            max_changes=max_changes,
            max_deletes=max_deletes,
            on_conflict=on_conflict,
            invalid=invalid,
            note=note,
            progress=progress,
        )

    def again(self, *, client: Any = None) -> Plan:
        """Plan the frame as it is now, with the same decisions.

        Parameters
        ----------
        client : Client, optional
            As for :func:`wizframe.plan`.

        Returns
        -------
        Plan

        Raises
        ------
        PlanError
            The plan deletes records: that is asked for anew.
        """
        from wizframe.pushing.api import plan  # noqa: PLC0415 - a convenience that points up the layers

        if self.counts()["delete"] and not self.decisions:  # not by commands in the frame
            raise PlanError("a plan with deletes is not made again by itself: ask for them with frame.wiz.delete()")
        contacts = None if self.contacts is None else self.contacts.frame
        table: Any = self.table.name
        return plan(self.frame, contacts=contacts, client=client, table=table, **self.decisions)

    def review(self, *, client: Any = None) -> Any:
        """Show the plan in a notebook with a box for each change, and send what is ticked.

        Parameters
        ----------
        client : Client, optional
            By default the open connection of the plan's account.

        Returns
        -------
        wizframe.notebook.review.review.Review
            A widget. Nothing is sent before somebody said yes to how many changes go where; its ``result`` says what
            became of them.
        """
        from wizframe.notebook.review.review import Review  # noqa: PLC0415 - points up the layers, and imports ipywidgets

        return Review(self, client=client)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file, for approval or for another machine; :func:`wizframe.load_plan` reads it.

        Parameters
        ----------
        path : path-like
            Replaced as a whole, or not at all. Holds customers' data, never the key.

        Raises
        ------
        PlanProblemsError
            The plan has problems.
        """
        from wizframe.pushing.plan_file import save_plan  # noqa: PLC0415 - it makes plans itself

        save_plan(self, path)

    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as a workbook to read: what would change, cell by cell, for whoever approves it.

        Parameters
        ----------
        path : path-like
            Ends in ``.xlsx``. Replaced as a whole, or not at all. Nothing that is written in it is ever read back: to
            have exactly this plan applied elsewhere, :meth:`save` it; both say the plan's id.

        Raises
        ------
        MissingExtraError
            xlsxwriter is not installed.
        """
        from wizframe.pushing.report import write_plan  # noqa: PLC0415 - a convenience that points up the layers

        write_plan(self, path)

    def __len__(self) -> int:
        return sum(len(part.changes_list) for part in self.parts)

    def __bool__(self) -> bool:
        return any(part.changes_list or part.problems_list for part in self.parts)

    def __repr__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def _lines(self) -> Iterator[str]:
        yield self._title()
        yield f"  {self.summary()}"
        for part in self.parts:
            yield from part._part_lines()  # noqa: SLF001 - a plan like this one

    def _title(self) -> str:
        return f"Plan {self.id} for the {' and '.join(part.table.name for part in self.parts)} of {self.account}"

    def _part_lines(self) -> Iterator[str]:
        yield f"  {self._compared()}"
        yield from (f"  ! {line}" for line in self._problem_lines())
        groups = list(self._groups())
        for group in groups[:_SHOWN_GROUPS]:
            yield from group_lines(group, self.frame)
        if len(groups) > _SHOWN_GROUPS:
            yield f"  … and {sum(map(len, groups[_SHOWN_GROUPS:]))} more records: {_ALL_CHANGES}"
        yield from (f"  · {line}" for line in self._notice_lines())

    def _compared(self) -> str:
        columns = len(self.compared_columns)
        what = f"{self.table.name}: " if self.table is not CUSTOMER else ""
        if not self.compared_rows:
            return f"{what}nothing to compare, no row has a record yet"
        return f"{what}compared {self.compared_rows} rows × {columns} columns with {self.compared_with}"

    def _groups(self) -> Iterator[list[Change]]:
        """Bring updates that do the same together, so that a plan of 300 rows can be read; largest group first."""
        yield from (
            [change] for action in ("create", "delete") for change in self.changes_list if change.action == action
        )
        alike: dict[str, list[Change]] = {}
        for change in self.changes_list:
            if change.action == "update":
                alike.setdefault(repr(change.cells), []).append(change)
        yield from sorted(alike.values(), key=len, reverse=True)

    def summary(self, *, invalid: Literal["raise", "skip"] = "raise") -> str:
        """Say in one line how much would change.

        Parameters
        ----------
        invalid : {'raise', 'skip'}, default 'raise'
            As for :meth:`apply`: what becomes of rows with problems.

        Returns
        -------
        str
        """
        counts = self.counts()
        words = [f"{SIGNS[action]} {count} to {action}" for action, count in counts.items() if count]
        said = ", ".join(words)
        problems = sum(len(part.problems_list) for part in self.parts)
        if problems:
            meaning = "nothing is sent until solved" if invalid == "raise" else "such rows are left out"
            stop = f"{problems} problem{'s'[: problems != 1]}: {meaning}"
            return f"{said}; {stop}" if said else stop
        return said or "nothing to change"

    def problem_lines(self) -> Iterator[str]:
        """Say what stands in the way, for people: one line for each kind of problem."""
        for part in self.parts:
            yield from map(printable, part._problem_lines())  # noqa: SLF001 - a plan like this one

    def _problem_lines(self) -> Iterator[str]:
        alike: dict[tuple[str, str, str], list[Problem]] = {}
        for problem in self.problems_list:
            value = "" if problem.value is None else f" {shown(problem.value)!r}"
            alike.setdefault((problem.column, value, problem.rule), []).append(problem)
        for (name, value, rule), group in list(alike.items())[:_SHOWN_PROBLEMS]:
            yield f"{self._rows(group)}{name}:{value} {rule}"
        if len(alike) > _SHOWN_PROBLEMS:
            yield f"… and {len(alike) - _SHOWN_PROBLEMS} more: {_ALL_PROBLEMS}"

    def _rows(self, group: Sequence[Problem]) -> str:
        if group[0].position is None:
            return ""
        labels = [self._label(problem) for problem in group]
        if stands := places(self.frame, labels, group[0].column):
            return f"{stands}, "
        more = f" and {len(group) - SHOWN_NAMES} more" if len(group) > SHOWN_NAMES else ""
        return f"row{'s'[: len(group) != 1]} {', '.join(map(str, labels[:SHOWN_NAMES]))}{more}, "

    def notice_lines(self) -> Iterator[str]:
        """Say what is worth knowing, for people: cells that became blank, own columns, and the like."""
        for part in self.parts:
            yield from part._notice_lines()  # noqa: SLF001 - a plan like this one

    def _notice_lines(self) -> Iterator[str]:
        if self.blanked:
            counts = ", ".join(f"{name} {count}" for name, count in self.blanked.items())
            clearable = [name for name in self.blanked if name not in self.table.required]
            advice = f"; {option('clear', clearable)} clears it" if clearable else ""
            yield f"became blank and is not sent: {counts}{advice}"
        if self.own_columns:
            yield f"your own columns, left alone: {', '.join(self.own_columns)}"
        yield from self.notices

    def _repr_html_(self) -> str:
        title, summary = html.escape(self._title()), html.escape(self.summary())
        parts = "".join(part._part_html() for part in self.parts)  # noqa: SLF001 - a plan like this one
        return f"<div><b>{title}</b><br><b>{summary}</b>{parts}</div>"

    def _part_html(self) -> str:
        groups = list(self._groups())
        rows = "".join(group_html(group, self.frame) for group in groups[:_SHOWN_GROUPS])
        hidden = sum(map(len, groups[_SHOWN_GROUPS:]))
        lines = [f"… and {hidden} more records: {_ALL_CHANGES}"] if hidden else []
        lines += [f"· {line}" for line in self._notice_lines()]
        return (
            f"<div><small>{html.escape(self._compared())}</small></div>"
            + "".join(f"<div>! {html.escape(line)}</div>" for line in self._problem_lines())
            + f"<table><tbody>{rows}</tbody></table>"
            + "".join(f"<div>{html.escape(line)}</div>" for line in lines)
        )


def _as_text(values: list[Any]) -> str:
    return orjson.dumps(values).decode()  # as bytes it would keep the room that it was written in, ten times its own
