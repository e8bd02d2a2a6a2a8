"""Files on the command line: export what is in WizCommerce, and plan what came back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.options import connected, connection, examples, filters
from wizframe.cli.output import say
from wizframe.cli.records import chosen_customers
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.excel.api import Sheets, read_csv, read_excel, to_csv, to_excel
from wizframe.loading.loaders import load_contacts
from wizframe.pushing.api import load_plan, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.pushing.plan import Plan

__all__ = ["export", "plan_of"]


@click.command(
    epilog=examples(
        "wizframe export customers -o customers.xlsx --with-contacts",
        "wizframe export contacts --status active -o contacts.csv",
        "wizframe export customers --updated-after 2026-01-31 --details -o customers.parquet",
    )
)
@click.argument("table", type=click.Choice(["customers", "contacts"]))
@click.option("-o", "--output", required=True, metavar="FILE", help="Its ending says what: .xlsx, .csv, .parquet.")
@click.option("--with-contacts", is_flag=True, help="A second sheet with the customers' contacts (.xlsx).")
@click.option("--zone", default="UTC", show_default=True, help="Times in .xlsx are local times of this zone.")
@filters
@connection
def export(table: str, output: str, *, with_contacts: bool, zone: str, **chosen: Any) -> int:
    """Write customers or contacts into a file for people or programs.

    Contacts are those of the chosen customers. The file is replaced as a whole, or not at all.
    """
    kind = Path(output).suffix.lower()
    if kind not in (".xlsx", ".csv", ".parquet"):
        raise InvalidRequestError(f"{output}: a file for people ends in .xlsx or .csv, one for programs in .parquet")
    if with_contacts and (kind != ".xlsx" or table != "customers"):
        raise InvalidRequestError("--with-contacts goes with customers and a file that ends in .xlsx")
    with connected(chosen) as client:
        frame = chosen_customers(chosen, client)
        contacts = load_contacts(frame, client=client) if table == "contacts" or with_contacts else None
    if table == "contacts" and contacts is not None:
        frame, contacts = contacts, None
    _write(frame, contacts, output, kind, zone)
    more = "" if contacts is None else f" and {len(contacts)} contacts"
    say(f"{len(frame)} {table}{more}: {output}")
    return 0


def _write(frame: pd.DataFrame, contacts: pd.DataFrame | None, path: str, kind: str, zone: str) -> None:
    if kind == ".xlsx":
        to_excel(frame, path, contacts=contacts, zone=zone)
    elif kind == ".csv":
        to_csv(frame, path)
    else:
        target = Path(path)
        beside = target.with_name(f".{target.name}.part")
        frame.to_parquet(beside)
        beside.replace(target)


def plan_of(chosen: Mapping[str, Any], client: Client) -> Plan:
    """Make the plan of a file.

    Parameters
    ----------
    chosen : mapping
        What the options of :func:`wizframe.cli.commands.options.planning` give.
    client : Client

    Returns
    -------
    Plan
    """
    file = chosen["file"]
    kind = Path(file).suffix.lower()
    if kind == ".json":
        return load_plan(file)
    if kind not in (".xlsx", ".csv"):
        raise PlanError(f"{file}: a workbook (.xlsx), a .csv or a saved plan (.json) is needed")
    reading: dict[str, Any] = {"table": chosen["table"], "original": chosen["original"], **_mapping(chosen["map"])}
    read = read_excel(file, **reading) if kind == ".xlsx" else read_csv(file, **reading)
    frame, contacts = read if isinstance(read, Sheets) else (read, None)
    return plan(
        frame,
        contacts=contacts,
        client=client,
        table=None if contacts is not None else chosen["table"],
        match=chosen["match"],
        new=chosen["new"],
        only=chosen["only"] or None,
        clear=chosen["clear"],
        baseline=chosen["baseline"],
        duplicates=chosen["duplicates"],
    )


def _mapping(path: str | None) -> dict[str, Any]:
    """Read how a foreign file names things."""
    if path is None:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidRequestError(f"--map {path} cannot be read as TOML: {error}") from None
    unknown = sorted(content.keys() - {"rename", "values", "labels"})
    if unknown:
        raise InvalidRequestError(
            f"--map {path}: {unknown} are unknown; there are [rename], [values.COLUMN] and [labels]"
        )
    return content
