"""The command ``wizframe``. Thin: it parses arguments and calls what the package offers."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING

from wizframe import __version__
from wizframe.cli.commands import EXIT_CODES, add_commands, exit_code, run_command
from wizframe.cli.demo import run_demo
from wizframe.connections import SANDBOX_API_KEY, sandbox
from wizframe.errors import IncompleteLoadWarning, InvalidDataWarning, LostBaselineWarning, WizframeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code, see ``EXIT_CODES``; what went wrong is said on stderr. argparse exits with 2 for bad arguments.
    """
    chosen = _parser().parse_args(arguments)
    steps = {"demo": _demo, "sandbox": _sandbox}
    try:
        with _told_warnings() as warned:
            code = steps.get(chosen.command, run_command)(chosen)
    except (WizframeError, OSError) as error:
        sys.stderr.write(f"wizframe: {error}\n")
        return exit_code(error)
    except KeyboardInterrupt as error:
        sys.stderr.write("wizframe: interrupted\n")
        return exit_code(error)
    return 8 if code == 0 and IncompleteLoadWarning in warned else code


@contextlib.contextmanager
def _told_warnings() -> Iterator[set[type[Warning]]]:
    """Say our own warnings as sentences, without the line of code that they come from; collect which there were."""
    warned: set[type[Warning]] = set()

    def tell(message: Warning | str, category: type[Warning], *_where: object, **_more: object) -> None:
        warned.add(category)
        sys.stderr.write(f"wizframe: {message}\n")

    with warnings.catch_warnings():
        for category in (IncompleteLoadWarning, InvalidDataWarning, LostBaselineWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = tell
        yield warned


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wizframe",
        description="WizCommerce customers and contacts as validated pandas DataFrames, and the edits back.",
        epilog="exit codes:\n" + "\n".join(f"  {code:<3}  {meaning}" for code, meaning in EXIT_CODES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wizframe {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="do the whole job on a sandbox, and explain it (no account needed)")
    serve = commands.add_parser("sandbox", help="serve a sandbox until Ctrl-C: the documented API, made-up data")
    for command in (demo, serve):
        command.add_argument("--customers", type=_count, default=500, help="how many customers to make up (500)")
        command.add_argument("--dialect", choices=("rest", "sdk"), default="rest", help="which dialect to speak (rest)")
        command.add_argument("--seed", type=int, default=20260, help="the same seed makes the same data")
    serve.add_argument("--port", type=int, default=8080, help="port on 127.0.0.1 (8080, the vendor SDK's LOCAL)")
    serve.add_argument("--latency-s", type=float, default=0.0, help="seconds before each answer (0)")
    serve.add_argument("--rate-limit", type=float, help="requests per second above which it answers 429")
    serve.add_argument("--page-size-cap", type=_count, help="records in a page at the most")
    add_commands(commands)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _demo(chosen: argparse.Namespace) -> int:
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    run_demo(sys.stdout, customers=chosen.customers, dialect=chosen.dialect, seed=chosen.seed, is_coloured=is_coloured)
    return 0


def _sandbox(chosen: argparse.Namespace) -> int:
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    with sandbox(
        chosen.customers,
        dialect=chosen.dialect,
        seed=chosen.seed,
        latency_s=chosen.latency_s,
        rate_limit=chosen.rate_limit,
        page_size_cap=chosen.page_size_cap,
        port=chosen.port,
    ) as client:
        sys.stdout.write(
            f"{chosen.customers} customers at {client.base_url} ({chosen.dialect} dialect). Ctrl-C stops it.\n\n"
            f'  wizframe.connect(base_url="{client.base_url}", api_key="{SANDBOX_API_KEY}")\n\n'
            f'  curl -H "X-API-Key: {SANDBOX_API_KEY}" "{client.base_url}/customers?page_size=2"\n'
        )
        sys.stdout.flush()
        while not stopped.wait(0.5):  # in short waits, so that Ctrl-C works on Windows
            pass
    return 0
