"""The API key shows nowhere: not in texts, logs, errors or tracebacks that print local variables, nor in pickles."""

from __future__ import annotations

import base64
import copy
import http.client
import io
import logging
import pickle
import re
import traceback
from urllib.parse import quote

import pytest
import requests
from support.client import CANARY, Reply, Stub, client_of, closed_port, transport_to
from support.security import ECHOES, everything_about, in_a_verbose_notebook, shows, writings_of

from wizframe.connections.client import Client
from wizframe.errors import (
    ConfigurationError,
    ProtocolError,
    RedirectError,
    ServiceError,
    TransportError,
    WizframeError,
)
from wizframe.http.secret import Secret
from wizframe.http.transport import Transport
from wizframe.server import Fault, FaultProxy, SandboxServer

#: Every character that some format escapes.
ODD = "api/prod+canary==&\"'<7f3e91c2>"


#: How one character may be written.
ENCODINGS = {
    "JSON": lambda letter: f"\\u{ord(letter):04x}",
    "JSON in capitals": lambda letter: f"\\u{ord(letter):04X}",
    "JSON twice": lambda letter: f"\\\\u{ord(letter):04x}",
    "JavaScript": lambda letter: f"\\u{{{ord(letter):x}}}",
    "Python": lambda letter: f"\\x{ord(letter):02x}",
    "address": lambda letter: f"%{ord(letter):02X}",
    "address twice": lambda letter: f"%25{ord(letter):02x}",
    "HTML": lambda letter: f"&#{ord(letter)};",
    "HTML in hexadecimal": lambda letter: f"&#x{ord(letter):x};",
    "HTML twice": lambda letter: f"&amp;#{ord(letter)};",
}


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


class TestErrors:
    @pytest.mark.parametrize("reply", ECHOES.values(), ids=ECHOES)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_no_error_shows_a_key_that_a_service_sends_back(self, reply, method, log):
        with Stub(reply) as stub:
            client = client_of(stub.base_url)
            record = {"reference_id": "A", "company_name": "B", "display_name": "C"}
            with pytest.raises(WizframeError) as caught:
                client.customer.list() if method == "GET" else client.customer.create(record)
        shown = everything_about(caught.value) + in_a_verbose_notebook(caught.value) + log.text
        assert stub.requests[0].headers["X-API-Key"] == CANARY
        assert shows(shown, CANARY) == set()
        assert "canary" not in shown.lower()  # no part of it either
        assert b"canary" not in pickle.dumps(caught.value.args)

    def test_no_error_shows_the_key_when_the_port_is_closed(self, log):
        client = client_of(f"http://127.0.0.1:{closed_port()}/v1")
        with pytest.raises(TransportError) as caught:
            client.customer.get("cust_1")
        assert "canary" not in everything_about(caught.value) + log.text

    def test_a_response_of_the_wrong_shape_is_not_quoted(self):
        with Stub(Reply.json({"key": CANARY})) as stub, pytest.raises(ProtocolError) as caught:
            client_of(stub.base_url).customer.list()
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("write", [str.upper, quote, '"{}"'.format, lambda key: base64.b64encode(key.encode())])
    def test_a_response_that_contains_the_key_is_refused(self, write):
        echo = {"id": "c", "name": str(write(CANARY))}
        with Stub(Reply.json(echo), Reply.json([echo])) as stub:
            for ask in (client_of(stub.base_url).customer.list, lambda: client_of(stub.base_url).customer.get("c")):
                with pytest.raises(ProtocolError, match="contains the API key itself"):
                    ask()
        assert len(stub.requests) == 2  # it will not change by asking again

    def test_a_key_that_is_a_common_word_makes_no_response_unusable(self):
        with Stub(Reply.json({"id": "c", "name": "the KEY"})) as stub:
            client = Client(Transport(stub.base_url, "key"), dialect="rest")
            assert client.customer.get("c")["company_name"] == "the KEY"

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

    @pytest.mark.fault(12)
    @pytest.mark.parametrize("status", [401, 403, 500])
    def test_the_rest_of_the_service_s_message_is_shown(self, status):
        reply = Reply.json({"code": "k", "message": f"key {CANARY} is unknown"}, status)
        with Stub(reply) as stub, pytest.raises(ServiceError, match=r"key \*\*\* is unknown"):
            client_of(stub.base_url).customer.get("cust_1")

    def test_the_target_of_a_redirect_is_shown_without_the_key(self):
        with Stub(ECHOES["redirect"]) as stub, pytest.raises(RedirectError, match=r"key=\*\*\*"):
            client_of(stub.base_url).customer.get("cust_1")


