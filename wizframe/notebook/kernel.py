"""The notebook's kernel: what changes a user's frame waits until no cell is running.

JupyterLab handles the messages of widgets in another thread than the cells, and pushes have threads of their own. A
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
    """Do something when no cell is running: at once without a notebook, and in the thread of the cells.

    With ``within_s`` the caller waits for it. After so many seconds it is done in any case, because the running cell
    may be waiting for the caller.
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
            if within_s is None:  # nothing waits for the result, so the loop must log the error
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
    """Give the event loop that runs the notebook's cells, or None."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython  # noqa: PLC0415 - IPython is running

    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
