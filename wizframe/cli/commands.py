"""The command ``wizframe``. Its subcommands read options and call the package's functions."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from wizframe import __version__
from wizframe.cli import access, demo, pushes, records
from wizframe.cli.exit_codes import EXIT_CODES, exit_code
from wizframe.cli.output import complain, sentence
from wizframe.errors import (
    IncompleteLoadWarning,
    InvalidDataWarning,
    LostBaselineWarning,
    UnfinishedPushWarning,
    WizframeError,
    hints_for,
)
from wizframe.http.request_log import trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default with the process's arguments, and return one of ``EXIT_CODES``."""
    try:
        with hints_for("cli"):
            code: int = commands.main(arguments, prog_name="wizframe", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code


class _Commands(click.Group):
    """The commands, in the order in which users need them. Every error ends with one line and an exit code."""

    def invoke(self, context: click.Context) -> int:
        """Run a command and return its exit code."""
        try:
            with _printed_warnings() as warned:
                code: int = super().invoke(context)
                sys.stdout.flush()
        except BrokenPipeError as error:
            # At its end, Python flushes stdout again and would print an error on stderr.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exit_code(error)
        except (WizframeError, OSError) as error:
            complain(sentence(error))
            return exit_code(error)
        except KeyboardInterrupt as error:
            if sys.stderr.isatty():
                click.echo(err=True)  # the terminal has printed ^C in this line
            complain(str(error) or "interrupted")
            return exit_code(error)
        return 8 if code == 0 and IncompleteLoadWarning in warned else code

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names in the order in which the commands were added."""
        return list(self.commands)

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Add the exit codes to the help."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


@contextlib.contextmanager
def _printed_warnings() -> Iterator[set[type[Warning]]]:
    """Print wizframe's own warnings without the line of code that they come from, and collect their classes."""
    warned: set[type[Warning]] = set()

    def show(message: Warning | str, category: type[Warning], *_where: object, **_more: object) -> None:
        warned.add(category)
        complain(message, "warn")

    with warnings.catch_warnings():
        for category in (IncompleteLoadWarning, InvalidDataWarning, LostBaselineWarning, UnfinishedPushWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield warned


#: Beyond 120 columns, lines of help are hard to read.
_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.version_option(__version__, message="%(prog)s %(version)s", help="Show the version.")
@click.option("--trace", "is_traced", is_flag=True, help="Show each request on stderr. The API key is never shown.")
@click.pass_context
def commands(context: click.Context, *, is_traced: bool) -> None:
    """Load WizCommerce customers and contacts, edit them in files, and send the edits back."""
    if is_traced:
        context.with_resource(trace())


for _command in (*demo.COMMANDS, *access.COMMANDS, *records.COMMANDS, *pushes.COMMANDS):
    commands.add_command(_command)
