"""API keys: from the caller, the keyring, the environment or a hidden prompt."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizframe.connections.profiles import setting
from wizframe.errors import ConfigurationError, Hint
from wizframe.http.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.http.login import Token

__all__ = ["KEPT", "Key", "ask", "find_key", "installed_keyring", "keep_in_keyring", "key_in_keyring"]

KEPT = "stored in the keyring"


@dataclass(frozen=True)
class Key:
    """An API key, its origin in words, and the account's name if a login returned it."""

    value: Secret
    source: str
    account: str = ""


def find_key(given: Secret | None, profile: str | None, url: str) -> Key:
    """Find the API key for a profile or an address, or ask for it."""
    if given is not None:
        return Key(given, "given")
    own = key_in_keyring(profile) if profile else None  # first: the environment's key may be for another account
    if own:
        return own
    if setting("WIZCOMMERCE_API_KEY"):
        return Key(Secret(setting("WIZCOMMERCE_API_KEY")), "from WIZCOMMERCE_API_KEY")
    stored = None if profile else key_in_keyring(url)
    if stored:
        return stored
    typed = Secret(ask(f"WizCommerce API key for {profile or url} (not shown): ", getpass.getpass))
    if typed:
        return Key(typed, "typed")
    raise ConfigurationError(
        "no API key was found",
        hint=Hint(
            python="Set WIZCOMMERCE_API_KEY, pass the key as wizframe.connect(api_key=…), or log in with "
            "wizframe.login(). Without an account, use wizframe.sandbox().",
            cli="Set WIZCOMMERCE_API_KEY, or log in with `wizframe login`. Without an account, use `wizframe sandbox`.",
        ),
    )


def ask(question: str, read: Callable[[str], str]) -> str | None:
    """Ask the user; return None if there is no interactive terminal."""
    if "ipykernel" not in sys.modules and (sys.stdin is None or not sys.stdin.isatty()):
        return None
    try:
        return read(question)
    except (EOFError, RuntimeError):  # a kernel without a front end raises a RuntimeError
        return None


def installed_keyring() -> Any:
    """Return the package keyring, or None if it is not installed."""
    try:
        import keyring  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return keyring


def key_in_keyring(name: str) -> Key | None:
    """Read a key that the user stored there, or the JSON with key and account's name that a login stored."""
    keyring = installed_keyring()
    if keyring is None:
        return None
    try:
        stored = Secret(keyring.get_password("wizframe", name))
    except Exception:  # noqa: BLE001 - such as a server without a keyring daemon; a backend may raise anything
        return None
    key, account = _entry(stored)
    return Key(key, "from the keyring", account) if key else None


def _entry(stored: Secret) -> tuple[Secret, str]:
    try:
        entry = json.loads(stored.reveal())
        return Secret(entry["key"]), str(entry["account"])
    except (ValueError, TypeError, KeyError):
        return stored, ""


def keep_in_keyring(name: str, token: Token) -> str:
    """Store the key of a login, and return what happened, in words."""
    keyring = installed_keyring()
    if keyring is None:
        return "not stored: the package keyring is not installed"
    try:
        entry = {"key": token.key.reveal(), "account": token.account}
        keyring.set_password("wizframe", name, json.dumps(entry))
    except Exception:  # noqa: BLE001 - a keyring's backend may raise anything, and quote the key
        return "not stored: the keyring did not accept it"
    finally:
        entry = {}  # a traceback of Ctrl-C may print local variables
    return KEPT
