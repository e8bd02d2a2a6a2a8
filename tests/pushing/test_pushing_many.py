"""A push of many rows: what it holds in memory is about what the frame shows, and the journal is read row by row."""

import sqlite3
import tracemalloc

import orjson
import pyarrow as pa
import pytest
from support.planning import load
from test_journal import CELLS, push

import wizframe
from wizframe.frames.baselines import attached, is_same_memory
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_entries import Entry

ROWS = 3_000


def most_held(action):
    """Measure the peak memory of an action in bytes, of Python and Arrow together."""
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        action()
        _, python = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return python + max(pa.total_allocated_bytes() - arrow, 0)


@pytest.fixture
def many():
    """Give a frame of many customers, and the size of a record; the service answers at once with such records."""
    with wizframe.sandbox(customers=ROWS) as wiz:
        frame = load(wiz)
        text = orjson.dumps(wiz.customer.get(frame["id"][0]))
        terms = frame.set_index("id")["payment_term"].astype(object).where(frame["payment_term"].notna().array, None)
        wiz.customer.get = lambda name: orjson.loads(text) | {"id": name, "payment_term": terms[name]}
        wiz.customer.update = lambda name, fields: wiz.customer.get(name) | fields
        yield frame, len(text)


def test_a_push_keeps_of_each_record_only_what_the_frame_shows(many):
    frame, size = many
    frame["payment_term"] = "net77"
    plan = frame.wiz.plan()
    results = []
    held = most_held(lambda: results.append(plan.apply(progress=False)))
    assert results[0].counts()["done"] == ROWS
    assert held < ROWS * size
    assert len(frame.wiz.plan()) == 0


def test_what_was_pushed_is_counted_and_searched_row_by_row():
    record = {"id": "cust_7", "notes": "x" * 2_000}
    rows = (
        Entry(number, "update", f"cust_{number}", None, None, "Shop", number, CELLS, "customers", before=record)
        for number in range(ROWS)
    )
    with Journal() as journal:
        journal.begin(push(), rows)
    for read in (
        wizframe.pushes,
        lambda: wizframe.history(id="cust_7"),
        lambda: wizframe.history(field="display_name"),
    ):
        read()  # imports what is imported when it is first used
        assert most_held(read) < 200_000
    with sqlite3.connect(journal.path) as connection:  # what cannot be read is not even looked at
        connection.execute("UPDATE changes SET cells = '{' WHERE id <> 'cust_7'")
        connection.execute("UPDATE changes SET state = 'sent' WHERE id = 'cust_7'")
    connection.close()
    assert wizframe.pushes()[["changes", "planned", "done"]].to_numpy().tolist() == [[ROWS, ROWS - 1, 0]]
    assert wizframe.history(id="cust_7", field="payment_term")["new"].tolist() == ["net45"]
    assert len(wizframe.history(id="cust_7", field="display_name")) == 0


def test_columns_that_a_push_left_alone_go_on_sharing_their_memory_with_how_they_were(wiz):
    frame = load(wiz)
    frame.loc[:9, "payment_term"] = "net77"
    frame.wiz.plan().apply(progress=False)
    texts = frame.columns[frame.dtypes == "str"].drop(["payment_term", "updated_at"], errors="ignore")
    assert len(texts) > 5
    assert [name for name in texts if not is_same_memory(frame[name], attached(frame).frame[name])] == []
