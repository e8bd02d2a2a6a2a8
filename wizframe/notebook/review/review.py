"""``plan.review()``: a notebook widget that shows a plan as cards with boxes to tick, and pushes the ticked changes.

The review only shows and asks. The plan and the push decide what may be sent, and how. This module imports ipywidgets,
so it is imported when the first review is created.
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
from wizframe.notebook.review.cards import ChangeList, CorrectionFields, OutcomeList, bar
from wizframe.notebook.review.choices import Choices
from wizframe.planning.changes import short_id
from wizframe.progress import Watch
from wizframe.pushing.api import apply
from wizframe.pushing.corrections import correct
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.api.client import BaseClient
    from wizframe.pushing.plan import Plan, Result

__all__ = ["Review"]

# Each change of a widget sends a message to the browser, and ten changes a second look smooth.
_REDRAWN_EVERY_S = 0.1
# A finished push waits this long for the running cell before it writes ids into the frame. It cannot wait forever,
# because the cell may be waiting for the push, as review.wait() does.
_MAX_WAIT_FOR_CELL_S = 10.0


class Review(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Show a plan with a box for each change, and send the ticked changes.

    Parameters
    ----------
    plan : Plan
        At first, every change is ticked, except in rows with problems, which must be corrected first.
    client : Client, optional
        By default the open connection of the plan's account.

    Attributes
    ----------
    plan : Plan
        The shown plan: the given plan, or the new plan with your corrections.
    result : Result or None
        The result of the last push. It is a traitlets trait, so code can observe it.
    """

    result = traitlets.Any(None, allow_none=True)

    def __init__(self, plan: Plan, *, client: BaseClient | None = None) -> None:
        self._client = open_client(client, account=plan.account)
        self._push: threading.Thread | None = None
        self._head, self._message = widgets.HTML(), widgets.HTML()
        self._body, self._question = widgets.VBox(), widgets.VBox()
        self._note = widgets.Text(description="Note", placeholder="reason, stored in the journal")
        self._note.style.description_width = "initial"
        self._apply = self._button("Apply", self._ask, style="primary", tooltip="Nothing is sent until you confirm")
        self._again = self._button(
            "Plan again",
            lambda: self._wait_for_cells(self._plan_again),
            tooltip="Plan the current frame, with your corrections",
        )
        self._undo = self._button("Undo …", self._plan_undo, tooltip="Plan to restore the old values")
        buttons = bar(self._note, self._apply, self._again, self._undo)
        super().__init__([widgets.HTML(markup.STYLE), self._head, self._body, buttons, self._question, self._message])
        self.add_class("wizframe-review")
        self._open(Choices(plan))

    def __repr__(self) -> str:
        ticked = f"{len(self.chosen)} of {counted(len(self.plan), 'change')} ticked"
        return f"<Review of plan {short_id(self.plan.id)}: {ticked}>"

    @property
    def plan(self) -> Plan:
        """The shown plan."""
        return self._choices.plan

    @property
    def chosen(self) -> Plan:
        """The plan of the ticked changes."""
        return self._choices.chosen()

    @property
    def is_pushing(self) -> bool:
        """Whether a push is running."""
        return self._push is not None and self._push.is_alive() and self._push is not threading.current_thread()

    def wait(self, timeout_s: float | None = None) -> Result | None:
        """Wait until the running push has finished, if there is one.

        Parameters
        ----------
        timeout_s : float, optional
            Maximum time in seconds; by default there is no limit.

        Returns
        -------
        Result or None
            The result of the last push.
        """
        if self._push is not None:
            self._push.join(timeout_s)
        result: Result | None = self.result
        return result

    def _button(self, text: str, action: Callable[[], None], *, style: str = "", tooltip: str = "") -> Any:
        """Make a button. If its action raises an error, the message is shown below the review."""
        made = widgets.Button(description=text, button_style=style, tooltip=tooltip or text, layout={"width": "auto"})
        made.on_click(lambda _: self._try(action))
        return made

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except WizframeError as error:
            self._say(str(error))

    def _wait_for_cells(self, action: Callable[[], None]) -> None:
        """Run an action that writes into the frame when no cell is running."""
        self._say("Waiting for the running cell to finish.")
        between_cells(lambda: self._try(action))

    def _open(self, choices: Choices) -> None:
        """Show a plan and its ticks."""
        self._choices = choices
        self._fields = CorrectionFields()
        self._outcomes: OutcomeList | None = None
        self._head.value = markup.heading(choices.plan, self._client) + markup.contents(choices.plan)
        self._body.children = [ChangeList(choices, self._fields, self._show_count).widget]
        _show(self._apply, self._note, is_shown=bool(choices.rows))
        _show(self._again, is_shown=_can_be_made_again(choices.plan))
        _show(self._undo, is_shown=False)
        self._show_count()

    def _show_count(self) -> None:
        count = len(self._choices.ticked())
        self._apply.description = f"Apply {counted(count, 'ticked change')} …"
        self._apply.disabled = not count
        self._ask_nothing()

    def _ask_nothing(self) -> None:
        self._question.children = ()
        self._message.value = ""

    def _say(self, text: str) -> None:
        self._message.value = markup.alert(text)

    def _ask(self) -> None:
        """Show how many changes are sent to which account, and ask for a confirmation."""
        self._ask_nothing()
        chosen = self.chosen
        is_dangerous = self._client.environment == "PRODUCTION" or chosen.counts()["delete"]
        yes = self._button(
            f"Yes, send {counted(len(chosen), 'change')}",
            lambda: self._begin(chosen),
            style="danger" if is_dangerous else "primary",
        )
        no = self._button("No", self._ask_nothing, tooltip="Send nothing")
        self._question.children = [widgets.HTML(markup.question(chosen, self._client)), bar(yes, no)]

    def _begin(self, chosen: Plan) -> None:
        """Start the push in a thread, so that other cells can run."""
        shown, text = widgets.IntProgress(max=len(chosen), description="Sending"), widgets.HTML()
        drawn_at = 0.0

        def show_progress() -> None:
            nonlocal drawn_at
            if watch.done != watch.total and time.monotonic() - drawn_at < _REDRAWN_EVERY_S:
                return
            drawn_at = time.monotonic()
            left = "" if watch.left_s is None else f", about {watch.left_s:.0f} s left"
            shown.value, text.value = watch.done, f"{watch.done} of {watch.total}{left}"

        def stop() -> None:
            watch.stop()
            stop_button.description, stop_button.disabled = "Stopping …", True

        watch = _Watch(show_progress)
        stop_button = self._button("Stop", stop, tooltip="Finish the changes that are being sent, and send no more")
        self._set_busy(is_busy=True)
        self._question.children = [bar(shown, text, stop_button)]
        self._push = threading.Thread(target=self._run, args=(chosen, watch), name="wizframe-review", daemon=True)
        self._push.start()

    def _set_busy(self, *, is_busy: bool) -> None:
        _show(self._body, is_shown=not is_busy)
        for button in (self._apply, self._again, self._undo):
            button.disabled = is_busy

    def _run(self, chosen: Plan, watch: Watch) -> None:
        """Push the chosen changes and show the result. Runs in a separate thread."""
        try:
            # The user has seen the number of deletes and confirmed it, so this number is the limit.
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
        self._fields = CorrectionFields()
        self._outcomes = OutcomeList(result, self._fields)
        self._question.children = ()
        self._head.value = markup.heading(result.plan, self._client)
        self._body.children = [widgets.HTML(markup.summary(result)), self._outcomes.widget]
        _show(self._apply, self._note, is_shown=False)
        _show(self._again, is_shown=_can_be_made_again(self.plan))
        _show(self._undo, is_shown=bool(result.counts()["done"]))
        self.result = result

    def _plan_again(self) -> None:
        """Write the corrections into the frame and plan it again. Changes that were unticked stay unticked."""
        made: Any = self.plan if self._outcomes is None else self.result
        corrections = self._fields.corrections()
        if self._outcomes is not None:
            if self._outcomes.count_half_decided():
                self._say("Decide all conflicts of a record, or none of them. Then press Plan again.")
                return
            corrections += self._outcomes.corrections()
        unticked, message = self._choices.unticked(), ""
        try:
            plan = correct(made, corrections, client=self._client)
        except StalePlanError as error:
            plan, message = self.plan.again(client=self._client), f"Your corrections were not used: {error}"
        self._open(Choices(plan, unticked))
        self._say(message)

    def _plan_undo(self) -> None:
        self._open(Choices(self.result.undo(client=self._client)))


class _Watch(Watch):
    """Writes the results into the frame when no cell is running."""

    def settle(self, action: Callable[[], None]) -> None:
        between_cells(action, within_s=_MAX_WAIT_FOR_CELL_S)


def _can_be_made_again(plan: Plan) -> bool:
    return plan.options is not None or not plan.counts()["delete"]


def _show(*shown: Any, is_shown: bool) -> None:
    for widget in shown:
        widget.layout.display = None if is_shown else "none"
