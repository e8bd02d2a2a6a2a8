"""The parts of a review as HTML. Everything that comes from the service or the user is escaped here."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from wizframe.planning.changes import counted_children, short_id, shown
from wizframe.text import counted, plural, printable

if TYPE_CHECKING:
    from wizframe.api.client import BaseClient
    from wizframe.notebook.review.choices import PlanRow
    from wizframe.planning.changes import Change, Problem
    from wizframe.pushing.outcomes import ConflictCell, Outcome
    from wizframe.pushing.plan import Plan, Result

__all__ = [
    "STYLE",
    "alert",
    "cell",
    "cells",
    "conflict",
    "contents",
    "heading",
    "label",
    "outcome",
    "problem",
    "question",
    "summary",
    "title",
]

STYLE = f"<style>{files('wizframe.notebook.review').joinpath('review.css').read_text('utf-8')}</style>"
# Lengths in characters, so that a value takes some lines of a card. plan.cells has the whole value.
_MAX_VALUE = 300
_MAX_TEXT = 2000


def title(row: PlanRow, obstacle: str = "") -> str:
    """Show the action and the name of a record, and the obstacle: why it cannot be ticked."""
    action = row.change.action if row.change else ""
    badge = f"<span class='wiz-badge wiz-{action}'>{action}</span> " if action else ""
    table = f" <small>{row.part.table.singular}</small>"
    why = f" <small class='wiz-quiet'>· {escape(obstacle)}</small>" if obstacle else ""
    return f"{badge}<b>{escape(row.name)}</b> <small class='wiz-quiet'>{escape(row.identity)}</small>{table}{why}"


def cells(change: Change) -> str:
    """Show the cells that a change creates, updates or deletes."""
    if change.action == "delete":
        words, count = counted_children([change])
        return f"<div>{words} {plural(count, 'is', 'are')} deleted with it</div>" if count else ""
    return "".join(cell(change, one) for one in change.cells)


def cell(change: Change, one: Any) -> str:
    """Show the old and the new value of a cell."""
    old = f"<del>{_value(one.old)}</del> → " if change.action == "update" else ""
    return f"<div>{_column(one.column)} {old}<ins>{_value(one.new)}</ins></div>"


def problem(one: Problem) -> str:
    """Show a problem of a cell."""
    value = "" if one.value is None else f" {_value(one.value)}"
    return f"<div class='wiz-bad'>! {_column(one.column)}{value} {_text(one.rule)}</div>"


def outcome(one: Outcome, what_happened: str, next_step: str) -> str:
    """Show the state of a change, what happened, and what to do next."""
    step = f"<div class='wiz-quiet'>→ {_text(next_step)}</div>" if next_step else ""
    return f"<div><b class='wiz-bad'>{one.state}</b>: {_text(what_happened)}</div>{step}"


def conflict(one: ConflictCell) -> str:
    """Show a cell that another user changed, too."""
    return (
        f"<div>{_column(one.column)} when loaded {_value(one.when_loaded)} · "
        f"yours <ins>{_value(one.yours)}</ins> · now in WizCommerce <b>{_value(one.now)}</b></div>"
    )


def heading(plan: Plan, client: BaseClient) -> str:
    """Show the plan's id, and the account that it is sent to."""
    words = f"Review of plan {short_id(plan.id)} for {_target(plan, client)}"
    return f"<div role='heading' aria-level='3' class='wiz-head'>{words}</div>"


def contents(plan: Plan) -> str:
    """Count the changes of a plan and its rows with problems, and list its notices."""
    count = len({(part.table.name, problem.position) for part in plan.parts for problem in part.problems_list})
    stop = f"<div class='wiz-bad'>{counted(count, 'row')} with problems cannot be ticked until corrected</div>"
    notices = "".join(f"<div class='wiz-quiet'>· {_text(line)}</div>" for line in plan.notice_lines())
    return f"<div>{_counts(plan) or 'Nothing to change.'}</div>{stop * bool(count)}{notices}"


def question(chosen: Plan, client: BaseClient) -> str:
    """Ask for a confirmation before anything is sent."""
    is_production = client.environment == "PRODUCTION"
    words, count = counted_children(chosen.changes_list)
    lost = f"<div class='wiz-bad'>{words} of the deleted records {plural(count, 'is', 'are')} deleted, too</div>"
    return (
        f"<div role='alert' class='wiz-question{' wiz-danger' * is_production}'>"
        f"Send <b>{counted(len(chosen), 'change')}</b> ({_counts(chosen)}) to {_target(chosen, client)} now?"
        f"{lost * bool(count)}</div>"
    )


def label(text: str) -> str:
    """Escape the label of a widget: the notebook would typeset dollar signs and backslashes as mathematics."""
    return printable(text, _MAX_TEXT).replace("$", "＄").replace("\\", "＼")


def alert(text: str) -> str:
    """Show a message that a screen reader reads at once; an empty text shows nothing."""
    return f"<div role='alert' class='wiz-bad'>{_text(text)}</div>" if text else ""


def summary(result: Result) -> str:
    """Count the outcomes of a push."""
    return f"<div role='status'>Result: <b>{_text(result.summary())}</b></div>"


def _target(plan: Plan, client: BaseClient) -> str:
    """Show the account and the server; production is red."""
    environment = client.environment
    name = f"{escape(plan.account.name)} at " if plan.account.name else ""
    kind = "wiz-production" if environment == "PRODUCTION" else "wiz-elsewhere"
    return f"<span class='{kind}'>{escape(environment)}</span> {name}<code>{escape(plan.account.base_url)}</code>"


def _column(name: str) -> str:
    return f"<span class='wiz-column'>{escape(name)}</span>"


def _text(text: str) -> str:
    return escape(printable(text, _MAX_TEXT))


def _value(value: Any) -> str:
    return escape(shown(value, _MAX_VALUE))


def _counts(plan: Plan) -> str:
    return ", ".join(f"{count} to {action}" for action, count in plan.counts().items() if count)
