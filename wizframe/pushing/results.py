"""The outcomes of the changes of a push, table by table."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.errors import Hint, PushInterruptedError
from wizframe.excel.api import to_excel
from wizframe.frames.arrow import TEXTS
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import plan_id, short_id, shown
from wizframe.pushing.frame_update import Written, as_left_out, set_cells, show_records
from wizframe.pushing.outcomes import STATES, State
from wizframe.text import command, counted, printable

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from wizframe.planning.changes import Change, PlanPart
    from wizframe.pushing.outcomes import Outcome

__all__ = ["PushResult", "ResultPart", "interrupted"]

# The order of the rows in a workbook of results: those that need the user's attention come first.
_WORST_FIRST: tuple[State, ...] = ("failed", "conflict", "unknown", "unsent", "skipped", "done")
_CORRECT = "correct the row and plan again"
#: The most lines of a table, and the most names in a line. `changes` has all of them.
_SHOWN_LINES, _SHOWN_NAMES = 20, 3
_COLUMNS = [
    "table", "index", "id", "reference_id", "action", "state", "code", "what_happened", "next_step", "attempts",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class ResultPart:
    """The outcomes of the changes of one table, in the plan's order."""

    plan: PlanPart
    outcomes: tuple[Outcome, ...]
    connection: str = ""

    def pairs(self) -> Iterator[tuple[Change, Outcome]]:
        """Yield each change with its outcome."""
        return zip(self.plan.changes_list, self.outcomes, strict=True)

    @cached_property
    def left_out(self) -> dict[int, str]:
        """Position to problems, for rows that have no change. These rows are in the result, too."""
        planned = {change.position for change in self.plan.changes_list}
        found: defaultdict[int, list[str]] = defaultdict(list)
        for problem in self.plan.problems_list:
            if problem.position is not None and problem.position not in planned:
                found[problem.position].append(f"{problem.column}: {problem.rule}")
        return {position: "; ".join(problems) for position, problems in found.items()}

    def counts(self) -> Counter[State]:
        """Count the rows by state."""
        counted_states = Counter(outcome.state for outcome in self.outcomes)
        counted_states["skipped"] += len(self.left_out)
        return counted_states

    def rows(self, *states: State) -> pd.DataFrame:
        """Return the user's rows with changes in the given states."""
        return self.plan.frame.iloc[self._positions(*states)].copy()

    def _positions(self, *states: State) -> list[int]:
        positions = {change.position for change, outcome in self.pairs() if outcome.state in states}
        return sorted(positions.union(self.left_out if "skipped" in states else ()))

    def conflicts(self) -> pd.DataFrame:
        """Return the user's rows with conflicts. Their baseline has the current values in WizCommerce."""
        rows = self.rows("conflict")
        self._show_now(rows, {position: place for place, position in enumerate(self._positions("conflict"))})
        return rows

    def acknowledge(self, positions: Collection[int]) -> None:
        """Update the planned frame's own baseline to the current values in WizCommerce, in some rows with conflicts."""
        self._show_now(self.plan.frame, {position: position for position in positions})

    def _show_now(self, rows: pd.DataFrame, places: Mapping[int, int]) -> None:
        """Update the baseline of ``rows`` to the current values. ``places`` maps planned rows to places in ``rows``."""
        seen = [
            Written(places[change.position], change, outcome, as_left_out(change))
            for change, outcome in self.pairs()
            if outcome.state == "conflict" and outcome.after and change.position in places
        ]
        show_records(rows, self.plan, self.connection, seen)

    def decided(self, wanted: dict[tuple[Any, Any], Any]) -> pd.DataFrame:
        """Return the rows with conflicts and the decided values; cells that are not in ``wanted`` keep their values.

        ``wanted`` maps (id, column) to the value. The used entries are removed from it.
        """
        rows = self.conflicts()
        places = {position: place for place, position in enumerate(self._positions("conflict"))}
        for change, outcome in self.pairs():
            for cell in outcome.conflicts:
                value = wanted.pop((change.id, cell.column), cell.now)
                if value is not cell.yours and change.action == "update":
                    set_cells(rows, cell.column, np.array([places[change.position]]), [value])
        return rows

    def with_outcomes(self) -> pd.DataFrame:
        """Return the user's rows with their outcomes, the worst first. Deleted records are left out."""
        said: dict[int, tuple[State, str, str]] = {
            change.position: (outcome.state, outcome.what_happened, outcome.next_step)
            for change, outcome in self.pairs()
            if change.action != "delete" or outcome.state != "done"
        }
        said |= {position: ("skipped", problems, _CORRECT) for position, problems in self.left_out.items()}
        order = sorted(said, key=lambda position: (_WORST_FIRST.index(said[position][0]), position))
        rows = self.plan.frame.iloc[order].copy()
        own = {str(name).casefold() for name in (*rows.columns, *rows.index.names)}
        for place, name in enumerate(_free(own, ("state", "what_happened", "next_step"))):
            rows[name] = pd.Series([said[position][place] for position in order], index=rows.index, dtype=TEXTS)
        return rows

    def change_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of ``changes`` for this table."""
        name = self.plan.table.name
        for change, outcome in self.pairs():
            yield (
                name, change.label, (outcome.record or {}).get("id") or change.id, change.reference_id, change.action,
                outcome.state, outcome.code, outcome.what_happened, outcome.next_step, outcome.attempts,
            )  # fmt: skip
        for position, problems in self.left_out.items():
            label = self.plan.frame.index[position]
            yield (name, label, None, None, None, "skipped", "problem", problems, _CORRECT, 0)

    def lines(self) -> Iterator[str]:
        """Yield lines about changes that are not done. Each message and each next step appears once."""
        by_step: defaultdict[str, defaultdict[tuple[State, str], list[str]]]
        by_step = defaultdict(lambda: defaultdict(list))
        for change, outcome in self.pairs():
            if outcome.state != "done":
                name = f"row {change.label}, {change.id or change.reference_id or 'new'} {shown(change.name)}"
                by_step[outcome.next_step][outcome.state, outcome.what_happened].append(name)
        for position, problems in self.left_out.items():
            by_step[_CORRECT]["skipped", problems].append(f"row {self.plan.frame.index[position]}")
        count = 0
        for step, messages in by_step.items():
            for (state, what_happened), names in list(messages.items())[: max(_SHOWN_LINES - count, 0)]:
                yield f"  {state}: {_listed(names)}: {what_happened}"
            count += len(messages)
            if step and count - len(messages) < _SHOWN_LINES:
                yield f"      → {step}"
        if count > _SHOWN_LINES:
            see = Hint("see result.changes", "`wizframe push FILE --results FILE.xlsx` writes all of them")
            yield f"  … and {count - _SHOWN_LINES} more: {see}"


def _free(own: set[str], names: Sequence[str]) -> list[str]:
    """Return names that the user's columns do not have, so that no column is overwritten."""
    free = list(names)
    while not own.isdisjoint(free):
        free = [f"push_{name}" for name in free]
    return free


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return f"{counted(len(names), 'row')} ({'; '.join(names[:_SHOWN_NAMES])}{more})"


