"""What a review shows, as HTML. Whatever comes from the service or the user is escaped, here and nowhere else."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizframe.planning.changes import shown

if TYPE_CHECKING:
    from wizframe.api.client import BaseClient
    from wizframe.notebook.review.choices import Item
    from wizframe.planning.changes import Change, Problem
    from wizframe.pushing.plan import Plan
    from wizframe.pushing.results import ConflictCell, Outcome, Result

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
    "where",
]

STYLE = f"<style>{Path(__file__).with_name('review.css').read_text('utf-8')}</style>"
_LONGEST = 300


def title(item: Item, obstacle: str = "") -> str:
    """Name a record, and what happens to it.

    Parameters
    ----------
    item : Item
    obstacle : str
        Why it cannot be ticked.

    Returns
    -------
    str
    """
    action = item.change.action if item.change else ""
    badge = f"<span class='wiz-badge wiz-{action}'>{action}</span> " if action else ""
    table = f" <small>{item.part.table.singular}</small>"
    why = f" <small class='wiz-quiet'>· {escape(obstacle)}</small>" if obstacle else ""
    return f"{badge}<b>{escape(item.name)}</b> <small class='wiz-quiet'>{escape(item.identity)}</small>{table}{why}"


def cells(change: Change) -> str:
    """List what a change does, cell by cell.

    Parameters
    ----------
    change : Change

    Returns
    -------
    str
    """
    if change.action == "delete":
        return f"<div>{_many(change.contacts, 'contact')} go{'es'[: 2 * (change.contacts == 1)]} with it</div>"
    return "".join(cell(change, one) for one in change.cells)


def cell(change: Change, one: Any) -> str:
    """Show a cell, old → new.

    Parameters
    ----------
    change : Change
    one : Cell

    Returns
    -------
    str
    """
    old = f"<del>{_value(one.old)}</del> → " if change.action == "update" else ""
    return f"<div><span class='wiz-column'>{escape(one.column)}</span> {old}<ins>{_value(one.new)}</ins></div>"


def problem(one: Problem) -> str:
    """Say what stands in the way.

    Parameters
    ----------
    one : Problem

    Returns
    -------
    str
    """
    value = "" if one.value is None else f" {_value(one.value)}"
    column = f"<span class='wiz-column'>{escape(one.column)}</span>"
    return f"<div class='wiz-bad'>! {column}{value} {escape(_said(one.rule))}</div>"


def outcome(one: Outcome, here: str = "") -> str:
    """Say what became of a change, and what to do next.

    Parameters
    ----------
    one : Outcome
    here : str
        Said instead, where it can be done here.

    Returns
    -------
    str
    """
    if here:
        return f"<div><b class='wiz-bad'>{one.state}</b>: {escape(_said(here))}</div>"
    step = f"<div class='wiz-quiet'>→ {escape(_said(one.next_step))}</div>" if one.next_step else ""
    return f"<div><b class='wiz-bad'>{one.state}</b>: {escape(_said(one.what_happened))}</div>{step}"


def conflict(one: ConflictCell) -> str:
    """Show a cell that somebody else changed, too.

    Parameters
    ----------
    one : ConflictCell

    Returns
    -------
    str
    """
    return (
        f"<div><span class='wiz-column'>{escape(one.column)}</span> when loaded {_value(one.when_loaded)} · "
        f"yours <ins>{_value(one.yours)}</ins> · now in WizCommerce <b>{_value(one.now)}</b></div>"
    )


def heading(plan: Plan, client: BaseClient) -> str:
    """Say which plan it is, and for whom.

    Parameters
    ----------
    plan : Plan
    client : Client

    Returns
    -------
    str
    """
    return (
        f"<div role='heading' aria-level='3' class='wiz-head'>Review of plan {plan.id} for {where(plan, client)}</div>"
    )


def contents(plan: Plan) -> str:
    """Say how much a plan is, and what else is worth knowing of it.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    str
    """
    rows = len({(part.table.name, problem.position) for part in plan.parts for problem in part.problems_list})
    stop = f"<div class='wiz-bad'>{_many(rows, 'row')} with problems cannot be ticked until they are corrected</div>"
    quiet = "".join(f"<div class='wiz-quiet'>· {escape(_said(line))}</div>" for line in plan.notice_lines())
    return f"<div>{_counted(plan) or 'nothing to change'}</div>{stop * bool(rows)}{quiet}"


def where(plan: Plan, client: BaseClient) -> str:
    """Say where the changes go; production is red.

    Parameters
    ----------
    plan : Plan
    client : Client

    Returns
    -------
    str
    """
    environment = client.environment
    name = f"{escape(plan.account.name)} at " if plan.account.name else ""
    kind = "wiz-production" if environment == "PRODUCTION" else "wiz-elsewhere"
    return f"<span class='{kind}'>{escape(environment)}</span> {name}<code>{escape(plan.account.base_url)}</code>"


def question(chosen: Plan, client: BaseClient) -> str:
    """Ask before anything is sent.

    Parameters
    ----------
    chosen : Plan
    client : Client

    Returns
    -------
    str
    """
    is_grave = client.environment == "PRODUCTION"
    contacts = sum(change.contacts for part in chosen.parts for change in part.changes_list)
    gone = f"<div class='wiz-bad'>{_many(contacts, 'contact')} of deleted customers go with them</div>"
    return (
        f"<div role='alert' class='wiz-question{' wiz-grave' * is_grave}'>Send <b>{_many(len(chosen), 'change')}</b> "
        f"({_counted(chosen)}) to {where(chosen, client)} now?{gone * bool(contacts)}</div>"
    )


def label(text: str) -> str:
    """Write a label, which the notebook would typeset as mathematics where it has dollar signs or backslashes.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Plain, not HTML.
    """
    return _said(text).replace("$", "＄").replace("\\", "＼")


def alert(text: str, *, is_bad: bool = True) -> str:
    """Say something that a screen reader reads at once; nothing where there is nothing to say.

    Parameters
    ----------
    text : str
        Plain.
    is_bad : bool

    Returns
    -------
    str
    """
    if not text:
        return ""
    return f"<div role='alert' class='wiz-said{' wiz-bad' * is_bad}'>{escape(_said(text))}</div>"


def summary(result: Result) -> str:
    """Say what became of a push.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    return f"<div role='status' class='wiz-said'>Result: <b>{escape(result.summary())}</b></div>"


def _said(text: str) -> str:
    """Make characters visible that would change how a sentence reads, such as a right-to-left override."""
    return shown(text, 2000)


def _value(value: Any) -> str:
    return escape(shown(value, _LONGEST))


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s'[: count != 1]}"


def _counted(plan: Plan) -> str:
    return ", ".join(f"{count} to {action}" for action, count in plan.counts().items() if count)
