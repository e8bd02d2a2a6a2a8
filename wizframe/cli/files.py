"""The commands about files: export what is in WizCommerce, plan and push what came back."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizframe.connections import connect
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.loaders import load_contacts, load_customers
from wizframe.planning import load_plan
from wizframe.pushing import plan
from wizframe.workbook import Sheets, read_csv, read_excel, to_csv, to_excel

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from wizframe.client import Client
    from wizframe.planning import Plan

__all__ = ["add_connection", "add_export", "add_planning", "connected", "export", "plan_of"]

_TIMES = ("created_after", "created_before", "updated_after", "updated_before")


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Tell argparse how a command is told where to go."""
    parser.add_argument("--profile", help="a [profiles.NAME] of the configuration file")
    parser.add_argument("--base-url", metavar="URL", help="where it goes (WIZCOMMERCE_BASE_URL, or the profile's)")


def connected(chosen: argparse.Namespace) -> Client:
    """Connect as the options say."""
    return connect(profile=chosen.profile, base_url=chosen.base_url)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Tell argparse about ``export``."""
    parser.add_argument("table", choices=("customers", "contacts"), help="contacts: those of the chosen customers")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="its ending says what: .xlsx, .csv, .parquet"
    )
    parser.add_argument(
        "--with-contacts", action="store_true", help="a second sheet with the customers' contacts (.xlsx)"
    )
    parser.add_argument("--status", choices=("active", "inactive"), help="both by default")
    for name in _TIMES:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TIME", help="such as 2026-01-31; UTC")
    parser.add_argument("--reference", action="append", metavar="REF", help="only this one; may be repeated")
    parser.add_argument(
        "--details", action="store_true", help="one more request for each customer: see the field tables"
    )
    parser.add_argument("--zone", default="UTC", help="times in .xlsx are local times of this zone (UTC)")
    add_connection(parser)


def export(chosen: argparse.Namespace) -> int:
    """Write customers or contacts into a file; replaced as a whole, or not at all."""
    kind = Path(chosen.output).suffix.lower()
    if kind not in (".xlsx", ".csv", ".parquet"):
        raise InvalidRequestError(
            f"{chosen.output}: a file for people ends in .xlsx or .csv, one for programs in .parquet"
        )
    if chosen.with_contacts and (kind != ".xlsx" or chosen.table != "customers"):
        raise InvalidRequestError("--with-contacts goes with customers and a file that ends in .xlsx")
    filters = {name: getattr(chosen, name) for name in _TIMES}
    with connected(chosen) as client:
        frame = load_customers(
            client=client, status=chosen.status, reference_ids=chosen.reference, details=chosen.details, **filters
        )
        is_wanted = chosen.table == "contacts" or chosen.with_contacts
        contacts = load_contacts(frame, client=client) if is_wanted else None
    if chosen.table == "contacts" and contacts is not None:
        frame, contacts = contacts, None
    _write(frame, contacts, chosen.output, kind, chosen.zone)
    more = "" if contacts is None else f" and {len(contacts)} contacts"
    sys.stdout.write(f"{len(frame)} {chosen.table}{more}: {chosen.output}\n")
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


def add_planning(parser: argparse.ArgumentParser) -> None:
    """Tell argparse how a file becomes a plan."""
    parser.add_argument("file", metavar="FILE", help="a workbook (.xlsx), a .csv, or a plan that was saved (.json)")
    parser.add_argument("--table", choices=("customers", "contacts"), help="where the file does not tell")
    parser.add_argument("--match", choices=("id", "reference_id"), default="id", help="how rows find their record (id)")
    parser.add_argument("--new", choices=("report", "create"), default="report", help="unknown references (report)")
    parser.add_argument(
        "--only", action="append", metavar="COLUMN", help="edits elsewhere are problems; may be repeated"
    )
    parser.add_argument("--clear", action="append", metavar="COLUMN", help="blank cells here clear; may be repeated")
    parser.add_argument("--duplicates", choices=("report", "create"), default="report", help="look-alikes (report)")
    parser.add_argument(
        "--map", metavar="TOML", help="[rename] their column = ours, [values.COLUMN] their value = ours"
    )
    parser.add_argument("--original", metavar="FILE", help="the file as it was sent, where its hidden sheet got lost")
    add_connection(parser)


def plan_of(chosen: argparse.Namespace, client: Client) -> Plan:
    """Make the plan of a file."""
    kind = Path(chosen.file).suffix.lower()
    if kind == ".json":
        return load_plan(chosen.file)
    if kind not in (".xlsx", ".csv"):
        raise PlanError(f"{chosen.file}: a workbook (.xlsx), a .csv or a saved plan (.json) is needed")
    reading: dict[str, Any] = {"table": chosen.table, "original": chosen.original, **_mapping(chosen.map)}
    read = read_excel(chosen.file, **reading) if kind == ".xlsx" else read_csv(chosen.file, **reading)
    frame, contacts = read if isinstance(read, Sheets) else (read, None)
    return plan(
        frame,
        contacts=contacts,
        client=client,
        table=None if contacts is not None else chosen.table,
        match=chosen.match,
        new=chosen.new,
        only=chosen.only,
        clear=chosen.clear or (),
        duplicates=chosen.duplicates,
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
