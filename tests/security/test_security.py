"""What keeps the key and the customers' data where they belong, point by point; what is proven elsewhere is named."""

from __future__ import annotations

import ast
import contextlib
import gzip
import http.client
import importlib
import json
import logging
import pkgutil
import socket
import ssl
import sys
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pandas as pd
import pytest
import requests
from support.client import CANARY, Reply, Stub, client_of, closed_port, transport_to
from support.display import html_of
from support.planning import load, signed, states
from support.security import everything_about, in_a_verbose_notebook

import wizframe
from wizframe.account import Account
from wizframe.connections.client import Client
from wizframe.errors import (
    ConfigurationError,
    PlanError,
    RedirectError,
    TransportError,
    WizframeError,
    WrongAccountError,
)
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.pushing.plan import Plan
from wizframe.server import SANDBOX_API_KEY, Fault, FaultProxy, SandboxServer, gzip_bomb
from wizframe.server.faults import KINDS

PACKAGE = Path(wizframe.__file__).parent


def _from_the_keyring(monkeypatch, key):
    keyring = ModuleType("keyring")
    keyring.get_password = lambda _service, _name: key
    monkeypatch.setitem(sys.modules, "keyring", keyring)


def _typed(monkeypatch, key):
    monkeypatch.setattr("wizframe.connections.keys.key_in_keyring", lambda _name: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: key)


#: Where a key can come from: each lays it there, and returns what connect() is given.
SOURCES = {
    "given": lambda _monkeypatch, key: {"api_key": key},
    "environment": lambda monkeypatch, key: monkeypatch.setenv("WIZCOMMERCE_API_KEY", key),
    "keyring": _from_the_keyring,
    "typed": _typed,
}
#: Ways in which a connection fails, most of them before anything is sent.
FAILURES = {
    "wrong key": {},
    "nobody there": {"base_url": f"http://127.0.0.1:{closed_port()}/v1"},
    "no address": {"base_url": "ftp://nowhere"},
    "no certificates": {"base_url": "https://127.0.0.1:9/v1", "ca_bundle": "nowhere.pem"},
    "no profile": {"profile": "nobody"},
    "no dialect": {"dialect": "soap"},
    "no rate": {"rate": -1.0},
    "no workers": {"workers": 0},
}


class TestConnecting:
    """The key is masked in errors, logs, output and tracebacks, wherever it came from."""

    @pytest.mark.parametrize("key", [CANARY, CANARY * 8], ids=["short", "as long as a JWT"])
    @pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
    @pytest.mark.parametrize("lay", SOURCES.values(), ids=SOURCES)
    def test_no_failure_to_connect_shows_the_key(self, lay, failure, key, monkeypatch, caplog, capsys):
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 1)
        with SandboxServer(customers=1) as server:
            given = lay(monkeypatch, key) or {}
            with pytest.raises(WizframeError) as caught:
                wizframe.connect(**({"base_url": server.base_url} | failure | given))
        shown = everything_about(caught.value) + in_a_verbose_notebook(caught.value)
        assert "in connect" in shown
        assert "canary" not in shown + caplog.text + "".join(capsys.readouterr())

    @pytest.mark.parametrize(
        ("source", "key"), [*((source, f"{CANARY} {CANARY}") for source in SOURCES), ("given", CANARY.encode())]
    )
    def test_an_invalid_key_is_not_shown_either(self, source, key, monkeypatch):
        given = SOURCES[source](monkeypatch, key) or {}
        with pytest.raises(ConfigurationError, match="a key cannot have") as caught:
            wizframe.connect(base_url=f"http://127.0.0.1:{closed_port()}/v1", **given)
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    def test_a_key_in_the_place_of_the_address_is_not_quoted(self, monkeypatch):
        monkeypatch.setenv("WIZCOMMERCE_BASE_URL", CANARY)
        with pytest.raises(ConfigurationError, match="must be an absolute URL") as caught:
            wizframe.connect("https://api.wizcommerce.com/v1")
        assert "canary" not in str(caught.value)

    def test_a_key_in_the_configuration_is_refused_and_not_shown(self, monkeypatch, tmp_path):
        monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
        (tmp_path / "config.toml").write_text(f"[profiles.test]\napi_key = '{CANARY}'\n", "utf-8")
        with pytest.raises(ConfigurationError, match="unknown setting api_key") as caught:
            wizframe.connect(profile="test")
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    def test_it_would_be_found_in_a_traceback(self):
        with pytest.raises(ZeroDivisionError) as caught:
            exec(f"def fail(key):\n    1 / 0\nfail({CANARY!r})", {})  # noqa: S102 - a frame that is not of the tests
        assert CANARY in everything_about(caught.value)
        assert CANARY in in_a_verbose_notebook(caught.value)


