"""The rows of a plan, and which of their changes are ticked. Plain values: no widgets, and nothing is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wizframe.frames.build import is_blank
from wizframe.planning.changes import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wizframe.planning.changes import Change, PlanPart, Problem
    from wizframe.pushing.plan import Plan

    Unticked = tuple[str, int | None, str]

__all__ = ["FILTERS", "Choices", "PlanRow"]

#: The choices of the filter above the list.
FILTERS = ("everything", "with problems", "ticked", "not ticked", "create", "update", "delete")
_MAX_NAME = 80  # characters, so that a name and an id fit on one line of the card


@dataclass(eq=False)
class PlanRow:
    """One row of a planned frame: its change, if any, and its problems."""

    part: PlanPart
    number: int  # of the change in plan.changes; -1 if the row has only problems
    change: Change | None
    position: int | None  # in the part's frame; None if the problem is about a whole column
    problems: list[Problem] = field(default_factory=list)
    ticked: set[str] = field(default_factory=set)  # columns of an update; "" stands for a whole create or delete

    @property
    def key(self) -> tuple[str, int | None]:
        """The row's table and position. They stay the same in another plan of the same frame."""
        return self.part.table.name, self.position

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that can be ticked; ``("",)`` for a create or a delete."""
        if self.change is None:
            return ()
        return tuple(cell.column for cell in self.change.cells) if self.change.action == "update" else ("",)

    @property
    def name(self) -> str:
        """The record's name for people, such as the company name."""
        if self.position is None:
            return f"every row, column {self.problems[0].column}"
        name = self.change.name if self.change is not None else ""
        if not name:
            name = self.part.table.record_name({column: self._text(column) for column in self.part.table.columns()})
        return shown(name or f"row {self.part.frame.index[self.position]}", _MAX_NAME)

    @property
    def identity(self) -> str:
        """The record's id or reference, and its parent's."""
        if self.change is None:
            return shown(self._text("id"), _MAX_NAME) if self._text("id") else ""
        parent = self.part.table.parent
        owner = next((f" of {parent.singular} {owner}" for owner in self.change.owner if owner), "") if parent else ""
        return shown((self.change.id or self.change.reference_id or "new") + owner, 2 * _MAX_NAME)

    def _text(self, column: str) -> str:
        if column not in self.part.frame or self.position is None:
            return ""
        value = self.part.frame[column].iat[self.position]
        return "" if is_blank(value) else str(value)

    def contains(self, text: str) -> bool:
        """Return whether the row's names, values or problems contain a string; capitals are ignored."""
        texts: list[Any] = [self.name, self.identity, *self.problems]
        texts += self.change.cells if self.change else ()
        return text.casefold() in "\n".join(map(str, texts)).casefold()

    def can_be_corrected(self, column: str) -> bool:
        """Return whether a cell can be corrected: it is writable, or it holds the parent of a new record."""
        table, action = self.part.table, self.change.action if self.change else "create"
        if self.position is None or action == "delete":
            return False
        return (column in table and table[column].writable) or (action == "create" and column in table.parent_columns)


class Choices:
    """The rows of a plan, those with problems first. All that can be sent is ticked, except ``unticked``."""

    def __init__(self, plan: Plan, unticked: Collection[Unticked] = ()) -> None:
        self.plan = plan
        self.rows = sorted(_rows(plan), key=lambda row: not row.problems)
        self._stopped = {row.part.table.name for row in self.rows if row.position is None}
        self._creates = {
            (row.part.table.name, row.change.reference_id): row
            for row in self.rows
            if row.change is not None and row.change.action == "create"
        }
        for row in self.rows:
            for column in row.columns:
                self.tick(row, is_ticked=(*row.key, column) not in unticked, column=column)

    def obstacle(self, row: PlanRow) -> str:
        """Return why a row cannot be sent; empty if it can."""
        if row.problems or row.change is None:
            return "it has problems"
        if row.part.table.name in self._stopped:
            return "a whole column has problems"
        parent, (parent_id, reference) = row.part.table.parent, row.change.owner
        if parent is None or parent_id or not reference:
            return ""
        new_parent = self._creates.get((parent.name, reference))
        is_sent = new_parent is not None and new_parent.ticked and not self.obstacle(new_parent)
        return "" if is_sent else f"its new {parent.singular} is not ticked"

    def tick(self, row: PlanRow, *, is_ticked: bool, column: str | None = None) -> None:
        """Tick or untick one column of a row, or all columns. A row with problems stays unticked."""
        columns = set(row.columns) if column is None else {column}
        row.ticked = row.ticked | columns if is_ticked and not row.problems else row.ticked - columns

    def ticked(self) -> list[PlanRow]:
        """List the rows that will be sent."""
        return [row for row in self.rows if row.ticked and not self.obstacle(row)]

    def unticked(self) -> set[Unticked]:
        """List what the user unticked, for another plan of the same frame."""
        return {
            (*row.key, column)
            for row in self.rows
            if not row.problems
            for column in row.columns
            if column not in row.ticked
        }

    def chosen(self) -> Plan:
        """Return the plan of the ticked changes."""
        return self.plan.keep({row.number: row.ticked - {""} or None for row in self.ticked()})

    def find(self, limit_to: str = FILTERS[0], text: str = "") -> list[PlanRow]:
        """List the rows to show: those that match one of :data:`FILTERS` and contain a string."""
        ticked = set(map(id, self.ticked()))
        return [row for row in self.rows if _passes(row, limit_to, id(row) in ticked) and row.contains(text)]


def _passes(row: PlanRow, limit_to: str, is_ticked: bool) -> bool:  # noqa: FBT001 - of one row
    if limit_to == "with problems":
        return bool(row.problems)
    if limit_to in ("ticked", "not ticked"):
        return is_ticked == (limit_to == "ticked")
    return limit_to == FILTERS[0] or (row.change is not None and row.change.action == limit_to)


def _rows(plan: Plan) -> Iterator[PlanRow]:
    number = 0
    for part in plan.parts:
        problems: dict[int | None, list[Problem]] = defaultdict(list)
        for problem in part.problems_list:
            problems[problem.position].append(problem)
        yield from (PlanRow(part, -1, None, None, [problem]) for problem in problems.pop(None, []))
        for change in part.changes_list:
            yield PlanRow(part, number, change, change.position, problems.pop(change.position, []))
            number += 1
        yield from (PlanRow(part, -1, None, position, about) for position, about in problems.items())
