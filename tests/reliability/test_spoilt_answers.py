"""Loads, plans and pushes in which some answers among many true ones are spoilt: an error of ours, or a proper value.

The environment variable WIZFRAME_SPOILT says how many answers are spoilt at least: 600 unless given, 6,000 every night.
WIZFRAME_SEED repeats one group of them.
"""

import itertools
import os
import traceback
from collections import Counter

import pandas as pd
import pytest
from support.planning import load, make_contacts_valid
from support.pushing import COLUMNS, Clock, make_work, plan_work, seeded, truth
from support.spoilt_answers import Fuzzer

import wizframe
from wizframe.connections.client import Client
from wizframe.errors import WizframeError
from wizframe.http.transport import Transport
from wizframe.pushing.plan import Plan, Result
from wizframe.server.handler import Handler

pytestmark = [
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.filterwarnings("ignore::wizframe.errors.IncompleteLoadWarning"),
]

SPOILT = int(os.environ.get("WIZFRAME_SPOILT", "600"))
SEED = os.environ.get("WIZFRAME_SEED")
KEY = wizframe.SANDBOX_API_KEY
CUSTOMER = {"reference_id": "NEW", "company_name": "New", "display_name": "New"}
CONTACT = {"reference_id": "NEW", "first_name": "New", "email": "new@example.com"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """An answer that does not come to its end ends soon."""
    monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 0.2)


class Fuzzed:
    """A client of a sandbox that gets damaged responses."""

    def __init__(self, wiz, dice):
        self.dice = dice
        self.fuzzer = fuzzer = Fuzzer(dice, KEY)

        class Spoiling(Handler):
            def send_whole(self, answer, _=None):
                answer, stays_open = fuzzer(answer)
                self.close_connection |= not stays_open
                self.connection.sendall(answer)

        wiz.server._listener.RequestHandlerClass = Spoiling
        transport = Transport(wiz.base_url, KEY, workers=1)
        dialect = dice.choice([wiz.dialect, wiz.dialect, "auto"])
        self.client = Client(transport, account="sandbox", dialect=dialect, workers=1, settle_s=0.1)
        Clock(self.client)
        self.came = Counter()

    def tries(self, kind, call, *args, **options):
        """Do something that may fail, and judge what comes of it; None where that is an error."""
        try:
            value = call(*args, **options)
        except WizframeError as error:
            seen = [error, error.__cause__, error.__context__]
            shown = [f"{one!r} {one} {vars(one)}" for one in seen if one is not None]
            shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            assert KEY not in "".join(shown)
            self.came[type(error).__name__] += 1
            return None
        assert isinstance(value, kind), value
        assert KEY not in repr(value)
        self.came["value"] += 1
        return value


def read(fuzzed, wiz, share):
    """Loads."""
    fuzzed.fuzzer.share = share
    options = {"progress": False, "invalid": fuzzed.dice.choice(["warn", "raise", "drop"])}
    references = [record["reference_id"] for record in wiz.server.records("customers")]
    only = fuzzed.dice.choice([{"details": True}, {"reference_ids": references[:2]}, {"page_size": 1}, {}])
    customers = fuzzed.tries(pd.DataFrame, fuzzed.client.load_customers, **only, **options)
    if customers is not None:
        assert {"id", "reference_id", "company_name"} <= set(customers.columns)
    ids = [record["id"] for record in wiz.server.records("customers")]
    fuzzed.tries(pd.DataFrame, fuzzed.client.load_contacts, ids, **options)


def plan(fuzzed, wiz, share):
    """Plans with all their look-ups."""
    customers, contacts = (load(wiz, table)[columns] for table, columns in COLUMNS.items())
    fuzzed.fuzzer.share = share
    erp = pd.DataFrame({"reference_id": [*customers["reference_id"], "X-1"], "payment_term": "net77"})
    fuzzed.tries(Plan, fuzzed.client.plan, erp, table="customers", match="reference_id", new="create")
    fuzzed.tries(Plan, fuzzed.client.plan, contacts.drop(columns="updated_at").assign(designation="Pilot"))
    new = pd.DataFrame([CUSTOMER | {"email": "new@example.com"}])
    people = pd.DataFrame([CONTACT | {"customer_id": customers["id"][0]}, CONTACT | {"customer_reference_id": "NEW"}])
    fuzzed.tries(Plan, fuzzed.client.plan, pd.concat([customers, new]), contacts=pd.concat([contacts, people]))
    fuzzed.tries(Plan, wizframe.delete, customers, client=fuzzed.client)


def push(fuzzed, wiz, share):
    """A push, what is left of it, and its undoing; in the end with true answers."""
    make_contacts_valid(wiz)
    plan = plan_work(wiz, make_work(truth(wiz), 2, 1))
    fuzzed.fuzzer.share = share
    result = fuzzed.tries(Result, plan.apply, client=fuzzed.client, progress=False)
    fuzzed.tries(list, wizframe.resume, client=fuzzed.client, progress=False)
    fuzzed.fuzzer.share = 0
    wizframe.resume(yes=True, max_deletes=999, client=wiz, progress=False)
    assert wizframe.resume(yes=True, max_deletes=999, client=wiz, progress=False) == []
    if result is not None:
        assert isinstance(result.undo(client=wiz), Plan)


#: How many of the answers are spoilt while something is done, and its part in all that are.
DEEDS = {read: (0.2, 0.4), plan: (0.15, 0.3), push: (0.15, 0.3)}


@pytest.mark.nightly
@pytest.mark.parametrize("deed", DEEDS)
def test_invalid_responses_raise_only_errors_of_wizframe(deed, dialect, tmp_path, monkeypatch, caplog):
    tally, came = Counter(), Counter()
    share, part = DEEDS[deed]
    for seed in itertools.count() if SEED is None else [int(SEED)]:
        monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / f"state-{seed}"))
        with seeded(seed) as dice, wizframe.sandbox(3, dialect=dialect) as wiz:
            wiz.settle_s = 0.0
            fuzzed = Fuzzed(wiz, dice)
            deed(fuzzed, wiz, share)
            came += fuzzed.came
            assert KEY not in caplog.text
            caplog.clear()
            tally["groups"] += 1
            tally["spoilt"] += fuzzed.fuzzer.spoilt
            tally["most requests"] = max(tally["most requests"], fuzzed.fuzzer.asked)
        if tally["spoilt"] >= SPOILT * part / 2:
            break
    print(dict(tally), dict(came))  # noqa: T201 - figures for `pytest -s`
    assert tally["most requests"] < 1000
    assert came["value"] > 0
    assert deed is push or len(came) > 3 or SEED is not None
