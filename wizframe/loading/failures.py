"""Customers that could not be read: beside the rest where it is a matter of single ones, an error where it is not."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizframe.errors import (
    AuthenticationError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    ServiceError,
    TransportError,
)
from wizframe.frames.problems import problems_frame

if TYPE_CHECKING:
    import pandas as pd

    from wizframe.errors import WizframeError

__all__ = ["OF_ONE", "UNREAD_COLUMNS", "Failures"]

UNREAD_COLUMNS = ["customer_id", "what", "code", "what_happened"]
#: What reading a single customer may end with. A wrong key, a limit or a server that is gone concerns everybody.
OF_ONE = (ServiceError, TransportError)
_OF_ALL = (AuthenticationError, RateLimitError, NotSentError)
#: So many in a row are no matter of single customers.
_IN_A_ROW = 10
#: Of those who could be read. One would do, if no other list of the same customer could break.
_REMEMBERED = 100


@dataclass
class Failures:
    """What went wrong with single customers. Threads share it.

    Parameters
    ----------
    is_tolerant : bool
        Whether others than customers that are gone are kept beside the rest; a plan must not guess.

    Attributes
    ----------
    rows : dict of (str, str) to WizframeError
        Customer and what was read of it, to how that ended.
    """

    is_tolerant: bool = False
    rows: dict[tuple[str, str], WizframeError] = field(default_factory=dict)
    _in_a_row: int = 0
    _read: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, customer_id: str, what: str, error: WizframeError) -> None:
        """Take note of a failure.

        Parameters
        ----------
        customer_id, what : str
        error : WizframeError

        Raises
        ------
        WizframeError
            The same, where it is more than a matter of this customer.
        """
        is_gone = isinstance(error, NotFoundError)
        with self._lock:
            self._in_a_row += not is_gone
            self._read.discard(customer_id)
            is_too_much = self._in_a_row >= _IN_A_ROW
            if is_gone or (self.is_tolerant and not isinstance(error, _OF_ALL) and not is_too_much):
                self.rows[customer_id, what] = error
                return
        raise error

    def succeed(self, customer_id: str, what: str) -> None:
        """Take note that a customer could be read, or a part of what is read of it.

        Parameters
        ----------
        customer_id, what : str
        """
        with self._lock:
            self._in_a_row = 0
            if len(self._read) < _REMEMBERED and (customer_id, what) not in self.rows:
                self._read.add(customer_id)

    def check(self) -> None:
        """Look at the end whether anybody could be read.

        Raises
        ------
        WizframeError
            The first failure, where there was nothing else, and not because everybody is gone.
        """
        broken = self.broken
        if broken and not self._read:
            raise next(iter(broken.values()))

    @property
    def gone(self) -> list[str]:
        """Customers that are not there."""
        return [one for (one, _), error in self.rows.items() if isinstance(error, NotFoundError)]

    @property
    def broken(self) -> dict[str, WizframeError]:
        """Customers that may be there, and why they were not read."""
        return {one: error for (one, _), error in self.rows.items() if not isinstance(error, NotFoundError)}

    def frame(self) -> pd.DataFrame:
        """Give one row per customer that could not be read.

        Returns
        -------
        DataFrame
            Columns customer_id, what (``contacts`` or ``details``), code, what_happened.
        """
        rows = ((one, what, error.code, str(error)) for (one, what), error in sorted(self.rows.items()))
        return problems_frame(rows, UNREAD_COLUMNS)
