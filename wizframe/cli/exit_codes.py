"""What a command ends with, for scripts."""

from __future__ import annotations

from wizframe.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PushInterruptedError,
    TransportError,
)

__all__ = ["EXIT_CODES", "exit_code"]

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "something else went wrong; stderr says what",
    2: "the command or its options make no sense",
    3: "some changes failed, were left out, or are unfinished: `wizframe resume` finishes those",
    4: "conflicts, and nothing else is left: somebody changed the same fields",
    5: "more changes or deletes than were allowed; nothing was sent",
    6: "the plan, the push or the connection asked for is not usable as it is; nothing was sent",
    7: "no connection, or the key is not accepted",
    8: "done, but what was loaded may be incomplete; stderr says why",
    10: "plan --detailed-exitcode: there is something to change",
    130: "interrupted",
}


def exit_code(error: BaseException) -> int:
    """Give the exit code that an error ends a command with.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    int
        One of :data:`EXIT_CODES`.
    """
    leaves: list[tuple[int, tuple[type[BaseException], ...]]] = [
        (130, (KeyboardInterrupt, PushInterruptedError)),
        (5, (LimitExceededError,)),
        (6, (PlanError, ConfigurationError, InvalidRequestError)),
        (7, (TransportError, AuthenticationError)),
    ]
    return next((code for code, types in leaves if isinstance(error, types)), 1)
