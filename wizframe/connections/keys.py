"""API keys and where they come from: the caller, the keyring, the environment, a hidden prompt."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wizframe.connections.profiles import setting
from wizframe.errors import ConfigurationError, Hint
from wizframe.http.secret import masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.http.login import Token

__all__ = ["KEPT", "Key", "ask", "find_key", "installed_keyring", "keep_in_keyring", "key_in_keyring"]

KEPT = "kept in the keyring"


@dataclass(frozen=True)
class Key:
    """An API key, masked; where it came from; and the account's name, where a login told it."""

    value: str = field(repr=False)
    source: str
    account: str = ""


def find_key(api_key: str | None, profile: str | None, url: str) -> Key:
    """Find the API key for an address, or ask for it."""
    if api_key:
        return Key(api_key, "given")
    own = key_in_keyring(profile) if profile else None  # the environment's may be another account's
    if own:
        return own
    if setting("WIZCOMMERCE_API_KEY"):
        return Key(masked(setting("WIZCOMMERCE_API_KEY")), "from WIZCOMMERCE_API_KEY")
    stored = None if profile else key_in_keyring(url)
    if stored:
        return stored
    typed = ask(f"WizCommerce API key for {profile or url} (not shown): ", getpass.getpass)
    if typed is not None:
        return Key(masked(typed), "typed")
    raise ConfigurationError(
        "no API key was found",
        hint=Hint(
            python="Set WIZCOMMERCE_API_KEY, give connect(api_key=…), or log in with wizframe.login(). "
            "Without an account, use wizframe.sandbox().",
            cli="Set WIZCOMMERCE_API_KEY, or log in with `wizframe login`. Without an account, use `wizframe sandbox`.",
        ),
    )


def ask(question: str, read: Callable[[str], str]) -> str | None:
    """Ask a person; None where there is none."""
    if "ipykernel" not in sys.modules and (sys.stdin is None or not sys.stdin.isatty()):
        return None
    try:
        return read(question)
    except (EOFError, RuntimeError):  # a kernel without a front end raises a RuntimeError of its own
        return None


def installed_keyring() -> Any:
    """Give the package keyring, or None where it is not installed."""
    try:
        import keyring  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return keyring


def key_in_keyring(name: str) -> Key | None:
    """Read a key that somebody laid there, or what a login left: JSON, with the account's name."""
    keyring = installed_keyring()
    if keyring is None:
        return None
    try:
        stored = masked(keyring.get_password("wizframe", name) or "")
    except keyring.errors.KeyringError:  # a server without a keyring daemon, say
        return None
    key, account = _entry(stored)
    return Key(key, "from the keyring", account) if key else None


def _entry(stored: str) -> tuple[str, str]:
    try:
        entry = json.loads(stored)
        return masked(entry["key"]), str(entry["account"])
    except (ValueError, TypeError, KeyError):
        return stored, ""


def keep_in_keyring(name: str, token: Token) -> str:
    """Keep what a login gave, and say what became of it."""
    keyring = installed_keyring()
    if keyring is None:
        return "not kept: the package keyring is not installed"
    try:
        keyring.set_password("wizframe", name, json.dumps({"key": token.key, "account": token.account}))
    except Exception:  # noqa: BLE001 - whatever a keyring's own program raises, and it may quote the key
        return "not kept: the keyring did not take it"
    return KEPT
