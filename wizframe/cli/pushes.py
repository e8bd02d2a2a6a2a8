"""The commands about pushes: each is the Python function of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wizframe.account import Account
from wizframe.cli.files import plan_of
from wizframe.cli.options import as_json, connected, connection, examples, planning, sending
from wizframe.cli.output import called, say, say_json
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.planning.changes import shown
from wizframe.pushing.api import push, undo
from wizframe.pushing.checks import check_allowed
from wizframe.pushing.history import history, purge, pushes
from wizframe.pushing.resume import resume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.pushing.plan import Plan, Result

__all__ = ["COMMANDS"]

_A_FILE = "FILE is a workbook (.xlsx), a .csv, or a plan that was saved (.json)."


@click.command(
    "plan",
    help=f"Show what a file would change; nothing is sent.\n\n{_A_FILE}",
    epilog=examples(
        "wizframe plan customers.xlsx",
        "wizframe plan erp.csv --table customers --match reference_id --map erp.toml -o plan.json",
    ),
)
@planning
@click.option("-o", "--output", metavar="FILE", help="Save the plan for approval: .json to apply, .xlsx to look at.")
@click.option("--detailed-exitcode", is_flag=True, help="End with 10 where there is something to change.")
@connection
def _plan(output: str | None, *, detailed_exitcode: bool, **chosen: Any) -> int:
    with connected(chosen) as client:
        plan = plan_of(chosen, client)
    say(plan)
    if output:
        _save(plan, output)
    if len(plan.problems):
        return 6
    return 10 if detailed_exitcode and len(plan) else 0


def _save(plan: Plan, path: str) -> None:
    kind = Path(path).suffix.lower()
    if kind not in (".json", ".xlsx"):
        raise InvalidRequestError(f"{path}: a plan is saved as .json, which can be applied, or as .xlsx, to look at")
    if kind == ".json":
        plan.save(path)
    else:
        plan.to_excel(path)


@click.command(
    "push",
    help=f"Show what a file would change, ask, and send it.\n\n{_A_FILE}",
    epilog=examples(
        "wizframe push customers.xlsx",
        "wizframe push plan.json --expect 0123456789ab --yes --note 'approved by Ada'",
        "wizframe push erp.csv --table customers --match reference_id --yes --max-changes 200",
    ),
)
@planning
@click.option("--expect", metavar="ID", help="Refuse any plan but the one of this id, as it was approved.")
@click.option("--results", metavar="FILE", help="Write a workbook that says what became of each row (.xlsx).")
@sending
@connection
def _push(expect: str | None, results: str | None, **chosen: Any) -> int:
    if expect is None:
        _check_limited(chosen, "--max-changes N, or --expect ID")
    with connected(chosen) as client:
        plan = plan_of(chosen, client)
        if expect is not None and plan.id != expect:
            raise PlanError(f"nothing was sent: {chosen['file']} holds plan {plan.id}, not the expected {expect}")
        return _send(plan, client, chosen, results=results)


@click.command("undo", epilog=examples("wizframe undo PUSH --dry-run", "wizframe undo PUSH --id cust_17"))
@click.argument("push_id", metavar="PUSH")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record; may be repeated.")
@sending
@connection
def _undo(push_id: str, ids: tuple[str, ...], **chosen: Any) -> int:
    """Put back what a push did.

    `wizframe pushes` lists them.
    """
    _check_limited(chosen, "--max-changes N")
    with connected(chosen) as client:
        return _send(undo(push_id, ids=ids or None, client=client), client, chosen)


def _check_limited(chosen: dict[str, Any], limits: str) -> None:
    """Refuse before anything is read what would not be sent anyway; `limits` are the options that would do."""
    if chosen["yes"] and chosen["max_changes"] is None:
        raise PlanError(f"nothing was sent: where nobody looks (--yes), give {limits}")


def _send(plan: Plan, client: Client, chosen: dict[str, Any], *, results: str | None = None) -> int:
    limits = {name: chosen[name] for name in ("max_changes", "max_deletes")}
    invalid: Literal["raise", "skip"] = "skip" if chosen["skip_invalid"] else "raise"
    if chosen["dry_run"]:
        return _rehearse(plan, client, yes=chosen["yes"], invalid=invalid, **limits)
    result = push(
        plan,
        yes=chosen["yes"],
        client=client,
        on_conflict=chosen["on_conflict"],
        invalid=invalid,
        note=chosen["note"],
        show=say,
        **limits,
    )
    if results:
        result.to_excel(results)
    return _told([result])


def _rehearse(
    plan: Plan,
    client: Client,
    *,
    yes: bool,
    invalid: Literal["raise", "skip"],
    max_changes: int | None,
    max_deletes: int | None,
) -> int:
    """Do all of a push but the sending."""
    say(plan)
    allowed = max_deletes or 0 if yes or max_deletes is not None else len(plan)
    check_allowed(plan.parts, client, max_changes=max_changes, max_deletes=allowed, invalid=invalid)
    say("nothing was sent: --dry-run")
    return 0


@click.command("resume", epilog=examples("wizframe resume"))
@click.argument("push_id", metavar="[PUSH]", required=False)
@connection
def _resume(push_id: str | None, **chosen: Any) -> int:
    """Finish pushes that were cut off: all of them, or one."""
    with connected(chosen) as client:
        results = resume(push_id, client=client)
    if not results:
        say("nothing to resume")
    return _told(results)


def _told(results: Iterable[Result]) -> int:
    """Show results, and give the code of the worst state among them."""
    states: set[str] = set()
    for result in results:
        say(result)
        counts = result.counts()
        if counts["done"]:
            say(f"  · {called()} undo {result.push_id} shows how to take it back, and asks")
        states.update(state for state, count in counts.items() if count)
    if states - {"done", "conflict"}:
        return 3
    return 4 if "conflict" in states else 0


@click.command("pushes", epilog=examples("wizframe pushes", "wizframe pushes --json"))
@as_json
def _pushes(*, as_json: bool) -> int:
    """List the pushes of this machine, newest first."""
    return _listed("pushes", pushes(), _push_lines, as_json=as_json)


@click.command(
    "history", epilog=examples("wizframe history --id cust_17", "wizframe history --field phone --since 2026-01-31")
)
@click.option("--id", "id_", metavar="ID", help="Only this record.")
@click.option("--field", metavar="COLUMN", help="Only this column.")
@click.option("--since", metavar="TIME", help="Only from then on, such as 2026-01-31; UTC.")
@as_json
def _history(id_: str | None, field: str | None, since: str | None, *, as_json: bool) -> int:
    """List what was pushed, cell by cell, newest first.

    Only from this machine: each keeps a journal of its own.
    """
    try:
        frame = history(id=id_, field=field, since=since)
    except ValueError as error:
        raise InvalidRequestError(f"--since {error}") from None
    return _listed("history", frame, _history_lines, as_json=as_json)


def _listed(what: str, frame: pd.DataFrame, lines: Callable[[pd.DataFrame], Iterator[str]], *, as_json: bool) -> int:
    if as_json:
        say_json(what, frame)
        return 0
    for line in lines(frame):
        say(line)
    if frame.empty:
        say("nothing was pushed from this machine yet, or it is not among what you ask for")
    return 0


def _push_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        counts = ", ".join(f"{row[state]} {state}" for state in _STATES if row[state])
        cut = "" if row["ended_at"] == row["ended_at"] else "  cut off, or running: `wizframe resume` finishes it"
        note = f"  “{shown(row['note'])}”" if row["note"] else ""
        yield f"{row['push_id']}  {row['user']}  {row['table']} of {_where(row)}  {counts or 'nothing'}{note}{cut}"


def _where(row: dict[Any, Any]) -> str:
    return str(Account(row["base_url"], row["account"]))


_STATES = ("done", "failed", "conflict", "skipped", "unknown", "planned", "sent")


def _history_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        what = f"{row['column']}: {shown(row['old'])} → {shown(row['new'])}" if row["column"] else "deleted"
        note = f"  “{shown(row['note'])}”" if row["note"] else ""
        who = f"{row['when']:%Y-%m-%d %H:%M:%S}  {row['user']}  {row['id'] or row['reference_id']} of {_where(row)}"
        yield f"{who}  {what}  ({row['outcome']}){note}"


@click.command("purge", epilog=examples("wizframe purge --older-than-days 365"))
@click.option("--older-than-days", type=float, required=True, metavar="DAYS")
def _purge(older_than_days: float) -> int:
    """Remove old pushes, with the customers' data that they hold."""
    if older_than_days < 0:
        raise InvalidRequestError("--older-than-days must not be negative")
    try:
        count = purge(older_than_days=older_than_days)
    except OverflowError:
        raise InvalidRequestError("--older-than-days is beyond all time") from None
    say(f"{count} push{'es' if count != 1 else ''} removed")
    return 0


COMMANDS = (_plan, _push, _resume, _pushes, _undo, _history, _purge)
