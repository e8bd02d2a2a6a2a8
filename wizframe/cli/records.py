"""The commands that read: lists of records, and single ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.options import FILTERS, as_json, connected, connection, examples, filters
from wizframe.cli.output import complain, say, say_json, say_pairs, say_table
from wizframe.errors import InvalidRequestError
from wizframe.excel.api import to_csv
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.frames.build import to_frame
from wizframe.loading.loaders import load_contacts, load_customers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.fields import Table

__all__ = ["COMMANDS", "chosen_customers"]

#: What a table shows where nothing else is asked for: it has to fit a terminal.
_SHOWN = {
    "customers": ["id", "reference_id", "company_name", "email", "payment_term", "status"],
    "contacts": ["id", "customer_id", "first_name", "last_name", "email", "designation"],
}


def chosen_customers(chosen: Mapping[str, Any], client: Client, **options: Any) -> pd.DataFrame:
    """Load the customers that the options let through.

    Parameters
    ----------
    chosen : mapping
        What :func:`wizframe.cli.commands.options.filters` give.
    client : Client
    **options
        As for :func:`wizframe.load_customers`.

    Returns
    -------
    DataFrame
    """
    names = {name: chosen[name] for name in FILTERS}
    references = chosen["reference"] or None
    return load_customers(client=client, reference_ids=references, details=chosen["details"], **names, **options)


def _shape(command: Any) -> Any:
    """Add the options that say what a list looks like."""
    for option in (
        click.option("--csv", "as_csv", is_flag=True, help="As CSV, as `wizframe export` writes it."),
        as_json,
        click.option("--columns", metavar="A,B", help="These columns, in this order."),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="So many rows at the most."),
        click.option("--sort", type=click.Choice(["asc", "desc"]), default="asc", show_default=True),
    ):
        command = option(command)
    return command


@click.group("list")
def _list() -> None:
    """Show customers or contacts: a table, --json or --csv."""


@_list.command(
    "customers",
    epilog=examples(
        "wizframe list customers --status active --limit 20",
        "wizframe list customers --updated-after 2026-01-31 --columns id,company_name,phone --csv > changed.csv",
        "wizframe list customers --json | jq '.customers[].email'",
    ),
)
@click.option(
    "--sort-by", type=click.Choice(["created_at", "updated_at", "company_name", "display_name"]), help="[created_at]"
)
@_shape
@filters
@connection
def _list_customers(sort_by: str | None, sort: Any, limit: int | None, **chosen: Any) -> int:
    """Show customers, the oldest first."""
    with connected(chosen) as client:
        frame = chosen_customers(chosen, client, sort_by=sort_by, sort=sort, limit=limit)
    return _listed(frame, CUSTOMER, chosen)


@_list.command(
    "contacts",
    epilog=examples("wizframe list contacts --customer cust_17", "wizframe list contacts --reference K-1042 --json"),
)
@click.option("--customer", multiple=True, metavar="ID", help="Of this one; may be repeated.")
@click.option("--sort-by", type=click.Choice(["created_at", "updated_at"]), help="By default customer by customer.")
@_shape
@filters
@connection
def _list_contacts(customer: tuple[str, ...], sort_by: str | None, sort: Any, limit: int | None, **chosen: Any) -> int:
    """Show contacts: those of a --customer, or of the customers that the other options choose."""
    if customer and any(chosen[name] for name in (*FILTERS, "reference", "details")):
        raise InvalidRequestError("--customer says already which customers are meant: no other filter goes with it")
    with connected(chosen) as client:
        customers = customer or chosen_customers(chosen, client)
        frame = load_contacts(customers, client=client, sort_by=sort_by, sort=sort)
    return _listed(frame if limit is None else frame.head(limit), CONTACT, chosen)


def _listed(frame: pd.DataFrame, table: Table, chosen: Mapping[str, Any]) -> int:
    names = [name.strip() for name in (chosen["columns"] or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in frame]
    if unknown:
        raise InvalidRequestError(
            f"--columns: {', '.join(unknown)} are not among {', '.join(frame.columns)} (--details brings more)"
        )
    if chosen["as_json"]:
        say_json(table.name, frame[names or list(frame.columns)])
    elif chosen["as_csv"]:
        _say_csv(frame[names or list(frame.columns)], table)
    else:
        say_table(frame[names or _SHOWN[table.name]])
        more = "" if names else "; --columns, --json and --csv have all columns"
        complain(f"{len(frame)} {table.name if len(frame) != 1 else table.singular}{more}", "quiet")
    return 0


def _say_csv(frame: pd.DataFrame, table: Table) -> None:
    with tempfile.TemporaryDirectory(prefix="wizframe-") as folder:
        path = Path(folder) / "rows.csv"
        to_csv(frame, path, table=table.name)  # type: ignore[arg-type]
        say(path.read_bytes().decode("utf-8-sig").rstrip("\r\n"), is_data=True)


@click.group("get")
def _get() -> None:
    """Show one customer or contact: a table, --json or --csv."""


_AS_CSV = click.option("--csv", "as_csv", is_flag=True, help="As CSV, as `wizframe export` writes it.")


@_get.command("customer", epilog=examples("wizframe get customer cust_17", "wizframe get customer cust_17 --json"))
@click.argument("id_", metavar="ID")
@as_json
@_AS_CSV
@connection
def _get_customer(id_: str, **chosen: Any) -> int:
    """Show a customer, with all details."""
    with connected(chosen) as client:
        record = client.customer.get(id_)
    return _shown(record, CUSTOMER, chosen)


@_get.command("contact", epilog=examples("wizframe get contact cust_17 cont_4"))
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("id_", metavar="ID")
@as_json
@_AS_CSV
@connection
def _get_contact(customer_id: str, id_: str, **chosen: Any) -> int:
    """Show a contact of a customer."""
    with connected(chosen) as client:
        record = client.customer.contact.get(customer_id, id_)
    return _shown(record, CONTACT, chosen)


def _shown(record: Mapping[str, Any], table: Table, chosen: Mapping[str, Any]) -> int:
    if chosen["as_json"]:
        say_json(table.singular, record)
        return 0
    frame = to_frame([dict(record)], table, details=True)[0]
    if chosen["as_csv"]:
        _say_csv(frame, table)
    else:
        say_pairs({str(name): value for name, value in frame.iloc[0].items()})
    return 0


COMMANDS = (_list, _get)
