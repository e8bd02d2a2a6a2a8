"""What became of each change of a push."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from wizframe.errors import Hint, PlanError
from wizframe.excel.api import to_excel
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import printable, shown
from wizframe.pushing.frame_update import Written, as_left_out, set_cells, show_records
from wizframe.pushing.journal_entries import from_json, to_json

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping

    from wizframe.api.dialects import Record
    from wizframe.planning.changes import Change
    from wizframe.pushing.plan import Plan

__all__ = ["ConflictCell", "Outcome", "Result", "State"]

State = Literal["done", "failed", "conflict", "skipped", "unknown", "unsent"]
STATES: tuple[State, ...] = ("done", "failed", "conflict", "skipped", "unknown", "unsent")
_WORST_FIRST: tuple[State, ...] = ("failed", "conflict", "unknown", "unsent", "skipped", "done")
_SHOWN_ROWS = 20
_COLUMNS = [
    "table", "index", "id", "reference_id", "action", "state", "code", "what_happened", "next_step", "attempts",
]  # fmt: skip


class ConflictCell(NamedTuple):
    """A cell that somebody else changed too."""

    column: str
    when_loaded: Any
    yours: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change.

    Parameters
    ----------
    state : {'done', 'failed', 'conflict', 'skipped', 'unknown', 'unsent'}
    what_happened, next_step : str
        In plain words.
    code : str
        For programs.
    attempts : int
        How often something was sent.
    after : dict or bytes, optional
        The service's record afterwards, where known; packed, as JSON.
    conflicts : tuple of ConflictCell
    """

    state: State
    what_happened: str
    next_step: str = ""
    code: str = ""
    attempts: int = 0
    after: Record | bytes | None = field(default=None, repr=False)
    conflicts: tuple[ConflictCell, ...] = ()

    @property
    def record(self) -> Record | None:
        """The service's record afterwards, where known."""
        return from_json(self.after) if isinstance(self.after, bytes) else self.after

    def packed(self, names: Collection[str]) -> Outcome:
        """Keep only some fields of the record, and those as text: a push may have millions.

        Parameters
        ----------
        names : collection of str

        Returns
        -------
        Outcome
        """
        if self.record is None:
            return self
        kept = {name: value for name, value in self.record.items() if name in names}
        return replace(self, after=to_json(kept).encode())


