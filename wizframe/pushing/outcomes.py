"""What became of one change of a push."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.pushing.journal_entries import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from wizframe.api.dialects import Record

__all__ = ["FINAL", "STATES", "ConflictCell", "Outcome", "State"]

State = Literal["done", "failed", "conflict", "skipped", "unknown", "unsent"]
STATES: tuple[State, ...] = ("done", "failed", "conflict", "skipped", "unknown", "unsent")
#: States that resume() leaves as they are.
FINAL: tuple[State, ...] = ("done", "failed", "conflict", "skipped")


class ConflictCell(NamedTuple):
    """A cell that another user changed too."""

    column: str
    when_loaded: Any
    yours: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change."""

    state: State
    what_happened: str
    next_step: str = ""
    code: str = ""  # for programs
    attempts: int = 0  # how often something was sent
    after: Record | bytes | None = field(default=None, repr=False)  # the record afterwards, if known; packed as JSON
    conflicts: tuple[ConflictCell, ...] = ()

    @property
    def record(self) -> Record | None:
        """The service's record afterwards, if known."""
        return from_json(self.after) if isinstance(self.after, bytes) else self.after

    def packed(self, names: Collection[str]) -> Outcome:
        """Keep only some fields of the record, and those as JSON: a push may have a million records."""
        if self.record is None:
            return self
        kept = {name: value for name, value in self.record.items() if name in names}
        return replace(self, after=to_json(kept).encode())
