"""connect() and sandbox(): which account, which key, and what is said about it."""

import inspect
import logging

import pytest

import wizframe
from wizframe.connections.client import Client
from wizframe.errors import AuthenticationError, ConfigurationError, NotSentError, ReadOnlyError
from wizframe.http.transport import Transport
from wizframe.server import SANDBOX_API_KEY, SandboxServer

KEY = wizframe.SANDBOX_API_KEY


@pytest.fixture
def server(dialect):
    with SandboxServer(customers=5, dialect=dialect) as running:
        yield running


@pytest.fixture
def config(monkeypatch, tmp_path):
    """Write the text of a configuration file where the user's own would be."""
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))

    def write(text):
        (tmp_path / "config.toml").write_text(text, "utf-8")

    return write


def test_the_sandbox_key_is_the_servers():
    assert KEY == SANDBOX_API_KEY


def test_the_dialect_is_found_out(server, dialect):
    with wizframe.connect(KEY, base_url=server.base_url) as client:
        assert client.dialect == dialect
        assert len(server.requests) == 2  # one to see that the key works, one to see the dialect


def test_a_set_dialect_is_not_asked_for(server, dialect):
    with wizframe.connect(KEY, base_url=server.base_url, dialect=dialect) as client:
        assert client.dialect == dialect
        assert len(server.requests) == 1


def test_key_and_address_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", KEY)
    monkeypatch.setenv("WIZCOMMERCE_BASE_URL", server.base_url)
    with wizframe.connect() as client:
        assert client.base_url == server.base_url


def test_what_is_given_wins_over_the_environment(server, monkeypatch):
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", "wrong")
    monkeypatch.setenv("WIZCOMMERCE_BASE_URL", "https://example.invalid/v1")
    with wizframe.connect(KEY, base_url=server.base_url) as client:
        assert client.base_url == server.base_url


def test_without_a_key_the_error_says_what_to_do():
    with pytest.raises(ConfigurationError, match=r"WIZCOMMERCE_API_KEY.*sandbox"):
        wizframe.connect(base_url="http://127.0.0.1:9/v1")


def test_a_wrong_key_is_an_error_that_does_not_show_it(server):
    with pytest.raises(AuthenticationError, match="missing, wrong or expired") as refused:
        wizframe.connect("canary-4711", base_url=server.base_url)
    assert "canary-4711" not in str(refused.value)
    with pytest.raises(ConfigurationError):  # a connection that failed is not open
        wizframe.load_customers()


def test_a_service_that_is_down_is_reported_with_its_address():
    with pytest.raises(NotSentError, match=r"127\.0\.0\.1:9"):
        wizframe.connect(KEY, base_url="http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("api.wizcommerce.com/v1", "must be an absolute URL"),
        ("http://api.wizcommerce.com/v1", "unencrypted"),
        ("https://me:secret@api.wizcommerce.com/v1", "user, password"),
        ("https://api.wizcommerce.com/v1?key=1", "query"),
        ("ftp://api.wizcommerce.com", "must be an absolute URL"),
    ],
)
def test_an_unsafe_address_is_refused_before_anything_is_sent(url, reason):
    with pytest.raises(ConfigurationError, match=reason) as refused:
        wizframe.connect(KEY, base_url=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_the_key_of_the_sandbox_goes_to_no_other_machine(how, monkeypatch):
    """A user who sets the key alone would send requests for the sandbox to production."""
    if how == "environment":
        monkeypatch.setenv("WIZCOMMERCE_API_KEY", KEY)
    with pytest.raises(
        ConfigurationError, match=r"the API key is the key of sandboxes, but https://elsewhere\.invalid/v1"
    ) as refused:
        wizframe.connect(KEY if how == "argument" else None, base_url="https://elsewhere.invalid/v1")
    assert "Set WIZCOMMERCE_BASE_URL" in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel"])
def test_what_cannot_be_a_key_is_refused(key, monkeypatch):
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", key)
    with pytest.raises(ConfigurationError):
        wizframe.connect(key or None, base_url="http://127.0.0.1:9/v1")


def test_read_only_by_argument_or_environment_sends_no_write(server, monkeypatch):
    with wizframe.connect(KEY, base_url=server.base_url, read_only=True) as client:
        with pytest.raises(ReadOnlyError):
            client.customer.delete("cust_1")
        assert "read-only" in repr(client)
    monkeypatch.setenv("WIZFRAME_READ_ONLY", "1")
    with wizframe.connect(KEY, base_url=server.base_url) as client, pytest.raises(ReadOnlyError):
        client.customer.delete("cust_1")
    assert {request.method for request in server.requests} == {"GET"}


def test_a_profile_gives_address_dialect_rate_and_account(server, config, dialect):
    config(
        f'[profiles.test]\nbase_url = "{server.base_url}"\ndialect = "{dialect}"\nrate = 500.0\naccount = "Nordlicht"\n'
    )
    with wizframe.connect(KEY, profile="test") as client:
        assert (client.base_url, client.dialect) == (server.base_url, dialect)
        assert client.account.name == "Nordlicht"
        assert "Nordlicht" in repr(client)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[profiles.other]\n", r"no section \[profiles.test\] \(profiles: other\)"),
        ("[profiles.test]\napi_key = 'x'\n", r"unknown setting api_key \(allowed: "),
        ("[profiles.test\n", "not a valid TOML"),
    ],
)
def test_an_invalid_profile_is_reported_with_its_file(config, text, reason):
    config(text)
    with pytest.raises(ConfigurationError, match=reason) as refused:
        wizframe.connect(KEY, profile="test")
    assert "config.toml" in str(refused.value)


