"""Options that several commands share."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from wizframe.connections.connect import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wizframe.connections.client import Client

__all__ = [
    "COUNT", "FILTERS", "as_csv", "as_json", "choice", "connected", "connection", "examples", "filters", "limits",
    "planning", "sending", "together",
]  # fmt: skip

#: The filters with the same names as parameters of ``load_customers``.
FILTERS = ("status", "created_after", "created_before", "updated_after", "updated_before")
COUNT = click.IntRange(min=0)


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Combine several decorators into one."""

    def decorate(command: Any) -> Any:
        for add in reversed(options):
            command = add(command)
        return command

    return decorate


def choice(flag: str, values: str, text: str, *, default: str | None = "") -> Callable[[Any], Any]:
    """Make an option with allowed values, given as words. The first one is the default."""
    allowed = values.split()
    chosen = allowed[0] if default == "" else default
    return click.option(flag, type=click.Choice(allowed), default=chosen, show_default=True, help=text)


def examples(*lines: str) -> str:
    """Return the examples for the end of a command's help, one per line."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def connected(chosen: Mapping[str, Any], **options: Any) -> Client:
    """Connect with the options of a command. The account is printed on stderr, because stdout is for data."""
    with contextlib.redirect_stdout(sys.stderr):
        return connect(profile=chosen["profile"], base_url=chosen["base_url"], **options)


connection = together(
    click.option("--profile", metavar="NAME", help="Use [profiles.NAME] of the configuration file."),
    click.option(
        "--base-url",
        metavar="URL",
        help="Address of the API. Default: the profile's, then WIZCOMMERCE_BASE_URL, then production.",
    ),
)

filters = together(
    choice("--status", "active inactive", "Only customers with this status. Default: both.", default=None),
    *(
        click.option(
            f"--{name.replace('_', '-')}",
            metavar="TIME",
            help=f"Only customers {name.replace('_', ' ')} this time, such as 2026-01-31 (UTC).",
        )
        for name in FILTERS[1:]
    ),
    click.option(
        "--reference", multiple=True, metavar="REF", help="Only the customer with this reference. May be repeated."
    ),
    click.option("--details", is_flag=True, help="Load all fields. Sends one more request for each customer."),
)

planning = together(
    click.argument("file", metavar="FILE"),
    choice("--table", "customers contacts", "The table of the rows, if the file does not show it.", default=None),
    choice("--match", "id reference_id", "Find the record of a row by its id or by its reference."),
    choice(
        "--new",
        "report create",
        "With --match reference_id: report unknown references as problems, or create their records.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="COLUMN",
        help="Allow edits in this column only; other edits are problems. May be repeated.",
    ),
    click.option(
        "--clear",
        multiple=True,
        metavar="COLUMN",
        help="Clear this field if its cell became blank. Otherwise blank cells are not sent. May be repeated.",
    ),
    choice(
        "--duplicates", "report create", "Report new rows that look like a record as problems, or create the records."
    ),
    choice(
        "--baseline",
        "loaded service",
        "Compare with the values of the export, or with the current records in WizCommerce (service).",
    ),
    click.option(
        "--map",
        metavar="TOML",
        help="TOML file for a file from another system: [rename] theirs = ours, [values.COLUMN] theirs = ours.",
    ),
    click.option(
        "--original",
        metavar="FILE",
        help="The file as it was exported, to compare with. For a CSV file, or a workbook without its hidden sheet.",
    ),
)

limits = together(
    click.option(
        "--yes", is_flag=True, help="Send without asking. Needs --max-changes, or --expect if the command has it."
    ),
    click.option("--max-changes", type=COUNT, metavar="N", help="Send nothing if there are more than N changes."),
    click.option(
        "--max-deletes",
        type=COUNT,
        metavar="N",
        help="Send nothing if there are more than N deletes. Default with --yes: 0.",
    ),
)

sending = together(
    limits,
    click.option("--dry-run", is_flag=True, help="Show the plan and check the limits, but send nothing."),
    click.option("--skip-invalid", is_flag=True, help="Leave out rows with problems, and send the other rows."),
    choice(
        "--on-conflict",
        "skip mine theirs",
        "If another user changed the same field: skip the row, send your value, or keep theirs.",
    ),
    click.option("--note", default="", metavar="TEXT", help="The reason for the push, for the journal."),
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
as_csv = click.option("--csv", "as_csv", is_flag=True, help="Print CSV, as `wizframe export` writes it.")
