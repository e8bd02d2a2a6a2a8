"""The schedule of faults: the request that each fault hits, and a log of the faults that fired. No sockets here."""

from __future__ import annotations

import functools
import random
import threading
import zlib
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from wizframe.server.faults.kinds import KINDS
from wizframe.server.routes import LOGIN, OPERATIONS, READS, WRITES, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["HTML_PAGE", "PASSING", "Fault", "Faults", "FiredFault", "LateRequest", "gzip_bomb"]

HTML_PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"

# With these statuses, the same request may succeed later.
PASSING = (429, 500, 502, 503, 504)

_GROUPS = {"*": OPERATIONS, "reads": READS, "writes": WRITES}

# Random faults must end by themselves and show an effect: only a timeout ends the first three, no response reveals a
# "lie", and "meanwhile" needs a function.
_NEVER_RANDOM = {"stall", "stall_after", "late_stall", "lie", "meanwhile"}


@dataclass(frozen=True, repr=False)
class Fault:
    """One failure to inject.

    Parameters
    ----------
    kind : str
        A kind from the table in :mod:`wizframe.server.faults`.
    operation : str, default "*"
        The operation to hit: one of the ten such as ``customers.create``, ``reads``, ``writes``, ``*`` for all ten, or
        ``login``.
    times : int, optional
        Number of requests to hit, 1 by default. None hits every request.
    skip : int, default 0
        Number of requests of the operation to skip before the first hit.
    status : int, optional
        HTTP status of an ``answer``. In an ``answer_after``, None keeps the true status.
    headers : mapping, optional
        Headers that replace the usual ones of the same name. The value None removes a header.
    body : str, bytes, dict, list or callable, optional
        A string is sent as HTML, bytes unchanged, a dict or list as JSON. A function receives the true body and returns
        the body to send (only in ``answer_after``). None sends a JSON error if the fault has an error status, otherwise
        the true body, or nothing. ``{key}`` in the body or a header becomes the API key of the request.
    column : str, optional
        The column that a ``keep`` or ``lie`` does not store, named as in `SandboxServer.records`.
    delay_s : float, default 0
        Seconds to wait before the request is applied or dropped. In a ``drip``, seconds between two pieces.
    after_bytes : int, optional
        Position at which ``truncate`` cuts, counted from the first byte of the status line. None cuts the body in half.
    action : callable, optional
        The function that a ``meanwhile`` calls.

    Raises
    ------
    ValueError
        The kind or operation is unknown, the kind does not fit the operation, or an option is missing or invalid.
    """

    kind: str
    operation: str = "*"
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: str | bytes | dict[str, Any] | list[Any] | Callable[[bytes], bytes] | None = None
    column: str | None = None
    delay_s: float = 0.0
    after_bytes: int | None = None
    action: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        known = (*_GROUPS, *OPERATIONS, LOGIN)
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: use one of {', '.join(KINDS)}")
        if self.operation not in known:
            raise ValueError(f"unknown operation {self.operation!r}: use one of {', '.join(known)}")
        if not self._operations():
            fitting = ", ".join(KINDS[self.kind].operations)
            raise ValueError(f"the fault {self.kind!r} cannot happen in {self.operation!r}: use one of {fitting}")
        self._check_options()

    def _check_options(self) -> None:
        if self.kind == "answer" and self.status is None:
            raise ValueError("the fault 'answer' needs a status")
        if self.kind == "answer" and callable(self.body):
            raise ValueError("the fault 'answer' has no true body to pass to a function: use 'answer_after'")
        if self.kind == "meanwhile" and self.action is None:
            raise ValueError("the fault 'meanwhile' needs an action")
        if self.kind != "meanwhile" and self.action is not None:
            raise ValueError(f"the fault {self.kind!r} cannot have an action: only 'meanwhile' can")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, or None for every request, not {self.times}")
        for name in ("skip", "delay_s", "after_bytes"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)}")

    def __repr__(self) -> str:
        default = {"operation": "*", "times": 1, "skip": 0, "headers": {}, "delay_s": 0.0}
        values = {item.name: getattr(self, item.name) for item in fields(self)[1:]}
        options = [f", {name}={value!r}" for name, value in values.items() if value != default.get(name)]
        return f"Fault({self.kind!r}{''.join(options)})"

    def hits(self, operation: str) -> bool:
        """Return whether the fault can hit an operation; "" is a request without an operation."""
        return operation in self._operations()

    def _operations(self) -> set[str]:
        return set(_GROUPS.get(self.operation, (self.operation,))) & set(KINDS[self.kind].operations)


