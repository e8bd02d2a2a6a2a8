"""What became of the records of a load since it was loaded. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.api.pages import Page
from wizframe.fields import CUSTOMER, MAX_PAGE_SIZE
from wizframe.loading.failures import Failures
from wizframe.loading.frame import latest_change, typed, warn_incomplete
from wizframe.loading.limit import passes
from wizframe.loading.reader import Reading
from wizframe.loading.rows import Rows
from wizframe.progress import Watch, bar
from wizframe.refreshing.deletions import deleted_customers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.frames.baselines import Baseline

__all__ = ["News", "read_news"]

#: Clocks of one service differ, and a change may become visible later than it says.
OVERLAP = timedelta(minutes=10)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class News:
    """What was read.

    Parameters
    ----------
    now : DataFrame
        Typed records as they are now, each id once; at least those that changed.
    problems : DataFrame
        What validation found in them.
    there : frozenset of str
        All ids that were listed.
    gone : frozenset of str
        Ids that are known to be deleted.
    seen_at : datetime or None
        As of a baseline.
    is_complete : bool
        Whether nothing is in doubt.
    why_all : str
        Why everything was read, where it was.
    """

    now: pd.DataFrame
    problems: pd.DataFrame
    there: frozenset[Any]
    gone: frozenset[str]
    seen_at: datetime | None
    is_complete: bool
    why_all: str = ""


def read_news(own: Baseline, client: BaseClient, *, deletions: bool, progress: bool | Watch) -> News:
    """Read what changed.

    Parameters
    ----------
    own : Baseline
    client : Client
        Of the same account.
    deletions : bool
        Whether to look for deleted records where that takes requests of its own.
    progress : bool or Watch

    Returns
    -------
    News
    """
    watch = progress if isinstance(progress, Watch) else None
    since = own.seen_at - OVERLAP if own.seen_at is not None else None
    if own.table is not CUSTOMER:
        return _contacts(own, client, watch, progress=progress)
    if client.query_dialect != "rest" or since is None:
        unknown = "the service did not tell its time" if since is None else ""
        why = unknown or "this dialect cannot list changes alone"
        return _all_customers(own, client, watch, why, progress=progress)
    reading = Reading(client, CUSTOMER, {"updated_after": since}, MAX_PAGE_SIZE, None, watch)
    news = _customers(own, reading, progress=progress)
    if not deletions:
        return news
    return replace(news, gone=deleted_customers(own, news.now, reading.client, progress=progress))


def _all_customers(own: Baseline, client: BaseClient, watch: Watch | None, why: str, *, progress: bool | Watch) -> News:
    """Read everybody, whatever the load was limited to: who left is told from who is deleted."""
    reading = Reading(client, CUSTOMER, {}, MAX_PAGE_SIZE, None, watch)
    return _without_missing(own, _customers(own, reading, why, progress=progress))


def _customers(own: Baseline, reading: Reading, why_all: str = "", *, progress: bool | Watch) -> News:
    if "addresses" in own.frame:
        with bar("customers", enabled=progress) as show:
            listed = reading.customers(show)
        changed = [record for record in listed if _concerns(own, record)]
        rows = Rows(CUSTOMER, details=True)
        rows.add(Page(reading.details(changed, progress=progress)))
        return _news(own, reading, rows, why_all, [record.get("id") for record in listed])
    rows = Rows(CUSTOMER, details=False)
    with bar("customers", enabled=progress) as show:
        for page in reading.customer_pages(show, rows.columns):
            rows.add(page)
    return _news(own, reading, rows, why_all)


def _concerns(own: Baseline, record: Record) -> bool:
    """Tell whether a record's details are worth a request: it is not as the load shows it, or is new to the load."""
    place = own.places.get(record.get("id"))
    if place is None:
        return own.takes_new and passes(record, dict(own.filters))
    shown: Any = own.frame["updated_at"].iat[place]
    return not (pd.notna(shown) and passes(record, {"updated_before": shown + _TICK, "updated_after": shown - _TICK}))


def _contacts(own: Baseline, client: BaseClient, watch: Watch | None, *, progress: bool | Watch) -> News:
    reading = Reading(client, own.table, {}, MAX_PAGE_SIZE, None, watch, failures=Failures(is_tolerant=True))
    customers = own.customers or tuple(own.frame["customer_id"].dropna().unique())
    rows = Rows(own.table, details=False)
    rows.add(Page(reading.contacts(customers, progress=progress)))
    for one in reading.failures.gone:  # who is deleted leaves no contacts: that is news and no doubt
        del reading.failures.rows[one, "contacts"]
    return _without_missing(own, _news(own, reading, rows, "no list tells which contacts changed"))


def _news(own: Baseline, reading: Reading, rows: Rows, why_all: str, listed: Sequence[Any] | None = None) -> News:
    warn_incomplete(reading)
    now, problems = typed(rows, own.table)
    is_named = (now["id"].notna() & ~now["id"].duplicated()).to_numpy()
    seen_at = reading.seen_at(max(filter(None, map(latest_change, (now, own.frame))), default=None))
    there = frozenset(now["id"] if listed is None else listed)
    return News(
        now[is_named], problems, there, frozenset(), seen_at, not (reading.doubts or reading.failures.broken), why_all
    )


def _without_missing(own: Baseline, news: News) -> News:
    """Take for deleted what is in no list, where the lists are complete."""
    missing = frozenset(own.frame["id"]) - news.there if news.is_complete else frozenset()
    return replace(news, gone=missing)
