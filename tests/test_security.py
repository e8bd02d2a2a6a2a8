"""What keeps the key and the customers' data where they belong, point by point; what is proven elsewhere is named."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest
from test_client_support import CANARY, closed_port
from test_security_support import everything_about, in_a_verbose_notebook

import wizframe
from wizframe.errors import ConfigurationError, WizframeError
from wizframe.server import SandboxServer


def _from_the_keyring(monkeypatch, key):
    keyring = ModuleType("keyring")
    keyring.get_password = lambda _service, _name: key
    monkeypatch.setitem(sys.modules, "keyring", keyring)


def _typed(monkeypatch, key):
    monkeypatch.setattr("wizframe.connections._key_in_keyring", lambda _name: None)
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

    @pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
    @pytest.mark.parametrize("lay", SOURCES.values(), ids=SOURCES)
    def test_no_failure_to_connect_shows_the_key(self, lay, failure, monkeypatch, caplog, capsys):
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr("wizframe.transport.MAX_ATTEMPTS", 1)
        with SandboxServer(customers=1) as server:
            given = lay(monkeypatch, CANARY) or {}
            with pytest.raises(WizframeError) as caught:
                wizframe.connect(**({"base_url": server.base_url} | failure | given))
        shown = everything_about(caught.value) + in_a_verbose_notebook(caught.value)
        assert "in connect" in shown
        assert "canary" not in shown + caplog.text + "".join(capsys.readouterr())

    @pytest.mark.parametrize(
        ("source", "key"), [*((source, f"{CANARY} {CANARY}") for source in SOURCES), ("given", CANARY.encode())]
    )
    def test_what_cannot_be_a_key_is_not_shown_either(self, source, key, monkeypatch):
        given = SOURCES[source](monkeypatch, key) or {}
        with pytest.raises(ConfigurationError, match="a key cannot have") as caught:
            wizframe.connect(base_url=f"http://127.0.0.1:{closed_port()}/v1", **given)
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    def test_a_key_in_the_place_of_the_address_is_not_quoted(self, monkeypatch):
        monkeypatch.setenv("WIZCOMMERCE_BASE_URL", CANARY)
        with pytest.raises(ConfigurationError, match="no absolute URL") as caught:
            wizframe.connect("https://api.wizcommerce.com/v1")
        assert "canary" not in str(caught.value)

    def test_a_key_in_the_configuration_is_refused_and_not_shown(self, monkeypatch, tmp_path):
        monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
        (tmp_path / "config.toml").write_text(f"[profiles.test]\napi_key = '{CANARY}'\n", "utf-8")
        with pytest.raises(ConfigurationError, match="'api_key'") as caught:
            wizframe.connect(profile="test")
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)

    def test_it_would_be_found_in_a_traceback(self):
        with pytest.raises(ZeroDivisionError) as caught:
            exec(f"def fail(key):\n    1 / 0\nfail({CANARY!r})", {})  # noqa: S102 - a frame that is not of the tests
        assert CANARY in everything_about(caught.value)
        assert CANARY in in_a_verbose_notebook(caught.value)