#: What runs code from data, or starts something else; by import, by name, and by attribute.
FORBIDDEN = {
    "import": {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "subprocess", "pty", "yaml", "ctypes"},
    "name": {"eval", "exec", "compile", "__import__", "breakpoint"},
    "attribute": {
        "read_pickle", "to_pickle", "eval", "system", "popen", "execv", "execve", "spawnv",
        "_create_unverified_context", "CERT_NONE", "disable_warnings",
    },
    "keyword": {("verify", False), ("check_hostname", False), ("assert_hostname", False), ("shell", True)},
}  # fmt: skip
#: The demo runs lines of its own source, as the test below checks. ctypes calls one function of the C library,
#: malloc_trim, with a constant.
ALLOWED = {("cli/demo.py", "name", name) for name in ("eval", "exec", "compile")} | {
    ("frames/arrow.py", "import", "ctypes")
}


def found_in(source):
    """Yield (kind, what) for everything forbidden in some source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (("import", name.split(".")[0]) for name in names)
        elif isinstance(node, ast.Name):
            yield "name", node.id
        elif isinstance(node, ast.Attribute):
            yield "attribute", node.attr
        elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            yield "keyword", (node.arg, node.value.value)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from (
                ("keyword", (at.attr, node.value.value)) for at in node.targets if isinstance(at, ast.Attribute)
            )


def forbidden_in(source):
    return {(kind, what) for kind, what in found_in(source) if what in FORBIDDEN[kind]}


class TestSource:
    """No code from data, no other programs, no way around certificates: proven from the syntax trees."""

    def test_the_package_contains_no_unsafe_call(self):
        sources = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
        assert len(sources) > 50
        found = {(name, *one) for name, path in sources.items() for one in forbidden_in(path.read_text("utf-8"))}
        assert found == ALLOWED

    def test_the_demo_runs_only_lines_of_its_own_source(self):
        tree = ast.parse((PACKAGE / "cli" / "demo.py").read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        lines = [argument for call in calls if call.func.attr == "_run" for argument in call.args]
        assert len(lines) > 5
        assert all(isinstance(line, ast.Constant) and isinstance(line.value, str) for line in lines)
        evaluated = [call for call in calls if call.func.attr == "_evaluate"]
        assert [ast.unparse(call) for call in evaluated] == ["self._evaluate(line)"]

    @pytest.mark.parametrize(
        "source",
        [
            "import pickle", "from subprocess import run", "import os.path, yaml", "def f():\n import ctypes.util",
            "eval(x)", "[exec(x)]", "f = compile", "frame.eval('a')", "os.system('x')", "pd.read_pickle(x)",
            "requests.get(x, verify=False)", "session.verify = False", "context.check_hostname = False",
            "ssl._create_unverified_context()", "context.verify_mode = ssl.CERT_NONE", "run(x, shell=True)",
        ],
    )  # fmt: skip
    def test_it_would_be_found(self, source):
        assert forbidden_in(source)


class TestEncryption:
    """HTTPS, except to this machine; what a wrong certificate meets stands in the fault catalogue."""

    @pytest.mark.parametrize("name", ["PYTHONHTTPSVERIFY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_no_setting_makes_a_connection_that_does_not_verify(self, name, monkeypatch):
        monkeypatch.setenv(name, "0" if name == "PYTHONHTTPSVERIFY" else "")
        transport = transport_to("https://api.example.com/v1")
        context = transport._adapter._context
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


@pytest.fixture
def elsewhere():
    """A port of this machine to which no test may connect: its address, and the connections that were made."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)

        def connections():
            with contextlib.suppress(BlockingIOError):
                connection, address = listening.accept()
                connection.close()
                return [address]
            return []

        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", connections


