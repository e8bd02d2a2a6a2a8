"""Plan a frame against the service, and carry plans out: the only place where frames lead to writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from wizframe.api.client import open_client
from wizframe.errors import (
    Hint,
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PlanProblemsError,
    ReadOnlyError,
    WrongAccountError,
)
from wizframe.fields import CUSTOMER
from wizframe.frames.baselines import attach, attached
from wizframe.frames.build import to_frame
from wizframe.loading.lookups import ServiceLookups
from wizframe.planning.builder import Options, plan_deletes, plan_edits
from wizframe.planning.match import Service
from wizframe.pushing.executor import begin, interrupted, run
from wizframe.pushing.history import history, purge, pushes
from wizframe.pushing.journal import Journal
from wizframe.pushing.plan import Plan
from wizframe.pushing.results import Result
from wizframe.pushing.resume import resume
from wizframe.pushing.undo import undo
from wizframe.pushing.workers import Interrupts
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch
    from wizframe.pushing.sender import OnConflict

__all__ = [
    "Result",
    "apply",
    "check_allowed",
    "delete",
    "history",
    "plan",
    "purge",
    "push",
    "pushes",
    "resume",
    "undo",
]


def plan(  # noqa: PLR0913 - one parameter for each decision
    frame: pd.DataFrame,
    *,
    contacts: pd.DataFrame | None = None,
    client: BaseClient | None = None,
    table: Literal["customers", "contacts"] | None = None,
    match: Literal["id", "reference_id"] = "id",
    new: Literal["report", "create"] = "report",
    only: Collection[str] | None = None,
    clear: Collection[str] = (),
    baseline: Literal["loaded", "service"] = "loaded",
    duplicates: Literal["report", "create"] = "report",
) -> Plan:
    """Work out what a frame's edits would change, cell by cell. Nothing is written.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts, loaded or made by hand, filtered, sorted or merged as you like. A row with a blank ``id``
        is a new record; a row that is not there means nothing.
    contacts : DataFrame, optional
        Contacts to plan together with a frame of customers. New ones name their customer by ``customer_id``, or in a
        column ``customer_reference_id``, also one that the same plan creates: customers go first, and the ids are
        filled in.
    client : Client, optional
        By default the open connection of the account that the frame was loaded from.
    table : {'customers', 'contacts'}, optional
        Where neither the load nor the columns tell.
    match : {'id', 'reference_id'}, default 'id'
        How rows without an id find their record; ``'reference_id'`` looks in both statuses.
    new : {'report', 'create'}, default 'report'
        With ``match='reference_id'``: what becomes of references that nobody has.
    only : list of str, optional
        The columns that you mean to edit; a change in another one is a problem.
    clear : list of str
        Columns in which a cell that became blank clears the field. Elsewhere a blank cell is not sent; the text
        ``wizframe.CLEAR`` clears a single one.
    baseline : {'loaded', 'service'}, default 'loaded'
        What rows that no load covers are compared with: ``'service'`` takes them as newer than the service.
    duplicates : {'report', 'create'}, default 'report'
        What becomes of new rows that look like a record, or like another new row, under another reference: the same
        company and e-mail, or of contacts the same customer, names and e-mail.

    Returns
    -------
    Plan
        Shows itself; ``changes``, ``cells`` and ``problems`` are frames; ``apply()`` carries it out.

    Raises
    ------
    PlanError
        The frame cannot be planned: which table, which records, which account, which load is unclear.

    Notes
    -----
    Sends read requests where rows must be looked up: references of new rows, customers of new contacts, records
    that no load covers. New customers with an e-mail are compared with all customers: with those of a load of this
    session that was not limited, and those created since; without such a load, the list is read.

    Examples
    --------
    >>> customers = wizframe.load_customers()
    >>> customers.loc[0, "payment_term"] = "net45"
    >>> wizframe.plan(customers, only=["payment_term"]).counts()
    {'create': 0, 'update': 1, 'delete': 0}
    """
    for parameter, value, allowed in (
        ("match", match, ("id", "reference_id")),
        ("new", new, ("report", "create")),
        ("baseline", baseline, ("loaded", "service")),
        ("duplicates", duplicates, ("report", "create")),
    ):
        if value not in allowed:
            raise InvalidRequestError(f"{option(parameter, value)}: allowed are {' and '.join(map(repr, allowed))}")
    own = attached(frame)
    meant = open_client(client, account=own.account if own else None)
    service = _service(meant, frame, contacts)
    options = Options(match, new, only, clear, baseline, duplicates)
    return plan_edits(frame, service, contacts=contacts, table=table, options=options)


def delete(
    frame: pd.DataFrame, *, client: BaseClient | None = None, table: Literal["customers", "contacts"] | None = None
) -> Plan:
    """Plan to delete the records of all rows of a frame. Nothing is written.

    Parameters
    ----------
    frame : DataFrame
        Rows with ids.
    client, table
        As for :func:`plan`.

    Returns
    -------
    Plan
        Says how many contacts go with the customers. ``apply(max_deletes=…)`` carries it out.

    Raises
    ------
    PlanError
        A row has no id, or belongs to another account.
    """
    own = attached(frame)
    meant = open_client(client, account=own.account if own else None)
    return plan_deletes(frame, _service(meant, frame), table=table)


def apply(
    plan: Plan,
    *,
    client: BaseClient | None = None,
    max_changes: int | None = None,
    max_deletes: int = 0,
    on_conflict: OnConflict = "skip",
    invalid: Literal["raise", "skip"] = "raise",
    note: str = "",
    progress: bool | Watch = True,
) -> Result:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
    client : Client, optional
        By default the open connection of the plan's account.
    max_changes : int, optional
        Refuse a plan with more changes than this.
    max_deletes : int, default 0
        Refuse a plan with more deletes than this.
    on_conflict : {'skip', 'mine', 'theirs'}, default 'skip'
        What becomes of a field that somebody else changed since it was loaded: the row is not sent, yours is sent,
        or theirs is kept and the row's other fields are sent.
    invalid : {'raise', 'skip'}, default 'raise'
        Refuse a plan with problems, or leave out the rows that have them.
    note : str
        Why: kept in the journal, shown by :func:`wizframe.history`.
    progress : bool or wizframe.progress.Watch, default True
        Show a bar when it takes longer than a second; a watch follows the push from another thread, and can stop it:
        the changes under way are finished, the rest is unsent.

    Returns
    -------
    Result
        One row per change. What was done is written into the planned frame (ids, references, times) and into its
        baseline, so that planning it again plans nothing.

    Raises
    ------
    PlanProblemsError, StalePlanError, WrongAccountError, LimitExceededError, ReadOnlyError, JournalError
        Nothing was sent.
    PushInterruptedError
        Ctrl-C; its ``result`` says what was done.

    Notes
    -----
    Each update reads the record first (``GET``), then sends ``PATCH`` for a customer or ``PUT`` of the whole contact;
    creates send ``POST``, deletes ``GET`` and ``DELETE``.
    """
    if not isinstance(plan, Plan):
        raise InvalidRequestError(f"a plan is needed, not {type(plan).__name__}: frame.wiz.plan() makes one")
    if on_conflict not in ("skip", "mine", "theirs"):
        raise InvalidRequestError(f"{option('on_conflict', on_conflict)}: allowed are 'skip', 'mine', 'theirs'")
    if invalid not in ("raise", "skip"):
        raise InvalidRequestError(f"invalid={invalid!r}: allowed are 'raise' and 'skip'")
    meant = open_client(client, account=plan.account)
    check_allowed(plan, meant, max_changes=max_changes, max_deletes=max_deletes, invalid=invalid)
    if not len(plan):
        nothing = None if plan.contacts is None else Result(plan.contacts, (), meant.connection)
        return Result(plan, (), meant.connection, contacts=nothing)
    with Interrupts() as interrupts:
        with Journal() as journal:
            interrupts.check()
            push_id = begin(plan, journal, on_conflict=on_conflict, note=note)
            result = run(plan, meant, journal, push_id, interrupts, on_conflict=on_conflict, progress=progress)
        if interrupts.count:
            raise interrupted(result)
        return result


