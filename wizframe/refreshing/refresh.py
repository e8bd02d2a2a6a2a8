"""Bring a loaded frame up to date: what changed since, with the fewest requests, and without losing an edit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from wizframe.api.client import open_client
from wizframe.errors import CollidingEditsWarning, PlanError, WrongAccountError, caller_level
from wizframe.frames.baselines import attach, attached
from wizframe.progress import tell
from wizframe.refreshing.changes import read_news
from wizframe.refreshing.merge import merge

if TYPE_CHECKING:
    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch
    from wizframe.refreshing.changes import News
    from wizframe.refreshing.merge import Merged

__all__ = ["refresh"]


def refresh(
    frame: pd.DataFrame, *, deletions: bool = False, client: BaseClient | None = None, progress: bool | Watch = True
) -> pd.DataFrame:
    """Bring a loaded frame up to date, and keep the edits in it.

    Parameters
    ----------
    frame : DataFrame
        Loaded in this session; filtered, sorted and edited as you like. It is left as it is.
    deletions : bool, default False
        Also find out which customers were deleted: no list of changes tells. Where all records are read anyway (see
        Notes) they are found without it.
    client : Client, optional
        By default the open connection of the account that the frame was loaded from.
    progress : bool or wizframe.progress.Watch, default True
        As for :func:`wizframe.load_customers`.

    Returns
    -------
    DataFrame
        The rows in their order, with your own columns and labels; cells that you did not edit are as they are in
        WizCommerce now. Its baseline is new, so that planning it plans your edits and nothing else.

        New records stand at the end, if the frame has all rows of its load, and the load was limited by filters alone:
        of rows that you chose yourself, nobody knows which new ones belong to them. Records that are deleted, or that
        the load's filters do not let through any more, are left out, unless you edited them.

    Raises
    ------
    PlanError
        The frame was not loaded in this session, or has no ids any more.
    WrongAccountError
        The client is another account's.
    TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_customers`.

    Warns
    -----
    CollidingEditsWarning
        Somebody else changed cells that you edited: yours stay, ``frame.wiz.collisions`` lists them. Pushed as they
        are they are conflicts, as ever.
    IncompleteLoadWarning
        It could not be proven that nothing is missing.

    Notes
    -----
    In the ``rest`` dialect it asks for customers with ``updated_after`` the load, by the service's own clock and with
    some minutes of overlap: three requests where little changed, and one for each changed customer of a load with
    details. Deletions are found by comparing how many customers there are, in ever smaller spans of ``created_at``: two
    requests where nothing was deleted, and some twenty for each deletion in a large account. A load that was limited
    to references asks for these.

    The ``sdk`` dialect has no such filter: all customers are read again, and it says so. So are, in both dialects, the
    contacts of all customers of a frame of contacts, since each customer's list has to be asked for anyway. Source:
    [D], [R]; that each change moves ``updated_at`` is assumed.

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
        raise PlanError("the frame was not loaded in this session, so nothing says since when: load again")
    meant = open_client(client, account=own.account)
    if meant.account != own.account:
        raise WrongAccountError(f"the frame was loaded from {own.account}, but the client is of {meant.account}")
    news = read_news(own, meant, deletions=deletions, progress=progress)
    merged = merge(frame, own, news)
    attach(merged.frame, merged.baseline.again(connection=meant.connection))
    _say(own, news, merged)
    return merged.frame


def _say(own: Baseline, news: News, merged: Merged) -> None:
    counts = ", ".join(f"{count} {what}" for what, count in merged.counts.items())
    how = f", all {own.table.name} were read again: {news.why_all}" if news.why_all else ""
    tell(f"refreshed: {counts}{how}")
    count = len(merged.collisions)
    if count:
        message = f"{count} edited cells were changed in WizCommerce, too: yours stay, frame.wiz.collisions lists them"
        warnings.warn(CollidingEditsWarning(message), stacklevel=caller_level())
