"""Which customers of a load were deleted: told from how many there are, without reading them all.

Lists say how many records match. Where a span of ``created_at`` holds as many as the frame, none of them is gone; where
it does not, its halves are asked, until a span is short enough to be listed. Nobody is called deleted whose details can
still be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.errors import NotFoundError
from wizframe.fields import CUSTOMER, MAX_PAGE_SIZE, STATUSES
from wizframe.frames.arrow import are_among
from wizframe.loading.frame import passing
from wizframe.loading.reader import Reading
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch

__all__ = ["deleted_customers"]

_SHORT = 2 * MAX_PAGE_SIZE
_SECOND = timedelta(seconds=1)


class _NoCountsError(Exception):
    """The service does not count what it is asked for."""


@dataclass(frozen=True)
class _Span:
    """Some time of creation, both ends excluded, in whole seconds."""

    after: datetime
    before: datetime

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        created = frame["created_at"]
        return frame[(created > self.after) & (created < self.before)]

    def halves(self, rows: pd.DataFrame) -> list[_Span] | None:
        """Cut the span where half of its rows are; None where it is short, or lasts no longer than its rows' second."""
        middle = rows["created_at"].sort_values().iloc[len(rows) // 2].floor("s").to_pydatetime()
        if len(rows) <= _SHORT or not self.after + _SECOND < middle < self.before:
            return None
        return [_Span(self.after, middle), _Span(middle - _SECOND, self.before)]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"created_after": self.after, "created_before": self.before}


def deleted_customers(
    own: Baseline, now: pd.DataFrame, client: BaseClient, *, progress: bool | Watch
) -> frozenset[str]:
    """Find the customers of a load that were deleted since.

    Parameters
    ----------
    own : Baseline
    now : DataFrame
        Customers that changed since, typed.
    client : Client
        Speaks the ``rest`` dialect.
    progress : bool or Watch

    Returns
    -------
    frozenset of str
    """
    with bar("deletions", enabled=progress) as show:
        suspects: set[str] = set()
        for found in _suspects(own, now, client):
            suspects |= found
            show(len(suspects), None)
        return frozenset(one for one in suspects if _is_gone(client, one))


def _suspects(own: Baseline, now: pd.DataFrame, client: BaseClient) -> Iterator[set[str]]:
    rest = own.frame[~are_among(own.frame["id"], now["id"])]
    if not own.takes_new:  # how many others there are says nothing
        yield _unlisted(rest, client)
        return
    columns = ["id", "status", "created_at", "updated_at"]
    expected = pd.concat([rest[columns], now[columns]], ignore_index=True)
    expected = expected[passing(expected, dict(own.filters))]
    try:
        for status in STATUSES:
            yield from _differing(expected[expected["status"] == status], status, own, client)
    except _NoCountsError:
        reading = Reading(client, CUSTOMER, dict(own.filters), MAX_PAGE_SIZE)
        yield set(expected["id"]) - _ids(reading)


def _unlisted(frame: pd.DataFrame, client: BaseClient) -> set[str]:
    """Ask for references, some at a time; what is not listed under its own is suspect."""
    reading = Reading(client, CUSTOMER, {}, MAX_PAGE_SIZE)
    references = frame["reference_id"].dropna().tolist()
    listed = reading.customers_by_reference(references, lambda _known, _total: None)
    return set(frame["id"]).difference(record.get("id") for record in listed)


def _differing(expected: pd.DataFrame, status: str, own: Baseline, client: BaseClient) -> Iterator[set[str]]:
    """Ask for counts, span by span, and list the short spans that do not hold what they should."""
    if expected.empty:
        return
    if expected["created_at"].isna().any():  # in no span
        raise _NoCountsError
    first, last = expected["created_at"].min().floor("s"), expected["created_at"].max().floor("s")
    ends = _Span(first.to_pydatetime() - _SECOND, last.to_pydatetime() + _SECOND)
    spans = [(ends, _count(ends, status, own, client))]
    while spans:
        span, count = spans.pop()
        rows = span.rows(expected)
        if rows.empty or count == len(rows):
            continue
        halves = span.halves(rows)
        if halves is None:
            filters = dict(own.filters) | span.parameters | {"status": status}
            yield set(rows["id"]) - _ids(Reading(client, CUSTOMER, filters, MAX_PAGE_SIZE))
            continue
        counted = [(half, _count(half, status, own, client)) for half in halves]
        if all(of_half == count for _, of_half in counted):  # the service ignores what it does not know
            raise _NoCountsError
        spans += counted


def _count(span: _Span, status: str, own: Baseline, client: BaseClient) -> int:
    """Ask for a number. A span lies within the load's own bounds, since its rows pass them, but for a second."""
    asked = dict(own.filters) | span.parameters | {"status": status}
    total = client.customer.page(**asked, page_size=1).total_records
    if total is None:
        raise _NoCountsError
    return total


def _ids(reading: Reading) -> set[str]:
    listed = reading.customers(lambda _known, _total: None)
    return {record["id"] for record in listed if isinstance(record.get("id"), str)}


def _is_gone(client: BaseClient, customer_id: str) -> bool:
    try:
        client.customer.get(customer_id)
    except NotFoundError:
        return True
    return False
