"""Show a plan before it is sent, and ask whether to send it."""

from __future__ import annotations

import sys

from wizframe.errors import Hint, PlanError

__all__ = ["confirm", "show_plan"]


def show_plan(planned: object) -> None:
    """Display a plan in a notebook, or print it elsewhere."""
    if "IPython" in sys.modules:
        from IPython import get_ipython  # noqa: PLC0415 - only where it already runs
        from IPython.display import display  # noqa: PLC0415

        if get_ipython() is not None:
            display(planned)  # type: ignore[no-untyped-call]
            return
    sys.stdout.write(f"{planned}\n")


def confirm(question: str) -> None:
    """Ask a question, and raise a PlanError if the user does not say yes."""
    try:
        in_notebook = "ipykernel" in sys.modules
        reply = input(question) if in_notebook or sys.stdin.isatty() else None
    except (EOFError, RuntimeError):  # a kernel without a front end raises a RuntimeError
        reply = None
    if reply is None:
        skip_it = Hint(python="Pass yes=True to skip it.", cli="Pass --yes with --max-changes N to skip it.")
        raise PlanError(
            "confirmation is required, but there is no interactive terminal: nothing was sent", hint=skip_it
        )
    if reply.strip().lower() not in ("y", "yes"):
        raise PlanError("cancelled: nothing was sent")
