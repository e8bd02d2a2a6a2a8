"""Answers that make no sense, from seeds: an error of ours or a proper value comes out, never a hang, never the key.

The environment variable WIZFRAME_ANSWERS says how many are tried: 2,000 unless given, 20,000 every night.
WIZFRAME_SEED repeats one of them.
"""

import contextlib
import json
import os
import random
import socket
import threading
import warnings

import pandas as pd
import pytest
from support.client import CANARY, client_of
from support.planning import load, stored

import wizframe
from wizframe.errors import WizframeError
from wizframe.http.rate_limit import RateLimiter
from wizframe.server import Fault

SHARES = 4
ANSWERS = int(os.environ.get("WIZFRAME_ANSWERS", "2000"))
SEEDS = [int(os.environ["WIZFRAME_SEED"])] if "WIZFRAME_SEED" in os.environ else range(ANSWERS)
CUSTOMER = {
    "id": "cust_1",
    "reference_id": "R1",
    "name": "Acme",
    "display_name": "Acme",
    "created_at": "2026-01-01T00:00:00Z",
}
NEW = {"reference_id": "R1", "company_name": "Acme", "display_name": "Acme"}
CONTACT = {"id": "cont_1", "reference_id": "C1", "first_name": "Ann", "email": "ann@example.com", "is_default": False}
NEW_CONTACT = {"reference_id": "C1", "first_name": "Ann", "email": "ann@example.com"}
CALLS = {
    "list": lambda wiz: wiz.customer.list(),
    "get": lambda wiz: wiz.customer.get("cust_1"),
    "create": lambda wiz: wiz.customer.create(NEW),
    "update": lambda wiz: wiz.customer.update("cust_1", {"payment_term": "net30"}),
    "delete": lambda wiz: wiz.customer.delete("cust_1"),
    "contact list": lambda wiz: wiz.customer.contact.list("cust_1"),
    "contact get": lambda wiz: wiz.customer.contact.get("cust_1", "cont_1"),
    "contact create": lambda wiz: wiz.customer.contact.create("cust_1", NEW_CONTACT),
    "contact update": lambda wiz: wiz.customer.contact.update("cust_1", "cont_1", {"designation": "Head"}),
    "contact delete": lambda wiz: wiz.customer.contact.delete("cust_1", "cont_1"),
    "load": lambda wiz: wiz.load_customers(progress=False),
    "load contacts": lambda wiz: wiz.load_contacts(["cust_1"], progress=False),
}
ODD = [
    None, True, 0, -1, 7, 2**70, 1.5, 1e308, "", "x", "\x00", "\ud800", "2026-13-45", "9999-12-31T23:59:59Z", [], [[]],
    {}, [None], ["a", 1], {"id": None}, {"data": {"data": []}}, {"a": {"b": {"c": []}}}, "é" * 300, CANARY, {"id": 5},
]  # fmt: skip
STATUS_LINES = [
    "HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 204 No Content", "HTTP/1.1 206 Partial", "HTTP/1.1 301 Moved",
    "HTTP/1.1 400 Bad", "HTTP/1.1 401 No", "HTTP/1.1 404 None", "HTTP/1.1 409 Taken", "HTTP/1.1 422 No",
    "HTTP/1.1 429 Slow", "HTTP/1.1 500 Oops", "HTTP/1.1 503 Later", "HTTP/1.1 100 Continue", "HTTP/1.1 999 What",
    "HTTP/1.1 000 Zero", "HTTP/1.1 twohundred OK", "HTTP/9.9 200 OK", "200 OK", "ICY 200 OK", "", "\x16\x03\x01\x02",
]  # fmt: skip
HEADERS = {
    "Content-Length": ["0", "1", "999999", "-5", "abc", "1e3", "99999999999999999999", "5, 5", ""],
    "Transfer-Encoding": ["chunked", "identity", "gzip", "chunked, chunked", "nonsense"],
    "Content-Encoding": ["gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense"],
    "Content-Type": ["text/html", "application/json; charset=nonsense", "\xff\xfe", ""],
    "Retry-After": ["0", "1", "-1", "99999999999", "1e9", "Wed, 21 Oct 2099 07:28:00 GMT", "never", "١٢", "nan"],
    "Date": ["Wed, 21 Oct 2015 07:28:00 GMT", "yesterday", "Wed, 99 Xxx 2015 99:99:99 GMT", ""],
    "Location": ["http://192.0.2.1/", "//", "", CANARY, "\xff", "javascript:alert(1)"],
    "Connection": ["close", "keep-alive", "upgrade"],
    "Set-Cookie": ["a=b", "=;;=", CANARY],
    "X\xff": ["\xff"],
    "": [""],
}


