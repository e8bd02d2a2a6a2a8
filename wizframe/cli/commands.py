"""The command ``wizframe``. Thin: it reads options and calls what the package offers."""

from __future__ import annotations

import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from wizframe import __version__
from wizframe.cli import doctor, login, pushes, records
from wizframe.cli.exit_codes import EXIT_CODES, exit_code
from wizframe.cli.files import export
from wizframe.cli.output import complain
from wizframe.cli.sandbox import demo, serve
from wizframe.cli.wording import sentence
from wizframe.errors import IncompleteLoadWarning, InvalidDataWarning, LostBaselineWarning, WizframeError, hints_for
from wizframe.http.request_log import trace

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
        Exit code, see ``EXIT_CODES``; what went wrong is said on stderr.
    """
    try:
        with hints_for("cli"):
            code: int = commands.main(arguments, prog_name="wizframe", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code


class _Commands(click.Group):
    """The commands in the order in which one needs them, and one end for all of them."""

    def invoke(self, context: click.Context) -> int:
        """Run a command, and say in a sentence what went wrong."""
        try:
            with _told_warnings() as warned:
                code: int = super().invoke(context)
                sys.stdout.flush()
        except BrokenPipeError:
            raise  # click ends quietly: whoever read has seen enough
        except (WizframeError, OSError) as error:
            complain(sentence(error))
            return exit_code(error)
        except KeyboardInterrupt as error:
            if sys.stderr.isatty():
                click.echo(err=True)  # the terminal has written ^C
            complain("interrupted")
            return exit_code(error)
        return 8 if code == 0 and IncompleteLoadWarning in warned else code

    def list_commands(self, _context: click.Context) -> list[str]:
        """Name the commands as they were added."""
        return list(self.commands)

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell the exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


@contextlib.contextmanager
def _told_warnings() -> Iterator[set[type[Warning]]]:
    """Say our own warnings as sentences, without the line of code that they come from; collect which there were."""
    warned: set[type[Warning]] = set()

    def tell(message: Warning | str, category: type[Warning], *_where: object, **_more: object) -> None:
        warned.add(category)
        complain(message, "warn")

    with warnings.catch_warnings():
        for category in (IncompleteLoadWarning, InvalidDataWarning, LostBaselineWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = tell
        yield warned


_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--trace", "is_traced", is_flag=True, help="Show each request on stderr, never the key.")
@click.pass_context
def commands(context: click.Context, *, is_traced: bool) -> None:
    """WizCommerce customers and contacts as validated pandas DataFrames, and the edits back."""
    if is_traced:
        context.with_resource(trace())


for _command in (demo, serve, *login.COMMANDS, *records.COMMANDS, export, *pushes.COMMANDS, *doctor.COMMANDS):
    commands.add_command(_command)
