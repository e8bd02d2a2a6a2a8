"""``plan.review()``: a plan as cards with boxes to tick, and a push of what is ticked, in a notebook.

It shows and asks; what may be sent, and how, is the business of plans and pushes. Imports ipywidgets, so it is imported
when the first review is made.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from wizframe.api.client import open_client
from wizframe.errors import StalePlanError, WizframeError
from wizframe.notebook.kernel import between_cells
from wizframe.notebook.review import html as markup
from wizframe.notebook.review.cards import ChangeList, Editors, with_class
from wizframe.notebook.review.choices import Choices
from wizframe.notebook.review.outcomes import OutcomeList
from wizframe.progress import Watch
from wizframe.pushing.api import apply
from wizframe.pushing.corrections import correct

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.connections.client import Client
    from wizframe.pushing.plan import Plan
    from wizframe.pushing.results import Result

__all__ = ["Review"]

_TELLING_S = 0.1
_SETTLED_S = 10.0


class Review(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Show a plan with a box for each change, and send what is ticked.

    Parameters
    ----------
    plan : Plan
        Everything that can be is ticked to begin with. Rows with problems cannot be, until they are corrected.
    client : Client, optional
        By default the open connection of the plan's account.

    Attributes
    ----------
    plan : Plan
        What is shown: the plan given, or the one that was made of corrections.
    result : Result or None
        What became of the last push; a trait, so that it can be observed.
    """

    result = traitlets.Any(None, allow_none=True)

    def __init__(self, plan: Plan, *, client: Client | None = None) -> None:
        self._client = open_client(client, account=plan.account)
        self._push: threading.Thread | None = None
        self._head, self._body, self._asked, self._said = (
            widgets.HTML(), widgets.VBox(), widgets.VBox(), widgets.HTML(),
        )  # fmt: skip
        self._note = widgets.Text(description="Note", placeholder="why; kept in the journal")
        self._note.style.description_width = "initial"
        self._apply = self._button("Apply", self._ask, style="primary", tooltip="Nothing is sent before you said yes")
        self._again = self._button(
            "Plan again",
            lambda: self._wait_for_cells(self._plan_again),
            tooltip="The frame as it is now, as corrected here",
        )
        self._undo = self._button("Undo …", self._plan_undo, tooltip="Plan to put the old values back")
        self._foot = _bar(self._note, self._apply, self._again, self._undo)
        super().__init__([widgets.HTML(markup.STYLE), self._head, self._body, self._foot, self._asked, self._said])
        self.add_class("wizframe-review")
        self._open(Choices(plan))

    def __repr__(self) -> str:
        return f"<Review of plan {self.plan.id}: {len(self.chosen)} of {len(self.plan)} changes ticked>"

    @property
    def plan(self) -> Plan:
        """What is shown."""
        return self._choices.plan

    @property
    def chosen(self) -> Plan:
        """The plan of what is ticked."""
        return self._choices.chosen()

    @property
    def is_pushing(self) -> bool:
        """Whether a push is under way."""
        return self._push is not None and self._push.is_alive() and self._push is not threading.current_thread()

    def wait(self, timeout_s: float | None = None) -> Result | None:
        """Wait for the push that is under way, if any.

        Parameters
        ----------
        timeout_s : float, optional
            In seconds; by default as long as it takes.

        Returns
        -------
        Result or None
            What became of the last push.
        """
        if self._push is not None:
            self._push.join(timeout_s)
        result: Result | None = self.result
        return result

    def _button(self, words: str, action: Callable[[], None], *, style: str = "", tooltip: str = "") -> Any:
        """Make a button; an error of ours becomes a sentence below the review."""
        made = widgets.Button(description=words, button_style=style, tooltip=tooltip or words)
        made.layout.width = "auto"
        made.on_click(lambda _: self._try(action))
        return made

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except WizframeError as error:
            self._say(str(error))

    def _wait_for_cells(self, action: Callable[[], None]) -> None:
        """Do what writes into the frame once no cell runs."""
        self._say("this goes on when the cell that runs is done")
        between_cells(lambda: self._try(action))

    def _open(self, choices: Choices) -> None:
        """Show a plan and what is ticked of it."""
        self._choices = choices
        self._editors = Editors()
        self._outcomes: OutcomeList | None = None
        self._head.value = markup.heading(choices.plan, self._client) + markup.contents(choices.plan)
        self._body.children = [ChangeList(choices, self._editors, self._show_count).widget]
        _show(self._apply, is_there=bool(choices.items))
        _show(self._note, is_there=bool(choices.items))
        _show(self._again, is_there=_can_be_made_again(choices.plan))
        _show(self._undo, is_there=False)
        self._show_count()

    def _show_count(self) -> None:
        count = len(self._choices.ticked())
        self._apply.description = f"Apply {count} ticked change{'s'[: count != 1]} …"
        self._apply.disabled = not count
        self._ask_nothing()

    def _ask_nothing(self) -> None:
        self._asked.children = ()
        self._said.value = ""

    def _say(self, text: str) -> None:
        self._said.value = markup.alert(text)

    def _ask(self) -> None:
        """Say how many changes go where, and wait for a yes."""
        self._ask_nothing()
        chosen = self.chosen
        is_grave = self._client.environment == "PRODUCTION" or chosen.counts()["delete"]
        yes = self._button(
            f"Yes, send {len(chosen)} change{'s'[: len(chosen) != 1]}",
            lambda: self._begin(chosen),
            style="danger" if is_grave else "primary",
        )
        no = self._button("No", self._ask_nothing, tooltip="Send nothing")
        self._asked.children = [widgets.HTML(markup.question(chosen, self._client)), _bar(yes, no)]

    def _begin(self, chosen: Plan) -> None:
        """Push in a thread: the notebook goes on meanwhile."""
        shown = widgets.IntProgress(max=len(chosen), description="Sending")
        text = widgets.HTML()
        stop = self._button("Stop", lambda: _stop(watch, stop), tooltip="Finish what is under way, and send no more")
        told = _Teller(shown, text)
        watch = _Watch(lambda: told(watch))
        self._set_busy(is_busy=True)
        self._asked.children = [_bar(shown, text, stop)]
        self._push = threading.Thread(target=self._run, args=(chosen, watch), name="wizframe-review", daemon=True)
        self._push.start()

    def _set_busy(self, *, is_busy: bool) -> None:
        _show(self._body, is_there=not is_busy)
        for button in (self._apply, self._again, self._undo):
            button.disabled = is_busy

    def _run(self, chosen: Plan, watch: Watch) -> None:
        """Push, and show what came of it. Runs in a thread of its own."""
        try:
            # The person who says yes to the deletes that are shown allows them.
            result = apply(
                chosen,
                client=self._client,
                max_deletes=chosen.counts()["delete"],
                note=self._note.value,
                progress=watch,
            )
        except Exception as error:
            self._set_busy(is_busy=False)
            self._show_count()
            self._say(str(error) if isinstance(error, WizframeError) else f"{type(error).__name__}: {error}")
            if not isinstance(error, WizframeError):
                raise
        else:
            self._set_busy(is_busy=False)
            self._show_result(result)

    def _show_result(self, result: Result) -> None:
        self._editors = Editors()
        self._outcomes = OutcomeList(result, self._editors)
        self._asked.children = ()
        self._head.value = markup.heading(result.plan, self._client)
        self._body.children = [widgets.HTML(markup.summary(result)), self._outcomes.widget]
        _show(self._apply, is_there=False)
        _show(self._note, is_there=False)
        _show(self._again, is_there=_can_be_made_again(self.plan))
        _show(self._undo, is_there=bool(result.counts()["done"]))
        self.result = result

    def _plan_again(self) -> None:
        """Write what was typed into the frame, and show the plan of it. What was not ticked stays so."""
        made: Any = self.plan if self._outcomes is None else self.result
        corrections = self._editors.corrections()
        if self._outcomes is not None:
            if self._outcomes.half_decided():
                self._say("decide all cells of a record that has conflicts, or none of them")
                return
            corrections += self._outcomes.corrections()
        unticked, said = self._choices.unticked(), ""
        try:
            plan = correct(made, corrections, client=self._client)
        except StalePlanError as error:
            plan, said = self.plan.again(client=self._client), f"nothing that was typed here was used: {error}"
        self._open(Choices(plan, unticked))
        self._say(said)

    def _plan_undo(self) -> None:
        self._open(Choices(self.result.undo(client=self._client)))