class TestObjects:
    @pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>99}".format, "%s".__mod__, "%r".__mod__])
    def test_no_object_shows_the_key(self, show):
        client = client_of("https://api.example.com/v1")
        transport = client.transport
        plain = [client, client.account, client.customer, transport, *vars(transport).values()]
        inside = [vars(thing) for thing in plain if hasattr(thing, "__dict__")]
        (secret,) = [thing for thing in plain if isinstance(thing, Secret)]
        kept = [getattr(secret, name) for name in Secret.__slots__]
        shown = [show((thing,)) for thing in [*plain, *inside, secret, *kept]]
        assert "canary" not in "".join(shown)

    def test_a_secret_is_not_a_string_and_keeps_none(self):
        secret = Secret(CANARY)
        assert not isinstance(secret, str | bytes)
        assert not any(isinstance(getattr(secret, name), str | bytes | tuple | list) for name in Secret.__slots__)
        for text_of in (lambda: secret[:9], lambda: "".join(secret), lambda: secret + "", lambda: secret.strip):
            with pytest.raises((TypeError, AttributeError)):
                text_of()

    @pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_nothing_that_holds_the_key_can_be_copied_out_of_the_process(self, copied):
        client = client_of("https://api.example.com/v1")
        secret = Secret(CANARY)
        for thing in (client.transport, secret):
            with pytest.raises(TypeError, match="connect\\(\\) again"):
                copied(thing)
        with pytest.raises(TypeError):
            pickle.dumps(client)

    @pytest.mark.parametrize("key", [CANARY, ODD])
    def test_the_key_still_reaches_the_header_whole(self, key):
        assert Secret(f" {key}\n").reveal().encode() == key.encode()
        with Stub(Reply.json([])) as stub:
            Transport(stub.base_url, key).request("GET", ["customers"])
        assert stub.requests[0].headers["X-API-Key"] == key

    @pytest.mark.parametrize("key", [CANARY, ODD])
    def test_the_key_is_recognized_in_other_encodings(self, key):
        secret = Secret(key)
        for form in writings_of(key):
            for written in (form, form.upper(), form.lower()):
                assert secret.redact(f"1{written}2{written}3") == "1***2***3", written
                assert secret.is_in(f"1{written}2".encode())
        for before in ("", "u", "us", "user:"):
            for after in ("", ":", "ab"):
                text = base64.b64encode(f"{before}{key}{after}".encode()).decode()
                assert "***" in secret.redact(text)
                assert len(secret.redact(text)) <= 3 + len(before + after) * 4 // 3 + 4

    @pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
    @pytest.mark.parametrize("key", [CANARY, ODD])
    def test_the_key_is_recognized_with_any_of_its_characters_encoded(self, key, encode):
        secret = Secret(key)
        for chosen in (range(len(key)), range(0, len(key), 3), [0], [len(key) - 1]):
            written = "".join(encode(letter) if n in chosen else letter for n, letter in enumerate(key))
            assert secret.is_in(f'{{"a": "1{written}2"}}'.encode()), written
            assert secret.redact(f"1{written}2") in ("***", "1***2")
        assert not secret.is_in("".join(map(encode, key[1:])).encode())

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
    def test_the_key_is_recognized_in_a_body_in_another_encoding(self, encoding):
        body = f'{{"data": [{{"id": "c", "name": "{CANARY}"}}]}}'.encode(encoding)
        assert Secret(CANARY).is_in(body)
        for reply in (Reply(200, body), Reply(400, body), Reply(200, b"<" + body[4:]), Reply(500, body[:-4])):
            with Stub(reply) as stub, pytest.raises(WizframeError) as caught:
                client_of(stub.base_url).customer.create(
                    {"reference_id": "A", "company_name": "B", "display_name": "C"}
                )
            shown = everything_about(caught.value).lower()
            assert "canary" not in re.sub(r"\\x00|\\ufffd|�|\0", "", shown)

    @pytest.mark.parametrize("key", ["k", "ke", "key", "a.short.key"])
    def test_no_other_text_is_taken_for_a_short_key(self, key):
        for text in ("", "xyz", "a2V5", "***", "İ K"):
            assert Secret(key).redact(text) == ("İ ***" if key == "k" and "K" in text else text)
        assert Secret(key).redact(f"<{key}>") == "<***>"
        assert not Secret(key).is_in(key.encode())

    def test_a_log_record_with_the_key_is_masked(self):
        stream = io.StringIO()
        said = (Secret(CANARY), Secret(CANARY))
        logging.StreamHandler(stream).emit(logging.makeLogRecord({"msg": "the key is %s and %r", "args": said}))
        assert stream.getvalue() == "the key is Secret(***) and Secret(***)\n"

    @pytest.mark.parametrize(
        "make", [lambda key: Secret(key).checked(), lambda key: Transport("https://api.example.com/v1", key)]
    )
    @pytest.mark.parametrize(
        "key",
        [
            "",
            " ",
            "two canaries",
            "schlüssel-canary",
            "line\ncanary",
            "tab\tcanary",
            "nul\0canary",
            b"canary",
            ["canary"],
        ],
    )
    def test_a_text_that_cannot_be_a_header_is_not_a_key_and_is_not_shown(self, key, make):
        with pytest.raises(ConfigurationError) as caught:
            make(key)
        assert "canar" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    @pytest.mark.parametrize("options", [{"workers": 0}, {"rate": -1.0}, {"ca_bundle": "nowhere"}, {"base_url": "x"}])
    def test_no_traceback_of_an_invalid_transport_shows_the_key(self, options):
        with pytest.raises(ConfigurationError) as caught:
            Transport(**({"base_url": "https://api.example.com/v1", "api_key": CANARY} | options))
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Transport("", "key"),
            lambda: Client(Transport("https://api.example.com/v1", "key"), dialect="soap"),
            lambda: SandboxServer(dialect="soap"),
            lambda: FaultProxy("nowhere"),
            lambda: Fault("mishap"),
        ],
    )
    def test_what_could_not_be_made_can_be_shown_in_a_traceback_with_local_variables(self, make):
        with pytest.raises(ValueError, match=r"soap|upstream|mishap|absolute") as caught:
            make()
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert "self = " in "".join(shown.format())

    def test_tracing_http_client_prints_no_request_of_ours(self, monkeypatch, capsys):
        monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
        with Stub(Reply.json([])) as stub:
            client_of(stub.base_url).customer.list()
            assert capsys.readouterr().out == ""
            requests.get(stub.base_url, headers={"X-API-Key": CANARY}, timeout=5)
            assert CANARY in capsys.readouterr().out  # this is what would be found
