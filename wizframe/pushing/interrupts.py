"""Ctrl-C during a push."""

from __future__ import annotations

import signal
import threading
from typing import Self

__all__ = ["Interrupts"]


class Interrupts:
    """Ctrl-C during a push: counted, not raised.

    Raised at any line of Python, it could leave a frame half updated or a push leased by no process, and lose the
    result of what was sent. Another library's handler of the signal is left alone.
    """

    def __init__(self) -> None:
        self.count = 0
        self._is_ours = False

    def __enter__(self) -> Self:
        # Python lets only the main thread set a handler, and interrupts no other thread.
        is_possible = threading.current_thread() is threading.main_thread()
        if is_possible and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._is_ours = True
            signal.signal(signal.SIGINT, self.press)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(self, *_signal: object) -> None:
        """Count one."""
        self.count += 1

    def check(self) -> None:
        """Raise the Ctrl-C that was counted before anything was sent."""
        if self.count:
            raise KeyboardInterrupt("cancelled: nothing was sent")