class _Watch(Watch):
    """Writes back between two cells. A cell that runs on and on may be waiting for just that."""

    def settle(self, action: Callable[[], None]) -> None:
        between_cells(action, within_s=_SETTLED_S)


class _Teller:
    """Tells how far a push is, at most some times a second: each change of a widget is a message to the browser."""

    def __init__(self, shown: Any, text: Any) -> None:
        self._shown = shown
        self._text = text
        self._told_at = 0.0

    def __call__(self, watch: Watch) -> None:
        if watch.done != watch.total and time.monotonic() - self._told_at < _TELLING_S:
            return
        self._told_at = time.monotonic()
        self._shown.value = watch.done
        left = "" if watch.left_s is None else f", about {watch.left_s:.0f} s left"
        self._text.value = f"{watch.done} of {watch.total}{left}"


def _stop(watch: Watch, button: Any) -> None:
    watch.stop()
    button.description, button.disabled = "Stopping …", True


def _can_be_made_again(plan: Plan) -> bool:
    return bool(plan.decisions) or not plan.counts()["delete"]


def _bar(*controls: Any) -> Any:
    return with_class(widgets.HBox(controls), "wiz-bar")


def _show(widget: Any, *, is_there: bool) -> None:
    widget.layout.display = None if is_there else "none"