class TestOtherHosts:
    """The key goes to the configured scheme, host and port alone."""

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
    def test_a_redirect_never_makes_a_request_to_another_host(self, wiz, elsewhere, status):
        url, connections = elsewhere
        customers = load(wiz)
        customers.loc[:1, "first_name"] = "mine"
        plan = customers.wiz.plan()
        headers = {"Location": f"{url}/customers", "Refresh": f"0; url={url}", "Content-Location": url}
        wiz.server.faults.add(Fault("answer", status=status, headers=headers, times=None))
        customer = customers["id"][0]
        for operation in (
            wiz.customer.list,
            lambda: wiz.customer.get(customer),
            lambda: wiz.customer.create({"reference_id": "A", "company_name": "B", "display_name": "C"}),
            lambda: wiz.customer.update(customer, {"first_name": "Ada"}),
            lambda: wiz.customer.delete(customer),
            lambda: wiz.load_customers(progress=False),
        ):
            with pytest.raises(RedirectError, match="never followed"):
                operation()
        assert states(plan.apply(progress=False)) == {"unsent": 2}
        assert len(wiz.server.faults.fired) >= 7
        assert connections() == []

    @pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
    def test_an_address_in_a_response_is_never_contacted(self, elsewhere):
        """Of a next page, say: pages are numbers to us."""
        url, connections = elsewhere
        row = {"id": "c", "reference_id": "A", "name": "A", "created_at": "2026-01-01T00:00:00Z", "self": f"{url}/c"}
        row["status"] = "active"
        pages = {"total_records": 1, "total_pages": 1, "next_page": f"{url}/customers?page=2", "links": {"next": url}}
        headers = {"Link": f'<{url}/customers?page=2>; rel="next"', "Alt-Svc": f'h2="{url[7:]}"'}
        body = {"data": [row], "pagination": pages, "next": url}
        with Stub(Reply.json(body, **headers)) as stub:
            assert len(client_of(stub.base_url).load_customers(status="active", progress=False)) == 1
        assert stub.requests
        assert connections() == []

    def test_an_address_in_a_saved_plan_is_compared_and_never_contacted(self, wiz, elsewhere, tmp_path):
        url, connections = elsewhere
        customers = load(wiz)
        customers.loc[0, "first_name"] = "mine"
        (part,) = customers.wiz.plan().parts
        plan = Plan((replace(part, account=Account(url, "sandbox")),))
        plan.save(tmp_path / "plan.json")
        loaded = wizframe.load_plan(tmp_path / "plan.json")
        assert loaded.account.base_url == url
        with pytest.raises(WrongAccountError, match="connected to"):
            loaded.apply()
        assert connections() == []

    def test_it_would_be_noticed(self, elsewhere):
        url, connections = elsewhere
        with Stub(Reply(302, headers={"Location": url})) as stub, pytest.raises(requests.RequestException):
            requests.get(stub.base_url, timeout=0.2)
        assert connections() != []