@pytest.mark.usefixtures("config")
def test_a_profile_without_a_file_says_where_it_would_be():
    with pytest.raises(ConfigurationError, match=r"config\.toml"):
        wizframe.connect(KEY, profile="test")


def test_connecting_says_where_to_but_never_the_key(server, caplog):
    with caplog.at_level(logging.INFO, "wizframe"), wizframe.connect(KEY, base_url=server.base_url):
        pass
    assert server.base_url in caplog.text
    assert "API key given" in caplog.text
    assert KEY not in caplog.text


def test_with_two_open_connections_the_client_must_be_given():
    with wizframe.sandbox(customers=1) as one, wizframe.sandbox(customers=2) as two:
        with pytest.raises(ConfigurationError, match="2 connections are open") as unclear:
            wizframe.load_customers()
        assert one.base_url in str(unclear.value)
        assert len(wizframe.load_customers(client=two, invalid="drop")) <= 2
        frame = one.load_customers()
        assert len(frame.wiz.plan()) == 0  # a loaded frame knows which of them is meant


def test_no_open_connection_names_both_ways_to_open_one():
    with pytest.raises(ConfigurationError, match=r"connect\(\).*sandbox\(\)"):
        wizframe.load_customers()


def test_a_closed_sandbox_is_gone():
    client = wizframe.sandbox(customers=1)
    client.close()
    client.close()
    with pytest.raises(ConfigurationError):
        wizframe.load_customers()
    with pytest.raises(NotSentError):
        client.customer.list()


def test_the_same_seed_makes_the_same_account():
    with wizframe.sandbox(customers=9, seed=1) as one, wizframe.sandbox(customers=9, seed=1) as same:
        ids = [record["id"] for record in one.customer.list()]
        assert ids == [record["id"] for record in same.customer.list()]
    with wizframe.sandbox(customers=9, seed=2) as other:
        assert ids != [record["id"] for record in other.customer.list()]


def test_the_pytest_fixture_is_a_connected_sandbox(wizframe_sandbox):
    assert wizframe_sandbox.customer.page().total_records > 40


def test_the_environment_is_named():
    named = {
        "https://api.wizcommerce.com/v1": "PRODUCTION",
        "https://api-staging.sourcerer.tech/v1": "staging",
        "http://localhost:8080/v1": "local",
        "https://example.com/v1": "other",
    }
    for url, environment in named.items():
        client = Client(Transport(url, "key"))
        assert client.environment == environment
        client.close()


@pytest.mark.parametrize("options", [{"customers": -1}, {"customers": "many"}, {"dialect": "soap"}])
def test_an_impossible_sandbox_is_refused(options):
    with pytest.raises(ConfigurationError):
        wizframe.sandbox(**options)


def test_other_objects_than_clients_are_refused():
    with pytest.raises(ConfigurationError, match=r"connect\(\) or sandbox\(\)"):
        wizframe.load_customers(client="production")


@pytest.mark.parametrize("name", ["load_customers", "load_contacts", "iter_customers", "iter_contacts", "plan"])
def test_a_client_offers_loading_and_planning_with_the_signatures_of_the_functions(name):
    found, expected = [], []
    for home, parameters in ((wizframe.Client, found), (wizframe, expected)):
        signature = inspect.signature(getattr(home, name))
        parameters += [(one.name, one.kind, one.default) for one in signature.parameters.values()]
    found.remove(("self", inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty))
    expected.remove(("client", inspect.Parameter.KEYWORD_ONLY, None))
    assert found == expected


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
def test_what_connect_and_sandbox_open_is_the_public_client(server):
    with wizframe.connect(KEY, base_url=server.base_url) as client:
        assert type(client) is type(client.guarded(lambda: None)) is wizframe.Client
        assert len(client.plan(client.load_contacts(client.load_customers()))) == 0