def push(
    frame: pd.DataFrame | Plan,
    *,
    yes: bool = False,
    client: BaseClient | None = None,
    max_changes: int | None = None,
    max_deletes: int | None = None,
    on_conflict: OnConflict = "skip",
    invalid: Literal["raise", "skip"] = "raise",
    note: str = "",
    show: Callable[[Plan], None] | None = None,
    **options: object,
) -> Result:
    """Plan a frame, show the plan, ask, and carry it out.

    Parameters
    ----------
    frame : DataFrame or Plan
    yes : bool, default False
        Do not ask. Without it, and with nobody there to answer, nothing is sent.
    client, max_changes, on_conflict, invalid, note
        As for :func:`apply`.
    max_deletes : int, optional
        As for :func:`apply`; a person who says yes to the plan that is shown allows its deletes.
    show : callable, optional
        Takes the plan and shows it; by default it is displayed in a notebook, and printed elsewhere.
    **options
        As for :func:`plan`.

    Returns
    -------
    Result

    Raises
    ------
    PlanError
        Nobody is there to answer, or the answer was no; also what :func:`plan` and :func:`apply` raise.
    """
    planned = frame if isinstance(frame, Plan) else plan(frame, client=client, **options)  # type: ignore[arg-type]
    meant = open_client(client, account=planned.account)
    (show or _show)(planned)
    check_allowed(planned, meant, max_changes=max_changes, max_deletes=len(planned), invalid=invalid)
    if not yes and len(planned):
        _ask(planned, meant, invalid)
        max_deletes = planned.counts()["delete"] if max_deletes is None else max_deletes
    limits = {"max_changes": max_changes, "max_deletes": max_deletes or 0}
    return apply(planned, client=meant, on_conflict=on_conflict, invalid=invalid, note=note, **limits)  # type: ignore[arg-type]