class TestAnswers:
    """An answer that unpacks to more than memory holds is refused on the way."""

    @pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
    def test_a_gzip_bomb_is_refused_before_it_is_unpacked(self, wiz, encoding, monkeypatch):
        monkeypatch.setattr("wizframe.http.responses.MAX_RESPONSE_BYTES", 4_000_000)
        bomb = gzip_bomb() if encoding == "gzip" else gzip.compress(gzip_bomb())
        headers = {"Content-Encoding": encoding}
        wiz.server.faults.add(Fault("answer", status=200, body=bomb, headers=headers, times=None))
        tracemalloc.start()
        try:
            # A response that is compressed twice is refused, because no service needs it.
            with pytest.raises(TransportError, match=r"too large|compressed its response as 'gzip, gzip'"):
                wiz.load_customers(progress=False)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert wiz.server.faults.fired
        assert most < 20_000_000


HOSTILE = "<img src=x onerror=alert(1)>'\"&<script>alert(2)</script>"


class _Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found.add((tag, *attrs))


def tags_of(page):
    parser = _Tags()
    parser.feed(page)
    return parser.found


def assert_harmless(page):
    """Only our own tags, with our own attributes, and the hostile text as text."""
    assert "&lt;img" in page
    assert {tag for tag, *_ in tags_of(page)} <= {"div", "b", "br", "small", "table", "tbody", "tr", "td", "s"}
    styles = {("style", "text-align:left"), ("style", "white-space:pre-wrap")}
    assert {attribute for _, *attributes in tags_of(page) for attribute in attributes} <= styles


#: What stands otherwise in a file than wizframe writes it: where, under which name, and what.
OTHER_SHAPES = [
    *(("change", "action", value) for value in (HOSTILE, ["update"], None)),
    *(("change", "name", value) for value in (["x"], None)),
    *(("change", "cells", value) for value in ([["__class__", "a", "b"]], [["first_name"]], 7, None)),
    ("change", "id", 7),
    ("change", "customer_id", {"x": 1}),
    ("change", "label", [HOSTILE]),
    ("part", "table", HOSTILE),
    ("part", "notices", [7]),
    ("whole", "account", None),
    ("whole", "base_url", 7),
    *(("whole", "parts", times) for times in (0, 2, 3)),  # as often as that
]


