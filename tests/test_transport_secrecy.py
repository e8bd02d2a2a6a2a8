"""The API key shows nowhere: not in texts, logs, errors or tracebacks that print local variables, nor in pickles."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback

import pytest
import requests
from test_client_support import CANARY, HANG_UP, Reply, Stub, client_of, closed_port, transport_to

from wizframe.errors import (
    ConfigurationError,
    ProtocolError,
    RedirectError,
    ServiceError,
    TransportError,
    WizframeError,
)
from wizframe.transport import Secret

#: Every way in which a service can throw the key back at us, and in which a request can end badly.
ECHOES = {
    "error": Reply.json({"code": CANARY, "message": f"bad key {CANARY}"}, 401),
    "details": Reply.json({"message": "no", "details": [{"field": CANARY, "reason": CANARY}]}, 422),
    "no message": Reply.json({"error": CANARY}, 500),
    "html error": Reply(403, f"<html>{CANARY}</html>".encode()),
    "html answer": Reply(200, f"<html>{CANARY}</html>".encode()),
    "cut in two by the excerpt": Reply(200, b"x" * 185 + CANARY.encode()),
    "cut in two by the error's excerpt": Reply(400, b"x" * 185 + CANARY.encode()),
    "redirect": Reply(302, headers={"Location": f"http://127.0.0.1:1/?key={CANARY}"}),
    "status line": Reply(200, reason=CANARY),
    "broken status line": Reply(f"{CANARY} x"),
    "hung up": HANG_UP,
    "truncated": Reply(body=CANARY.encode(), missing=9),
}


def everything_about(error):
    """Write down all that a log, a notebook or a crash reporter could show of an error."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:  # a test's own variables hold the canary
        trace = trace.tb_next
    frames = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    shown = ["".join(frames.format()), repr(error), str(error), f"{error}", repr(vars(error)), repr(error.args)]
    chained = [everything_about(other) for other in (error.__cause__, error.__context__) if other]
    return "\n".join(shown + chained)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


class TestErrors:
    @pytest.mark.parametrize("reply", ECHOES.values(), ids=ECHOES)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_no_error_shows_the_key_that_a_service_echoes(self, reply, method, log):
        with Stub(reply) as stub:
            client = client_of(stub.base_url)
            record = {"reference_id": "A", "company_name": "B", "display_name": "C"}
            with pytest.raises(WizframeError) as caught:
                client.customer.list() if method == "GET" else client.customer.create(record)
        shown = everything_about(caught.value)
        assert stub.requests[0].headers["X-API-Key"] == CANARY
        assert CANARY not in shown + log.text
        assert "canary" not in shown + log.text  # no part of it either
        assert b"canary" not in pickle.dumps(caught.value.args)

    def test_no_error_shows_it_when_nobody_listens(self, log):
        client = client_of(f"http://127.0.0.1:{closed_port()}/v1")
        with pytest.raises(TransportError) as caught:
            client.customer.get("cust_1")
        assert "canary" not in everything_about(caught.value) + log.text

    def test_an_answer_of_the_wrong_shape_is_not_quoted(self):
        with Stub(Reply.json({"key": CANARY})) as stub, pytest.raises(ProtocolError) as caught:
            client_of(stub.base_url).customer.list()
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
    def test_no_traceback_shows_it_when_a_request_is_interrupted(self, error, monkeypatch):
        def interrupted(*_):
            raise error

        monkeypatch.setattr("http.client.HTTPConnection.send", interrupted)
        with Stub(Reply()) as stub, pytest.raises(error) as caught:
            transport_to(stub.base_url).request("GET", ["customers"])
        assert "canary" not in everything_about(caught.value)

    def test_the_canary_would_be_found_in_a_traceback(self, monkeypatch):
        def interrupted(*_):
            raise RuntimeError

        monkeypatch.setattr("http.client.HTTPConnection.send", interrupted)
        with Stub(Reply()) as stub, pytest.raises(RuntimeError) as caught:
            requests.get(stub.base_url, headers={"X-API-Key": CANARY}, timeout=5)
        assert CANARY in everything_about(caught.value)

    @pytest.mark.parametrize("status", [401, 403, 500])
    def test_the_rest_of_the_service_s_words_is_kept(self, status):
        reply = Reply.json({"code": "k", "message": f"key {CANARY} is unknown"}, status)
        with Stub(reply) as stub, pytest.raises(ServiceError, match=r"key \*\*\* is unknown"):
            client_of(stub.base_url).customer.get("cust_1")

    def test_where_a_redirect_leads_is_told_without_the_key(self):
        with Stub(ECHOES["redirect"]) as stub, pytest.raises(RedirectError, match=r"key=\*\*\*"):
            client_of(stub.base_url).customer.get("cust_1")


class TestObjects:
    @pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>99}".format, "%s".__mod__, "%r".__mod__])
    def test_no_object_shows_the_key(self, show):
        client = client_of("https://api.example.com/v1")
        transport = client.transport
        plain = [client, client.account, client.customer, transport, transport._session, transport._secret]
        inside = [vars(thing) for thing in plain[:-1]]  # a Secret has no __dict__ at all
        shown = [show((thing,)) for thing in [*plain, *inside, transport._secret.reveal()]]
        assert "canary" not in "".join(shown)
        assert "canary" not in f"{transport._secret.reveal():>99}"

    @pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_nothing_that_holds_the_key_can_be_copied_out_of_the_process(self, copied):
        client = client_of("https://api.example.com/v1")
        secret = client.transport._secret
        for thing in (client.transport, secret, secret.reveal()):
            with pytest.raises(TypeError, match="connect\\(\\) again"):
                copied(thing)
        with pytest.raises(TypeError):
            pickle.dumps(client)

    def test_the_key_still_reaches_the_header_whole(self):
        assert Secret(f" {CANARY}\n").reveal().encode() == CANARY.encode()

    def test_a_log_record_with_the_key_s_text_is_masked(self):
        stream = io.StringIO()
        said = (Secret(CANARY).reveal(), Secret(CANARY))
        logging.StreamHandler(stream).emit(logging.makeLogRecord({"msg": "the key is %s and %r", "args": said}))
        assert stream.getvalue() == "the key is *** and Secret(***)\n"

    @pytest.mark.parametrize("key", ["", " ", "two words", "schlüssel", "line\nbreak", "tab\tbed", "nul\0"])
    def test_what_cannot_be_a_header_is_no_key_and_is_not_shown_either(self, key):
        with pytest.raises(ConfigurationError) as caught:
            Secret(key)
        assert not key.strip() or key not in str(caught.value)