def _show(planned: Plan) -> None:
    if "IPython" in sys.modules:
        from IPython import get_ipython  # noqa: PLC0415 - only where it already runs
        from IPython.display import display  # noqa: PLC0415

        if get_ipython() is not None:
            display(planned)  # type: ignore[no-untyped-call]
            return
    sys.stdout.write(f"{planned}\n")


def _ask(planned: Plan, client: BaseClient, invalid: Literal["raise", "skip"]) -> None:
    where = f"{planned.account} ({client.environment})"
    question = f"Send this ({planned.summary(invalid=invalid)}) to {where}? [y/N] "
    try:
        in_notebook = "ipykernel" in sys.modules
        answer = input(question) if in_notebook or sys.stdin.isatty() else None
    except (EOFError, RuntimeError):  # a kernel without a front end raises a RuntimeError of its own
        answer = None
    if answer is None:
        skip_it = Hint(python="Give yes=True to skip it", cli="Give --yes with --max-changes N to skip it")
        raise PlanError(
            "a confirmation is needed, but there is no interactive terminal: nothing was sent", hint=skip_it
        )
    if answer.strip().lower() not in ("y", "yes"):
        raise PlanError("the answer was no: nothing was sent")


def check_allowed(
    plan: Plan,
    client: BaseClient,
    *,
    max_changes: int | None,
    max_deletes: int,
    invalid: Literal["raise", "skip"] = "raise",
) -> None:
    """Refuse a plan before its first write.

    Parameters
    ----------
    plan, client, max_changes, max_deletes, invalid
        As for :func:`apply`.

    Raises
    ------
    PlanProblemsError, StalePlanError, WrongAccountError, LimitExceededError, ReadOnlyError
        As for :func:`apply`.
    """
    if plan.account != client.account:
        raise WrongAccountError(f"the plan is for {plan.account}, the client is connected to {client.account}")
    for part in plan.parts:
        _check_same_account(attached(part.frame), client, ServiceLookups(client))
    if plan.table is not CUSTOMER and any(change.customer_reference_id for change in plan.changes_list):
        raise PlanError(
            "nothing was sent: these contacts wait for customers of the plan that they are a part of: apply that"
        )
    if len(plan.problems) and invalid == "raise":
        raise PlanProblemsError(
            f"nothing was sent, the plan has problems: {'; '.join(plan.problem_lines())}",
            plan.problems,
            hint=Hint(
                python="Correct them and plan again, or leave such rows out with apply(invalid='skip'); "
                "error.failures lists all problems",
                cli="Correct them and plan again, or leave such rows out with --skip-invalid",
            ),
        )
    plan.check_fresh()
    if len(plan) and client.transport.read_only:
        raise ReadOnlyError(f"the connection to {client.base_url} is read-only: nothing was sent")
    deletes = plan.counts()["delete"]
    if max_changes is not None and len(plan) > max_changes:
        raise LimitExceededError(
            f"nothing was sent: the plan has {_many(len(plan), 'change')}, "
            f"{option('max_changes', max_changes)} allows fewer"
        )
    if deletes > max_deletes:
        raise LimitExceededError(
            f"nothing was sent: the plan has {_many(deletes, 'delete')}, {option('max_deletes', max_deletes)} allows "
            f"fewer; if that is meant, use {option('max_deletes', deletes)}"
        )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s'[: count != 1]}"


def _service(client: BaseClient, *frames: pd.DataFrame | None) -> Service:
    lookups = ServiceLookups(client)
    for frame in frames:
        if frame is not None:
            _adopt(frame, client)
            _check_same_account(attached(frame), client, lookups)
    return Service(client.account, client.connection, lookups)


def _adopt(frame: pd.DataFrame, client: BaseClient) -> None:
    """Take rows that a file showed for those of the account that is meant, where the file names none."""
    own = attached(frame)
    if own is not None and not own.account.base_url:
        attach(frame, own.again(account=client.account))


def _check_same_account(own: Baseline | None, client: BaseClient, lookups: ServiceLookups) -> None:
    """Compare three known records with the service's, where a frame was loaded over another connection.

    The same address and name do not prove the same account: a sandbox started again has other records with the same
    ids. When a record was created never changes.
    """
    if own is None or own.connection == client.connection or own.account != client.account:
        return
    if "created_at" not in own.frame:  # a plan from a file or the journal: its conflicts are checked record by record
        return
    sample = own.frame.dropna(subset="created_at").head(3)
    if own.table is CUSTOMER:
        found = list(lookups.customers_by_id(set(sample["id"])).values())
    else:
        listed = lookups.contacts_of(set(sample["customer_id"].dropna()))
        found = [row for rows in listed.values() for row in rows]
    created = to_frame(found, own.table)[0].set_index("id")["created_at"].reindex(sample["id"])
    is_same = created.to_numpy() == sample["created_at"].to_numpy()
    if len(sample) and (created.isna().all() or not (is_same | created.isna().to_numpy()).all()):
        raise WrongAccountError(
            f"the rows were loaded from {own.account}, but the service there does not know their records any more: "
            "it is another account, or everything was deleted. Load again"
        )
