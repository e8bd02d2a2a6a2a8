"""trace(): every request with its time, one line each, and the key in none, whatever a service answers."""

import contextlib
import io
import logging
import re

import pytest
from support.cli import run
from support.client import CANARY, Stub, client_of
from support.security import ECHOES, shows

import wizframe
from wizframe.errors import NotFoundError, WizframeError
from wizframe.server import Fault

LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  \S.*")


@pytest.fixture
def out():
    return io.StringIO()


def test_each_request_is_a_line_until_the_end_of_the_block(wiz, out):
    with wizframe.trace(out):
        wiz.customer.list(page_size=2, status="active")
        with pytest.raises(NotFoundError):
            wiz.customer.get("nobody")
    wiz.customer.list()
    lines = out.getvalue().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    answered, refused = lines[-2:]
    assert re.search(rf"GET {wiz.base_url}/customers\?page_size=2&status=active: 200, \d+ bytes, \d+ ms", answered)
    assert re.search(rf"GET {wiz.base_url}/customers/nobody: 404 .*, \d+ ms", refused)
    assert len(lines) == sum(1 for _ in wiz.server.requests) - 1


def test_tracing_is_a_switch_too_and_runs_once_at_a_time(wiz, out):
    first, second = io.StringIO(), out
    level = logging.getLogger("wizframe").level
    wizframe.trace(first)
    tracing = wizframe.trace(second)
    wiz.customer.list()
    tracing.stop()
    tracing.stop()
    wiz.customer.list()
    assert first.getvalue() == ""
    assert second.getvalue().count("/customers: 200") == 1
    assert logging.getLogger("wizframe").level == level
    assert logging.getLogger("wizframe").handlers == []


def test_a_repeated_request_is_logged_with_its_pause(wiz, out):
    wiz.server.faults.add(Fault("answer", "customers.get", status=503))
    customer = wiz.customer.list()[0]["id"]
    with wizframe.trace(out):
        wiz.customer.get(customer)
    assert re.search(r"503.*ms\n.*GET again in \d\.\d s\n.*: 200, ", out.getvalue())
    assert len(wiz.server.faults.fired) == 1


def test_nothing_is_logged_without_tracing(wiz, capfd):
    wiz.load_customers(progress=False, invalid="drop", limit=3)
    assert "GET" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("reply", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_key_is_in_no_line(reply, method, out, monkeypatch):
    monkeypatch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 2)
    with Stub(reply, reply) as stub, wizframe.trace(out), contextlib.suppress(WizframeError):
        client = client_of(stub.base_url)
        if method == "GET":
            client.customer.get(CANARY)
        else:
            client.customer.create({"reference_id": CANARY, "company_name": CANARY, "display_name": CANARY})
    lines = out.getvalue().splitlines()
    assert lines
    assert all(LINE.fullmatch(line) for line in lines)
    assert shows(out.getvalue(), CANARY) == set()
    assert "***" in out.getvalue() or method == "POST"  # as an id of the address, it would have shown


def test_a_command_shows_its_requests_on_stderr(wiz):
    done = run(wiz, "--trace", "list", "customers", "--limit", "2", "--json")
    assert re.search(r"GET \S+/customers\?\S+: 200, \d+ bytes, \d+ ms\n", done.stderr)
    assert "GET" not in done.stdout
    assert "GET" not in run(wiz, "whoami").stderr
