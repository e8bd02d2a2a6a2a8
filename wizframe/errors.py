"""Every error and warning of wizframe.

::

    WizframeError
    ├── ConfigurationError (ValueError)      no connection, no API key, several connections, an unsafe base URL
    ├── InvalidRequestError (ValueError)     a parameter or record is not valid; nothing was sent
    ├── ReadOnlyError (PermissionError)      a write on a read-only connection
    ├── TransportError (ConnectionError)     no usable response
    │   ├── NotSentError                     the request never reached the service
    │   ├── DeadlineError (TimeoutError)     no complete response in time
    │   ├── RedirectError                    a redirect (3xx), which is never followed
    │   └── ProtocolError                    a response that the contract does not know
    ├── ServiceError                         the service refused the request: .status, .code, .details
    │   ├── AuthenticationError              401
    │   ├── ForbiddenError (PermissionError) 403
    │   ├── NotFoundError (LookupError)      404, 410
    │   ├── TakenError (ValueError)          409, the reference exists already
    │   ├── RejectedError (ValueError)       400, 422 and other 4xx, with details
    │   ├── RateLimitError                   429 after all retries: .retry_after_s
    │   └── UnavailableError                 5xx, 408, 425, 499
    ├── InvalidDataError (ValueError)        loaded rows break the schema: .failures
    ├── FileError (OSError)                  a file cannot be opened, read or written
    │   └── MissingFileError (FileNotFoundError)  the file or its folder does not exist
    ├── UnreadableFileError (ValueError)     a file that is not a workbook or CSV file, or is not safe to open
    ├── MissingExtraError (ImportError)      an optional library is not installed
    ├── PlanError (ValueError)               a frame cannot be planned, or a plan cannot be applied
    │   ├── AmbiguousTableError              customers or contacts?
    │   ├── UnmatchedRowsError               it is unclear which records the rows belong to
    │   ├── UnknownBaselineError             the values of the rows when they were loaded are unknown
    │   ├── WrongAccountError                the rows and the client belong to different accounts
    │   ├── PlanProblemsError                the plan has problems: .failures
    │   ├── StalePlanError                   the frame was edited after it was planned
    │   └── LimitExceededError               more changes or deletes than allowed
    ├── LoadStoppedError                     a load was cancelled
    ├── JournalError (OSError)               the journal of pushes cannot be used, so nothing is sent
    └── PushInterruptedError                 Ctrl-C during a push: .result says what was done

A message says what failed and why; ``hint`` says what to do next. Code should test the class and ``code``, because
messages may change.
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
    "AmbiguousTableError", "AuthenticationError", "CollidingEditsWarning", "ConfigurationError", "DeadlineError",
    "FileError", "ForbiddenError", "Hint", "IncompleteLoadWarning", "InvalidDataError", "InvalidDataWarning",
    "InvalidRequestError", "JournalError", "LimitExceededError", "LoadStoppedError", "LostBaselineWarning",
    "MissingExtraError", "MissingFileError", "NotFoundError", "NotSentError", "PlanError", "PlanProblemsError",
    "ProtocolError", "PushInterruptedError", "RateLimitError", "ReadOnlyError", "RedirectError", "RejectedError",
    "ServiceError", "StalePlanError", "TakenError", "TransportError", "UnavailableError", "UnfinishedPushWarning",
    "UnknownBaselineError", "UnmatchedRowsError", "UnreadableFileError", "WizframeError", "WrongAccountError",
]  # fmt: skip


Interface = Literal["python", "cli"]


@dataclass(frozen=True)
class Hint:
    """What to do next, for Python and for the command line.

    ``str(hint)`` is the text for Python; while a command runs, it is the text for the command line.

    Parameters
    ----------
    python : str
        The text for Python and notebooks.
    cli : str
        The text for the command line. If it is empty, the command line shows no hint.
    """

    python: str
    cli: str

    #: One value for the whole process instead of a context variable, because the threads of a push also write hints.
    interface: ClassVar[Interface] = "python"

    def __str__(self) -> str:
        return self.cli if Hint.interface == "cli" else self.python


@contextmanager
def hints_for(interface: Interface) -> Iterator[None]:
    """Show the hints of one interface inside a ``with`` block."""
    before = Hint.interface
    Hint.interface = interface
    try:
        yield
    finally:
        Hint.interface = before


class WizframeError(Exception):
    """The base class of all errors that wizframe raises.

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
        message, hint = self._described(), str(self.hint or "")
        return f"{message.removesuffix('.')}. {hint}" if hint else message

    def _described(self) -> str:
        return super().__str__()

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, unpickling calls the class with the message alone, which fails for classes that need more. An
        # error that cannot be unpickled breaks a pool of processes.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(kind: type[WizframeError], args: tuple[Any, ...], state: dict[str, Any]) -> WizframeError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(WizframeError, ValueError):
    """The connection cannot be opened, or there are several and none was chosen."""

    code = "configuration"


