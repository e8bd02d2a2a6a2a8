"""The plan and the result of its push. Each can lead to the other, so both are in this module."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.client import open_client
from wizframe.arguments import FRAME, PATH, PROGRESS, checked, whole
from wizframe.errors import PlanError, PlanProblemsError
from wizframe.frames.baselines import attached
from wizframe.planning.builder import Options, plan_edits
from wizframe.planning.changes import part_of_changes, plan_id, short_id
from wizframe.pushing.checks import LIMITS, check_allowed, check_expected, check_fresh, service_for
from wizframe.pushing.executor import Interrupts, begin, run
from wizframe.pushing.journal import Journal
from wizframe.pushing.own_pushes import without_done
from wizframe.pushing.plan_file import write_parts
from wizframe.pushing.plan_report import write_plan
from wizframe.pushing.plan_totals import PlanTotals
from wizframe.pushing.plan_views import (
    SIGNS,
    cells_of,
    changes_of,
    notice_lines,
    part_html,
    part_lines,
    problem_lines,
    problems_of,
)
from wizframe.pushing.results import PushResult, ResultPart, interrupted
from wizframe.pushing.selection import keep, wanted_by
from wizframe.pushing.undo import inverse_parts, remember_frames
from wizframe.text import counted, plural, printable

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping

    import pandas as pd

    from wizframe.account import Account
    from wizframe.api.client import BaseClient
    from wizframe.planning.changes import Action, PlanPart
    from wizframe.progress import Watch
    from wizframe.pushing.selection import Wanted
    from wizframe.pushing.sender import OnConflict

__all__ = ["Plan", "Result"]


@dataclass(frozen=True, eq=False)
class Plan(PlanTotals):
    """The changes that a push would make, cell by cell. Nothing is sent until :meth:`apply` is called.

    Parameters
    ----------
    parts : tuple of PlanPart
        One part per table, in the order in which they are sent.
    options : Options, optional
        The options of :func:`wizframe.plan` with which the plan was made.
    client : Client, optional
        The connection that it was made with; used again as long as it is open.

    Attributes
    ----------
    account : Account
        The account to which the changes are sent.
    contacts : Plan or None
        The plan of the contacts alone, if it has contacts.
    notices : tuple of str
        Remarks about the plan, such as cells that became blank.
    """

    parts: tuple[PlanPart, ...]
    options: Options | None = field(default=None, repr=False)
    client: BaseClient | None = field(default=None, repr=False)

    @classmethod
    def of_edits(cls, frames: Mapping[str, pd.DataFrame], options: Options, client: BaseClient | None = None) -> Plan:
        """Plan the edits of frames, keyed by table name; see :func:`wizframe.plan`."""
        own = attached(next(iter(frames.values())))
        meant = open_client(client, account=own.account if own else None)
        parts = plan_edits(frames, service_for(meant, frames.values()), options)
        return cls(without_done(parts), options, meant)

    @property
    def account(self) -> Account:
        """The account to which the changes are sent."""
        return self.parts[0].account

    def client_for(self, client: BaseClient | None) -> BaseClient:
        """Return the given connection, or else the connection with which the plan was made."""
        own = self.client if self.client is not None and not self.client.is_closed else None
        return open_client(client if client is not None else own, account=self.account)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the connection when a plan is pickled or copied, because it contains the API key."""
        return {**self.__dict__, "client": None}

    @cached_property
    def id(self) -> str:
        """Hash of all that the plan shows, as 64 characters: the same plan has the same id anywhere.

        To approve an id is to approve the plan. The title shows its first 12 characters, which approve nothing.
        """
        return plan_id(self.parts)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """One row per changed record.

        Returns
        -------
        DataFrame
            Columns table, action, index (the user's label), id, customer_id, customer_reference_id (if this plan
            creates the record's customer), reference_id, name, columns, old, new; the last three are lists of the
            same length, one entry per cell.
        """
        return changes_of(self.parts)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per changed cell.

        Returns
        -------
        DataFrame
            Columns table, action, index (the user's label), id, column, old, new.
        """
        return cells_of(self.parts)

    @cached_property
    def problems(self) -> pd.DataFrame:
        """The problems that must be corrected before the plan can be applied.

        Returns
        -------
        DataFrame
            Columns row (your index label; None if it is about the whole column), column, value, rule, table.
        """
        return problems_of(self.parts)

    def counts(self) -> dict[Action, int]:
        """Count the changes by action: create, update, delete."""
        counts = Counter(change.action for change in self.changes_list)
        return {action: counts[action] for action in SIGNS}

    def check_fresh(self) -> None:
        """Raise an error if the plan's frame was edited after the plan was made.

        Raises
        ------
        StalePlanError
        """
        check_fresh(self.parts)

    @checked(rows=FRAME)
    def choose(self, rows: pd.DataFrame) -> Plan:
        """Make a plan of some of the changes.

        Parameters
        ----------
        rows : DataFrame
            Rows of :attr:`changes` or of :attr:`cells`, with their own index labels: the changes to keep. A create or a
            delete is kept as a whole. A new contact needs its new customer in the same choice.

        Returns
        -------
        Plan
            A plan of the same frame. Changes that are not chosen stay edits in the frame. It has only the problems of
            the chosen rows.

        Raises
        ------
        PlanError
            The rows do not come from this plan.

        Examples
        --------
        >>> customers = wizframe.load_customers()
        >>> customers.loc[[0, 1], "payment_term"] = "net45"
        >>> plan = customers.wiz.plan()
        >>> len(plan.choose(plan.changes[plan.changes["id"] == customers["id"][1]]))
        1
        """
        return self.keep(wanted_by(rows, self.changes, self.cells))

    def keep(self, wanted: Wanted) -> Plan:
        """Make a plan of some changes, chosen by their numbers."""
        return replace(self, parts=keep(self.parts, wanted))

    @checked(**LIMITS, max_deletes=whole(0), progress=PROGRESS)
    def apply(
        self,
        *,
        client: BaseClient | None = None,
        expect: str | None = None,
        max_changes: int | None = None,
        max_deletes: int = 0,
        on_conflict: OnConflict = "skip",
        invalid: Literal["raise", "skip"] = "raise",
        note: str = "",
        progress: bool | Watch = True,
    ) -> Result:
        """Send the changes; see :func:`wizframe.apply`.

        Parameters
        ----------
        client, expect, max_changes, max_deletes, on_conflict, invalid, note, progress
            As for :func:`wizframe.apply`.

        Returns
        -------
        Result
            One row per change.
        """
        check_expected(self.id, expect)
        meant = self.client_for(client)
        check_allowed(self.parts, meant, max_changes=max_changes, max_deletes=max_deletes, invalid=invalid)
        if not len(self):
            return Result(tuple(ResultPart(part, (), meant.connection) for part in self.parts), plan=self)
        with Interrupts() as interrupts:
            with Journal() as journal:
                interrupts.check()
                push_id = begin(self.parts, self.id, journal, on_conflict=on_conflict, note=note)
                remember_frames(push_id, self.parts)
                done = run(self.parts, meant, journal, push_id, interrupts, on_conflict=on_conflict, progress=progress)
            result = Result(done, push_id, plan=self)
            if interrupts.count:
                raise interrupted(result)
            return result

    def again(self, *, client: BaseClient | None = None) -> Plan:
        """Plan the current values of the frame, with the same options.

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
            The plan deletes records, so plan the deletes again yourself.
        """
        if self.counts()["delete"] and self.options is None:  # the deletes are not from commands in the frame
            raise PlanError("a plan with deletes cannot be made again", hint="Call frame.wiz.delete() again.")
        frames = {part.table.name: part.frame for part in self.parts}
        return Plan.of_edits(frames, self.options or Options(), self.client_for(client))

    def review(self, *, client: BaseClient | None = None) -> Any:
        """Show the plan in a notebook with a box for each change, and send the ticked changes.

        Parameters
        ----------
        client : Client, optional
            By default the one that the plan was made with, else the open connection of the plan's account.

        Returns
        -------
        wizframe.notebook.review.review.Review
            A widget. Nothing is sent before you confirm the number of changes. Its ``result`` has the outcomes.
        """
        # The only import from a later stage: a plan opens its own widget, which needs ipywidgets.
        from wizframe.notebook.review.review import Review  # noqa: PLC0415

        return Review(self, client=self.client_for(client))

    @checked(path=PATH)
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file, for approval or for another machine. Read it with :func:`wizframe.load_plan`.

        Parameters
        ----------
        path : path-like
            An existing file is replaced as a whole, or not at all. The file has customers' data, but never the API key.

        Raises
        ------
        PlanProblemsError
            The plan has problems.
        """
        if len(self.problems):
            raise PlanProblemsError(
                f"the plan was not saved: it has {counted(len(self.problems), 'problem')}",
                self.problems,
                hint="Correct them and plan again.",
            )
        write_parts(self.parts, path)

    @checked(path=PATH)
    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as a workbook for reading and approval, cell by cell.

        Parameters
        ----------
        path : path-like
            Must end in ``.xlsx``. An existing file is replaced as a whole, or not at all. The workbook cannot be read
            back: to apply exactly this plan elsewhere, use :meth:`save`. Both files show the plan's id.

        Raises
        ------
        MissingExtraError
            xlsxwriter is not installed.
        """
        title, *lines = repr(self).split("\n")
        write_plan("\n".join([title, f"  id {self.id}", *lines]), self.parts, path)

    def __len__(self) -> int:
        return len(self.changes_list)

    def __bool__(self) -> bool:
        return bool(self.changes_list or self.problems_list)

    def summary(self, *, invalid: Literal["raise", "skip"] = "raise") -> str:
        """Summarize the changes in one line.

        Parameters
        ----------
        invalid : {'raise', 'skip'}, default 'raise'
            As for :meth:`apply`: what happens to rows with problems.

        Returns
        -------
        str
        """
        counts = [f"{SIGNS[action]} {count} to {action}" for action, count in self.counts().items() if count]
        if problems := len(self.problems_list):
            it_is = plural(problems, "it is", "they are")
            meaning = f"nothing is sent until {it_is} corrected" if invalid == "raise" else "these rows are left out"
            stop = f"{counted(problems, 'problem')}: {meaning}"
            return f"{', '.join(counts)}; {stop}" if counts else stop
        return ", ".join(counts) or "nothing to change"

    def problem_lines(self) -> Iterator[str]:
        """Yield the problems to correct, one line for each kind of problem."""
        return (printable(line) for part in self.parts for line in problem_lines(part))

    def notice_lines(self) -> Iterator[str]:
        """Yield remarks about the plan: cells that became blank, columns that the user added, and others."""
        return (line for part in self.parts for line in notice_lines(part))

    def _title(self) -> str:
        return (
            f"Plan {short_id(self.id)} for the {' and '.join(part.table.name for part in self.parts)} of {self.account}"
        )

    def __repr__(self) -> str:
        is_one_of_several = len(self.parts) > 1
        lines = (line for part in self.parts for line in part_lines(part, is_one_of_several=is_one_of_several))
        return "\n".join(map(printable, (self._title(), f"  {self.summary()}", *lines)))

    def _repr_html_(self) -> str:
        title, summary = html.escape(self._title()), html.escape(self.summary())
        parts = "".join(part_html(part, is_one_of_several=len(self.parts) > 1) for part in self.parts)
        return f"<div><b>{title}</b><br><b>{summary}</b>{parts}</div>"

    @property
    def contacts(self) -> Plan | None:
        """The plan of the contacts alone; None if there is none."""
        own = tuple(part for part in self.parts if part.table.name == "contacts")
        return replace(self, parts=own) if own else None

    @property
    def decisions(self) -> dict[str, Any]:
        """The options of :func:`wizframe.plan` with which the plan was made."""
        return dict(vars(self.options)) if self.options else {}


@dataclass(frozen=True, eq=False, repr=False)  # repr=False keeps the base class's repr
class Result(PushResult):
    """The outcome of a push, row by row.

    Parameters
    ----------
    parts : tuple of ResultPart
        One part per table, in the order in which they were sent.
    push_id : str
        The id of the push in the journal; empty if there was nothing to do.
    plan : Plan
        The applied plan.

    Attributes
    ----------
    contacts : Result or None
        The outcomes of the contacts alone.
    """

    plan: Plan = field(kw_only=True)

    @property
    def contacts(self) -> Result | None:
        """The outcomes of the contacts alone; None if there are none."""
        own = tuple(part for part in self.parts if part.plan.table.name == "contacts")
        plan = self.plan.contacts
        return replace(self, parts=own, plan=plan) if plan is not None and own else None

    def resolve(self, cells: pd.DataFrame, *, client: BaseClient | None = None, **options: Any) -> Plan:
        """Plan conflicts with the values that you decided, cell by cell.

        Parameters
        ----------
        cells : DataFrame
            :attr:`conflict_cells`, edited: ``yours`` is the value to send. If it equals ``now``, nothing is sent.
            Remove the rows that you do not want to plan.
        client : Client, optional
            By default the open connection of the result's account.
        **options
            As for :func:`wizframe.plan`: ``clear``.

        Returns
        -------
        Plan
            Its baseline has the current values in WizCommerce. Nothing is sent until you call its method ``apply()``.

        Raises
        ------
        PlanError
            A cell is not a conflict of this result.

        Examples
        --------
        >>> customers = wizframe.load_customers()
        >>> customers.loc[0, "payment_term"] = "mine"
        >>> wiz.server.overwrite("customers", customers["id"][0], payment_term="theirs")
        >>> result = customers.wiz.plan().apply()
        >>> cells = result.conflict_cells
        >>> cells.loc[cells["column"] == "payment_term", "yours"] = "agreed"
        >>> result.resolve(cells).cells[["old", "new"]].values.tolist()
        [['theirs', 'agreed']]
        """
        frames: dict[str, pd.DataFrame] = {}
        tables = set(cells["table"])
        for part in [part for part in self.parts if part.plan.table.name in tables] or self.parts[:1]:
            name = part.plan.table.name
            own = cells[cells["table"] == name]
            wanted = dict(zip(zip(own["id"], own["column"], strict=True), own["yours"], strict=True))
            frames[name] = part.decided(wanted)
            if wanted:
                unknown = ", ".join(f"{column} of {identifier}" for identifier, column in wanted)
                raise PlanError(f"not a conflict of this result: {unknown}", hint="Pass rows of result.conflict_cells.")
        return Plan.of_edits(frames, Options(**options), self.plan.client_for(client))

    def undo(self, *, ids: Collection[str] | None = None, client: BaseClient | None = None) -> Plan:
        """Plan the inverse of this push; see :func:`wizframe.undo`.

        Parameters
        ----------
        ids, client
            As for :func:`wizframe.undo`.

        Returns
        -------
        Plan
            Nothing is sent until you call its method ``apply()``.
        """
        if not self.push_id:
            nothing = "nothing to undo: this push changed nothing"
            parts = (
                part_of_changes((), one.plan.table, one.plan.account, made_from="", if_nothing=nothing)
                for one in self.parts
            )
            return Plan(tuple(parts), client=client)
        meant = self.plan.client_for(client)
        return Plan(inverse_parts(self.push_id, ids=ids, client=meant), client=meant)
