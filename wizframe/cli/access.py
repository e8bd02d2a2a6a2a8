"""The commands about access to an account: login, logout, whoami and doctor."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.exit_codes import exit_code
from wizframe.cli.options import as_json, connected, connection, examples
from wizframe.cli.output import print_json, print_pairs, print_text
from wizframe.connections.connect import login, logout
from wizframe.doctor.findings import Finding, examine_account, examine_machine
from wizframe.doctor.probe import probe
from wizframe.doctor.probe_writes import probe_writes
from wizframe.errors import WizframeError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMMANDS"]


@click.command("login", epilog=examples("wizframe login ada@example.com", "wizframe login --profile staging"))
@click.argument("email", metavar="[EMAIL]", required=False)
@connection
def _login(email: str | None, **chosen: Any) -> int:
    """Log in with e-mail and password, and store the API key.

    The key is stored in the keyring of this machine, where the other commands and Python find it. This needs the
    optional extra cli. The password is neither shown nor stored.
    """
    with contextlib.redirect_stdout(sys.stderr):
        client = login(email, must_keep=True, **chosen)
    with client:
        print_text(f"Logged in to {client.account}. The API key is stored in the keyring.")
    return 0


@click.command("logout", epilog=examples("wizframe logout", "wizframe logout --profile staging"))
@connection
def _logout(**chosen: Any) -> int:
    """Remove the API key from the keyring.

    WizCommerce accepts the key until it expires or is deleted there.
    """
    is_removed = logout(**chosen)
    print_text("The API key was removed from the keyring." if is_removed else "There is no API key in the keyring.")
    return 0


@click.command("whoami", epilog=examples("wizframe whoami", "wizframe whoami --profile staging --json"))
@as_json
@connection
def _whoami(*, as_json: bool, **chosen: Any) -> int:
    """Show the account, and where its API key comes from."""
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
        print_json("account", found)
    else:
        print_pairs(found)
    return 0


@click.command(
    "doctor",
    epilog=examples(
        "wizframe doctor",
        "wizframe doctor --probe --json > report.json",
        "wizframe doctor --profile staging --probe-writes",
    ),
)
@click.option("--probe", "is_probed", is_flag=True, help="Compare the account with the API's documents. Only reads.")
@click.option(
    "--probe-writes",
    "is_written",
    is_flag=True,
    help="Also test writing, on a customer that is created and then deleted. Refused on production.",
)
@as_json
@connection
def _doctor(*, is_probed: bool, is_written: bool, as_json: bool, **chosen: Any) -> int:
    """Check this machine and the connection, for a bug report.

    The report has no API key and no customer's data.
    """
    findings: list[Finding] = []

    def report(found: Iterable[Finding]) -> None:
        for finding in found:
            findings.append(finding)
            if not as_json:
                print_text(f"{finding.state:<5} {finding.name:<18}  {finding.said}")

    code = 0
    report(examine_machine())
    try:
        with connected(chosen) as client:
            report(examine_account(client))
            if is_probed:
                report(probe(client))
            if is_written:
                report(probe_writes(client))
    except WizframeError as error:
        report([Finding("connection", "bad", str(error))])
        code = exit_code(error)
    if as_json:
        print_json("doctor", {"findings": [finding._asdict() for finding in findings]})
    return code or int(any(finding.state == "bad" for finding in findings))


COMMANDS = (_login, _logout, _whoami, _doctor)