class InvalidRequestError(WizframeError, ValueError):
    """A parameter or a record is not valid. Nothing was sent.

    Parameters
    ----------
    message : str
    details : sequence of (field, reason), optional
        One entry for each value that is not valid.
    hint : Hint or str, optional
    """

    code = "invalid_request"

    def __init__(
        self, message: str, details: Sequence[tuple[str, str]] = (), *, hint: Hint | str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.details = tuple(details)


class ReadOnlyError(WizframeError, PermissionError):
    """The connection is read-only, and the request would write. Nothing was sent."""

    code = "read_only"


class TransportError(WizframeError, ConnectionError):
    """There is no usable response, so it is unknown whether the service carried out the request."""

    code = "transport"


class NotSentError(TransportError):
    """The request never reached the service, because no connection could be opened."""

    code = "not_sent"


class DeadlineError(TransportError, TimeoutError):
    """No complete response arrived in time."""

    code = "deadline"


class RedirectError(TransportError):
    """The response is a redirect, which is never followed, because it could carry the API key to another host."""

    code = "redirect"


class ProtocolError(TransportError):
    """The response does not follow the contract: it is HTML, JSON of another form, or too large.

    Attributes
    ----------
    verdict : {'', 'refused', 'accepted'}
        What a success without a record says: ``{"success": false}`` refuses; an empty body or ``{}`` accepts.
    """

    code = "protocol"
    verdict: Literal["", "refused", "accepted"] = ""


class ServiceError(WizframeError):
    """The service refused the request.

    Parameters
    ----------
    message : str
        The service's message, without the API key.
    status : int
        The HTTP status.
    code : str, optional
        The service's error code. Default: ``http_`` and the status.
    details : sequence of (field, reason), optional
        The service's messages about fields, with wizframe's names of the fields.
    request : str, optional
        The method and the address.
    hint : Hint or str, optional
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        details: Sequence[tuple[str, str]] = (),
        request: str = "",
        hint: Hint | str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code or f"http_{status}"
        self.details = tuple(details)
        self.request = request

    def _described(self) -> str:
        # Written when it is shown, because the details get wizframe's names of the fields only later.
        message = super()._described()
        reasons = [f"{name}: {reason}" for name, reason in self.details if reason not in message]  # many repeat them
        more = f" ({'; '.join(reasons)})" if reasons else ""
        return f"{message}{more}{f' ({self.request})' if self.request else ''}"


class AuthenticationError(ServiceError):
    """Status 401: the API key is missing, wrong or expired."""


class ForbiddenError(ServiceError, PermissionError):
    """Status 403: the API key has no permission for the request."""


class NotFoundError(ServiceError, LookupError):
    """Status 404 or 410: the record does not exist."""


class TakenError(ServiceError, ValueError):
    """Status 409: another record has the same reference."""


class RejectedError(ServiceError, ValueError):
    """Status 400, 422 or another 4xx: the service does not accept the request."""


class RateLimitError(ServiceError):
    """Status 429: too many requests, even after all retries.

    Attributes
    ----------
    retry_after_s : float or None
        Seconds until the service allows the next request; None if the service did not say.
    """

    retry_after_s: float | None = None


class UnavailableError(ServiceError):
    """Status 5xx, 408, 425 or 499: the service failed, so it is unknown whether it carried out the request."""


class _FramedError(WizframeError, ValueError):
    """An error about many rows."""

    def __init__(self, message: str, failures: pd.DataFrame | None = None, *, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.failures = failures


class InvalidDataError(_FramedError):
    """Loaded rows do not match the schema.

    Attributes
    ----------
    failures : DataFrame
        Columns row, column, value, rule.
    """

    code = "invalid_data"


class FileError(WizframeError, OSError):
    """A file cannot be opened, read or written, such as a folder in its place, or a full disk.

    Attributes
    ----------
    errno : int
        The number of the operating system's error.
    filename : str
    """

    code = "file"

    def _described(self) -> str:
        return str(self.args[0])  # without the number of the error, which OSError adds


class MissingFileError(FileError, FileNotFoundError):
    """The file does not exist, or its folder does not."""

    code = "missing_file"


class UnreadableFileError(WizframeError, ValueError):
    """The file cannot be read: it is damaged, encrypted, too large, or not a workbook or CSV file."""

    code = "unreadable_file"


class MissingExtraError(WizframeError, ImportError):
    """The feature needs an optional library that is not installed. The message says how to install it."""

    code = "missing_extra"


class PlanError(_FramedError):
    """The frame cannot be planned, or the plan cannot be applied.

    Attributes
    ----------
    failures : DataFrame or None
        Columns row, column, value, rule. None if the error is not about single rows.
    """

    code = "plan"


class AmbiguousTableError(PlanError):
    """It is unclear whether the rows are customers or contacts."""

    code = "ambiguous_table"


class UnmatchedRowsError(PlanError):
    """It is unclear which records the rows belong to."""

    code = "unmatched_rows"


class UnknownBaselineError(PlanError):
    """The values that the rows had when they were loaded are unknown."""

    code = "unknown_baseline"


class WrongAccountError(PlanError):
    """The rows and the client belong to different accounts."""

    code = "wrong_account"


class PlanProblemsError(PlanError):
    """The plan has problems. Nothing was sent.

    Attributes
    ----------
    failures : DataFrame
        Columns row, column, value, rule.
    """

    code = "plan_problems"


class StalePlanError(PlanError):
    """The frame was edited after it was planned. Nothing was sent."""

    code = "stale_plan"


class LimitExceededError(PlanError):
    """The plan has more changes or deletes than allowed. Nothing was sent."""

    code = "limit_exceeded"


class LoadStoppedError(WizframeError):
    """A load was cancelled before its end, so there is no frame."""

    code = "stopped"


class JournalError(WizframeError, OSError):
    """The journal of pushes cannot be opened, read or written. Without the journal, nothing is sent."""

    code = "journal"


class PushInterruptedError(WizframeError):
    """A push was interrupted by Ctrl-C.

    Attributes
    ----------
    result : Result
        What was done and what was not sent.
    """

    code = "interrupted"

    def __init__(self, message: str, result: Any, *, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.result = result


class IncompleteLoadWarning(UserWarning):
    """A load may be incomplete. The message says what is missing or unknown."""


class InvalidDataWarning(UserWarning):
    """Loaded rows do not match the schema. ``frame.wiz.problems`` lists them."""


class CollidingEditsWarning(UserWarning):
    """Another user changed cells that you edited, too. ``frame.wiz.collisions`` lists them."""


class LostBaselineWarning(UserWarning):
    """A workbook has lost the values that its rows had when the workbook was written."""


class UnfinishedPushWarning(UserWarning):
    """The journal has a push that cannot be finished. The message says which one, and why."""


def service_error(
    status: int,
    message: str,
    *,
    code: str = "",
    details: Sequence[tuple[str, str]] = (),
    request: str = "",
    hint: Hint | str | None = None,
) -> ServiceError:
    """Return the error for an HTTP status from 400 to 599."""
    leaves: Mapping[int, type[ServiceError]] = {
        401: AuthenticationError,
        403: ForbiddenError,
        404: NotFoundError,
        410: NotFoundError,
        409: TakenError,
        # Too slow, too early, closed by the client: what proxies say of a request that they gave up.
        **dict.fromkeys((408, 425, 499), UnavailableError),
        429: RateLimitError,
    }
    default = UnavailableError if status >= 500 else RejectedError  # noqa: PLR2004 - HTTP's own boundary
    return leaves.get(status, default)(message, status=status, code=code, details=details, request=request, hint=hint)


def to_install(extra: str) -> str:
    """Return the shell command that installs an extra."""
    # The full path of this Python, because the shell's `pip` may belong to another one. An embedded Python has no path.
    known = sys.executable or "python"
    python = f'"{known}"' if " " in known else known
    return f"{python} -m pip install 'wizframe[{extra}]'"


def caller_level() -> int:
    """Return the ``stacklevel`` with which a warning of the calling function points to the user's own line."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - warnings.warn counts levels the same way
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("wizframe."):
        level, frame = level + 1, frame.f_back
    return level
