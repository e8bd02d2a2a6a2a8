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

__all__ = ["FILTERS", "as_json", "connected", "connection", "examples", "filters", "planning", "sending"]

#: Those of :func:`filters` that the loading functions have under the same name.
FILTERS = ("status", "created_after", "created_before", "updated_after", "updated_before")
_PLAN_CHOICES = ("report", "create")


def _together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def examples(*lines: str) -> str:
    """Lay out examples for the end of a command's help.

    Parameters
    ----------
    *lines : str

    Returns
    -------
    str
    """
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def connected(chosen: Mapping[str, Any], **options: Any) -> Client:
    """Connect as the options say; which account it is, is said on stderr, since stdout is for data.

    Parameters
    ----------
    chosen : mapping
        What :func:`connection` gives.
    **options
        As for :func:`wizframe.connect`.

    Returns
    -------
    Client
    """
    with contextlib.redirect_stdout(sys.stderr):
        return connect(profile=chosen["profile"], base_url=chosen["base_url"], **options)


connection = _together(
    click.option("--profile", metavar="NAME", help="A [profiles.NAME] of the configuration file."),
    click.option("--base-url", metavar="URL", help="Where it goes (the profile's, or WIZCOMMERCE_BASE_URL)."),
)

filters = _together(
    click.option("--status", type=click.Choice(["active", "inactive"]), help="Both by default."),
    *(
        click.option(f"--{name.replace('_', '-')}", metavar="TIME", help="Such as 2026-01-31; UTC.")
        for name in FILTERS[1:]
    ),
    click.option("--reference", multiple=True, metavar="REF", help="Only this one; may be repeated."),
    click.option("--details", is_flag=True, help="One more request for each customer: see the field tables."),
)

planning = _together(
    click.argument("file", metavar="FILE"),
    click.option("--table", type=click.Choice(["customers", "contacts"]), help="Where the file does not tell."),
    click.option(
        "--match",
        type=click.Choice(["id", "reference_id"]),
        default="id",
        show_default=True,
        help="How rows find their record.",
    ),
    click.option(
        "--new", type=click.Choice(_PLAN_CHOICES), default="report", show_default=True, help="Unknown references."
    ),
    click.option("--only", multiple=True, metavar="COLUMN", help="Edits elsewhere are problems; may be repeated."),
    click.option("--clear", multiple=True, metavar="COLUMN", help="Blank cells here clear; may be repeated."),
    click.option(
        "--duplicates", type=click.Choice(_PLAN_CHOICES), default="report", show_default=True, help="Look-alikes."
    ),
    click.option(
        "--baseline",
        type=click.Choice(["loaded", "service"]),
        default="loaded",
        show_default=True,
        help="service: rows are newer than WizCommerce's.",
    ),
    click.option("--map", metavar="TOML", help="[rename] their column = ours, [values.COLUMN] their value = ours."),
    click.option(
        "--original",
        metavar="FILE",
        help="The file as it was sent: of a CSV, or of a workbook whose hidden sheet got lost.",
    ),
)

sending = _together(
    click.option("--yes", is_flag=True, help="Do not ask; needs --max-changes or --expect."),
    click.option("--dry-run", is_flag=True, help="Show the plan and check the limits; send nothing."),
    click.option("--max-changes", type=int, metavar="N", help="Refuse more changes than this."),
    click.option("--max-deletes", type=int, metavar="N", help="Refuse more deletes than this (with --yes: 0)."),
    click.option("--skip-invalid", is_flag=True, help="Leave rows with problems out, and send the others."),
    click.option("--on-conflict", type=click.Choice(["skip", "mine", "theirs"]), default="skip", show_default=True),
    click.option("--note", default="", metavar="TEXT", help="Why; kept in the journal."),
)

as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
