"""What was sent and what came of it, in the standard library's log: quiet until somebody listens."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Tracing", "log", "trace"]

#: One record for each request, at the level DEBUG. Neither keys nor bodies are in them.
log = logging.getLogger("wizframe.requests")
_ours = logging.getLogger("wizframe")


class Tracing:
    """Requests are shown until :meth:`stop`, or the end of its ``with`` block. Made by :func:`trace`.

    Parameters
    ----------
    stream : text file
    """

    def __init__(self, stream: TextIO) -> None:
        self._handler = logging.StreamHandler(stream)
        self._handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d  %(message)s", "%H:%M:%S"))
        self._level = _ours.level
        _ours.addHandler(self._handler)
        _ours.setLevel(logging.DEBUG)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Show no further request."""
        if self._handler in _ours.handlers:
            _ours.removeHandler(self._handler)
            _ours.setLevel(self._level)


_now: Tracing | None = None


def trace(stream: TextIO | None = None) -> Tracing:
    """Show every request from now on: when, what, how it ended, and how long it took. Never the key.

    Parameters
    ----------
    stream : text file, optional
        By default ``sys.stderr``.

    Returns
    -------
    Tracing
        ``stop()``, or the end of its ``with`` block, ends it. There is one at a time: the next call takes its place.

    Notes
    -----
    A line is such as ``09:14:22.250  GET https://api.wizcommerce.com/v1/customers?page=1: 200, 5120 bytes, 84 ms``.
    Addresses are shown with ids and filters in them, bodies are not. The lines go through the logger
    ``wizframe.requests`` at the level ``DEBUG``, for programs that have a log of their own.

    Examples
    --------
    >>> with wizframe.trace():
    ...     records = wiz.customer.list(page_size=1)
    """
    global _now  # noqa: PLW0603 - a log is the whole process's
    if _now is not None:
        _now.stop()
    _now = Tracing(stream or sys.stderr)
    return _now
