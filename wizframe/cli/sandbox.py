"""The commands that need no account: the demo, and a server to try things on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.demo import run_demo
from wizframe.cli.options import examples
from wizframe.cli.output import called, say, takes_colour
from wizframe.connections.connect import SANDBOX_API_KEY, sandbox
from wizframe.errors import hints_for

if TYPE_CHECKING:
    from wizframe.fields import Dialect

__all__ = ["demo", "serve"]

_COUNT = click.IntRange(min=0)


def _made_up(command: Any) -> Any:
    """Add the options that say what a sandbox is filled with."""
    for option in (
        click.option("--seed", type=int, default=20260, help="The same seed makes the same data."),
        click.option(
            "--dialect",
            type=click.Choice(["rest", "sdk"]),
            default="rest",
            show_default=True,
            help="Which dialect to speak.",
        ),
        click.option(
            "--customers", type=_COUNT, metavar="N", default=500, show_default=True, help="How many to make up."
        ),
    ):
        command = option(command)
    return command


@click.command(epilog=examples("wizframe demo", "wizframe demo --customers 50 --dialect sdk"))
@_made_up
def demo(customers: int, dialect: Dialect, seed: int) -> int:
    """Do the whole job on a sandbox, and explain it.

    No account is needed.
    """
    with hints_for("python"):  # the demo shows Python code and what it prints
        run_demo(sys.stdout, customers=customers, dialect=dialect, seed=seed, is_coloured=takes_colour(sys.stdout))
    return 0


@click.command("sandbox", epilog=examples("wizframe sandbox", "wizframe sandbox --port 0 --rate-limit 20"))
@_made_up
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8080,
    show_default=True,
    help="On 127.0.0.1; 8080 is the vendor SDK's LOCAL.",
)
@click.option("--latency-s", type=float, default=0.0, metavar="S", help="Seconds before each answer.")
@click.option("--rate-limit", type=float, metavar="RATE", help="Requests per second above which it answers 429.")
@click.option("--page-size-cap", type=_COUNT, metavar="N", help="Records in a page at the most.")
def serve(customers: int, dialect: Dialect, **options: Any) -> int:
    """Serve a sandbox until Ctrl-C: the documented API, made-up data."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    with sandbox(customers, dialect=dialect, **options) as client:
        setting = '$env:{}="{}"' if os.name == "nt" else 'export {}="{}"'
        say(
            f"{customers} customers at {client.base_url} ({dialect} dialect). Ctrl-C stops it.\n\n"
            "In Python:\n"
            f'  wizframe.connect(base_url="{client.base_url}", api_key="{SANDBOX_API_KEY}")\n\n'
            "In another terminal:\n"
            f"  {setting.format('WIZCOMMERCE_BASE_URL', client.base_url)}\n"
            f"  {setting.format('WIZCOMMERCE_API_KEY', SANDBOX_API_KEY)}\n"
            f"  {called()} list customers --limit 5\n\n"
            "Or without wizframe:\n"
            f'  curl -H "X-API-Key: {SANDBOX_API_KEY}" "{client.base_url}/customers?page_size=2"'
        )
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):  # the way to stop it, and no failure
            while not stopped.wait(0.5):  # in short waits, so that Ctrl-C works on Windows
                pass
    return 0