@dataclass(frozen=True, eq=False)
class Result:
    """What became of a push, row by row.

    Parameters
    ----------
    plan : Plan
    outcomes : tuple of Outcome
        One for each change of the plan, in its order.
    connection : str
        Which connection pushed.
    push_id : str
        Its name in the journal; empty where there was nothing to do.
    contacts : Result, optional
        Of a plan with contacts: what became of those. They are one result: everything but the rows (:attr:`failed` and
        the like) and ``outcomes`` speaks of both.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    connection: str = ""
    push_id: str = ""
    contacts: Result | None = None

    @property
    def parts(self) -> tuple[Result, ...]:
        """The result itself, and then that of the contacts."""
        return (self,) if self.contacts is None else (self, self.contacts)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """One row per change.

        Returns
        -------
        DataFrame
            Columns table, index (the user's label), id, reference_id, action, state, code, what_happened, next_step,
            attempts.
        """
        rows = [(part.plan.table.name, *row) for part in self.parts for row in part._rows_of_changes()]  # noqa: SLF001
        return problems_frame(rows, _COLUMNS)

    def _rows_of_changes(self) -> Iterator[tuple[Any, ...]]:
        for change, outcome in self._pairs():
            yield (
                change.label, self._id(change, outcome), change.reference_id, change.action, outcome.state,
                outcome.code, outcome.what_happened, outcome.next_step, outcome.attempts,
            )  # fmt: skip
        for position, said in self._left_out.items():
            label = self.plan.frame.index[position]
            yield (label, None, None, None, "skipped", "problem", said, "correct the row and plan again", 0)

    @cached_property
    def _left_out(self) -> dict[int, str]:
        """Position to problems of the rows that have nothing but problems: they answer for themselves, too."""
        planned = {change.position for change in self.plan.changes_list}
        left: dict[int, str] = {}
        for problem in self.plan.problems_list:
            if problem.position is not None and problem.position not in planned:
                said = f"{problem.column}: {problem.rule}"
                left[problem.position] = f"{left[problem.position]}; {said}" if problem.position in left else said
        return left

    @cached_property
    def conflict_cells(self) -> pd.DataFrame:
        """One row per cell that somebody else changed too.

        Returns
        -------
        DataFrame
            Columns table, index, id, column, when_loaded, yours, now.
        """
        rows = [
            (part.plan.table.name, change.label, change.id, *cell)
            for part in self.parts
            for change, outcome in part._pairs()  # noqa: SLF001 - a result like this one
            for cell in outcome.conflicts
        ]
        return problems_frame(rows, ["table", "index", "id", "column", "when_loaded", "yours", "now"])

    @property
    def failed(self) -> pd.DataFrame:
        """The user's rows that the service refused: edit, plan, apply."""
        return self._rows("failed")

    @property
    def conflicts(self) -> pd.DataFrame:
        """The user's rows that somebody else changed too; :attr:`conflict_cells` says where.

        They know what is in WizCommerce now: planned as they are they send your cells over it, and a cell that you
        set to what is there now is no change.
        """
        rows = self._rows("conflict")
        self._show_now(rows, {position: place for place, position in enumerate(self._positions("conflict"))})
        return rows

    def acknowledge(self, positions: Collection[int]) -> None:
        """Let the planned frame know what is in WizCommerce now, in some of the rows with conflicts.

        Planned again, such a row sends its cells over it: as :attr:`conflicts`, but in the frame itself.

        Parameters
        ----------
        positions : collection of int
            Rows of the planned frame; those without a conflict are left alone.
        """
        self._show_now(self.plan.frame, {position: position for position in positions})

    def _show_now(self, rows: pd.DataFrame, places: Mapping[int, int]) -> None:
        """Let rows know what is there now; ``places`` says where a row of the planned frame stands among them."""
        seen = [
            Written(places[change.position], change, outcome, as_left_out(change))
            for change, outcome in self._pairs()
            if outcome.state == "conflict" and outcome.after and change.position in places
        ]
        show_records(rows, self.plan, self.connection, seen)

    def resolve(self, cells: pd.DataFrame, **options: Any) -> Plan:
        """Plan conflicts as they were decided, cell by cell.

        Parameters
        ----------
        cells : DataFrame
            :attr:`conflict_cells`, edited: ``yours`` is what is to be, where it is not ``now`` already. Rows taken out
            are not planned. Of a plan with contacts, the cells of customers; ``result.contacts`` has its own.
        **options
            As for :func:`wizframe.plan`: ``client``, ``clear``.

        Returns
        -------
        Plan
            Its baseline is what is in WizCommerce now. Nothing is sent until its ``apply()``.

        Raises
        ------
        PlanError
            A cell is none of this result's conflicts.

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
        from wizframe.pushing.api import plan  # noqa: PLC0415 - a convenience that points up the layers

        table: Any = self.plan.table.name
        return plan(self._decided(cells), table=table, **options)

    def _decided(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Give the rows with conflicts as somebody decided them; a cell that was taken out is as it is now."""
        rows = self.conflicts
        of_table = cells[cells["table"] == self.plan.table.name]
        wanted = dict(zip(zip(of_table["id"], of_table["column"], strict=True), of_table["yours"], strict=True))
        places = {position: place for place, position in enumerate(self._positions("conflict"))}
        for change, outcome in self._pairs():
            for cell in outcome.conflicts:
                value = wanted.pop((change.id, cell.column), cell.now)
                if value is not cell.yours and change.action == "update":
                    set_cells(rows, cell.column, np.array([places[change.position]]), [value])
        if wanted:
            raise PlanError(f"no conflict of this result: {', '.join(f'{name} of {i}' for i, name in wanted)}")
        return rows

    @property
    def unsent(self) -> pd.DataFrame:
        """The user's rows that were not sent, because they have problems, the push stopped, or nobody knows."""
        return self._rows("unsent", "unknown", "skipped")

    def to_excel(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write a workbook that says what became of each row; what is corrected in it can be pushed.

        Parameters
        ----------
        path : path-like
            Ends in ``.xlsx``. Replaced as a whole, or not at all.
        **options
            As for :func:`wizframe.to_excel`: ``labels``, ``zone``, ``protect``, ``progress``.

        Notes
        -----
        The rows with a change or a problem, failures first, then conflicts, what is unknown or unsent, and what is
        done; each with three columns ``state``, ``what_happened`` and ``next_step``. Deleted records are gone.
        """
        frames = [part._with_outcomes() for part in self.parts]  # noqa: SLF001 - a result like this one
        table: Any = self.plan.table.name
        to_excel(frames[0], path, contacts=frames[1] if len(frames) > 1 else None, table=table, **options)

    def _with_outcomes(self) -> pd.DataFrame:
        """Give the user's rows with what became of them, the worst first."""
        said = {
            change.position: (outcome.state, outcome.what_happened, outcome.next_step)
            for change, outcome in self._pairs()
            if change.action != "delete" or outcome.state != "done"
        }
        for position, problems in self._left_out.items():
            said[position] = ("skipped", problems, "correct the row and plan again")
        order = sorted(said, key=lambda position: (_WORST_FIRST.index(said[position][0]), position))
        rows = self.plan.frame.iloc[order].copy()
        for place, name in enumerate(("state", "what_happened", "next_step")):
            values = [said[position][place] for position in order]
            rows[name] = pd.Series(values, index=rows.index, dtype="str")
        return rows

    def undo(self, **options: Any) -> Plan:
        """Plan the inverse of this push; see :func:`wizframe.undo`.

        Parameters
        ----------
        **options
            ``ids``, ``client``.

        Returns
        -------
        Plan
            Nothing is sent until its ``apply()``.
        """
        from wizframe.pushing.undo import undo  # noqa: PLC0415 - a convenience that points up the layers

        return undo(self.push_id, **options)

    def counts(self) -> dict[State, int]:
        """Count the changes by state."""
        counted: Counter[State] = Counter()
        for part in self.parts:
            counted.update(outcome.state for outcome in part.outcomes)
            counted["skipped"] += len(part._left_out)  # noqa: SLF001 - a result like this one
        return {state: counted[state] for state in STATES}

    def _rows(self, *states: State) -> pd.DataFrame:
        return self.plan.frame.iloc[self._positions(*states)].copy()

    def _positions(self, *states: State) -> list[int]:
        positions = {change.position for change, outcome in self._pairs() if outcome.state in states}
        return sorted(positions.union(self._left_out if "skipped" in states else ()))

    def _pairs(self) -> Iterator[tuple[Change, Outcome]]:
        return zip(self.plan.changes_list, self.outcomes, strict=True)

    @staticmethod
    def _id(change: Change, outcome: Outcome) -> str | None:
        return (outcome.record or {}).get("id") or change.id

    def __len__(self) -> int:
        return sum(self.counts().values())

    def __repr__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def _lines(self) -> Iterator[str]:
        kinds = " and ".join(part.plan.table.name for part in self.parts)
        yield f"Result of plan {self.plan.id} for the {kinds} of {self.plan.account}"
        yield f"  {self.summary()}"
        for part in self.parts:
            yield from part._part_lines()  # noqa: SLF001 - a result like this one

    def _part_lines(self) -> Iterator[str]:
        unfinished = [(change, outcome) for change, outcome in self._pairs() if outcome.state != "done"]
        for change, outcome in unfinished[:_SHOWN_ROWS]:
            identity = change.id or change.reference_id or "new"
            yield f"  {outcome.state}: row {change.label}, {identity} {shown(change.name)}: {outcome.what_happened}"
            if outcome.next_step:
                yield f"      → {outcome.next_step}"
        if len(unfinished) > _SHOWN_ROWS:
            see = Hint("see result.changes", "`wizframe push FILE --results FILE.xlsx` writes them all")
            yield f"  … and {len(unfinished) - _SHOWN_ROWS} more: {see}"
        for position, said in list(self._left_out.items())[:_SHOWN_ROWS]:
            yield f"  skipped: row {self.plan.frame.index[position]}: {said}"

    def summary(self) -> str:
        """Say in one line what became of the changes."""
        words = [f"{count} {state}" for state, count in self.counts().items() if count]
        return ", ".join(words) if words else "nothing to do"

    def _repr_html_(self) -> str:
        first, *rest = self._lines()
        return (
            f"<div><b>{html.escape(first)}</b>"
            + "".join(f"<div style='white-space:pre-wrap'>{html.escape(line)}</div>" for line in rest)
            + "</div>"
        )
