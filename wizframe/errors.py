"""Every error and warning of wizframe.

::

    WizframeError
    ├── ConfigurationError (ValueError)      no client, no key, two clients, an unsafe base URL
    ├── InvalidRequestError (ValueError)     refused before sending: a parameter or a record
    ├── ReadOnlyError (PermissionError)      a write on a read-only connection
    ├── TransportError (ConnectionError)     no usable answer
    │   ├── NotSentError                     proven: the request never left
    │   ├── DeadlineError (TimeoutError)     no complete answer in time
    │   ├── RedirectError                    a 3xx, never followed
    │   └── ProtocolError                    an answer that the contract does not know
    ├── ServiceError                         the service said no: .status, .code, .details
    │   ├── AuthenticationError              401
    │   ├── ForbiddenError (PermissionError) 403
    │   ├── NotFoundError (LookupError)      404
    │   ├── TakenError (ValueError)          409, a reference that exists
    │   ├── RejectedError (ValueError)       400, 422 and other 4xx, with details
    │   ├── RateLimitError                   429 after all retries: .retry_after_s
    │   └── UnavailableError                 5xx
    ├── InvalidDataError (ValueError)        loaded data breaks the schema: .failures
    ├── UnreadableFileError (ValueError)     a file that is no workbook or CSV file, or is not safe to open
    ├── MissingExtraError (ImportError)      a library that is not installed by default
    ├── PlanError (ValueError)               a frame that cannot be planned as it is
    │   ├── AmbiguousTableError              customers or contacts?
    │   ├── UnmatchedRowsError               nothing says which records the rows are
    │   ├── UnknownBaselineError             nothing says how the rows looked when they were loaded
    │   ├── WrongAccountError                rows of one account, a client of another
    │   ├── PlanProblemsError                problems stand in the way: .failures
    │   ├── StalePlanError                   the frame was edited after the plan
    │   └── LimitExceededError               more changes or deletes than allowed
    ├── LoadStoppedError                     a load was stopped by whoever watched it
    ├── JournalError (OSError)               the record of pushes cannot be used, so nothing is sent
    └── PushInterruptedError                 Ctrl-C during a push: .result says what happened

A message says what failed and why; ``hint`` says what to do next. Code branches on the type and on ``code``.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

__all__ = [
    "AmbiguousTableError",
    "AuthenticationError",
    "CollidingEditsWarning",
    "ConfigurationError",
    "DeadlineError",
    "ForbiddenError",
    "Hint",
    "IncompleteLoadWarning",
    "InvalidDataError",
    "InvalidDataWarning",
    "InvalidRequestError",
    "JournalError",
    "LimitExceededError",
    "LoadStoppedError",
    "LostBaselineWarning",
    "MissingExtraError",
    "NotFoundError",
    "NotSentError",
    "PlanError",
    "PlanProblemsError",
    "ProtocolError",
    "PushInterruptedError",
    "RateLimitError",
    "ReadOnlyError",
    "RedirectError",
    "RejectedError",
    "ServiceError",
    "StalePlanError",
    "TakenError",
    "TransportError",
    "UnavailableError",
    "UnknownBaselineError",
    "UnmatchedRowsError",
    "UnreadableFileError",
    "WizframeError",
    "WrongAccountError",
]


Interface = Literal["python", "cli"]


@dataclass(frozen=True)
class Hint:
    """What to do next, in the words of the interface that shows it.

    ``str(hint)`` gives the text for Python, or for the command line while a command runs.

    Parameters
    ----------
    python : str
        The text for Python and notebooks.
    cli : str
        The text for the command line. An empty text gives no hint there.
    """

    python: str
    cli: str

    #: One value for the whole process and not a context variable, because the threads of a push write texts, too.
    interface: ClassVar[Interface] = "python"

    def __str__(self) -> str:
        return self.cli if Hint.interface == "cli" else self.python


@contextmanager
def hints_for(interface: Interface) -> Iterator[None]:
    """Give all hints in the words of one interface inside a ``with`` block."""
    before = Hint.interface
    Hint.interface = interface
    try:
        yield
    finally:
        Hint.interface = before


class WizframeError(Exception):
    """Root of all errors that wizframe raises on purpose.

    Parameters
    ----------
    message : str
        What failed and why, without a full stop at the end.
    hint : Hint or str, optional
        What to do next, in whole sentences. A str is the same for Python and the command line.

    Attributes
    ----------
    code : str
        The kind of error, for programs.
    hint : Hint or None
    """

    code: str = "wizframe"

    def __init__(self, message: str = "", *, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.hint = Hint(hint, hint) if isinstance(hint, str) else hint

    def __str__(self) -> str:
        message, hint = super().__str__(), str(self.hint or "")
        return f"{message.removesuffix('.')}. {hint}" if hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with the message alone; one that cannot be unpickled breaks a pool of processes.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(kind: type[WizframeError], args: tuple[Any, ...], state: dict[str, Any]) -> WizframeError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(WizframeError, ValueError):
    """The connection cannot be made, or it is unclear which one is meant."""

    code = "configuration"


class InvalidRequestError(WizframeError, ValueError):
    """A parameter or a record was refused before anything was sent.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    details : sequence of (field, reason), optional
        One entry for each thing that is wrong.
    hint : Hint or str, optional
    """

    code = "invalid_request"

    def __init__(
        self, message: str, details: Sequence[tuple[str, str]] = (), *, hint: Hint | str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.details = tuple(details)


class ReadOnlyError(WizframeError, PermissionError):
    """A write was asked of a read-only connection."""

    code = "read_only"


class TransportError(WizframeError, ConnectionError):
    """No usable answer came; whether the service acted on the request is unknown."""

    code = "transport"


class NotSentError(TransportError):
    """The request never reached the service: refused, unresolved, or no connection in time."""

    code = "not_sent"


class DeadlineError(TransportError, TimeoutError):
    """No complete answer arrived in time."""

    code = "deadline"


class RedirectError(TransportError):
    """The service answered with a redirect, which is never followed."""

    code = "redirect"


class ProtocolError(TransportError):
    """The answer is not one that the contract knows (HTML, other JSON, too large)."""

    code = "protocol"


class ServiceError(WizframeError):
    """The service refused the request.

    Parameters
    ----------
    message : str
        The service's own words, redacted, and what they mean here.
    status : int
        HTTP status.
    code : str
        The service's error code.
    details : sequence of (field, reason)
        What the service said of single fields, in wizframe's field names.
    hint : Hint or str, optional
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        details: Sequence[tuple[str, str]] = (),
        hint: Hint | str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code or f"http_{status}"
        self.details = tuple(details)


