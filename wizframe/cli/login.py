"""The commands about keys: log in, log out, and tell which account is meant."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import click

from wizframe.cli.options import as_json, connected, connection, examples
from wizframe.cli.output import say, say_json, say_pairs
from wizframe.connections.connect import login, logout

__all__ = ["COMMANDS"]


@click.command("login", epilog=examples("wizframe login ada@example.com", "wizframe login --profile staging"))
@click.argument("email", metavar="[EMAIL]", required=False)
@connection
def _login(email: str | None, **chosen: Any) -> int:
    """Ask for a password, and keep the API key that it gives.

    The key goes into the keyring of this machine (the extra: wizframe[cli]), where every other command and
    wizframe.connect() find it. The password is not shown, and not kept.
    """
    with contextlib.redirect_stdout(sys.stderr):
        client = login(email, must_keep=True, **chosen)
    with client:
        say(f"logged in to {client.account}; the key is kept in the keyring")
    return 0


@click.command("logout", epilog=examples("wizframe logout", "wizframe logout --profile staging"))
@connection
def _logout(**chosen: Any) -> int:
    """Remove the API key from the keyring.

    WizCommerce itself accepts it until it expires, or is removed there.
    """
    was_there = logout(**chosen)
    say("the key is removed from the keyring" if was_there else "there is no key in the keyring")
    return 0


@click.command("whoami", epilog=examples("wizframe whoami", "wizframe whoami --profile staging --json"))
@as_json
@connection
def _whoami(*, as_json: bool, **chosen: Any) -> int:
    """Tell which account the commands go to, and where the key comes from."""
    with connected(chosen) as client:
        found = {
            "account": client.account.name,
            "base_url": client.base_url,
            "environment": client.environment,
            "dialect": client.dialect,
            "active_customers": client.customer.page(page_size=1).total_records,
            "api_key": client.key_source,
            "read_only": client.transport.read_only,
        }
    if as_json:
        say_json("account", found)
    else:
        say_pairs(found)
    return 0


COMMANDS = (_login, _logout, _whoami)