class TestPages:
    """Everything from the service, from files and from the user is escaped where it is shown as HTML."""

    def test_only_what_is_tested_here_shows_itself_as_html(self):
        names = [found.name for found in pkgutil.walk_packages([PACKAGE], "wizframe.")]
        modules = [importlib.import_module(name) for name in names if name != "wizframe.__main__"]
        classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
        shown = {one.__name__ for one in classes if "wizframe" in one.__module__ and hasattr(one, "_repr_html_")}
        pickers = {"ContactPicker", "CustomerPicker", "FrameBrowser", "_Picker", "_View"}
        # test_pickers.py::test_names_from_the_service_are_text
        # test_client.py::test_an_account_with_a_hostile_name_is_text
        assert shown == {"Plan", "PushResult", "Result", "BaseClient", "Client"} | pickers

    def test_nothing_else_makes_html_of_texts(self):
        """Widgets and Styler escape nothing: each module that uses one has a test of hostile texts."""
        makers = {"HTML", "HTMLMath", "Javascript", "Markdown", "Styler", "to_html"}
        sources = {path.relative_to(PACKAGE): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
        found = {
            path.parts[-2] if len(path.parts) > 2 else path.stem
            for path, source in sources.items()
            if makers & {what for _, what in found_in(source)}
        }
        # test_review.py::test_hostile_names_show_as_text, test_pickers.py::test_names_from_the_service_are_text
        assert found == {"pickers", "review", "table"}

    @pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
    def test_hostile_texts_add_no_tag_to_a_plan_or_a_result(self, wiz):
        """In names, values, columns, labels, ids, references, the account, and the service's own words."""
        for record in wiz.server.records("customers")[:6]:
            wiz.server.overwrite("customers", record["id"], display_name=HOSTILE, first_name=HOSTILE)
        client = Client(wiz.transport, account=HOSTILE)
        frame = client.load_customers(progress=False).head(6)
        frame = frame.set_index(pd.Index([HOSTILE, *range(1, len(frame))], dtype=object))
        frame[HOSTILE] = HOSTILE
        frame.iloc[0, frame.columns.get_loc("phone")] = HOSTILE
        frame.iloc[:5, frame.columns.get_loc("last_name")] = HOSTILE[:50]
        frame.iloc[3, frame.columns.get_loc("email")] = None
        new = {"company_name": HOSTILE, "display_name": HOSTILE, "reference_id": HOSTILE[:40]}
        frame.loc[HOSTILE + "new"] = pd.Series(new)
        plan = client.plan(frame)
        wiz.server.overwrite("customers", frame["id"].iloc[1], last_name="<b>elsewhere</b>")
        no = {"code": HOSTILE, "message": HOSTILE, "details": [{"field": HOSTILE, "reason": HOSTILE}]}
        wiz.server.faults.add(Fault("answer", "customers.update", status=422, body=no))
        result = plan.apply(client=client, invalid="skip", note=HOSTILE, progress=False)
        assert {"done", "failed", "conflict", "skipped"} <= states(result).keys()
        pages = [html_of(plan), html_of(result), html_of(result.undo(client=client))]
        for page in pages:
            assert_harmless(page)

    def test_a_hostile_plan_from_a_file_adds_no_tag_either(self, wiz, tmp_path):
        frame = load(wiz)
        frame.loc[0, "first_name"] = HOSTILE[:50]
        frame.wiz.plan().save(tmp_path / "plan.json")
        content = json.loads((tmp_path / "plan.json").read_text("utf-8"))
        content["parts"][0] |= {"compared_with": HOSTILE, "notices": [HOSTILE], "own_columns": [HOSTILE]}
        plan = signed(content, tmp_path / "plan.json")
        assert html_of(plan).count("&lt;img") >= 4
        assert_harmless(html_of(plan))

    @pytest.mark.parametrize(("where", "name", "value"), OTHER_SHAPES)
    def test_a_plan_from_a_file_that_wizframe_did_not_write_is_refused_as_a_whole(
        self, wiz, tmp_path, where, name, value
    ):
        """Also one with an id that fits, because the author of a file can compute it."""
        path = tmp_path / "plan.json"
        frame = load(wiz)
        frame.loc[0, "first_name"] = "mine"
        frame.wiz.plan().save(path)
        content = json.loads(path.read_text("utf-8"))
        (part,) = content["parts"]
        places = {"whole": content, "part": part, "change": part["changes"][0]}
        places[where][name] = [part] * value if name == "parts" else value
        with pytest.raises(PlanError, match="is not a plan that wizframe saved"):
            signed(content, path)

    def test_hostile_texts_add_no_tag_to_the_frames_that_pandas_shows(self, wiz):
        record = wiz.server.records("customers")[0]
        wiz.server.overwrite("customers", record["id"], first_name=HOSTILE)
        for frame in (load(wiz), wizframe.pushes(), wizframe.history()):
            assert "img" not in {tag for tag, *_ in tags_of(html_of(frame))}

    def test_a_hostile_text_would_be_found(self):
        assert {"img", "script"} <= {tag for tag, *_ in tags_of(f"<div>{HOSTILE}</div>")}


class TestSandbox:
    """The sandbox is of this machine alone, and nothing goes wrong in it unless it is asked for."""

    @pytest.mark.parametrize("start", [lambda: SandboxServer(customers=0).start(), lambda: FaultProxy(NOBODY).start()])
    def test_it_listens_on_loopback_and_nowhere_else(self, start):
        running = start()
        try:
            address, port = running._listener.socket.getsockname()
            assert address == "127.0.0.1"
            socket.create_connection((address, port), timeout=1).close()
            for other in ("127.0.0.2", *_own_addresses()):  # a socket on 0.0.0.0 would answer there, too
                with pytest.raises(OSError, match=r"refused|timed out|reachable|assign"):
                    socket.create_connection((other, port), timeout=0.2)
        finally:
            running.stop()

    @pytest.mark.parametrize(
        ("hosts", "status"),
        [
            (["localhost:{port}"], 200),
            (["LocalHost"], 200),
            (["127.0.0.1:{port}"], 200),
            (["[::1]:{port}"], 200),
            (["attacker.example:{port}"], 421),
            (["localhost.attacker.example"], 421),
            (["127.0.0.1.nip.io"], 421),
            (["127.0.0.2"], 421),
            (["localhost:{port}@attacker.example"], 421),
            (["localhost", "attacker.example"], 421),
            ([""], 421),
            ([], 421),
        ],
    )
    def test_it_responds_only_to_the_names_of_this_machine(self, wiz, hosts, status):
        """A page of an attacker can make its own host name lead to 127.0.0.1 (DNS rebinding)."""
        parts = urlsplit(wiz.base_url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest("GET", "/v1/customers", skip_host=True)
            for host in hosts:
                connection.putheader("Host", host.format(port=parts.port))
            connection.putheader("X-API-Key", SANDBOX_API_KEY)
            connection.endheaders()
            assert connection.getresponse().status == status

    @pytest.mark.parametrize(
        "sent", [b"", b"GET /v1/cust", b"POST /v1/customers HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
    )
    @pytest.mark.parametrize("start", [lambda: SandboxServer(customers=0).start(), lambda: FaultProxy(NOBODY).start()])
    def test_a_connection_that_sends_no_whole_request_is_closed(self, start, sent, monkeypatch):
        monkeypatch.setattr("wizframe.server.faults.delivery.FaultyHandler.timeout", 0.1)
        running = start()
        try:
            with socket.create_connection(running._listener.socket.getsockname(), timeout=5) as connection:
                connection.sendall(sent)
                while connection.recv(1024):
                    pass
        finally:
            running.stop()

    def test_its_faults_are_off_and_nothing_in_a_request_turns_them_on(self, wiz):
        assert list(wiz.server.faults) == []
        names = [*KINDS, "fault", "faults", "delay_s", "action"]
        headers = {f"X-{name}": "500" for name in names} | {"X-API-Key": wizframe.SANDBOX_API_KEY, "Prefer": "code=500"}
        url = f"{wiz.base_url}/customers"
        answer = requests.get(url, params=dict.fromkeys(names, "500"), headers=headers, timeout=5)
        assert answer.status_code == 200
        for name in ("faults", "fault", "_faults", "admin", "admin/faults"):
            assert requests.post(f"{wiz.base_url}/{name}", json={}, headers=headers, timeout=5).status_code == 404
        assert (list(wiz.server.faults), wiz.server.faults.fired) == ([], [])


NOBODY = "http://127.0.0.1:9/v1"


def _own_addresses():
    """List this machine's addresses on networks, without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, contextlib.suppress(OSError):
        asked.connect(("192.0.2.1", 9))
        return [address for address in [asked.getsockname()[0]] if not address.startswith("127.")]
    return []


class TestJournal:
    """The journal holds personal data: the documentation says so, and how to remove them."""

    def test_the_documentation_says_so(self):
        for name in ("reliability.md", "policies.md"):
            page = (Path(__file__).parents[2] / "docs" / name).read_text("utf-8")
            assert "personal data" in page
            assert "wizframe.purge(" in page
        assert "personal data" in wizframe.purge.__doc__

    def test_after_a_purge_no_byte_of_a_customer_is_left(self, wiz):
        frame = load(wiz)
        frame.loc[0, "first_name"] = "Canary-Name"
        frame.loc[len(frame)] = {"company_name": "Canary-Name", "display_name": "Canary-Name"}
        frame.wiz.plan().apply(note="Canary-Note", progress=False)
        folder = journal_path().parent
        with Journal():
            assert all(word in _bytes_in(folder) for word in ("Canary-Name", "Canary-Note"))
            assert wizframe.purge(older_than_days=0) == 1
            assert "Canary" not in _bytes_in(folder)


def _bytes_in(folder):
    return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())
