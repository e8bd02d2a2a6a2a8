"""Plan a frame against the service, and send plans: only these functions turn the edits of frames into writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wizframe.api.client import open_client
from wizframe.arguments import CALLABLE, FLAG, NAMES, PATH, PROGRESS, TEXT, checked, or_none, whole
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.fields import TABLES
from wizframe.frames.baselines import attached
from wizframe.planning.builder import Options, plan_deletes
from wizframe.planning.table_choice import which_table
from wizframe.pushing.checks import LIMITS, check_allowed, check_expected, service_for
from wizframe.pushing.confirmation import confirm, show_plan
from wizframe.pushing.plan import Plan
from wizframe.pushing.plan_file import read_parts
from wizframe.pushing.undo import inverse_parts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.fields import Table
    from wizframe.progress import Watch
    from wizframe.pushing.plan import Result
    from wizframe.pushing.sender import OnConflict

__all__ = ["apply", "delete", "load_plan", "plan", "push", "undo"]


@checked(
    table=or_none(TEXT), match=TEXT, new=TEXT, only=or_none(NAMES), clear=NAMES, baseline=TEXT, duplicates=TEXT,
)  # fmt: skip
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
    """Find the changes that a frame's edits would make, cell by cell. Nothing is written.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts, loaded or made by hand; filter, sort and merge it as you like. A row with a blank ``id``
        is a new record. Records without a row in the frame are not changed.
    contacts : DataFrame, optional
        Contacts to plan together with a frame of customers. A new contact names its customer by ``customer_id``, or by
        ``customer_reference_id``. The same plan may create that customer: customers are sent first, and their ids are
        then filled in.
    client : Client, optional
        By default the open connection of the account that the frame was loaded from.
    table : {'customers', 'contacts'}, optional
        Which table the frame holds, if neither its load nor its columns show it.
    match : {'id', 'reference_id'}, default 'id'
        How to find the records of rows without an id. ``'reference_id'`` searches active and inactive records.
    new : {'report', 'create'}, default 'report'
        With ``match='reference_id'``: what to do with a row if no record has its reference. ``'report'`` makes the row
        a problem, and ``'create'`` creates a record.
    only : list of str, optional
        The columns that you mean to edit; a change in another column is a problem.
    clear : list of str
        Columns in which a cell that became blank clears the field. In other columns, a blank cell is not sent. To clear
        a single cell, write the text ``wizframe.CLEAR`` into it.
    baseline : {'loaded', 'service'}, default 'loaded'
        What to do with rows that are in no load of this session. With ``'service'``, they count as newer than the
        service, and every difference is an edit. By default, differences are problems: either side may be newer.
    duplicates : {'report', 'create'}, default 'report'
        Whether to report new rows that look like a record or like another new row as problems, or to create them.
        Customers look alike if company and e-mail are equal, contacts of one customer if names and e-mail are equal.

    Returns
    -------
    Plan
        It shows itself. ``changes``, ``cells`` and ``problems`` are frames. To send it, call its method ``apply()``.

    Raises
    ------
    PlanError
        The frame cannot be planned: its table, its records, its account or its load is unclear.

    Notes
    -----
    Sends only read requests, to look up rows: references of new rows, customers of new contacts, records that are in
    no load. New customers with an e-mail are compared with all customers: with those of a complete load of this
    session, and with those that were created later. Without such a load, the whole list is read.

    Examples
    --------
    >>> customers = wizframe.load_customers()
    >>> customers.loc[0, "payment_term"] = "net45"
    >>> wizframe.plan(customers, only=["payment_term"]).counts()
    {'create': 0, 'update': 1, 'delete': 0}
    """
    options = Options(match, new, only, clear, baseline, duplicates)
    kind = which_table(frame, table, attached(frame))
    frames = {kind.name: frame}
    if contacts is not None:
        _check_children(contacts, "contacts", kind)
        frames["contacts"] = contacts
    return Plan.of_edits(frames, options, client)


def _check_children(frame: pd.DataFrame, name: str, kind: Table) -> None:
    """Reject a frame that cannot be planned together with the frame of its parents."""
    table, own = TABLES[name], attached(frame)
    if kind is not table.parent or which_table(frame, own.table.name if own else name, own) is not table:
        parents = table.parent.name if table.parent else "records"
        raise PlanError(
            f"{name}= must be a frame of {name}, next to a frame of {parents}", hint=f"Call plan({parents}, {name}=…)."
        )


@checked(table=or_none(TEXT))
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
        It shows how many contacts are deleted with the customers. To send it, call ``apply(max_deletes=…)``.

    Raises
    ------
    PlanError
        A row has no id, or belongs to another account.
    """
    own = attached(frame)
    kind = which_table(frame, table, own)
    meant = open_client(client, account=own.account if own else None)
    return Plan((plan_deletes(frame, kind, service_for(meant, [frame])),), client=meant)


