"""What became of each change of a push."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.frames import problems_frame
from wizframe.planning.changes import shown
from wizframe.pushing.writing_back import Written, show_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from wizframe.dialects import Record
    from wizframe.planning import Change, Plan

__all__ = ["ConflictCell", "Outcome", "Result", "State"]

State = Literal["done", "failed", "conflict", "skipped", "unknown", "unsent"]
STATES: tuple[State, ...] = ("done", "failed", "conflict", "skipped", "unknown", "unsent")
_SHOWN_ROWS = 20
_COLUMNS = [
    "index", "id", "reference_id", "action", "state", "code", "what_happened", "next_step", "attempts",
]  # fmt: skip


class ConflictCell(NamedTuple):
    """A cell that somebody else changed too."""

    column: str
    when_loaded: Any
    yours: Any
    now: Any


@dataclass(frozen=True)
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
    record : dict or None
        The service's record afterwards, where known.
    conflicts : tuple of ConflictCell
    """

    state: State
    what_happened: str
    next_step: str = ""
    code: str = ""
    attempts: int = 0
    record: Record | None = field(default=None, repr=False)
    conflicts: tuple[ConflictCell, ...] = ()


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
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    connection: str = ""
    push_id: str = ""

    @cached_property
    def changes(self) -> pd.DataFrame:
        """One row per change.

        Returns
        -------
        DataFrame
            Columns index (the user's label), id, reference_id, action, state, code, what_happened, next_step,
            attempts.
        """
        rows: list[tuple[Any, ...]] = [
            (
                change.label, self._id(change, outcome), change.reference_id, change.action, outcome.state,
                outcome.code, outcome.what_happened, outcome.next_step, outcome.attempts,
            )
            for change, outcome in self._pairs()
        ]  # fmt: skip
        for position, said in self._left_out.items():
            label = self.plan.frame.index[position]
            rows.append((label, None, None, None, "skipped", "problem", said, "correct the row and plan again", 0))
        return problems_frame(rows, _COLUMNS)

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
            Columns index, id, column, when_loaded, yours, now.
        """
        rows = [(change.label, change.id, *cell) for change, outcome in self._pairs() for cell in outcome.conflicts]
        return problems_frame(rows, ["index", "id", "column", "when_loaded", "yours", "now"])

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
        found = [(change, outcome) for change, outcome in self._pairs() if outcome.state == "conflict"]
        places = {position: place for place, position in enumerate(sorted({change.position for change, _ in found}))}
        seen = [
            Written(places[change.position], outcome.record, change.new_values.keys(), is_new=False, is_done=False)
            for change, outcome in found
            if outcome.record
        ]
        show_records(rows, self.plan, self.connection, seen)
        return rows

    @property
    def unsent(self) -> pd.DataFrame:
        """The user's rows that were not sent, because they have problems, the push stopped, or nobody knows."""
        return self._rows("unsent", "unknown", "skipped")

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
        from wizframe.pushing.undoing import undo  # noqa: PLC0415 - a convenience that points up the layers

        return undo(self.push_id, **options)

    def counts(self) -> dict[State, int]:
        """Count the changes by state."""
        counted = Counter(outcome.state for outcome in self.outcomes)
        counted["skipped"] += len(self._left_out)
        return {state: counted[state] for state in STATES}

    def _rows(self, *states: State) -> pd.DataFrame:
        positions = [change.position for change, outcome in self._pairs() if outcome.state in states]
        positions += self._left_out if "skipped" in states else []
        return self.plan.frame.iloc[sorted(set(positions))].copy()

    def _pairs(self) -> Iterator[tuple[Change, Outcome]]:
        return zip(self.plan.changes_list, self.outcomes, strict=True)

    @staticmethod
    def _id(change: Change, outcome: Outcome) -> str | None:
        return (outcome.record or {}).get("id") or change.id

    def __len__(self) -> int:
        return len(self.outcomes) + len(self._left_out)

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Result of plan {self.plan.id} for the {self.plan.table.name} of {self.plan.account}"
        yield f"  {self.summary()}"
        unfinished = [(change, outcome) for change, outcome in self._pairs() if outcome.state != "done"]
        for change, outcome in unfinished[:_SHOWN_ROWS]:
            identity = change.id or change.reference_id or "new"
            yield f"  {outcome.state}: row {change.label}, {identity} {shown(change.name)}: {outcome.what_happened}"
            if outcome.next_step:
                yield f"      → {outcome.next_step}"
        if len(unfinished) > _SHOWN_ROWS:
            yield f"  … and {len(unfinished) - _SHOWN_ROWS} more: see result.changes"
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
