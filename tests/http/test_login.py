"""login(): a password for a key; the account gets its name; neither of the two shows anywhere."""

import json
import sys
from types import ModuleType

import orjson
import pytest
from support.client import Reply, Stub, closed_port
from support.security import everything_about, in_a_verbose_notebook, shows

import wizframe
from wizframe.errors import AuthenticationError, ConfigurationError, ProtocolError, RedirectError, WizframeError
from wizframe.server import Fault, SandboxServer
from wizframe.server.service import SANDBOX_PASSWORD, TENANT_ID

EMAIL = "ada@example.com"
SECRET = "correct horse canary-9137 ünïcode"
TOKEN = "api_prod_canary_55aa77cc99ee"


@pytest.fixture
def server(dialect):
    with SandboxServer(customers=5, dialect=dialect) as running:
        yield running


@pytest.fixture
def typed(monkeypatch):
    """Answer the questions of a login; gives the questions that were asked."""
    asked = []

    def sit_down(email=EMAIL, password=SANDBOX_PASSWORD):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda question: (asked.append(question), email)[1])
        monkeypatch.setattr("getpass.getpass", lambda question: (asked.append(question), password)[1])
        return asked

    return sit_down


@pytest.fixture
def ring(monkeypatch):
    """A keyring in memory."""
    keyring = ModuleType("keyring")
    keyring.kept = {}
    keyring.get_password = lambda service, name: keyring.kept.get((service, name))
    keyring.set_password = lambda service, name, text: keyring.kept.update({(service, name): text})
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    return keyring


@pytest.fixture
def no_ring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.mark.usefixtures("no_ring")
def test_e_mail_and_password_give_a_connection_with_the_account_s_name(server, typed, caplog):
    caplog.set_level("INFO")
    asked = typed()
    with wizframe.login(base_url=server.base_url) as client:
        assert client.account.name == TENANT_ID
        assert len(client.load_customers(invalid="warn", progress=wizframe.progress.Watch())) == 5
        assert client.transport._secret.reveal().startswith("api_sandbox_")
    assert [question.split(":")[0] for question in asked[:1]] == ["WizCommerce e-mail"]
    assert EMAIL in asked[1]
    assert "not shown" in asked[1]
    first = next(iter(server.requests))
    assert (first.method, first.path) == ("POST", "/auth/token")
    assert "valid until" in caplog.text
    assert "not stored: the package keyring is not installed" in caplog.text


def test_the_key_is_kept_with_the_account_and_connect_finds_both(server, typed, ring):
    typed()
    wizframe.login(EMAIL, base_url=server.base_url).close()
    assert list(ring.kept) == [("wizframe", server.base_url)]
    assert json.loads(ring.kept["wizframe", server.base_url])["key"].startswith("api_sandbox_")
    with wizframe.connect(base_url=server.base_url) as client:
        assert client.account.name == TENANT_ID
        assert len(client.customer.list()) > 0


def test_a_key_that_the_user_put_into_the_keyring_is_used_too(server, ring):
    ring.kept["wizframe", server.base_url] = wizframe.SANDBOX_API_KEY
    with wizframe.connect(base_url=server.base_url) as client:
        assert client.account.name == "sandbox"
    ring.kept["wizframe", server.base_url] = '{"half": "an entry"'
    with pytest.raises(ConfigurationError, match="a key cannot have"):
        wizframe.connect(base_url=server.base_url)


def test_a_keyring_that_stores_nothing_is_reported_and_the_connection_is_open(server, typed, ring, caplog):
    caplog.set_level("INFO")

    def refuse(_service, _name, text):
        raise RuntimeError(text)

    ring.set_password = refuse
    typed()
    with wizframe.login(base_url=server.base_url) as client:
        assert client.account.name == TENANT_ID
    assert "not stored: the keyring did not accept it" in caplog.text