@dataclass(frozen=True, eq=False, repr=False)
class PushResult:
    """The outcomes of a push. The public ``Result`` adds ``resolve`` and ``undo``, which return another plan."""

    parts: tuple[ResultPart, ...]  # one part per table, in the order in which they were sent
    push_id: str = ""  # the id in the journal; empty if there was nothing to do

    @property
    def connection(self) -> str:
        """The connection that sent the push."""
        return self.parts[0].connection

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each change, in the order of the plan."""
        return tuple(outcome for part in self.parts for outcome in part.outcomes)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """One row per change.

        Returns
        -------
        DataFrame
            Columns table, index (the user's label), id, reference_id, action, state, code, what_happened, next_step,
            attempts.
        """
        return problems_frame([row for part in self.parts for row in part.change_rows()], _COLUMNS)

    @cached_property
    def conflict_cells(self) -> pd.DataFrame:
        """One row per cell that another user changed, too.

        Returns
        -------
        DataFrame
            Columns table, index, id, column, when_loaded, yours, now.
        """
        rows = [
            (part.plan.table.name, change.label, change.id, *cell)
            for part in self.parts
            for change, outcome in part.pairs()
            for cell in outcome.conflicts
        ]
        return problems_frame(rows, ["table", "index", "id", "column", "when_loaded", "yours", "now"])

    @property
    def failed(self) -> pd.DataFrame:
        """Your rows that the service refused: edit, plan and apply them again.

        Like :attr:`conflicts` and :attr:`unsent`, it has rows of the plan's first table, because two tables do not fit
        into one frame. The rows of contacts are in ``result.contacts``.
        """
        return self.parts[0].rows("failed")

    @property
    def conflicts(self) -> pd.DataFrame:
        """Your rows that another user changed, too. :attr:`conflict_cells` lists the cells.

        Their baseline has the current values in WizCommerce. So if you plan them unchanged, your values overwrite the
        current ones. A cell that you set to the current value is not a change.
        """
        return self.parts[0].conflicts()

    @property
    def unsent(self) -> pd.DataFrame:
        """Your rows that were not sent: they have problems, the push stopped, or the outcome is unknown."""
        return self.parts[0].rows("unsent", "unknown", "skipped")

    def to_excel(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write a workbook with the outcome of each row. Corrections in the workbook can be pushed.

        Parameters
        ----------
        path : path-like
            Must end in ``.xlsx``. An existing file is replaced as a whole, or not at all.
        **options
            As for :func:`wizframe.to_excel`: ``labels``, ``zone``, ``protect``, ``progress``.

        Notes
        -----
        It has the rows with a change or a problem: failures first, then conflicts, unknown or unsent rows, and done
        rows. Each row has the columns ``state``, ``what_happened`` and ``next_step``. Deleted records are left out.
        """
        first, *others = self.parts
        sheets: dict[str, Any] = {part.plan.table.name: part.with_outcomes() for part in others}
        to_excel(first.with_outcomes(), path, table=first.plan.table.name, **sheets, **options)  # type: ignore[arg-type]

    def counts(self) -> dict[State, int]:
        """Count the changes by state."""
        counts = sum((part.counts() for part in self.parts), Counter[State]())
        return {state: counts[state] for state in STATES}

    def summary(self) -> str:
        """Summarize the outcomes in one line."""
        return ", ".join(f"{count:,} {state}" for state, count in self.counts().items() if count) or "nothing to do"

    def __len__(self) -> int:
        return sum(self.counts().values())

    def __repr__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def _lines(self) -> Iterator[str]:
        plans = [part.plan for part in self.parts]
        tables = " and ".join(plan.table.name for plan in plans)
        yield f"Result of plan {short_id(plan_id(plans))} for the {tables} of {plans[0].account}"
        yield f"  {self.summary()}"
        for part in self.parts:
            yield from part.lines()

    def _repr_html_(self) -> str:
        first, *rest = self._lines()
        lines = "".join(f"<div style='white-space:pre-wrap'>{html.escape(line)}</div>" for line in rest)
        return f"<div><b>{html.escape(first)}</b>{lines}</div>"


def interrupted(result: PushResult) -> PushInterruptedError:
    """Return the error for an interrupted push."""
    counts = result.counts()
    is_begun = any(outcome.state not in ("unsent", "skipped") for outcome in result.outcomes)
    is_left = counts["unsent"] or counts["unknown"]
    step = f"{command('resume')} finishes it." if is_left else "Nothing was left to send."
    said = result.summary() if is_begun else f"nothing was sent ({result.summary()})"
    hint = Hint(python=f"{step} error.result says what happened to each row.", cli=step)
    return PushInterruptedError(f"interrupted: {said}", result, hint=hint)
