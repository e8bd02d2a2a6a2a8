"""Find the records of a load that were deleted since, by counting records instead of reading all of them.

A list says how many records match it. If a span of ``created_at`` has as many records as the frame, none was deleted.
If the numbers differ, both halves of the span are counted, until a span is short enough to be listed. A record counts
as deleted only if its details cannot be read any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.errors import NotFoundError
from wizframe.fields import MAX_PAGE_SIZE, STATUSES
from wizframe.frames.arrow import are_among
from wizframe.loading.frame import passing
from wizframe.loading.reader import Reader
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch

__all__ = ["deleted_records"]

# Counting two halves costs as many requests as listing two pages.
_SHORT = 2 * MAX_PAGE_SIZE
# The resolution of the service's time filters (contract, "List parameters").
_SECOND = timedelta(seconds=1)


class _NoCountsError(Exception):
    """The service does not say how many records match a request."""


@dataclass(frozen=True)
class _Span:
    """A span of creation times, without its two ends.

    The ends are whole seconds, because the service's filters accept nothing more precise.
    """

    after: datetime
    before: datetime

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        created = frame["created_at"]
        return frame[(created > self.after) & (created < self.before)]

    def halves(self, rows: pd.DataFrame) -> list[_Span] | None:
        """Split the span at the second of its middle row; None if it is too short or its rows are within one second."""
        middle = rows["created_at"].sort_values().iloc[len(rows) // 2].floor("s").to_pydatetime()
        if len(rows) <= _SHORT or not self.after + _SECOND < middle < self.before:
            return None
        # The ends are excluded, so a second half that began at the middle would lose the records of that second.
        return [_Span(self.after, middle), _Span(middle - _SECOND, self.before)]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"created_after": self.after, "created_before": self.before}


def deleted_records(own: Baseline, now: pd.DataFrame, client: BaseClient, *, progress: bool | Watch) -> frozenset[str]:
    """Return the ids of a load's deleted records; ``now`` has the typed records that changed since the load."""
    with bar("deletions", enabled=progress) as show:
        suspects: set[str] = set()
        for found in _suspects(own, now, client):
            suspects |= found
            show(len(suspects), None)
        return frozenset(one for one in suspects if _is_deleted(own, client, one))


def _suspects(own: Baseline, now: pd.DataFrame, client: BaseClient) -> Iterator[set[str]]:
    rest = own.frame[~are_among(own.frame["id"], now["id"])]
    if not own.takes_new:  # rows that were chosen by reference or by a limit cannot be compared with a count
        yield _unlisted(rest, own, client)
        return
    columns = ["id", "status", "created_at", "updated_at"]
    expected = pd.concat([rest[columns], now[columns]], ignore_index=True)
    expected = expected[passing(expected, dict(own.filters))]
    try:
        for status in STATUSES:
            yield from _differing(expected[expected["status"] == status], status, own, client)
    except _NoCountsError:
        yield set(expected["id"]) - _ids(own, client, {})


def _unlisted(frame: pd.DataFrame, own: Baseline, client: BaseClient) -> set[str]:
    """Look up the references of a load; return the ids that were not listed under their reference."""
    references = frame["reference_id"].dropna().tolist()
    listed = Reader(client, own.table, progress=False).by_reference(references)
    return set(frame["id"]).difference(record.get("id") for record in listed)


def _differing(expected: pd.DataFrame, status: str, own: Baseline, client: BaseClient) -> Iterator[set[str]]:
    """Count span by span; in short spans with a different count, return the ids that the service does not list."""
    if expected.empty:
        return
    if expected["created_at"].isna().any():  # such a record is in no span
        raise _NoCountsError
    first, last = expected["created_at"].min().floor("s"), expected["created_at"].max().floor("s")
    try:
        ends = _Span(first.to_pydatetime() - _SECOND, last.to_pydatetime() + _SECOND)
    except OverflowError:  # years 1 and 9999 stand for a time that was never set: no span contains such a record
        raise _NoCountsError from None
    spans = [(ends, _count(ends, status, own, client))]
    while spans:
        span, count = spans.pop()
        rows = span.rows(expected)
        if rows.empty or count == len(rows):
            continue
        halves = span.halves(rows)
        if halves is None:
            yield set(rows["id"]) - _ids(own, client, span.parameters | {"status": status})
            continue
        counted = [(half, _count(half, status, own, client)) for half in halves]
        if all(of_half == count for _, of_half in counted):  # the service ignores the limits of the span
            raise _NoCountsError
        spans += counted


def _count(span: _Span, status: str, own: Baseline, client: BaseClient) -> int:
    # The span replaces the load's own limits. All its rows match them, so it exceeds them by a second at most.
    filters = dict(own.filters) | span.parameters | {"status": status}
    operations: Any = client.operations(own.table)
    total: int | None = operations.page(**filters, page_size=1).total_records
    if total is None:
        raise _NoCountsError
    return total


def _ids(own: Baseline, client: BaseClient, filters: dict[str, Any]) -> set[str]:
    listed = Reader(client, own.table, dict(own.filters) | filters, progress=False).records()
    return {record["id"] for record in listed if isinstance(record.get("id"), str)}


def _is_deleted(own: Baseline, client: BaseClient, identifier: str) -> bool:
    try:
        client.operations(own.table).read_one(None, identifier)
    except NotFoundError:
        return True
    return False