class FiredFault(NamedTuple):
    """A fault that hit a request.

    Parameters
    ----------
    kind : str
        The kind of the fault.
    operation : str
        The operation of the request, such as ``customers.create``.
    method : str
        The HTTP verb of the request.
    path : str
        The path as sent, percent-encoded, without the query.
    """

    kind: str
    operation: str
    method: str
    path: str


class LateRequest:
    """A request to apply later: set `now` to end the waiting; `done` is set when the request is finished."""

    def __init__(self) -> None:
        self.now = threading.Event()
        self.done = threading.Event()


@dataclass
class _Scheduled:
    """A fault, the number of requests that it has seen, and the number that it has hit."""

    fault: Fault
    seen: int = 0
    hit: int = 0

    def is_due(self) -> bool:
        return self.seen > self.fault.skip and (self.fault.times is None or self.hit < self.fault.times)


class Faults:
    """The faults to inject, in order, and a log of those that fired. Thread-safe.

    Every request counts for every fault of its operation. If several faults are due, the one added first hits, and
    the others wait for the next request.

    Parameters
    ----------
    faults : iterable of Fault, optional
        The first faults; `add` adds more.

    Examples
    --------
    >>> faults = Faults([Fault("drop_after", operation="customers.create", skip=2)])
    >>> faults.fired
    []
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._scheduled: list[_Scheduled] = []
        self._fired: list[FiredFault] = []
        self._late: list[LateRequest] = []
        self.add(*faults)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([scheduled.fault for scheduled in self._scheduled])

    def __repr__(self) -> str:
        return f"<Faults: {list(self)}, {len(self.fired)} fired>"

    @property
    def fired(self) -> list[FiredFault]:
        """The faults that hit a request, in order. An entry exists before the client can notice its fault."""
        with self._lock:
            return list(self._fired)

    def add(self, *faults: Fault) -> None:
        """Add faults, which count requests from now on.

        Parameters
        ----------
        *faults : Fault
            The faults to inject.
        """
        with self._lock:
            self._scheduled += [_Scheduled(fault) for fault in faults]

    def clear(self) -> None:
        """Remove all faults; `fired` stays."""
        with self._lock:
            self._scheduled.clear()

    def apply_late(self, timeout_s: float = 5.0) -> None:
        """Apply all late requests now, and wait until they are applied.

        Parameters
        ----------
        timeout_s : float, default 5
            Maximum seconds to wait for each request.
        """
        with self._lock:
            waiting = list(self._late)
        for late in waiting:
            late.now.set()
        for late in waiting:
            late.done.wait(timeout_s)

    @staticmethod
    def random(
        seed: int,
        count: int = 5,
        *,
        kinds: Sequence[str] | None = None,
        operations: Sequence[str] = OPERATIONS,
        statuses: Sequence[int] = PASSING,
        within: int = 10,
    ) -> list[Fault]:
        """Generate random faults, the same ones for the same arguments.

        Parameters
        ----------
        seed : int
            Seed of the random numbers.
        count : int, default 5
            Number of faults.
        kinds : sequence of str, optional
            Kinds to choose from. By default all, except those that only a timeout ends, ``lie`` and ``meanwhile``.
        operations : sequence of str
            Operations to choose from; by default all ten.
        statuses : sequence of int
            Statuses to choose from for ``answer`` and ``answer_after``.
        within : int, default 10
            Each fault hits one of the first `within` requests of its operation.

        Returns
        -------
        list of Fault
            Faults for a server or a proxy. Their repr repeats them when a test fails.
        """
        rng = random.Random(seed)  # noqa: S311 - a schedule is not a secret
        possible = {name: _random_kinds(kinds, name) for name in operations}
        faults = []
        for _ in range(count):
            # Choose the operation first, because more kinds fit lists: a choice by kind would hit mostly lists.
            operation = rng.choice([name for name in operations if possible[name]])
            kind = rng.choice(possible[operation])
            options = _random_options(kind, operation, rng, statuses)
            faults.append(Fault(kind, operation, skip=rng.randrange(within), **options))
        return faults

    # ------------------------------------------------------------------ for the server and the proxy

    def due(self, method: str, path: str, *, reused: bool) -> Fault | None:
        """Count a request and return the fault that hits it, to `enter` or to `give_back`."""
        if not self._scheduled:
            return None
        operation = operation_of(method, path)
        with self._lock:
            found: _Scheduled | None = None
            for scheduled in self._scheduled:
                if scheduled.fault.hits(operation) and (reused or scheduled.fault.kind != "reset_reused"):
                    scheduled.seen += 1
                    if found is None and scheduled.is_due():
                        found = scheduled
            if found is None:
                return None
            found.hit += 1
            return found.fault

    def give_back(self, fault: Fault) -> None:
        """Let a fault that found nothing to alter wait for the next request."""
        with self._lock:
            for scheduled in self._scheduled:  # the fault may be missing, because `clear` may have been called
                if scheduled.fault is fault:
                    scheduled.hit -= 1
                    return

    def enter(self, fault: Fault, method: str, path: str) -> LateRequest | None:
        """Log that a fault fired; return the request to apply later, if there is one, for `end_late`."""
        late = LateRequest() if KINDS[fault.kind].applied == "late" else None
        # One lock for both, because a test that sees the log entry may apply the late request at once.
        with self._lock:
            self._fired.append(FiredFault(fault.kind, operation_of(method, path), method, path))
            if late is not None:
                self._late.append(late)
        return late

    def end_late(self, late: LateRequest) -> None:
        """Note that a late request was applied, or will never be applied."""
        with self._lock:
            self._late.remove(late)
        late.done.set()


def _random_kinds(kinds: Sequence[str] | None, operation: str) -> list[str]:
    if kinds is not None:
        return [kind for kind in kinds if operation in KINDS[kind].operations]
    # The response to a DELETE has no body, so it cannot show that the record still exists.
    unfit = _NEVER_RANDOM | ({"keep"} if operation.endswith(".delete") else set())
    return [kind for kind in KINDS if kind not in unfit and operation in KINDS[kind].operations]


def _random_options(kind: str, operation: str, rng: random.Random, statuses: Sequence[int]) -> dict[str, Any]:
    """Choose options that keep every wait short."""
    if kind == "answer":
        headers = rng.choice([{}, {"Retry-After": "0"}, {"Retry-After": "-1"}, {"Retry-After": "soon"}])
        return {"status": rng.choice(statuses), "body": rng.choice([None, HTML_PAGE, ""]), "headers": headers}
    if kind == "answer_after":
        # A 4xx means that the request was not applied, which would be false here.
        applied = [status for status in statuses if status >= HTTPStatus.INTERNAL_SERVER_ERROR]
        return {"status": rng.choice(applied or [502]), "body": rng.choice([None, HTML_PAGE, ""])}
    if kind in {"keep", "lie"}:
        # A create needs a column, because no response shows that a new record was not stored at all.
        return {"column": "email" if operation.endswith(".create") else rng.choice([None, "email"])}
    if kind == "truncate":
        # 400 bytes end in the head of a response, or early in its body.
        return {"after_bytes": rng.choice([None, rng.randrange(400)])}
    return {"delay_s": 0.02} if kind in {"delay", "late", "late_stall"} else {}


@functools.cache
def gzip_bomb(megabytes: int = 100) -> bytes:
    """Return a small body that unpacks to a large one, to send with ``Content-Encoding: gzip``.

    Parameters
    ----------
    megabytes : int, default 100
        Unpacked size in megabytes; all of it is spaces.

    Returns
    -------
    bytes
        The packed body, about a thousandth of the unpacked size.
    """
    packer = zlib.compressobj(wbits=31)  # 31: the largest window, with a gzip header
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