class Babbler:
    """A server on a raw socket that sends the same bytes to all clients and hangs up."""

    def __init__(self):
        self.answer = b""
        self.heard = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._babble, daemon=True)
        self._thread.start()

    def _babble(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2)
                    if self._is_asked(connection.makefile("rb")):
                        self.heard += 1
                        connection.sendall(self.answer)
                        connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _is_asked(request):
        """Read a request whole: what is left unread would reset the connection."""
        head = list(iter(request.readline, b"\r\n")) if request.peek(1) else []
        length = [int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")]
        request.read(sum(length))
        return bool(head)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def spoil(value, dice):
    """Put something odd somewhere into a JSON value."""
    if dice.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return dice.choice(ODD)
    if isinstance(value, list):
        place = dice.randrange(len(value))
        return [*value[:place], spoil(value[place], dice), *value[place + 1 :], *value[: dice.randrange(2)]]
    name = dice.choice(list(value))
    spoiled = value | {name: spoil(value[name], dice)}
    if dice.random() < 0.3:
        del spoiled[dice.choice(list(spoiled))]
    return spoiled | dice.choice([{}, {"nobody_knows": dice.choice(ODD)}, {"displayName": "other spelling"}])


def make_body(call, dice):
    """Make the answer that was asked for, or something like it, or nothing like it."""
    record = CONTACT if "contact" in call else CUSTOMER
    rows = [record | {"id": f"{record['id']}{n}"} for n in range(dice.randrange(4))]
    counts = {"total_records": len(rows), "total_pages": 1, "current_page": 1, "page_size": 100}
    lists = "list" in call or "load" in call
    content = dice.choice([rows, {"data": rows, "pagination": counts}] if lists else [record, {"data": record}])
    for _ in range(dice.choice([0, 1, 1, 2, 5])):
        content = spoil(content, dice)
    body = json.dumps(content).encode("utf-8", "surrogatepass")
    if dice.random() < 0.2:
        body = b'{"data": ' * dice.choice([1, 2000]) + body
    if dice.random() < 0.2:
        body = body[: dice.randrange(len(body) + 1)]
    if dice.random() < 0.15:
        body = body.replace(b'"', dice.choice([b"\xff", b"'", b"\x00", b'""']), dice.randrange(1, 4))
    return body


def make_answer(call, dice):
    body = make_body(call, dice)
    usual = dice.random() < 0.5
    line = STATUS_LINES[dice.randrange(3)] if usual else dice.choice(STATUS_LINES)
    head = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    for _ in range(0 if usual else dice.randrange(4)):
        name = dice.choice(list(HEADERS))
        head[name] = dice.choice(HEADERS[name])
    lines = [line, *(f"{name}: {value}" for name, value in head.items()), "", ""]
    answer = "\r\n".join(lines).encode("utf-8", "surrogatepass") + body
    return answer[: dice.randrange(len(answer) + 1)] if dice.random() < 0.1 else answer


@pytest.fixture
def babbler(monkeypatch):
    monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 1.0)
    monkeypatch.setattr("wizframe.http.deadlines.DEADLINE_S", 2.0)
    babbling = Babbler()
    yield babbling
    babbling.close()


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_any_response_gives_a_valid_value_or_an_error_of_wizframe(babbler, share):
    came = {"error": 0, "value": 0}
    for seed in SEEDS[share::SHARES]:
        dice = random.Random(seed)  # noqa: S311 - reproducible, no secret
        call = dice.choice(list(CALLS))
        babbler.answer = make_answer(call, dice)
        wiz = client_of(babbler.base_url, dice.choice(["rest", "sdk"]))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = CALLS[call](wiz)
        except WizframeError as error:
            came["error"] += 1
            said = f"{error!r} {error} {error.args}"
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {call} ended in {error!r} after {babbler.answer!r}") from error
        else:
            came["value"] += 1
            said = ""
            assert value is None or isinstance(value, dict | list | pd.DataFrame), f"seed {seed}"
        finally:
            wiz.transport.close()
        assert CANARY not in said, f"seed {seed}: {call}"
    assert babbler.heard >= sum(came.values())
    if len(SEEDS) > 1:
        assert min(came.values()) > 0.05 * sum(came.values())


@pytest.mark.slow
@pytest.mark.parametrize("share", range(2))
def test_a_push_with_invalid_responses_reports_the_outcome_of_each_row(share, dialect):
    """The service does what it is asked; what it says of it is spoiled in every way."""
    for seed in SEEDS[: len(SEEDS) // 20 or 1][share::2]:
        dice = random.Random(seed)  # noqa: S311 - reproducible, no secret
        with wizframe.sandbox(customers=6, dialect=dialect) as wiz:
            wiz.transport.rate_limiter = RateLimiter(sleep=lambda _seconds: None)
            frame, before = load(wiz), stored(wiz, "customers")
            frame.loc[:1, "payment_term"] = "net77"
            frame.loc[len(frame)] = NEW | {"reference_id": "NEW-1"}
            plan = frame.wiz.plan()

            def spoiled(body, dice=dice):
                return json.dumps(spoil(json.loads(body or b"null"), dice)).encode("utf-8", "surrogatepass")

            options = {"status": dice.choice([None, None, 500]), "body": spoiled, "times": dice.choice([1, 2, None])}
            operation = dice.choice(["customers.get", "customers.update", "customers.create", "customers.list", "*"])
            wiz.server.faults.add(Fault("answer_after", operation, skip=dice.randrange(2), **options))
            result = plan.apply(progress=False)
            rows = result.changes
            wiz.server.faults.clear()
            # A resume stops if the invalid record of the first read makes it look as if fields were lost.
            for _ in range(2):
                wizframe.resume(yes=True, max_deletes=999, client=wiz, progress=False)
            assert wizframe.pushes()["ended_at"].notna().all(), f"seed {seed}"
            after = stored(wiz, "customers")
            assert (rows["state"].eq("done") | rows["next_step"].ne("")).all(), f"seed {seed}"
            for row in rows[rows["state"].eq("done") & rows["action"].eq("update")].itertuples():
                assert after[row.id]["payment_term"] == "net77", f"seed {seed}"
            assert sum(record["reference_id"] == "NEW-1" for record in after.values()) <= 1, f"seed {seed}"
            assert len(after) <= len(before) + 1, f"seed {seed}"
