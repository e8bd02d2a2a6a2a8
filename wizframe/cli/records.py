"""The commands that read records: list, get and export."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.options import FILTERS, as_csv, as_json, choice, connected, connection, examples, filters, together
from wizframe.cli.output import complain, print_json, print_pairs, print_rows, print_table, print_text
from wizframe.errors import Hint, InvalidRequestError, NotFoundError
from wizframe.excel.api import to_csv, to_excel
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.files import replacing
from wizframe.frames.build import to_frame
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.text import counted, option, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.fields import Table

__all__ = ["COMMANDS"]

#: The columns that a table shows by default. All columns do not fit a terminal.
_SHOWN = {
    "customers": ["id", "reference_id", "company_name", "email", "payment_term", "status"],
    "contacts": ["id", "customer_id", "first_name", "last_name", "email", "designation"],
}


def _chosen_customers(chosen: Mapping[str, Any], client: Client, **options: Any) -> pd.DataFrame:
    """Load the customers that match the filters."""
    names = {name: chosen[name] for name in FILTERS}
    references = chosen["reference"] or None
    return load_customers(client=client, reference_ids=references, details=chosen["details"], **names, **options)


_shape = together(
    choice("--sort", "asc desc", "Sort order."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N rows."),
    click.option("--columns", metavar="A,B", help="Show only these columns, in this order."),
    as_json,
    as_csv,
)


@click.group("list")
def _list() -> None:
    """Show customers or contacts as a table, JSON or CSV."""


@_list.command(
    "customers",
    epilog=examples(
        "wizframe list customers --status active --limit 20",
        "wizframe list customers --updated-after 2026-01-31 --columns id,company_name,phone --csv > changed.csv",
        "wizframe list customers --json | jq '.customers[].email'",
    ),
)
@choice("--sort-by", "created_at updated_at company_name display_name", "Sort by this column.")
@_shape
@filters
@connection
def _list_customers(sort_by: str, sort: Any, limit: int | None, **chosen: Any) -> int:
    """Show customers."""
    with connected(chosen) as client:
        frame = _chosen_customers(chosen, client, sort_by=sort_by, sort=sort, limit=limit)
    return _print_list(frame, CUSTOMER, chosen)


@_list.command(
    "contacts",
    epilog=examples("wizframe list contacts --customer cust_17", "wizframe list contacts --reference K-1042 --json"),
)
@click.option(
    "--customer", multiple=True, metavar="ID", help="Show the contacts of the customer with this id. May be repeated."
)
@choice(
    "--sort-by", "created_at updated_at", "Sort by this column. Default: in the order of the customers.", default=None
)
@_shape
@filters
@connection
def _list_contacts(customer: tuple[str, ...], sort_by: str | None, sort: Any, limit: int | None, **chosen: Any) -> int:
    """Show the contacts of some or all customers.

    Choose the customers with --customer, or with the filters.
    """
    if customer and any(chosen[name] for name in (*FILTERS, "reference", "details")):
        raise InvalidRequestError("--customer cannot be combined with other filters")
    with connected(chosen) as client:
        customers = customer or _chosen_customers(chosen, client)
        with _reference_hint(*customer):
            frame = load_contacts(customers, client=client, sort_by=sort_by, sort=sort)
    return _print_list(frame if limit is None else frame.head(limit), CONTACT, chosen)


@contextlib.contextmanager
def _reference_hint(*customer_ids: str) -> Iterator[None]:
    """Add the command that finds a customer's id to a 'not found' error, as the user may have given a reference."""
    try:
        yield
    except (NotFoundError, InvalidRequestError) as error:
        if customer_ids:
            search = f"wizframe list customers {option('reference', customer_ids)}"
            hint = f"If you gave a reference instead of an id, find the id with `{search}`."
            error.hint = Hint(hint, hint)
        raise