class AuthenticationError(ServiceError):
    """401: the API key is missing, wrong or expired."""


class ForbiddenError(ServiceError, PermissionError):
    """403: the key may not do this."""


class NotFoundError(ServiceError, LookupError):
    """404: there is no such record."""


class TakenError(ServiceError, ValueError):
    """409: another record has this reference."""


class RejectedError(ServiceError, ValueError):
    """400, 422 or another 4xx: the service does not accept the request as it is."""


class RateLimitError(ServiceError):
    """429: still too many requests after all retries. ``retry_after_s`` is in seconds, or None."""

    retry_after_s: float | None = None


class UnavailableError(ServiceError):
    """5xx: the service failed; whether it acted on the request is unknown."""


class _FramedError(WizframeError, ValueError):
    """An error about many cells: ``failures`` has the columns row, column, value, rule."""

    def __init__(self, message: str, failures: pd.DataFrame | None = None, *, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.failures = failures


class InvalidDataError(_FramedError):
    """Loaded data breaks the schema. ``failures``: DataFrame with row, column, value, rule."""

    code = "invalid_data"


class UnreadableFileError(WizframeError, ValueError):
    """The file is no workbook or CSV file that can be read: damaged, encrypted, of another kind, or too large."""

    code = "unreadable_file"


class MissingExtraError(WizframeError, ImportError):
    """What was asked for needs a library that is not installed by default; the message says which."""

    code = "missing_extra"


class PlanError(_FramedError):
    """The frame cannot be planned or applied as it is. ``failures`` may list the rows."""

    code = "plan"


class AmbiguousTableError(PlanError):
    """Nothing says whether the frame holds customers or contacts."""

    code = "ambiguous_table"


class UnmatchedRowsError(PlanError):
    """Nothing says which records the rows are."""

    code = "unmatched_rows"


class UnknownBaselineError(PlanError):
    """It cannot be told how the rows looked when they were loaded."""

    code = "unknown_baseline"


class WrongAccountError(PlanError):
    """The rows belong to one account, the client to another."""

    code = "wrong_account"


class PlanProblemsError(PlanError):
    """The plan has problems. ``failures``: DataFrame with row, column, value, rule."""

    code = "plan_problems"


class StalePlanError(PlanError):
    """The frame was edited after it was planned."""

    code = "stale_plan"


class LimitExceededError(PlanError):
    """The plan has more changes or deletes than were allowed."""

    code = "limit_exceeded"


class LoadStoppedError(WizframeError):
    """A load was stopped before its end. Nothing came of it: there is no frame, and no request leaves any more."""

    code = "stopped"


class JournalError(WizframeError, OSError):
    """The journal cannot be opened, read or written; nothing is sent without it."""

    code = "journal"


class PushInterruptedError(WizframeError):
    """A push was interrupted. ``result`` says what was done and what was not sent."""

    code = "interrupted"

    def __init__(self, message: str, result: Any, *, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.result = result


class IncompleteLoadWarning(UserWarning):
    """A load could not prove that it is complete; the message says what is missing or unknown."""


class InvalidDataWarning(UserWarning):
    """Loaded rows break the schema; ``frame.wiz.problems`` lists them."""


class CollidingEditsWarning(UserWarning):
    """Somebody else changed cells that were edited here, too; ``frame.wiz.collisions`` lists them."""


class LostBaselineWarning(UserWarning):
    """A workbook does not say any more how its rows were when they were exported."""


def service_error(
    status: int,
    message: str,
    *,
    code: str = "",
    details: Sequence[tuple[str, str]] = (),
    hint: Hint | str | None = None,
) -> ServiceError:
    """Build the error class that fits an HTTP status from 400 to 599."""
    leaves: Mapping[int, type[ServiceError]] = {
        401: AuthenticationError,
        403: ForbiddenError,
        404: NotFoundError,
        409: TakenError,
        429: RateLimitError,
    }
    default = UnavailableError if status >= 500 else RejectedError  # noqa: PLR2004 - HTTP's own boundary
    return leaves.get(status, default)(message, status=status, code=code, details=details, hint=hint)


def to_install(extra: str) -> str:
    """Say how to install an extra into the Python that runs: a shell's bare ``pip`` may belong to another one.

    Parameters
    ----------
    extra : str

    Returns
    -------
    str
        A line for a shell.
    """
    known = sys.executable or "python"  # an embedded one has no name
    python = f'"{known}"' if " " in known else known
    return f"{python} -m pip install 'wizframe[{extra}]'"


def caller_level() -> int:
    """Find the stack level of the user's own line, for warnings.

    Returns
    -------
    int
        As ``warnings.warn`` counts, seen from the function that calls this one.
    """
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - warnings.warn counts levels the same way
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("wizframe."):
        level, frame = level + 1, frame.f_back
    return level
