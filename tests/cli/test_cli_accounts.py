"""login and logout on the command line: the next command finds the key, and the password is never shown."""

import os
import sys
from types import ModuleType

import pytest

import wizframe
from wizframe.cli.commands import main
from wizframe.server import SandboxServer
from wizframe.server.service import SANDBOX_PASSWORD, TENANT_ID


@pytest.fixture
def server(dialect, monkeypatch):
    with SandboxServer(customers=5, dialect=dialect) as running:
        monkeypatch.setenv("WIZCOMMERCE_BASE_URL", running.base_url)
        yield running


@pytest.fixture
def ring(monkeypatch):
    """A keyring in memory."""
    keyring = ModuleType("keyring")
    keyring.kept = {}
    keyring.get_password = lambda service, name: keyring.kept.get((service, name))
    keyring.set_password = lambda service, name, text: keyring.kept.update({(service, name): text})
    keyring.delete_password = lambda service, name: keyring.kept.pop((service, name))
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    return keyring


@pytest.fixture
def typed(monkeypatch):
    """Type a password at every prompt; return the prompts."""
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda question: (asked.append(question), SANDBOX_PASSWORD)[1])
    return asked


def test_a_login_is_found_by_the_next_command_until_the_logout(server, ring, typed, capsys, monkeypatch):
    assert main(["login", "ada@example.com"]) == 0
    out = capsys.readouterr().out
    assert f"Logged in to {TENANT_ID} at {server.base_url}. The API key is stored" in out
    assert len(ring.kept) == len(typed) == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["whoami"]) == 0
    assert "from the keyring" in capsys.readouterr().out
    assert main(["logout"]) == 0
    assert ring.kept == {}
    assert "removed from the keyring" in capsys.readouterr().out
    assert main(["logout"]) == 0
    assert "There is no API key" in capsys.readouterr().out
    assert main(["whoami"]) == 6
    assert "`wizframe login`" in capsys.readouterr().err


def test_each_profile_has_its_own_key(server, ring, typed, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
    (tmp_path / "config.toml").write_text(f'[profiles.one]\n[profiles.two]\nbase_url = "{server.base_url}"\n')
    assert main(["login", "ada@example.com", "--profile", "two"]) == 0
    assert list(ring.kept) == [("wizframe", "two")]
    assert typed
    monkeypatch.setenv("WIZCOMMERCE_BASE_URL", "http://127.0.0.1:9/v1")  # of another account: neither address nor key
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", "api_of_another_account")  # may get mixed up with the profile's
    with wizframe.connect(profile="two") as client:
        assert (client.base_url, client.key_source) == (server.base_url, "from the keyring")
    assert wizframe.logout(profile="one") is False
    assert wizframe.logout(profile="two") is True
    assert main(["logout", "--profile", "three"]) == 6


def test_without_a_keyring_a_login_asks_for_nothing_and_sends_nothing(server, typed, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert main(["login", "ada@example.com"]) == 1
    assert "pip install 'wizframe[cli]'" in capsys.readouterr().err
    assert typed == []
    assert len(server.requests) == 0
    assert wizframe.logout() is False


@pytest.mark.usefixtures("server", "typed")
def test_a_keyring_that_fails_is_reported_and_the_key_is_not_shown(ring, capsys):
    def refuse(*given):
        raise RuntimeError(*given)

    ring.set_password = refuse
    assert main(["login", "ada@example.com"]) == 6
    said = capsys.readouterr()
    assert "the keyring did not accept it. Set WIZCOMMERCE_API_KEY" in said.err
    assert "api_sandbox" not in said.out + said.err
    ring.kept["wizframe", os.environ["WIZCOMMERCE_BASE_URL"]] = "api_sandbox_canary"
    ring.delete_password = refuse
    assert main(["logout"]) == 6
    said = capsys.readouterr()
    assert "Remove it with the program" in said.err
    assert "canary" not in said.out + said.err


def test_without_a_terminal_a_login_does_not_wait(server, ring, capsys):
    assert main(["login", "ada@example.com"]) == 6
    assert "was not typed" in capsys.readouterr().err
    assert ring.kept == {}
    assert len(server.requests) == 0
