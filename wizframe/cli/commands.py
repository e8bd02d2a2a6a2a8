"""The commands: each is the Python function of the same name, with an exit code for scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizframe.cli.files import add_connection, add_export, add_planning, connected, export, plan_of
from wizframe.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PushInterruptedError,
    TransportError,
)
from wizframe.planning.changes import shown
from wizframe.pushing import history, purge, push, pushes, resume, undo

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from wizframe.client import Client
    from wizframe.planning import Plan
    from wizframe.pushing import Result

__all__ = ["EXIT_CODES", "add_commands", "exit_code", "run_command"]

#: What the commands end with, beside argparse's own 2 for arguments that make no sense.
EXIT_CODES = {
    0: "done, or nothing to do",
    1: "something else went wrong; stderr says what",
    3: "some changes failed, were left out, or are unfinished: `wizframe resume` finishes those",
    4: "conflicts, and nothing else is left: somebody changed the same fields",
    5: "more changes or deletes than were allowed; nothing was sent",
    6: "the plan, the push or the connection asked for is not usable as it is; nothing was sent",
    7: "no connection, or the key is not accepted",
    8: "done, but what was loaded may be incomplete; stderr says why",
    10: "plan --detailed-exitcode: there is something to change",
    130: "interrupted",
}
_FORMAT = 1


def exit_code(error: BaseException) -> int:
    """Give the exit code that an error ends a command with.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    int
        One of :data:`EXIT_CODES`.
    """
    leaves: list[tuple[int, tuple[type[BaseException], ...]]] = [
        (130, (KeyboardInterrupt, PushInterruptedError)),
        (5, (LimitExceededError,)),
        (6, (PlanError, ConfigurationError, InvalidRequestError)),
        (7, (TransportError, AuthenticationError)),
    ]
    return next((code for code, types in leaves if isinstance(error, types)), 1)


def add_commands(commands: Any) -> None:
    """Tell argparse about the commands.

    Parameters
    ----------
    commands : argparse subparsers
    """
    add_export(_add(commands, "export", "write customers or contacts into a file for people or programs"))
    there = _add(commands, "plan", "show what a file would change; nothing is sent")
    add_planning(there)
    there.add_argument(
        "-o", "--output", metavar="FILE", help="save the plan for approval: .json to apply, .xlsx to look at"
    )
    there.add_argument(
        "--detailed-exitcode", action="store_true", help="end with 10 where there is something to change"
    )
    there = _add(commands, "push", "show what a file would change, ask, and send it")
    add_planning(there)
    there.add_argument("--expect", metavar="ID", help="refuse any plan but the one of this id, as it was approved")
    there.add_argument("--results", metavar="FILE", help="write a workbook that says what became of each row (.xlsx)")
    _add_sending(there)
    there = _add(commands, "resume", "finish pushes that were cut off")
    there.add_argument("push_id", nargs="?", metavar="PUSH", help="only this one")
    add_connection(there)
    there = _add(commands, "undo", "put back what a push did")
    there.add_argument("push_id", metavar="PUSH", help="`wizframe pushes` lists them")
    there.add_argument("--id", action="append", dest="ids", metavar="ID", help="only this record; may be repeated")
    add_connection(there)
    _add_sending(there)
    there = _add(commands, "pushes", "list the pushes of this machine, newest first")
    there.add_argument("--json", action="store_true", help="as JSON, for programs")
    there = _add(commands, "history", "list what was pushed from this machine, cell by cell, newest first")
    there.add_argument("--id", metavar="ID", help="only this record")
    there.add_argument("--field", metavar="COLUMN", help="only this column")
    there.add_argument("--since", metavar="TIME", help="only from then on, such as 2026-01-31; UTC")
    there.add_argument("--json", action="store_true", help="as JSON, for programs")
    there = _add(commands, "purge", "remove old pushes, with the customers' data that they hold")
    there.add_argument("--older-than-days", type=float, required=True, metavar="DAYS")


def _add(commands: Any, name: str, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's own name
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    return parser


def _add_sending(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask; needs --max-changes or --expect")
    parser.add_argument("--max-changes", type=int, metavar="N", help="refuse more changes than this")
    parser.add_argument("--max-deletes", type=int, metavar="N", help="refuse more deletes than this (with --yes: 0)")
    parser.add_argument("--on-conflict", choices=("skip", "mine", "theirs"), default="skip", help="(skip)")
    parser.add_argument("--note", default="", help="why; kept in the journal")


def run_command(chosen: argparse.Namespace) -> int:
    """Run one of the commands.

    Parameters
    ----------
    chosen : Namespace
        As argparse made it of what :func:`add_commands` told.

    Returns
    -------
    int
        One of :data:`EXIT_CODES`.
    """
    steps: dict[str, Callable[[argparse.Namespace], int]] = {
        "export": export,
        "plan": _plan,
        "push": _push,
        "resume": _resume,
        "undo": _undo,
        "pushes": _pushes,
        "history": _history,
        "purge": _purge,
    }
    return steps[chosen.command](chosen)


def _plan(chosen: argparse.Namespace) -> int:
    with connected(chosen) as client:
        plan = plan_of(chosen, client)
    sys.stdout.write(f"{plan}\n")
    if chosen.output:
        _save(plan, chosen.output)
    if len(plan.problems):
        return 6
    return 10 if chosen.detailed_exitcode and len(plan) else 0


def _save(plan: Plan, path: str) -> None:
    kind = Path(path).suffix.lower()
    if kind not in (".json", ".xlsx"):
        raise InvalidRequestError(f"{path}: a plan is saved as .json, which can be applied, or as .xlsx, to look at")
    if kind == ".json":
        plan.save(path)
    else:
        plan.to_excel(path)


def _push(chosen: argparse.Namespace) -> int:
    with connected(chosen) as client:
        plan = plan_of(chosen, client)
        if chosen.expect is not None and plan.id != chosen.expect:
            raise PlanError(f"nothing was sent: {chosen.file} holds plan {plan.id}, not the expected {chosen.expect}")
        return _send(plan, client, chosen)


def _undo(chosen: argparse.Namespace) -> int:
    with connected(chosen) as client:
        return _send(undo(chosen.push_id, ids=chosen.ids, client=client), client, chosen)


def _send(plan: Any, client: Client, chosen: argparse.Namespace) -> int:
    if chosen.yes and chosen.max_changes is None and getattr(chosen, "expect", None) is None:
        raise PlanError("nothing was sent: where nobody looks (--yes), give --max-changes N, or --expect ID")
    result = push(
        plan,
        yes=chosen.yes,
        client=client,
        max_changes=chosen.max_changes,
        max_deletes=chosen.max_deletes,
        on_conflict=chosen.on_conflict,
        note=chosen.note,
    )
    if getattr(chosen, "results", None):
        result.to_excel(chosen.results)
    return _told([result])


def _resume(chosen: argparse.Namespace) -> int:
    with connected(chosen) as client:
        results = resume(chosen.push_id, client=client)
    if not results:
        sys.stdout.write("nothing to resume\n")
    return _told(results)


def _told(results: Iterable[Result]) -> int:
    """Show results, and give the code of the worst state among them."""
    states: set[str] = set()
    for result in results:
        sys.stdout.write(f"{result}\n")
        states.update(state for state, count in result.counts().items() if count)
    if states - {"done", "conflict"}:
        return 3
    return 4 if "conflict" in states else 0


def _pushes(chosen: argparse.Namespace) -> int:
    return _listed("pushes", pushes(), _push_lines, as_json=chosen.json)


def _history(chosen: argparse.Namespace) -> int:
    try:
        frame = history(id=chosen.id, field=chosen.field, since=chosen.since)
    except ValueError as error:
        raise InvalidRequestError(f"--since {error}") from None
    return _listed("history", frame, _history_lines, as_json=chosen.json)


def _listed(what: str, frame: pd.DataFrame, lines: Callable[[pd.DataFrame], Iterator[str]], *, as_json: bool) -> int:
    if as_json:
        rows = frame.to_json(orient="records", date_format="iso", date_unit="us")
        sys.stdout.write(f'{{"format": {_FORMAT}, "{what}": {rows}}}\n')
        return 0
    sys.stdout.writelines(f"{line}\n" for line in lines(frame))
    if frame.empty:
        sys.stdout.write("nothing was pushed from this machine yet, or it is not among what you ask for\n")
    return 0


def _push_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        counts = ", ".join(f"{row[state]} {state}" for state in _STATES if row[state])
        cut = "" if row["ended_at"] == row["ended_at"] else "  cut off, or running: `wizframe resume` finishes it"
        where = f"{row['account']} at {row['base_url']}" if row["account"] else row["base_url"]
        note = f"  “{shown(row['note'])}”" if row["note"] else ""
        yield f"{row['push_id']}  {row['user']}  {row['table']} of {where}  {counts or 'nothing'}{note}{cut}"


_STATES = ("done", "failed", "conflict", "skipped", "unknown", "planned", "sent")


def _history_lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        what = f"{row['column']}: {shown(row['old'])} → {shown(row['new'])}" if row["column"] else "deleted"
        note = f"  “{shown(row['note'])}”" if row["note"] else ""
        who = f"{row['when']:%Y-%m-%d %H:%M:%S}  {row['user']}  {row['id'] or row['reference_id']}"
        yield f"{who}  {what}  ({row['outcome']}){note}"


def _purge(chosen: argparse.Namespace) -> int:
    if chosen.older_than_days < 0:
        raise InvalidRequestError("--older-than-days must not be negative")
    try:
        count = purge(older_than_days=chosen.older_than_days)
    except OverflowError:
        raise InvalidRequestError("--older-than-days is beyond all time") from None
    sys.stdout.write(f"{count} push{'es' if count != 1 else ''} removed\n")
    return 0
