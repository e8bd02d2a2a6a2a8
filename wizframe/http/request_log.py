"""A line per request in the standard library's log. It is shown only if a program or trace() enables it."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Self

from wizframe.arguments import Kind, checked, or_none

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Tracing", "log", "trace"]

#: One DEBUG record per request, without the key and without bodies.
log = logging.getLogger("wizframe.requests")
_ours = logging.getLogger("wizframe")


class Tracing:
    """Show requests until :meth:`stop` is called or the ``with`` block ends. :func:`trace` creates it."""

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
        """Stop showing requests."""
        if self._handler in _ours.handlers:
            _ours.removeHandler(self._handler)
            _ours.setLevel(self._level)


_STREAM = Kind("text files, such as sys.stdout", lambda value: callable(getattr(value, "write", None)))
_now: Tracing | None = None


@checked(stream=or_none(_STREAM))
def trace(stream: TextIO | None = None) -> Tracing:
    """Show every request from now on: its time, address, outcome and duration, but never the key.

    Parameters
    ----------
    stream : text file, optional
        By default ``sys.stderr``.

    Returns
    -------
    Tracing
        Call ``stop()`` to end the trace, or use a ``with`` block. A second call of this function replaces the first.

    Notes
    -----
    Example of a line: ``09:14:22.250  GET https://api.wizcommerce.com/v1/customers?page=1: 200, 5120 bytes, 84 ms``.
    The lines contain addresses with ids and filters, but no bodies. A program with a log of its own receives them from
    the logger ``wizframe.requests`` at the level ``DEBUG``.

    Examples
    --------
    >>> with wizframe.trace():
    ...     records = wiz.customer.list(page_size=1)
    """
    global _now  # noqa: PLW0603 - there is one log in a process
    if _now is not None:
        _now.stop()
    _now = Tracing(stream or sys.stderr)
    return _now
