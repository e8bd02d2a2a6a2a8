"""The configuration file and the address: whatever stands there, the error says where, what, and what is allowed."""

import pytest
from support.client import CANARY
from support.security import everything_about, in_a_verbose_notebook

import wizframe
from wizframe.errors import ConfigurationError
from wizframe.server import SandboxServer


@pytest.fixture
def server():
    with SandboxServer(customers=1) as running:
        yield running


@pytest.fixture
def config(monkeypatch, tmp_path):
    """Give the path of the user's configuration file."""
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
    return tmp_path / "config.toml"


#: Configuration files of another shape or type: what stands in the file, and what the error says.
WRONG = {
    "base_url int": ("[profiles.t]\nbase_url = 5\n", "base_url=5 is not valid .allowed: strings"),
    "base_url list": ('[profiles.t]\nbase_url = ["http://127.0.0.1/v1"]\n', "base_url="),
    "base_url table": ("[profiles.t]\nbase_url = {a=1}\n", "base_url="),
    "base_url bool": ("[profiles.t]\nbase_url = true\n", "base_url=True"),
    "base_url date": ("[profiles.t]\nbase_url = 2026-01-01\n", "base_url="),
    "base_url NUL": ('[profiles.t]\nbase_url = "http://127.0.0.1\\u0000/v1"\n', "base_url="),
    "base_url newline": ('[profiles.t]\nbase_url = "http://127.0.0.1/v1\\r\\nX: y"\n', "base_url"),
    "base_url IPv6": ('[profiles.t]\nbase_url = "http://[::1/v1"\n', "base_url"),
    "base_url IDN": ('[profiles.t]\nbase_url = "https://ex\u00e4mple.com/v1"\n', "base_url"),
    "base_url empty": ('[profiles.t]\nbase_url = ""\n', "base_url of the profile is empty"),
    "base_url blank": ('[profiles.t]\nbase_url = "  "\n', "base_url of the profile is empty"),
    "dialect int": ("[profiles.t]\ndialect = 5\n", "dialect=5"),
    "dialect list": ("[profiles.t]\ndialect = ['rest']\n", "dialect="),
    "dialect word": ("[profiles.t]\ndialect = 'rets'\n", "did you mean 'rest'"),
    "rate string": ("[profiles.t]\nrate = '5'\n", "rate='5' is not valid .allowed: numbers above 0"),
    "rate nan": ("[profiles.t]\nrate = nan\n", "rate=nan"),
    "rate inf": ("[profiles.t]\nrate = inf\n", "rate=inf"),
    "rate bool": ("[profiles.t]\nrate = true\n", "rate=True"),
    "rate zero": ("[profiles.t]\nrate = 0\n", "rate=0"),
    "rate list": ("[profiles.t]\nrate = [1]\n", "rate="),
    "account int": ("[profiles.t]\naccount = 5\n", "account=5"),
    "account list": ("[profiles.t]\naccount = ['a']\n", "account="),
    "account escape": ('[profiles.t]\naccount = "\\u001b[2J"\n', "account="),
    "unknown key": ("[profiles.t]\nbaseurl = 'x'\n", "unknown setting baseurl .*did you mean base_url"),
    "nested table": ("[profiles.t.t]\nbase_url = 'x'\n", "unknown setting t .allowed"),
    "profile int": ("[profiles]\nt = 5\n", r"\[profiles.t\] in .*: it is not a table, but of type int"),
    "profile string": ("[profiles]\nt = 'x'\n", "is not a table"),
    "profile list": ("[profiles]\nt = [1]\n", "is not a table"),
    "array of tables": ("[[profiles.t]]\nbase_url='x'\n", "is not a table"),
    "profiles int": ("profiles = 5\n", "in the place of the table profiles"),
    "profiles string": ("profiles = 'test'\n", "in the place of the table profiles"),
    "profiles list": ("profiles = ['t']\n", "in the place of the table profiles"),
    "not TOML": ("[profiles.t\n", r"is not a valid TOML file .at line 1"),
    "twice": ("[profiles.t]\n[profiles.t]\n", "is not a valid TOML file"),
    "UTF-16": (b"\xff\xfe\x00", "is not a valid TOML file"),
    "NUL": (b"[profiles.t]\nbase_url = 'a\x00b'\n", "is not a valid TOML file"),
    "deep": (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
    "huge": (b"[profiles.t]\nrate = " + b"9" * 5000, "is not a valid TOML file"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_configuration_of_another_shape_or_type_is_an_error_that_names_file_profile_and_key(text, message, config):
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=message):
        wizframe.connect("key", profile="t")


def test_a_configuration_that_cannot_be_read_says_why(config):
    config.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: it is a folder"):
        wizframe.connect("key", profile="t")


def test_a_configuration_may_begin_with_the_mark_of_utf_8(server, config):
    config.write_bytes(b"\xef\xbb\xbf" + f'[profiles.t]\nbase_url = "{server.base_url}"\n'.encode())
    wizframe.connect(wizframe.SANDBOX_API_KEY, profile="t").close()


@pytest.mark.parametrize(
    "text",
    [
        "api_key = 'KEY'", "key = 'KEY'", "dialect = 'KEY'", "base_url = 'KEY'", "rate = 'KEY'", "KEY = 1",
        "base_url = 'ftp://KEY'", "base_url = 'https://user:KEY@x/v1'", "base_url = 'https://x/v1?key=KEY'",
        "dialect = 'rest", "account = ['KEY']", "api_key = 'KEY'\napi_key = 'KEY'", "KEY", "[profiles.KEY]\nx=1\nKEY",
    ],
)  # fmt: skip
def test_a_key_in_a_wrong_place_of_the_configuration_is_not_shown(text, config):
    config.write_text("[profiles.t]\n" + text.replace("KEY", CANARY))
    with pytest.raises(ConfigurationError) as caught:
        wizframe.connect("key", profile="t")
    assert "canary" not in str(caught.value)
    if "base_url" not in text:  # an address is not a secret, and stands in variables
        assert "canary" not in everything_about(caught.value) + in_a_verbose_notebook(caught.value)


@pytest.mark.parametrize("url", ["", " ", "\t"])
def test_an_empty_address_never_means_production(url, server, monkeypatch):
    with pytest.raises(ConfigurationError, match="base_url is empty"):
        wizframe.connect("key", base_url=url)
    monkeypatch.setenv("WIZCOMMERCE_BASE_URL", server.base_url)
    with pytest.raises(ConfigurationError, match="base_url is empty"):
        wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=url)
    monkeypatch.setenv("WIZCOMMERCE_BASE_URL", url)
    with pytest.raises(ConfigurationError, match="WIZCOMMERCE_BASE_URL is empty"):
        wizframe.connect("key")
