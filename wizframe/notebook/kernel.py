"""The notebook's kernel, where there is one: what changes a user's frame waits until no cell runs.

JupyterLab hands the messages of widgets to a thread beside the one that runs cells, and long work has threads of its
own. pandas does not expect that a frame changes between two lines of a cell that reads it.
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
    """Do something when no cell runs: at once in the thread that runs cells, and where there is no notebook.

    Parameters
    ----------
    action : callable
    within_s : float, optional
        Wait until it is done, which is after so many seconds in any case: the cell that runs may be waiting itself.
        Without it, nobody waits.
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
            if within_s is None:
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
    """Give the event loop that runs the notebook's cells."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython  # noqa: PLC0415 - only where it already runs

    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
