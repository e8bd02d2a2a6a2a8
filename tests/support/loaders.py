"""What the tests of the loaders share: ways to come between a client and the service."""

import contextlib
from collections import Counter
from datetime import datetime


def stored(wiz, table="customers", **columns):
    """Read the stored truth, oldest first, of records with these values."""
    records = sorted(wiz.server.records(table), key=lambda record: record["created_at"])
    return [record for record in records if all(record[name] == value for name, value in columns.items())]


def moment(text):
    return datetime.fromisoformat(text)


def problems_of(frame):
    """Name the cells that validation found, by id and column."""
    rows = frame.wiz.problems.dropna(subset="row")
    return Counter((frame.loc[row, "id"], column) for row, column in zip(rows["row"], rows["column"], strict=True))


@contextlib.contextmanager
def requests_through(wiz, change):
    """Let `change(query)` alter the query of each request, or do something before it is sent."""
    send = wiz.transport.request

    def request(method, segments, *, query=None, **options):
        return send(method, segments, query=change(dict(query or {})), **options)

    wiz.transport.request = request
    try:
        yield
    finally:
        wiz.transport.request = send


@contextlib.contextmanager
def pages_through(operations, change):
    """Let `change(page)` alter each page of a list as it was decoded."""
    page = operations.page
    operations.page = lambda *args, **options: change(page(*args, **options))
    try:
        yield
    finally:
        operations.page = page


def requests_of(wiz, action):
    before = len(wiz.server.requests)
    result = action()
    return result, len(wiz.server.requests) - before
