"""The records that could not be read: those that do not exist, and those that may exist."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizframe.errors import AuthenticationError, NotFoundError, NotSentError, RateLimitError
from wizframe.frames.problems import problems_frame
from wizframe.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from wizframe.errors import WizframeError
    from wizframe.fields import Table

__all__ = ["SHOWN", "UNREAD_COLUMNS", "Failures", "some"]

UNREAD_COLUMNS = ["customer_id", "what", "code", "what_happened"]
_CONCERNS_ALL = (AuthenticationError, RateLimitError, NotSentError)
# If so many records fail one after the other, the service itself fails.
_MOST_IN_A_ROW = 10
# One would be enough to know that something was read, but another list of the same record may still fail.
_REMEMBERED = 100
SHOWN = 5  # the most ids or reasons in one message


@dataclass
class Failures:
    """The failures of single records. Threads share this object."""

    is_tolerant: bool = False  # whether unreadable records may be left out; for a plan they may not
    rows: dict[tuple[str, str], WizframeError] = field(default_factory=dict)  # (id, the part that was read) to error
    _in_a_row: int = 0
    _read: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, identifier: str, what: str, error: WizframeError) -> None:
        """Note a failure; raise it if it affects more than this record."""
        is_gone = isinstance(error, NotFoundError)
        with self._lock:
            self._in_a_row += not is_gone and (identifier, what) not in self.rows
            self._read.discard(identifier)
            is_too_much = self._in_a_row >= _MOST_IN_A_ROW
            if is_gone or (self.is_tolerant and not isinstance(error, _CONCERNS_ALL) and not is_too_much):
                self.rows[identifier, what] = error
                return
        raise error

    def succeed(self, identifier: str, what: str) -> None:
        """Note that a record, or a part of it, could be read."""
        with self._lock:
            self._in_a_row = 0
            if len(self._read) < _REMEMBERED and (identifier, what) not in self.rows:
                self._read.add(identifier)

    def check(self) -> None:
        """Raise the first failure if nothing could be read at all. Records that do not exist do not count."""
        if self.broken and not self._read:
            raise next(iter(self.broken.values()))

    def check_found(self, table: Table) -> None:
        """Raise an error if none of the records exists."""
        gone = self.gone
        if gone and not self._read:
            one, many = f"the {table.singular} does not exist", f"none of the {len(gone)} {table.name} exists"
            hint = "Ids are in the column id. A reference is not an id."
            raise NotFoundError(f"{plural(len(gone), one, many)}: {some(gone)}", status=404, hint=hint)

    @property
    def gone(self) -> list[str]:
        """The records that do not exist."""
        return sorted({one for (one, _), error in self.rows.items() if isinstance(error, NotFoundError)})

    @property
    def broken(self) -> dict[str, WizframeError]:
        """The records that may exist but were not read, with the reasons."""
        return {one: error for (one, _), error in self.rows.items() if not isinstance(error, NotFoundError)}

    def frame(self) -> pd.DataFrame:
        """List what could not be read, with the columns of ``UNREAD_COLUMNS``."""
        rows = ((one, what, error.code, str(error)) for (one, what), error in sorted(self.rows.items()))
        return problems_frame(rows, UNREAD_COLUMNS)


def some(ids: Collection[str]) -> str:
    """Return the first ids as text; the others are only counted."""
    return ", ".join([*list(ids)[:SHOWN], *(["…"] if len(ids) > SHOWN else [])])
