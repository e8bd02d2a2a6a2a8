"""What is checked before the first write of a push. Each error says that nothing was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wizframe.errors import (
    Hint,
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PlanProblemsError,
    ReadOnlyError,
    StalePlanError,
    WrongAccountError,
)
from wizframe.frames.baselines import attached
from wizframe.frames.build import SUPERSEDED, is_same_frame
from wizframe.pushing.plan_frames import problems_of
from wizframe.pushing.plan_text import problem_lines
from wizframe.pushing.service import check_same_account
from wizframe.text import counted, option, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wizframe.api.client import BaseClient
    from wizframe.planning.parts import PlanPart

__all__ = ["check_allowed", "check_fresh"]


def check_allowed(
    parts: Sequence[PlanPart],
    client: BaseClient,
    *,
    max_changes: int | None,
    max_deletes: int,
    invalid: Literal["raise", "skip"] = "raise",
) -> None:
    """Refuse a plan that may not be sent as it is; see :func:`wizframe.apply`."""
    if parts[0].account != client.account:
        raise WrongAccountError(
            f"nothing was sent: the plan is for {parts[0].account}, but the client is connected to {client.account}"
        )
    for part in parts:
        check_same_account(attached(part.frame), client)
    _check_whole(parts)
    problems = problems_of(parts)
    if len(problems) and invalid == "raise":
        lines = "; ".join(printable(line) for part in parts for line in problem_lines(part))
        raise PlanProblemsError(
            f"nothing was sent, the plan has {counted(len(problems), 'problem')}: {lines}",
            problems,
            hint=Hint(
                python="Correct them and plan again, or leave these rows out with apply(invalid='skip'). "
                "error.failures lists all problems.",
                cli="Correct them and plan again, or leave these rows out with --skip-invalid.",
            ),
        )
    check_fresh(parts)
    changes = [change for part in parts for change in part.changes_list]
    if changes and client.transport.read_only:
        raise ReadOnlyError(f"nothing was sent: the connection to {client.base_url} is read-only")
    deletes = sum(change.action == "delete" for change in changes)
    for noun, count, limit in (("change", len(changes), max_changes), ("delete", deletes, max_deletes)):
        if limit is not None and limit < 0:
            raise InvalidRequestError(f"nothing was sent: {option(f'max_{noun}s', limit)} is negative")
        if limit is not None and count > limit:
            raise LimitExceededError(
                f"nothing was sent: the plan has {counted(count, noun)}, but {option(f'max_{noun}s', limit)}",
                hint=f"If that is what you want, use {option(f'max_{noun}s', count)}.",
            )


def check_fresh(parts: Sequence[PlanPart]) -> None:
    """Refuse a plan if its frame was edited after it was made."""
    for part in parts:
        if SUPERSEDED in part.frame.attrs:
            raise StalePlanError(f"nothing was sent: {part.frame.attrs[SUPERSEDED]}")
        if not is_same_frame(part.as_planned, part.frame):
            raise StalePlanError(
                f"nothing was sent: the rows of {part.table.name} were edited (or pushed) after this plan was made",
                hint="Plan them again.",
            )


def _check_whole(parts: Sequence[PlanPart]) -> None:
    """Refuse children without the part that creates their parents."""
    tables = [part.table for part in parts]
    for part in parts:
        waits = any(change.customer_reference_id for change in part.changes_list)
        if waits and part.table.parent is not None and part.table.parent not in tables:
            raise PlanError(
                f"nothing was sent: these {part.table.name} belong to {part.table.parent.name} that another part of "
                "the plan creates",
                hint="Apply the whole plan.",
            )
