"""Access to the notebook's kernel: changes to a user's frame wait until no cell is running.

JupyterLab handles the messages of widgets in a different thread from the cells, and a push has its own threads. A
frame must not change between two lines of a cell that reads it.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["between_cells"]


def between_cells(action: Callable[[], None], *, within_s: float | None = None) -> None:
    """Run an action when no cell is running, in the thread of the cells; without a notebook, run it at once.

    With ``within_s`` the caller waits for the action. After this many seconds the action runs in any case, because the
    running cell may be waiting for the caller.
    """
    loop = _loop()
    if loop is None or threading.current_thread() is threading.main_thread():
        action()
        return
    done: Future[None] = Future()

    def once() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            action()
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)
            if within_s is None:  # the caller does not wait for the result, so the event loop must log the error
                raise

    loop.add_callback(once)
    if within_s is None:
        return
    wait([done], within_s)
    if done.cancel():
        action()
    else:
        done.result()


def _loop() -> Any:
    """Return the event loop that runs the notebook's cells, or None."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython  # noqa: PLC0415 - IPython is running

    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
