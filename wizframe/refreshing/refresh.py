"""Update a loaded frame: read the changes since the load with few requests, and keep the user's edits."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from wizframe.api.client import open_client
from wizframe.arguments import FLAG, FRAME, PROGRESS, checked
from wizframe.errors import CollidingEditsWarning, Hint, PlanError, WrongAccountError, caller_level
from wizframe.frames.baselines import attach, attached
from wizframe.progress import tell
from wizframe.refreshing.changed_records import read_changes
from wizframe.refreshing.merge import merge
from wizframe.text import counted, plural

if TYPE_CHECKING:
    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch
    from wizframe.refreshing.changed_records import Changes
    from wizframe.refreshing.merge import Merged

__all__ = ["refresh"]


@checked(frame=FRAME, deletions=FLAG, progress=PROGRESS)
def refresh(
    frame: pd.DataFrame, *, deletions: bool = False, client: BaseClient | None = None, progress: bool | Watch = True
) -> pd.DataFrame:
    """Update a loaded frame to the service's current records, and keep your edits.

    Parameters
    ----------
    frame : DataFrame
        A frame that was loaded in this session; filtered, sorted and edited as you like. It is not changed.
    deletions : bool, default False
        Also find deleted customers, which a list of changes does not show. If all records are read anyway (see Notes),
        deleted records are found without this option.
    client : Client, optional
        By default the open connection of the account from which the frame was loaded.
    progress : bool or wizframe.progress.Watch, default True
        As for :func:`wizframe.load_customers`.

    Returns
    -------
    DataFrame
        The rows in their order, with your own columns and index labels. Cells that you did not edit have the current
        values in WizCommerce. The frame has a new baseline, so a plan of it contains only your edits.

        New records are added at the end if the frame has all rows of its load and only filters limited that load. If
        you chose the rows yourself, wizframe cannot know which new records belong to them. Records that were deleted or
        that no longer match the filters of the load, are left out unless you edited them.

    Raises
    ------
    PlanError
        The frame was not loaded in this session, or no longer has ids.
    WrongAccountError
        The client belongs to another account.
    TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_customers`.

    Warns
    -----
    CollidingEditsWarning
        Another user changed cells that you edited. Your values stay, and ``frame.wiz.collisions`` lists them. If you
        push them unchanged, they become conflicts.
    IncompleteLoadWarning
        The refresh could not prove that no record is missing.

    Notes
    -----
    In the ``rest`` dialect, it reads customers with ``updated_after`` set to the time of the load, by the service's own
    clock and with an overlap of some minutes. This takes three requests if little changed, and one more for each
    changed customer of a load with details. Deletions are found by counting the customers in ever smaller spans of
    ``created_at``: two requests if nothing was deleted, and about twenty for each deletion in a large account. If the
    load was limited to references, the references are looked up again.

    The ``sdk`` dialect has no such filter: all customers are read again, and a printed line says so. In both dialects,
    refreshing a frame of contacts reads the contacts of all its customers again, because each customer has its own
    list. Source: [D], [R]. It is assumed that each change of a record also changes its ``updated_at``.

    Examples
    --------
    >>> customers = wizframe.load_customers()
    >>> customers.loc[0, "payment_term"] = "mine"
    >>> wiz.server.overwrite("customers", customers["id"][1], payment_term="theirs")
    >>> customers = wizframe.refresh(customers)
    >>> customers["payment_term"].head(2).tolist(), len(customers.wiz.plan())
    (['mine', 'theirs'], 1)
    """
    own = attached(frame)
    if own is None:
        message = "the frame cannot be refreshed: it was not loaded in this session, so the time of its load is unknown"
        raise PlanError(message, hint="Load again.")
    meant = open_client(client, account=own.account)
    if meant.account != own.account:
        raise WrongAccountError(f"the frame was loaded from {own.account}, but the client belongs to {meant.account}")
    changes = read_changes(own, meant, deletions=deletions, progress=progress)
    merged = merge(frame, own, changes)
    attach(merged.frame, merged.baseline.again(connection=meant.connection))
    _tell(own, changes, merged)
    return merged.frame


def _tell(own: Baseline, changes: Changes, merged: Merged) -> None:
    counts = ", ".join(f"{count} {what}" for what, count in merged.counts.items())
    how = f"; all {own.table.name} were read again: {changes.why_all}" if changes.why_all else ""
    tell(f"refreshed: {counts}{how}")
    count = len(merged.collisions)
    if count:
        which = f"{counted(count, 'edited cell')} {plural(count, 'was', 'were')} also changed in WizCommerce"
        listed = Hint("; frame.wiz.collisions lists them", "")
        message = f"{which}: your {plural(count, 'value stays', 'values stay')}{listed}"
        warnings.warn(CollidingEditsWarning(message), stacklevel=caller_level())
