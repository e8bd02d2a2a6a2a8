"""The exit codes of the command line."""

from __future__ import annotations

from wizframe.errors import (
    AuthenticationError,
    ConfigurationError,
    FileError,
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PushInterruptedError,
    TransportError,
    UnreadableFileError,
)

__all__ = ["EXIT_CODES", "exit_code"]

EXIT_CODES = {
    0: "done, or there was nothing to do",
    1: "another error; stderr says which",
    2: "the command or its options are not valid",
    3: "some changes failed, were left out or are unfinished; `wizframe resume` finishes a push that was cut off",
    4: "only conflicts are left: another user changed the same fields",
    5: "more changes or deletes than allowed; nothing was sent",
    6: "the file, plan, push or connection cannot be used; nothing was sent",
    7: "no connection, or the API key is not accepted",
    8: "done, but the loaded data may be incomplete; stderr says why",
    10: "plan --detailed-exitcode: the file would change something",
    130: "interrupted by Ctrl-C",
    141: "the program that reads the output has closed it, as `head` does",
}
_CODES_OF_ERRORS: list[tuple[int, tuple[type[BaseException], ...]]] = [
    (130, (KeyboardInterrupt, PushInterruptedError)),
    (141, (BrokenPipeError,)),
    (5, (LimitExceededError,)),
    (2, (InvalidRequestError,)),
    (6, (PlanError, ConfigurationError, FileError, UnreadableFileError)),
    (7, (TransportError, AuthenticationError)),
]


def exit_code(error: BaseException) -> int:
    """Return the exit code, one of ``EXIT_CODES``, of a command that ended with an error."""
    return next((code for code, kinds in _CODES_OF_ERRORS if isinstance(error, kinds)), 1)
