"""The outcome of one change of a push, and the sentences that describe it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.errors import Hint
from wizframe.planning.changes import shown
from wizframe.pushing.journal_entries import from_json, to_json
from wizframe.text import command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from wizframe.api.dialects import Record

__all__ = ["AGAIN", "FINAL", "STATES", "ConflictCell", "Outcome", "State", "conflict", "gone", "unsent"]

State = Literal["done", "failed", "conflict", "skipped", "unknown", "unsent"]
STATES: tuple[State, ...] = ("done", "failed", "conflict", "skipped", "unknown", "unsent")
#: The states that resume() does not change.
FINAL: tuple[State, ...] = ("done", "failed", "conflict", "skipped")


#: The next step of an update or a delete with an unknown outcome.
AGAIN = "push again: values that are already stored are not sent again"


class ConflictCell(NamedTuple):
    """A cell that another user changed, too."""

    column: str
    when_loaded: Any
    yours: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one change."""

    state: State
    what_happened: str
    next_step: str = ""
    code: str = ""  # for programs
    attempts: int = 0  # the number of times that something was sent
    after: Record | bytes | None = field(default=None, repr=False)  # the record afterwards, if known; packed as JSON
    conflicts: tuple[ConflictCell, ...] = ()

    @property
    def record(self) -> Record | None:
        """The service's record afterwards, if known."""
        return from_json(self.after) if isinstance(self.after, bytes) else self.after

    def packed(self, names: Collection[str]) -> Outcome:
        """Keep only some fields of the record, as JSON, because a push may have a million records."""
        if self.record is None:
            return self
        kept = {name: value for name, value in self.record.items() if name in names}
        return replace(self, after=to_json(kept).encode())


def gone() -> Outcome:
    """Return the outcome of an update if its record no longer exists."""
    said = "the record was deleted in WizCommerce; a push does not create it again"
    step = "remove the row, or clear its id to create the record again"
    return Outcome("conflict", said, step, "deleted")


def conflict(cells: Iterable[ConflictCell], current: Record) -> Outcome:
    """Return the outcome of a conflict, with the fields that another user changed, too."""
    cells = tuple(cells)
    said = "; ".join(
        f"{cell.column} was {shown(cell.when_loaded)} when loaded, yours is {shown(cell.yours)}, "
        f"now in WizCommerce {shown(cell.now)}"
        for cell in cells
    )
    said = f"it changed in WizCommerce since you loaded it: {said}"
    step = Hint(
        python="plan again: apply(on_conflict='mine') sends your values, 'theirs' keeps WizCommerce's. To decide cell "
        "by cell, edit result.conflict_cells and plan it with result.resolve()",
        cli="push again: --on-conflict mine sends your values, --on-conflict theirs keeps WizCommerce's",
    )
    return Outcome("conflict", said, str(step), "conflict", after=current, conflicts=cells)


def unsent(reason: str, step: str = "", code: str = "") -> Outcome:
    """Return the outcome of a change that was not sent."""
    step = step or f"{command('resume')} finishes the push; changes that are done are not sent again"
    return Outcome("unsent", reason, step, code)
