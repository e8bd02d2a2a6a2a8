"""Whatever goes wrong, whatever is done, with a service that throws the key back: nothing that is kept shows it."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
import warnings

import pytest
from support.client import Clock
from support.planning import load, make_contacts_valid
from support.security import everything_about, in_a_verbose_notebook, shows

import wizframe
from wizframe.errors import WizframeError
from wizframe.http.rate_limit import RateLimiter
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.server import Fault
from wizframe.server.faults import KINDS

KEY = wizframe.SANDBOX_API_KEY
RECORD = {
    "id": "cust_1",
    "reference_id": "R-{key}",
    "name": "{key}",
    "first_name": "Ada",
    "debug": {"X-API-Key": "{key}"},
}
BODIES = {
    "html": "<html><title>{key}</title></html>",
    "error": {"code": "{key}", "message": "bad {key}", "details": [{"field": "{key}", "reason": "is {key}"}]},
    "record": {"data": RECORD},
    "list": {"data": [RECORD], "pagination": {"total_records": 1, "total_pages": 1, "next_page": "{key}"}},
}
HEADERS = {
    "Location": "http://127.0.0.1:9/?key={key}",
    "Retry-After": "{key}",
    "Date": "{key}",
    "Content-Type": "application/json; {key}",
    "Set-Cookie": "key={key}; Path=/",
    "WWW-Authenticate": 'Key realm="{key}"',
    "Link": '</v1/customers?page=2&key={key}>; rel="next"',
    "X-Request-Id": "{key}",
}
STATUSES = (200, 201, 204, 302, 308, 400, 401, 403, 404, 409, 422, 429, 500, 503)
#: What the kinds need besides: enough to be met, as short as can be.
OPTIONS = {
    "delay": {"delay_s": 0.01},
    "late": {"delay_s": 0.01},
    "late_stall": {"delay_s": 0.01},
    "drip": {"delay_s": 0.0001},
    "meanwhile": {"action": lambda: None},
    "keep": {"column": "first_name"},
    "lie": {"column": "first_name"},
}
FAULTS = {
    f"{kind} {status} {name}": Fault(kind, times=None, status=status, body=body, headers=HEADERS)
    for kind, statuses in (("answer", STATUSES), ("answer_after", (None, 201, 302, 401, 500)))
    for status in statuses
    for name, body in BODIES.items()
} | {kind: Fault(kind, times=None, **OPTIONS.get(kind, {})) for kind in KINDS if not kind.startswith("answer")}
#: One for each way in which an answer is read; the others are long tests.
QUICK = {
    "answer 200 list", "answer 302 html", "answer 401 error", "answer 409 error", "answer 500 html",
    "answer_after None record", "drop_after", "truncate",
}  # fmt: skip
CASES = [pytest.param(FAULTS[name], id=name, marks=[] if name in QUICK else pytest.mark.nightly) for name in FAULTS]


@pytest.fixture
def wiz(monkeypatch):
    """A client that loses no time by waiting."""
    monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 0.05)
    monkeypatch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 2)
    with wizframe.sandbox(customers=8, page_size_cap=3) as client:
        make_contacts_valid(client)
        clock = Clock()
        client.transport.rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
        client.settle_s = 0.0
        yield client


def _edited(wiz):
    """Give a frame and a plan of it that creates, updates and deletes."""
    customers = load(wiz)
    customers.loc[:1, "first_name"] = "mine"
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
    return customers, customers.wiz.plan(), customers.tail(3).head(1).wiz.delete()


def _operations(wiz, plan, deletes, ids):
    """Give what a user may call, in an order in which a record that one deletes is not needed any more."""
    customer, contact = ids
    new = {"reference_id": "NEW-1", "company_name": "New", "display_name": "New"}
    person = {"reference_id": "NEW-1", "first_name": "Ada", "email": "ada@example.com"}
    return {
        "list": wiz.customer.list,
        "get": lambda: wiz.customer.get(customer),
        "create": lambda: wiz.customer.create(new),
        "update": lambda: wiz.customer.update(customer, {"first_name": "Ada"}),
        "contact list": lambda: wiz.customer.contact.list(customer),
        "contact create": lambda: wiz.customer.contact.create(customer, person),
        "contact update": lambda: wiz.customer.contact.update(customer, contact, {"first_name": "Ada"}),
        "contact delete": lambda: wiz.customer.contact.delete(customer, contact),
        "load": lambda: wiz.load_customers(progress=False),
        "load contacts": lambda: wiz.load_contacts([customer], progress=False),
        "push": lambda: plan.apply(progress=False),
        "push deletes": lambda: deletes.apply(max_deletes=1, progress=False),
        "resume": lambda: wizframe.resume(yes=True, progress=False),
        "delete": lambda: wiz.customer.delete(customer),
    }


def _met(operation, seen):
    """Carry an operation out, and write down all that it returned or raised; what IPython shows, once for a place."""
    try:
        given = operation()
    except WizframeError as error:
        place = tuple((at.filename, at.lineno) for at in traceback.extract_tb(error.__traceback__)[-3:])
        is_new = place not in seen
        seen.add(place)
        return everything_about(error) + (in_a_verbose_notebook(error) if is_new else "")
    parts = given if isinstance(given, list) else [given]
    return "\n".join(map(_all_that_is_shown_of, parts))


def _all_that_is_shown_of(thing):
    shown = [repr(thing), str(thing), f"{thing}", repr(getattr(thing, "attrs", "")), repr(pickle.dumps(thing))]
    if hasattr(thing, "_repr_html_"):
        shown.append(thing._repr_html_())
    frames = ("changes", "cells", "problems", "conflict_cells", "failed", "conflicts", "unsent")
    return "\n".join([*shown, *(getattr(thing, name).to_csv() for name in frames if hasattr(thing, name))])


def _all_files_of(frame, plan, folder):
    """Write what pandas and wizframe can write of a frame and a plan, and read the bytes back."""
    frame.to_csv(folder / "frame.csv")
    frame.to_json(folder / "frame.json", date_format="iso")
    frame.to_html(folder / "frame.html")
    frame.to_parquet(folder / "frame.parquet")
    frame.to_pickle(folder / "frame.pickle")
    plan.save(folder / "plan.json")
    (folder / "attrs.pickle").write_bytes(pickle.dumps(frame.attrs))
    (folder / "plan.pickle").write_bytes(pickle.dumps(plan))
    info = io.StringIO()
    frame.info(buf=info, verbose=True)
    return info.getvalue() + _bytes_in(folder)


def _bytes_in(folder):
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.fault(
    12,
    "a response of the server contains the key",
    "`***` instead of the key, in errors, results, logs, files and the journal",
    "E",
)
@pytest.mark.parametrize("fault", CASES)
def test_nothing_that_is_shown_or_stored_contains_the_key(fault, wiz, caplog, capfd, tmp_path):
    """Errors, logs, warnings, output, objects, frames, files, and the journal with its side files."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    customers, plan, deletes = _edited(wiz)
    contact = wiz.server.records("contacts")[0]
    (folder := tmp_path / "files").mkdir()
    shown, seen = {"files": _all_files_of(customers, plan, folder)}, set()
    with warnings.catch_warnings(record=True) as warned, Journal():  # as long as it is open, its log stays
        warnings.simplefilter("always")
        wiz.server.faults.add(fault)
        for name, operation in _operations(wiz, plan, deletes, (contact["customer_id"], contact["id"])).items():
            shown[name] = _met(operation, seen)
        shown["journal"] = _bytes_in(journal_path().parent)
        shown["history"] = "\n".join(map(_all_that_is_shown_of, (wizframe.pushes(), wizframe.history())))
    shown["warnings"] = "\n".join(str(one.message) for one in warned)
    shown["files after the push"] = _all_files_of(customers, plan, folder)
    shown["client"] = "\n".join(map(repr, (wiz, vars(wiz), wiz.transport, vars(wiz.transport), customers.attrs)))
    shown["log"], shown["output"] = caplog.text, "".join(capfd.readouterr())
    assert wiz.server.faults.fired
    for place, word in {"journal": "SQLite", "history": "push_id", "log": "urllib3", "push": "Result"}.items():
        assert word in shown[place]
    assert {name: found for name, text in shown.items() if (found := shows(text, KEY))} == {}


def test_a_key_among_the_data_would_be_found_in_every_file(tmp_path):
    """What the test above would find, were the service's answer believed."""
    with wizframe.sandbox(customers=2) as wiz:
        customers = load(wiz)
        customers.loc[0, "first_name"] = KEY
        plan = customers.wiz.plan()
        _all_files_of(customers, plan, tmp_path)
        assert {path.name for path in tmp_path.iterdir() if shows(path.read_bytes().decode("latin-1"), KEY)} == {
            "frame.csv", "frame.json", "frame.html", "frame.parquet", "frame.pickle", "plan.json", "plan.pickle",
        }  # fmt: skip
        assert KEY in _all_that_is_shown_of(plan)
