"""What the operations on customers and on contacts share: the data, the spelling, and how a body is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizframe.server.messages import ApiError
from wizframe.server.rules import Problem, check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizframe.server.messages import Record
    from wizframe.server.rules import Path
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = ["Account", "changed"]


def changed(before: Record, wanted: Record) -> Record:
    """Find what a write really changes.

    Parameters
    ----------
    before : dict
        The record as stored.
    wanted : dict
        Values by column.

    Returns
    -------
    dict
        The values that differ; one kind of blank text for another is no change.
    """
    return {name: value for name, value in wanted.items() if (before[name] or None) != (value or None)}


@dataclass(frozen=True)
class Account:
    """One account and the dialect in which it is spoken of.

    Parameters
    ----------
    store : Store
        The data.
    spelling : Spelling
        The dialect.
    page_size_cap : callable
        Returns the size that no page exceeds at present, or None.
    """

    store: Store
    spelling: Spelling
    page_size_cap: Callable[[], int | None]

    def checked(self, table: str, body: Record, *, creating: bool) -> Record:
        """Take the writable fields from a body.

        Parameters
        ----------
        table : {"customers", "contacts"}
            What is written.
        body : dict
            As sent.
        creating : bool
            Whether required fields must be there.

        Returns
        -------
        dict
            Values by column.

        Raises
        ------
        ApiError
            422, with everything that is wrong.
        """
        sent = self.spelling.read(table, body, creating=creating)
        values, problems = check(table, sent, complete=creating)
        self.refuse(problems, creating=creating)
        return values

    def refuse(self, problems: Sequence[Problem], *, creating: bool) -> None:
        """Raise if there is anything wrong.

        Parameters
        ----------
        problems : sequence of Problem
            What is wrong; may be empty.
        creating : bool
            Whether in a create, where one field is spelled otherwise.

        Raises
        ------
        ApiError
            422, naming fields as the wire does.
        """
        if problems:
            details = [
                {"field": self.spelling.path(problem.path, creating=creating), "reason": problem.reason}
                for problem in problems
            ]
            message = f"{details[0]['field']} {details[0]['reason']}"
            raise ApiError(422, "validation_failed", message, details)

    def refuse_taken(self, at: Path, reference: str) -> None:
        """Answer that a reference belongs to another record.

        Parameters
        ----------
        at : tuple
            Where the reference lies in the body.
        reference : str
            The reference.

        Raises
        ------
        ApiError
            409, always.
        """
        details = [{"field": self.spelling.path(at, creating=False), "reason": "is already taken"}]
        raise ApiError(409, "conflict", f"the reference {reference!r} is already taken", details)