@checked(**LIMITS, max_deletes=whole(0), progress=PROGRESS)
def apply(
    plan: Plan,
    *,
    client: BaseClient | None = None,
    expect: str | None = None,
    max_changes: int | None = None,
    max_deletes: int = 0,
    on_conflict: OnConflict = "skip",
    invalid: Literal["raise", "skip"] = "raise",
    note: str = "",
    progress: bool | Watch = True,
) -> Result:
    """Send the changes of a plan.

    Parameters
    ----------
    plan : Plan
    client : Client, optional
        By default the one that the plan was made with, else the open connection of the plan's account.
    expect : str, optional
        The whole id of the plan that was approved: refuse every other plan.
    max_changes : int, optional
        Send nothing if the plan has more changes than this.
    max_deletes : int, default 0
        Send nothing if the plan has more deletes than this.
    on_conflict : {'skip', 'mine', 'theirs'}, default 'skip'
        What to do with a field that another user changed after the load: do not send the row (``'skip'``), send your
        value (``'mine'``), or keep the other value and send the row's other fields (``'theirs'``).
    invalid : {'raise', 'skip'}, default 'raise'
        If the plan has problems: send nothing (``'raise'``), or leave out the rows with problems (``'skip'``).
    note : str
        The reason for the push. The journal stores it, and :func:`wizframe.history` shows it.
    progress : bool or wizframe.progress.Watch, default True
        Show a bar if the push takes longer than a second. A ``Watch`` can follow and stop the push from another thread:
        the changes that are being sent are finished, and the others stay unsent.

    Returns
    -------
    Result
        One row per change. The new ids, references and times are written into the planned frame and its baseline, so
        that a new plan of the frame has no changes.

    Raises
    ------
    PlanProblemsError, StalePlanError, WrongAccountError, LimitExceededError, ReadOnlyError, JournalError
        Nothing was sent.
    PushInterruptedError
        Ctrl-C was pressed. The error's ``result`` has what was done.

    Notes
    -----
    Each update reads the record first (``GET``), then sends ``PATCH`` for a customer or ``PUT`` of the whole contact;
    creates send ``POST``, deletes ``GET`` and ``DELETE``.
    """
    if not isinstance(plan, Plan):
        raise InvalidRequestError(f"a plan is needed, not {type(plan).__name__}", hint="Call frame.wiz.plan().")
    return plan.apply(
        client=client,
        expect=expect,
        max_changes=max_changes,
        max_deletes=max_deletes,
        on_conflict=on_conflict,
        invalid=invalid,
        note=note,
        progress=progress,
    )


@checked(**LIMITS, yes=FLAG, max_deletes=or_none(whole(0)), show=or_none(CALLABLE))
def push(  # noqa: PLR0913 - one parameter for each decision
    frame: pd.DataFrame | Plan,
    *,
    yes: bool = False,
    client: BaseClient | None = None,
    expect: str | None = None,
    max_changes: int | None = None,
    max_deletes: int | None = None,
    on_conflict: OnConflict = "skip",
    invalid: Literal["raise", "skip"] = "raise",
    note: str = "",
    show: Callable[[Plan], None] | None = None,
    **options: object,
) -> Result:
    """Plan a frame, show the plan, ask for confirmation, and send it.

    Parameters
    ----------
    frame : DataFrame or Plan
    yes : bool, default False
        Send without asking. Without ``yes=True`` and without an interactive terminal or notebook, nothing is sent.
    client, expect, max_changes, on_conflict, invalid, note
        As for :func:`apply`.
    max_deletes : int, optional
        As for :func:`apply`. If you confirm the shown plan, its deletes are allowed.
    show : callable, optional
        A function that is called with the plan and shows it. By default a notebook displays the plan, and other
        programs print it.
    **options
        As for :func:`plan`; not allowed with a finished plan.

    Returns
    -------
    Result

    Raises
    ------
    PlanError
        The push was not confirmed. Also raises the errors of :func:`plan` and :func:`apply`.
    """
    if isinstance(frame, Plan) and options:
        raise InvalidRequestError(
            f"push() of a finished plan cannot have the options {', '.join(options)}", hint="Plan the frame with them."
        )
    planned = frame if isinstance(frame, Plan) else plan(frame, client=client, **options)  # type: ignore[arg-type]
    check_expected(planned.id, expect)
    meant = planned.client_for(client)
    (show or show_plan)(planned)
    # The user allows deletes by confirming the shown plan. apply() refuses all others.
    check_allowed(planned.parts, meant, max_changes=max_changes, max_deletes=len(planned), invalid=invalid)
    if not yes and len(planned):
        where = f"{planned.account} ({meant.environment})"
        confirm(f"Send this ({planned.summary(invalid=invalid)}) to {where}? [y/N] ")
        max_deletes = planned.counts()["delete"] if max_deletes is None else max_deletes
    return planned.apply(
        client=meant,
        max_changes=max_changes,
        max_deletes=max_deletes or 0,
        on_conflict=on_conflict,
        invalid=invalid,
        note=note,
    )


@checked(path=PATH)
def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a saved plan. Applying it sends exactly its changes, and checks for conflicts again.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Plan

    Raises
    ------
    PlanError
        The file is not a plan, has a newer format, or was changed after it was saved.
    """
    return Plan(read_parts(path))


@checked(push_id=TEXT, ids=or_none(NAMES))
def undo(push_id: str, *, ids: Collection[str] | None = None, client: BaseClient | None = None) -> Plan:
    """Plan the inverse of a push: restore updates, delete creates, create deleted records again. Nothing is sent.

    Parameters
    ----------
    push_id : str
        The id of the push. :func:`wizframe.pushes` lists them, and a result has its own.
    ids : collection of str, optional
        Only these records; by default all.
    client : Client, optional
        By default the open connection of the push's account.

    Returns
    -------
    Plan
        What other users changed since the push is a conflict when you apply the plan. To delete created records, call
        ``apply(max_deletes=…)``. Values that cannot be restored (a required field that was blank) are problems.
        Differences from the old state (new ids, contacts of a deleted customer that were inactive) are notices.

    Raises
    ------
    PlanError
        The journal does not have this push.
    WrongAccountError
        The client is connected to another account.

    Notes
    -----
    Sends nothing.
    """
    return Plan(inverse_parts(push_id, ids=ids, client=client), client=client)
