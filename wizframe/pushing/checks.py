"""The checks before a plan is made, and before its first write. Each error says that nothing was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wizframe.arguments import TEXT, one_of, or_none, whole
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
from wizframe.frames.baselines import attach, attached
from wizframe.frames.build import SUPERSEDED, is_same_frame, to_frame
from wizframe.loading.lookups import ServiceLookups
from wizframe.planning.match import Service
from wizframe.pushing.plan_views import problem_lines, problems_of
from wizframe.text import counted, option, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.changes import Change, PlanPart

__all__ = [
    "LIMITS",
    "check_allowed",
    "check_expected",
    "check_fresh",
    "check_limits",
    "check_same_account",
    "service_for",
]

#: The options that limit a push, and their allowed values.
LIMITS = {
    "max_changes": or_none(whole(0)),
    "on_conflict": one_of("skip", "mine", "theirs"),
    "invalid": one_of("raise", "skip"),
    "note": TEXT,
    "expect": or_none(TEXT),
}
#: The number of records to compare. One missing record proves nothing, but three records that all differ do.
_SAMPLE = 3


def service_for(client: BaseClient, frames: Iterable[pd.DataFrame]) -> Service:
    """Return the service for planning, after checking that the frames come from its account."""
    lookups = ServiceLookups(client)
    for frame in frames:
        own = attached(frame)
        if own is not None and not own.account.base_url:  # a file without an account's name belongs to this account
            attach(frame, own.again(account=client.account))
        check_same_account(attached(frame), client, lookups)
    return Service(client.account, client.connection, lookups)


def check_same_account(own: Baseline | None, client: BaseClient, lookups: ServiceLookups | None = None) -> None:
    """Compare three known records with the service's, if a frame was loaded over another connection.

    Equal addresses and names do not prove that the account is the same: a restarted sandbox has other records with the
    same ids. The creation time of a record never changes.
    """
    if own is None or own.connection == client.connection or own.account != client.account:
        return
    if "created_at" not in own.frame:  # a plan from a file or the journal: each record is checked for conflicts later
        return
    sample = own.frame.dropna(subset="created_at").head(_SAMPLE)
    parents = sample[own.table.parent_id] if own.table.parent else [None] * len(sample)
    keys = {
        (parent if isinstance(parent, str) else None, one) for parent, one in zip(parents, sample["id"], strict=True)
    }
    found = list((lookups or ServiceLookups(client)).by_id(own.table, keys).values())
    created = to_frame(found, own.table)[0].set_index("id")["created_at"].reindex(sample["id"])
    is_same = created.to_numpy() == sample["created_at"].to_numpy()
    if len(sample) and (created.isna().all() or not (is_same | created.isna().to_numpy()).all()):
        raise WrongAccountError(
            f"the rows were loaded from {own.account}, but the service there does not have their records any more: it "
            "is another account, or everything was deleted",
            hint="Load again.",
        )


def check_allowed(
    parts: Sequence[PlanPart],
    client: BaseClient,
    *,
    max_changes: int | None,
    max_deletes: int,
    invalid: Literal["raise", "skip"] = "raise",
) -> None:
    """Raise an error for a plan that must not be sent unchanged; see :func:`wizframe.apply`."""
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
            f"nothing was sent, because the plan has {counted(len(problems), 'problem')}: {lines}",
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
    check_limits(changes, max_changes=max_changes, max_deletes=max_deletes)


def check_limits(changes: Sequence[Change], *, max_changes: int | None, max_deletes: int) -> None:
    """Raise an error if there are more changes or deletes than allowed."""
    deletes = sum(change.action == "delete" for change in changes)
    for noun, count, limit in (("change", len(changes), max_changes), ("delete", deletes, max_deletes)):
        if limit is not None and limit < 0:
            raise InvalidRequestError(f"nothing was sent: {option(f'max_{noun}s', limit)} is negative")
        if limit is not None and count > limit:
            raise LimitExceededError(
                f"nothing was sent: the plan has {counted(count, noun)}, but {option(f'max_{noun}s', limit)}",
                hint=f"If that is what you want, use {option(f'max_{noun}s', count)}.",
            )


def check_expected(plan_id: str, expected: str | None) -> None:
    """Refuse a plan that is not the one that was approved. A short form of an id approves nothing."""
    if expected is None or expected == plan_id:
        return
    is_whole = isinstance(expected, str) and len(expected) == len(plan_id) and expected.isalnum()
    if not is_whole:
        raise PlanError(
            f"nothing was sent: {option('expect', expected)} is not the whole id of a plan, which has {len(plan_id)} "
            "characters. Two plans may share a short form",
            hint=Hint("plan.id is the whole id.", "`wizframe plan FILE` prints the whole id."),
        )
    raise PlanError(f"nothing was sent: the plan has the id {plan_id}, not the expected {expected}")


def check_fresh(parts: Sequence[PlanPart]) -> None:
    """Raise an error if a plan's frame was edited after the plan was made."""
    for part in parts:
        if SUPERSEDED in part.frame.attrs:
            raise StalePlanError(f"nothing was sent: {part.frame.attrs[SUPERSEDED]}")
        if not is_same_frame(part.as_planned, part.frame):
            raise StalePlanError(
                f"nothing was sent: the rows of {part.table.name} were edited (or pushed) after this plan was made",
                hint="Plan them again.",
            )


def _check_whole(parts: Sequence[PlanPart]) -> None:
    """Raise an error if a plan has children, but lacks the part that creates their parents."""
    tables = [part.table for part in parts]
    for part in parts:
        waits = any(change.customer_reference_id for change in part.changes_list)
        if waits and part.table.parent is not None and part.table.parent not in tables:
            raise PlanError(
                f"nothing was sent: these {part.table.name} belong to {part.table.parent.name} that another part of "
                "the plan creates",
                hint="Apply the whole plan.",
            )
