"""The commands about pushes: plan, push, resume, undo, and the contents of the journal."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wizframe.account import Account
from wizframe.cli.options import as_json, connected, connection, examples, limits, planning, sending
from wizframe.cli.output import print_json, print_text, program_name
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.excel.api import Sheets, read_csv, read_excel
from wizframe.planning.changes import shown
from wizframe.pushing.api import load_plan, plan, push, undo
from wizframe.pushing.checks import check_allowed, check_expected
from wizframe.pushing.history import history, purge, pushes
from wizframe.pushing.resume import resume
from wizframe.text import counted, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.pushing.plan import Plan, Result

__all__ = ["COMMANDS"]

_FILE = "FILE is a workbook (.xlsx), a CSV file (.csv) or a saved plan (.json)."
_STATES = ("done", "failed", "conflict", "skipped", "unknown", "planned", "sent")


@click.command(
    "plan",
    help=f"Show what a file would change, and send nothing.\n\n{_FILE}",
    epilog=examples(
        "wizframe plan customers.xlsx",
        "wizframe plan erp.csv --table customers --match reference_id --map erp.toml -o plan.json",
    ),
)
@planning
@click.option(
    "-o", "--output", metavar="FILE", help="Save the plan: as .json to push it later, as .xlsx to read it in Excel."
)
@click.option("--detailed-exitcode", is_flag=True, help="End with exit code 10 if the file would change something.")
@connection
def _plan(output: str | None, *, detailed_exitcode: bool, **chosen: Any) -> int:
    with connected(chosen) as client:
        planned = _plan_of_file(chosen, client)
    print_text(planned)
    if len(planned):
        print_text(f"  id {planned.id}")
    if output:
        _save(planned, output)
    if len(planned.problems):
        return 6
    return 10 if detailed_exitcode and len(planned) else 0


def _plan_of_file(chosen: Mapping[str, Any], client: Client) -> Plan:
    file = chosen["file"]
    kind = Path(file).suffix.lower()
    if kind == ".json":
        return load_plan(file)
    if kind not in (".xlsx", ".csv"):
        raise PlanError(f"{file}: the file must be a workbook (.xlsx), a CSV file (.csv) or a saved plan (.json)")
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
    """Read the translation of names and values for a file from another system."""
    if path is None:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"--map {path} cannot be read as TOML: {error}") from None
    unknown = sorted(content.keys() - {"rename", "values", "labels"})
    if unknown:
        raise PlanError(
            f"--map {path}: unknown {plural(len(unknown), 'section')} {', '.join(unknown)} "
            "(allowed: [rename], [values.COLUMN], [labels])"
        )
    return content


def _save(planned: Plan, path: str) -> None:
    kind = Path(path).suffix.lower()
    if kind == ".json":
        planned.save(path)
    elif kind == ".xlsx":
        planned.to_excel(path)
    else:
        raise InvalidRequestError(f"{path}: save a plan with the ending .json (to push it later) or .xlsx (to read it)")


@click.command(
    "push",
    help=f"Show what a file would change, ask, and send the changes.\n\n{_FILE}",
    epilog=examples(
        "wizframe push customers.xlsx",
        "wizframe push plan.json --expect ID --yes --note 'approved by Ada'",
        "wizframe push erp.csv --table customers --match reference_id --yes --max-changes 200",
    ),
)
@planning
@click.option(
    "--expect", metavar="ID", help="Send nothing unless the plan has this whole id, which `wizframe plan` prints."
)
@click.option("--results", metavar="FILE", help="Write a workbook (.xlsx) with the result of each row.")
@sending
@connection
def _push(expect: str | None, results: str | None, **chosen: Any) -> int:
    if expect is None:
        _check_limited(chosen, "--max-changes N or --expect ID")
    with connected(chosen) as client:
        planned = _plan_of_file(chosen, client)
        check_expected(planned.id, expect)
        return _send(planned, client, chosen, results=results)


@click.command("undo", epilog=examples("wizframe undo PUSH --dry-run", "wizframe undo PUSH --id cust_17"))
@click.argument("push_id", metavar="PUSH")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Undo only this record. May be repeated.")
@sending
@connection
def _undo(push_id: str, ids: tuple[str, ...], **chosen: Any) -> int:
    """Show what a push changed, ask, and restore the old values.

    `wizframe pushes` lists the pushes.
    """
    _check_limited(chosen, "--max-changes N")
    with connected(chosen) as client:
        return _send(undo(push_id, ids=ids or None, client=client), client, chosen)


def _check_limited(chosen: Mapping[str, Any], limits: str) -> None:
    """Reject --yes without a limit, before anything is read."""
    if chosen["yes"] and chosen["max_changes"] is None:
        raise PlanError(
            "nothing was sent: --yes needs a limit, because you do not see the plan before it is sent",
            hint=f"Add {limits}.",
        )


def _send(planned: Plan, client: Client, chosen: Mapping[str, Any], *, results: str | None = None) -> int:
    yes, max_changes, max_deletes = chosen["yes"], chosen["max_changes"], chosen["max_deletes"]
    invalid: Literal["raise", "skip"] = "skip" if chosen["skip_invalid"] else "raise"
    if chosen["dry_run"]:
        print_text(planned)
        # A user who sees the plan may confirm its deletes; with --yes, no delete is confirmed.
        allowed = max_deletes or 0 if yes or max_deletes is not None else len(planned)
        check_allowed(planned.parts, client, max_changes=max_changes, max_deletes=allowed, invalid=invalid)
        print_text("Nothing was sent (--dry-run).")
        return 0
    result = push(
        planned,
        yes=yes,
        client=client,
        max_changes=max_changes,
        max_deletes=max_deletes,
        on_conflict=chosen["on_conflict"],
        invalid=invalid,
        note=chosen["note"],
        show=print_text,
    )
    if results:
        result.to_excel(results)
    return _print_results([result])


@click.command("resume", epilog=examples("wizframe resume", "wizframe resume --yes --max-changes 200"))
@click.argument("push_id", metavar="[PUSH]", required=False)
@limits
@connection
def _resume(push_id: str | None, **chosen: Any) -> int:
    """Show what is left of pushes that were cut off, ask, and finish them: one push, or all."""
    _check_limited(chosen, "--max-changes N")
    with connected(chosen) as client:
        results = resume(
            push_id,
            yes=chosen["yes"],
            client=client,
            max_changes=chosen["max_changes"],
            max_deletes=chosen["max_deletes"],
            show=print_text,
        )
    if not results:
        print_text("There is nothing to resume.")
    return _print_results(results)


def _print_results(results: Iterable[Result]) -> int:
    """Print results, and return the exit code of their worst state."""
    states: set[str] = set()
    for result in results:
        print_text(result)
        counts = result.counts()
        if counts["done"]:
            print_text(f"  · to undo the push: `{program_name()} undo {result.push_id}`")
        states.update(state for state, count in counts.items() if count)
    if states - {"done", "conflict"}:
        return 3
    return 4 if "conflict" in states else 0


@click.command("pushes", epilog=examples("wizframe pushes", "wizframe pushes --json"))
@as_json
def _pushes(*, as_json: bool) -> int:
    """List the pushes from this machine, the newest first."""
    return _print_journal("pushes", pushes(), _push_lines, as_json=as_json)


@click.command(
    "history", epilog=examples("wizframe history --id cust_17", "wizframe history --field phone --since 2026-01-31")
)
@click.option("--id", "id_", metavar="ID", help="Only this record.")
@click.option("--field", metavar="COLUMN", help="Only this column.")
@click.option("--since", metavar="TIME", help="Only changes since this time, such as 2026-01-31 (UTC).")
@as_json
def _history(id_: str | None, field: str | None, since: str | None, *, as_json: bool) -> int:
    """List the changed cells of all pushes from this machine, the newest first.

    Each machine has its own journal.
    """
    frame = history(id=id_, field=field, since=since)
    return _print_journal("history", frame, _history_lines, as_json=as_json)


def _print_journal(
    name: str, frame: pd.DataFrame, lines: Callable[[pd.DataFrame], Iterator[str]], *, as_json: bool
) -> int:
    if as_json:
        print_json(name, frame)
        return 0
    for line in lines(frame):
        print_text(line)
    if frame.empty:
        print_text("The journal of this machine has no matching push.")
    return 0


def _push_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        counts = ", ".join(f"{row[state]} {state}" for state in _STATES if row[state])
        is_open = row["ended_at"] != row["ended_at"]
        open_note = "  cut off, or still running. To finish it: `wizframe resume`" if is_open else ""
        where = f"{row['table']} of {_account(row)}"
        yield f"{row['push_id']}  {row['user']}  {where}  {counts or 'nothing'}{_note(row)}{open_note}"


def _history_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        change = f"{row['column']}: {shown(row['old'])} → {shown(row['new'])}" if row["column"] else "deleted"
        change = row["what_happened"] if row["outcome"] == "damaged" else change
        who = f"{row['when']:%Y-%m-%d %H:%M:%S}  {row['user']}  {row['id'] or row['reference_id']} of {_account(row)}"
        yield f"{who}  {change}  ({row['outcome']}){_note(row)}"


def _account(row: Mapping[Any, Any]) -> str:
    return str(Account(row["base_url"], row["account"]))


def _note(row: Mapping[Any, Any]) -> str:
    return f"  “{shown(row['note'])}”" if row["note"] else ""


@click.command("purge", epilog=examples("wizframe purge --older-than-days 365"))
@click.option("--older-than-days", type=float, required=True, metavar="DAYS", help="Age of the pushes, in days.")
def _purge(older_than_days: float) -> int:
    """Remove old pushes and their customer data from the journal of this machine."""
    count = purge(older_than_days=older_than_days)
    print_text(f"{counted(count, 'push')} removed")
    return 0


COMMANDS = (_plan, _push, _resume, _pushes, _undo, _history, _purge)
