"""A load gives, cell by cell and problem by problem, what the pages give when they are read one after the other.

The reference below knows no windows, columns or threads: it reads page after page into dicts, and makes the frame of
those at once.
"""

import dataclasses
import json
import os
import random
import zlib
from collections import Counter

import pandas as pd
import pytest

import wizframe
from wizframe.api.dialects import plain_record
from wizframe.api.pages import identity
from wizframe.fields import CUSTOMER
from wizframe.frames.build import to_frame
from wizframe.frames.problems import find_problems, problems_frame
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings(
    "ignore::wizframe.errors.InvalidDataWarning", "ignore::wizframe.errors.IncompleteLoadWarning"
)

LOADS = int(os.environ.get("WIZFRAME_WALKS", "300")) // 15
CUSTOMERS = 230
FAULTS = ["drop", "reset", "truncate", "answer", "empty_page", "short_page", "repeated_page", "total_too_small"]


def half(row):
    """Make an id of half an emoji, of which there are two thousand."""
    return "half " + chr(0xD800 + zlib.crc32(str(row.get("id")).encode()) % 0x800)


#: What may be odd about a row; each changes it in place.
ODD = {
    "a number for a text": lambda row: row.update(phone=4155552671),
    "a list for a text": lambda row: row.update(email=["a", {"b": None}]),
    "half an emoji": lambda row: row.update(name="half \ud83d"),
    "empty texts": lambda row: row.update(dict.fromkeys(set(row) - {"id", "createdAt", "created_at"}, "")),
    "nulls": lambda row: row.update(dict.fromkeys(set(row) - {"id", "createdAt", "created_at"})),
    "no such time": lambda row: row.update(created_at="2024-02-31T00:00:00Z", createdAt="soon"),
    "a time with a zone": lambda row: row.update(updated_at="2024-06-01T10:00:00.25+02:00", updatedAt=None),
    "no such status": lambda row: row.update(status="asleep"),
    "a status of another kind": lambda row: row.update(status=7),
    "a blank status": lambda row: row.update(status=""),
    "no status": lambda row: row.pop("status", None),
    "a field less": lambda row: row.pop("name", None),
    "an unknown field": lambda row: row.update(loyaltyTier={"level": [1, 2]}),
    "two spellings": lambda row: row.update(company_name="Other", displayName="D", display_name=""),
    "another order": lambda row: row.update(name=row.pop("name", "A")),
    "nested records": lambda row: row.update(contacts=[{"firstName": "A"}], assigned_sales_reps=[{"id": "rep"}]),
    "no id": lambda row: row.pop("id", None),
    "a blank id": lambda row: row.update(id=""),
    "a number for an id": lambda row: row.update(id=7),
    "half an emoji in the id": lambda row: row.update(id=half(row)),
}


def change(service, seed, share):
    """Make rows odd, each time they are sent in the same way."""
    send = service.transport.request
    kinds = random.Random(seed).sample(sorted(ODD), 4)  # noqa: S311 - chance, no secret

    def request(*args, **options):
        answer = send(*args, **options)
        body = json.loads(answer.body)
        for row in body["data"] if isinstance(body, dict) else body:
            chance = random.Random(f"{seed} {row['id']}")  # noqa: S311 - chance, no secret
            for kind in kinds:
                if chance.random() < share:
                    ODD[kind](row)
        return dataclasses.replace(answer, body=json.dumps(body).encode())

    service.transport.request = request


def plain_load(service, *, page_size, sort_by, sort):
    """Load as the documentation promises it, in the plainest way."""
    records = {}
    order = {"page_size": str(page_size), "sort": "asc"}
    order["sort_by" if service.dialect == "rest" else "sortBy"] = "created_at"
    for status in ("inactive", "active", "inactive"):
        rows, page = None, 0
        while rows is None or rows:
            page += 1
            query = order | {"status": status, "page": str(page)}
            body = json.loads(service.transport.request("GET", ["customers"], query=query).body)
            rows = body["data"] if isinstance(body, dict) else body
            for record in [plain_record(row, CUSTOMER) for row in rows]:
                record["status"] = record.get("status") or status
                records[identity(record)] = record
    records = list(records.values())
    frame, misfits = to_frame(records, CUSTOMER)
    odd = problems_frame((misfit.position, name, misfit.value, misfit.rule) for name, misfit in misfits)
    problems = pd.concat([odd, find_problems(frame, CUSTOMER)]).drop_duplicates(["row", "column", "rule"])
    frame = frame.sort_values(sort_by, ascending=sort == "asc", kind="stable")
    problems["row"] = problems["row"].map({label: place for place, label in enumerate(frame.index)}).astype(object)
    sent = set().union(*records)
    general = {name for name in frame.columns if name not in sent} | {name for name in sent if name not in CUSTOMER}
    return frame.reset_index(drop=True), problems.sort_values("row", kind="stable", ignore_index=True), general


@pytest.mark.parametrize("dialect", ["rest", "sdk"])
def test_a_load_is_the_same_as_a_plain_one(dialect):
    fired = Counter()
    for seed in range(LOADS):
        chance = random.Random(seed)  # noqa: S311 - chance, no secret
        cut = {"page_size": chance.choice([2, 3, 10, 100]), "workers": chance.choice([1, 2, 9])}
        order = {"sort_by": chance.choice(["created_at", "company_name"]), "sort": chance.choice(["asc", "desc"])}
        with wizframe.sandbox(customers=CUSTOMERS, dialect=dialect, seed=seed) as wiz:
            wiz.transport.rate_limiter.sleep = lambda _seconds: None
            assert wiz.dialect == dialect
            change(wiz, seed, chance.choice([0, 0.02, 0.3]))
            expected, problems, general = plain_load(wiz, page_size=cut["page_size"], **order)
            for kind in chance.sample(FAULTS, chance.randint(0, 2)):
                times = {"skip": chance.randint(0, 9), "times": chance.randint(1, 2)}
                wiz.server.faults.add(Fault(kind, "customers.list", status=502 if kind == "answer" else None, **times))
            frame = wiz.load_customers(progress=False, **cut, **order)
            fired.update(fault.kind for fault in wiz.server.faults.fired)
        pd.testing.assert_frame_equal(frame, expected, obj=f"seed {seed}")
        found = frame.wiz.problems
        rows = found[found["row"].notna()].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, problems, check_dtype=False, obj=f"seed {seed}")
        assert set(found["column"][found["row"].isna()]) == general, seed
    assert len(fired) >= LOADS / 10