def _print_list(frame: pd.DataFrame, table: Table, chosen: Mapping[str, Any]) -> int:
    names = [name.strip() for name in (chosen["columns"] or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in frame]
    if unknown:
        more = "" if chosen["details"] else "--details loads more columns."
        raise InvalidRequestError(
            f"--columns {chosen['columns']}: unknown {plural(len(unknown), 'column')} {', '.join(unknown)} "
            f"(allowed: {', '.join(frame.columns)})",
            hint=more,
        )
    if chosen["as_json"]:
        print_json(table.name, frame[names or list(frame.columns)])
    elif chosen["as_csv"]:
        _print_csv(frame[names or list(frame.columns)], table)
    else:
        print_table(frame[names or _SHOWN[table.name]])
        more = "" if names else "; --columns, --json and --csv show all columns"
        complain(f"{counted(len(frame), table.singular)}{more}", "quiet")
    return 0


def _print_csv(frame: pd.DataFrame, table: Table) -> None:
    with tempfile.TemporaryDirectory(prefix="wizframe-") as folder:
        path = Path(folder) / "rows.csv"
        to_csv(frame, path, table=table.name)  # type: ignore[arg-type]
        print_rows(path.read_bytes().decode("utf-8-sig").rstrip("\r\n"))


@click.group("get")
def _get() -> None:
    """Show one customer or contact as a table, JSON or CSV."""


@_get.command("customer", epilog=examples("wizframe get customer cust_17", "wizframe get customer cust_17 --json"))
@click.argument("id_", metavar="ID")
@as_json
@as_csv
@connection
def _get_customer(id_: str, **chosen: Any) -> int:
    """Show all fields of a customer."""
    with connected(chosen) as client, _reference_hint(id_):
        record = client.customer.get(id_)
    return _print_record(record, CUSTOMER, chosen)


@_get.command("contact", epilog=examples("wizframe get contact cust_17 cont_4"))
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("id_", metavar="ID")
@as_json
@as_csv
@connection
def _get_contact(customer_id: str, id_: str, **chosen: Any) -> int:
    """Show all fields of a customer's contact."""
    with connected(chosen) as client:
        record = client.customer.contact.get(customer_id, id_)
    return _print_record(record, CONTACT, chosen)


def _print_record(record: Mapping[str, Any], table: Table, chosen: Mapping[str, Any]) -> int:
    if chosen["as_json"]:
        print_json(table.singular, record)
        return 0
    frame = to_frame([dict(record)], table, details=True)[0]
    if chosen["as_csv"]:
        _print_csv(frame, table)
    else:
        print_pairs({str(name): value for name, value in frame.iloc[0].items()})
    return 0


@click.command(
    "export",
    epilog=examples(
        "wizframe export customers -o customers.xlsx --with-contacts",
        "wizframe export contacts --status active -o contacts.csv",
        "wizframe export customers --updated-after 2026-01-31 --details -o customers.parquet",
    ),
)
@click.argument("table", type=click.Choice(["customers", "contacts"]))
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="The file to write. Its name ends in .xlsx, .csv or .parquet."
)
@click.option("--with-contacts", is_flag=True, help="Add a second sheet with the customers' contacts (.xlsx).")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of the times in .xlsx.")
@filters
@connection
def _export(table: str, output: str, *, with_contacts: bool, zone: str, **chosen: Any) -> int:
    """Write customers, or the contacts of customers, to a file.

    The filters choose the customers. An existing file is replaced as a whole, or not at all.
    """
    kind = Path(output).suffix.lower()
    if kind not in (".xlsx", ".csv", ".parquet"):
        raise InvalidRequestError(f"{output}: the file name must end in .xlsx, .csv or .parquet")
    if with_contacts and (kind != ".xlsx" or table != "customers"):
        raise InvalidRequestError("--with-contacts needs the table customers and a file that ends in .xlsx")
    if not Path(output).absolute().parent.is_dir():  # a load may take minutes
        raise InvalidRequestError(f"--output {output}: the folder {Path(output).parent} does not exist")
    with connected(chosen) as client:
        customers = _chosen_customers(chosen, client)
        contacts = load_contacts(customers, client=client) if table == "contacts" or with_contacts else None
    frames = [frame for frame in (customers, contacts) if frame is not None]
    if table == "contacts":
        frames = frames[1:]
    _write(frames, output, kind, zone)
    written = (counted(len(frame), name) for frame, name in zip(frames, (table[:-1], "contact"), strict=False))
    print_text(f"{' and '.join(written)}: {output}")
    return 0


def _write(frames: list[pd.DataFrame], path: str, kind: str, zone: str) -> None:
    if kind == ".xlsx":
        to_excel(frames[0], path, contacts=frames[1] if frames[1:] else None, zone=zone)
    elif kind == ".csv":
        to_csv(frames[0], path)
    else:
        with replacing(path) as file:
            frames[0].to_parquet(file)


COMMANDS = (_list, _get, _export)