@pytest.mark.usefixtures("no_ring")
def test_a_profile_gives_the_address_and_its_name_for_the_account_wins(server, typed, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
    (tmp_path / "config.toml").write_text(f'[profiles.test]\nbase_url = "{server.base_url}"\naccount = "Nordlicht"\n')
    typed()
    with wizframe.login(profile="test", read_only=True, workers=2) as client:
        assert client.account.name == "Nordlicht"
        assert client.transport.read_only
        assert client.workers == 2


@pytest.mark.usefixtures("no_ring")
def test_a_wrong_password_is_reported_and_opens_no_connection(server, typed):
    typed(password="wrong")
    with pytest.raises(AuthenticationError, match="does not accept this e-mail address with this password"):
        wizframe.login(base_url=server.base_url)
    assert [request.path for request in server.requests] == ["/auth/token"]  # it is not tried again
    with pytest.raises(ConfigurationError, match="no connection is open"):
        wizframe.load_customers()


def test_without_a_keyboard_nothing_is_sent(server):
    with pytest.raises(ConfigurationError, match="was not typed"):
        wizframe.login(EMAIL, base_url=server.base_url)
    assert len(server.requests) == 0


def test_a_kernel_without_a_front_end_cannot_ask(server, typed, monkeypatch):
    typed()

    def refuse(_question):
        raise RuntimeError("raw_input was called, but this frontend does not support input requests.")

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr("getpass.getpass", refuse)
    with pytest.raises(ConfigurationError, match="was not typed"):
        wizframe.login(EMAIL, base_url=server.base_url)


def test_a_notebook_asks_for_the_key_that_connect_lacks(server, typed, monkeypatch):
    """Its standard input is not a terminal."""
    asked = typed(password=wizframe.SANDBOX_API_KEY)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    with wizframe.connect(base_url=server.base_url) as client:
        assert client.account.name == "sandbox"
    assert "not shown" in asked[0]


#: What a service, or what stands in its place, may answer to a login.
ANSWERS = {
    "echo": Reply.json({"code": SECRET, "message": f"{SECRET} is no password", "details": []}, 422),
    "html": Reply(200, f"<html>{SECRET} {TOKEN}</html>".encode()),
    "error page": Reply(503, f"<html>{SECRET}</html>".encode()),
    "half a token": Reply(200, f'{{"access_token": "{TOKEN}'.encode()),
    "no token": Reply.json({"user": {"tenant_id": TOKEN}}),
    "a token that is none": Reply.json({"access_token": [TOKEN]}),
    "no user": Reply.json([TOKEN]),
    "redirect": Reply(302, headers={"Location": f"http://127.0.0.1:1/?password={SECRET.encode().hex()}"}),
    "a key that cannot be one": Reply.json({"access_token": f"{TOKEN} {TOKEN}", "user": {}}),
    "a key that is refused": Reply.json({"access_token": TOKEN, "user": {"tenant_id": "t"}}),
}


@pytest.mark.usefixtures("no_ring")
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_response_makes_the_password_or_the_key_appear(answer, typed, caplog, capsys, monkeypatch):
    caplog.set_level("DEBUG")
    monkeypatch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 1)
    typed(password=SECRET)
    refused = Reply.json({"code": "no", "message": f"{TOKEN} is unknown"}, 401)
    with Stub(answer, *[refused] * 3) as stub, pytest.raises(WizframeError) as caught:
        wizframe.login(EMAIL, base_url=stub.base_url)
    sent = stub.requests[0]
    assert orjson.loads(sent.body) == {"email": EMAIL, "password": SECRET}
    assert "X-API-Key" not in sent.headers
    shown = (
        everything_about(caught.value)
        + in_a_verbose_notebook(caught.value)
        + caplog.text
        + "".join(capsys.readouterr())
    )
    assert "in login" in shown
    assert shows(shown, TOKEN) == set()
    assert shows(shown, SECRET) == set()
    assert "canary" not in shown.lower()


@pytest.mark.usefixtures("no_ring")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_no_traceback_shows_the_password_when_a_login_is_interrupted(error, typed, monkeypatch):
    def interrupted(*_):
        raise error

    monkeypatch.setattr("http.client.HTTPConnection.send", interrupted)
    typed(password=SECRET)
    with Stub(Reply()) as stub, pytest.raises(error) as caught:
        wizframe.login(EMAIL, base_url=stub.base_url)
    assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)


@pytest.mark.usefixtures("no_ring")
def test_a_closed_port_a_redirect_and_an_unsafe_address_are_errors(typed):
    typed(password=SECRET)
    with pytest.raises(WizframeError, match="no connection"):
        wizframe.login(EMAIL, base_url=f"http://127.0.0.1:{closed_port()}/v1")
    with Stub(ANSWERS["redirect"]) as stub, pytest.raises(RedirectError):
        wizframe.login(EMAIL, base_url=stub.base_url)
    with Stub(Reply()) as stub:
        with pytest.raises(ConfigurationError, match="unencrypted"):
            wizframe.login(EMAIL, base_url="http://api.wizcommerce.com/v1")
        assert stub.requests == []


@pytest.mark.usefixtures("no_ring")
def test_a_login_with_a_lost_response_is_not_repeated(typed):
    """A second login would leave a second key behind, valid for a year."""
    typed()
    with SandboxServer(customers=1, faults=[Fault("drop_after", operation="login")]) as server:
        with pytest.raises(WizframeError):
            wizframe.login(EMAIL, base_url=server.base_url)
        assert [request.path for request in server.requests] == ["/auth/token"]
        assert len(server.faults.fired) == 1


@pytest.mark.usefixtures("no_ring")
def test_a_response_without_a_key_is_reported_and_not_quoted(typed):
    typed(password=SECRET)
    with Stub(ANSWERS["half a token"]) as stub, pytest.raises(ProtocolError, match="has no access_token"):
        wizframe.login(EMAIL, base_url=stub.base_url)
