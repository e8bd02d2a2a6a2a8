"""Faults: which there are, which request each one hits, and the account of those that fired. Nothing about sockets.

A `Fault` is one thing that goes wrong, `Faults` the list of those asked for; without any, nothing ever goes wrong.
`FaultProxy` takes those with a P and does them to bytes on their way; the sandbox server does them all.

======================  ========  ====================================================================================
kind                    applied   what the client meets
======================  ========  ====================================================================================
``answer``              no        ``status``, ``headers`` and ``body`` of the test's choice
``answer_after``        yes       the same; ``status=None`` and ``body=None`` keep the true ones
``delay``            P  yes       the true answer, ``delay_s`` late
``drop``             P  no        the connection closed without an answer
``drop_after``       P  yes       the same
``reset``            P  no        the connection reset
``reset_after``      P  yes       the same
``reset_reused``     P  no        the same, only on a connection that served a request before: a stale one
``stall``            P  no        silence, until the client hangs up
``stall_after``      P  yes       the same
``late``             P  late      the connection closed at once; applied ``delay_s`` later
``late_stall``       P  late      silence; applied after ``delay_s``, then the connection is closed
``truncate``         P  yes       the first ``after_bytes`` of the answer, head included, then the connection closed
``truncate_chunk``   P  yes       the answer in chunks, the second one cut short, then the connection closed
``unended_chunks``   P  yes       the answer in one whole chunk, without the end of the chunks
``drip``             P  yes       the answer in 200 pieces at the most, ``delay_s`` between two of them
``keep``                but `column`  success, and the record as it is stored: the old value (a write)
``lie``                 but `column`  success as if all were stored (a write)
``empty_page``          yes       a list page without records
``short_page``          yes       the first half of a list page
``repeated_page``       yes       the page before the one asked for (never the first)
``total_too_small``     yes       half the true totals (only `rest` lists have any)
``total_too_large``     yes       twice the true totals and one more
``meanwhile``           yes       the true answer; ``action()`` is called before the request is applied
======================  ========  ====================================================================================

``keep`` and ``lie`` without a ``column`` store nothing at all. A fault that a request gives nothing to alter (a first
page, a write that is refused anyway, a bare list) waits for the next one. An answer without a body is cut in its head.
"""

from __future__ import annotations

import functools
import random
import threading
import zlib
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizframe.server.operations import LOGIN, OPERATIONS, READS, WRITES, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["HTML_PAGE", "KINDS", "WIRE_KINDS", "Fault", "Faults", "FiredFault", "Kind", "Late", "gzip_bomb"]

LISTS = tuple(name for name in OPERATIONS if name.endswith(".list"))
_GROUPS = {"*": OPERATIONS, "reads": READS, "writes": WRITES}


class Kind(NamedTuple):
    """How a kind of fault works.

    Parameters
    ----------
    applied : {"yes", "no", "late", "altered"}
        Whether the request has its effect; "altered": its effect or its answer is another one.
    sent : {"whole", "part", "cut chunk", "unended chunks", "drip", "close", "reset", "stall"}
        What becomes of the answer.
    operations : tuple of str
        Where it can happen.
    """

    applied: Literal["yes", "no", "late", "altered"]
    sent: Literal["whole", "part", "cut chunk", "unended chunks", "drip", "close", "reset", "stall"]
    operations: tuple[str, ...] = (*OPERATIONS, LOGIN)

    @property
    def shows_a_status(self) -> bool:
        """Whether the client gets to see an answer, or at least its beginning."""
        return self.sent not in {"close", "reset", "stall"}


KINDS = {
    "answer": Kind("no", "whole"),
    "answer_after": Kind("yes", "whole"),
    "delay": Kind("yes", "whole"),
    "drop": Kind("no", "close"),
    "drop_after": Kind("yes", "close"),
    "reset": Kind("no", "reset"),
    "reset_after": Kind("yes", "reset"),
    "reset_reused": Kind("no", "reset"),
    "stall": Kind("no", "stall"),
    "stall_after": Kind("yes", "stall"),
    "late": Kind("late", "close"),
    "late_stall": Kind("late", "stall"),
    "truncate": Kind("yes", "part"),
    "truncate_chunk": Kind("yes", "cut chunk"),
    "unended_chunks": Kind("yes", "unended chunks"),
    "drip": Kind("yes", "drip"),
    "keep": Kind("altered", "whole", WRITES),
    "lie": Kind("altered", "whole", WRITES),
    "empty_page": Kind("altered", "whole", LISTS),
    "short_page": Kind("altered", "whole", LISTS),
    "repeated_page": Kind("altered", "whole", LISTS),
    "total_too_small": Kind("altered", "whole", LISTS),
    "total_too_large": Kind("altered", "whole", LISTS),
    "meanwhile": Kind("yes", "whole"),
}

WIRE_KINDS = tuple(
    name for name, kind in KINDS.items() if name == "delay" or (kind.applied != "altered" and kind.sent != "whole")
)
"""Those that are done to bytes alone, so that a proxy can do them."""

_UNFIT_FOR_CHANCE = {"stall", "stall_after", "late_stall", "lie", "meanwhile"}
"""Those that nothing but a time-out ends, those that no answer betrays, and the one that needs a function."""
PASSING = (429, 500, 502, 503, 504)
"""Statuses that may be others when the request is sent again."""


@dataclass(frozen=True, repr=False)
class Fault:
    """One thing that goes wrong.

    Parameters
    ----------
    kind : str
        One of the table in :mod:`wizframe.server.faults`.
    operation : str, default "*"
        ``customers.create`` and the like, ``reads``, ``writes``, ``*`` for all ten, or ``login``.
    times : int, optional
        How many requests it hits, 1 by default; None for all that there will be.
    skip : int, default 0
        How many requests of the operation pass before the first one is hit.
    status : int, optional
        Of an ``answer``; in an ``answer_after`` None keeps the true one.
    headers : mapping, optional
        Set in the answer, in place of the usual ones of that name; None leaves one out.
    body : str, bytes, dict, list or callable, optional
        Text (sent as HTML), bytes, what is sent as JSON, or a function of the true body (``answer_after`` alone).
        None is an error in JSON where the status is one, otherwise the true body, or nothing. ``{key}`` in texts and
        in headers stands for the API key of the request.
    column : str, optional
        The one, as in `SandboxServer.records`, that a ``keep`` or ``lie`` leaves as it was.
    delay_s : float, default 0
        Seconds to wait before the request is applied or left alone; of a ``drip``, between two pieces.
    after_bytes : int, optional
        Where a ``truncate`` cuts, from the first byte of the status line on; None cuts the body in half.
    action : callable, optional
        What a ``meanwhile`` calls.

    Raises
    ------
    ValueError
        A kind or operation that does not exist or do not go together, or an option that is missing or senseless.
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
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}: the kinds are {', '.join(KINDS)}")
        if self.operation not in (*_GROUPS, *OPERATIONS, LOGIN):
            raise ValueError(f"there is no operation {self.operation!r}: {', '.join((*_GROUPS, *OPERATIONS, LOGIN))}")
        if not self._operations():
            raise ValueError(f"the fault {self.kind!r} cannot happen in {self.operation!r}")
        if self.kind == "answer" and (self.status is None or callable(self.body)):
            raise ValueError("the fault 'answer' needs a status, and has no true body that a function could alter")
        if (self.kind == "meanwhile") != (self.action is not None):
            raise ValueError("the fault 'meanwhile', and no other, needs an action")
        if self.times == 0 or min(self.times or 1, self.skip, self.delay_s, self.after_bytes or 0) < 0:
            raise ValueError("times, skip, delay_s and after_bytes must not be negative, nor times zero")

    def __repr__(self) -> str:
        set_ = {item.name: getattr(self, item.name) for item in fields(self)[1:]}
        plain = {"operation": "*", "times": 1, "skip": 0, "headers": {}, "delay_s": 0.0}
        options = [f", {name}={value!r}" for name, value in set_.items() if value != plain.get(name)]
        return f"Fault({self.kind!r}{''.join(options)})"

    def hits(self, operation: str) -> bool:
        """Tell whether it can happen to an operation.

        Parameters
        ----------
        operation : str
            The name of one, or "".

        Returns
        -------
        bool
            True if so.
        """
        return operation in self._operations()

    def _operations(self) -> set[str]:
        return set(_GROUPS.get(self.operation, (self.operation,))) & set(KINDS[self.kind].operations)


class FiredFault(NamedTuple):
    """A fault that hit a request.

    Parameters
    ----------
    kind : str
        Which kind.
    operation : str
        The operation that the request asked for.
    method : str
        Its HTTP verb.
    path : str
        Its path as sent, percent-encoded, without the query.
    """

    kind: str
    operation: str
    method: str
    path: str


class Late:
    """A request that is yet to be applied."""

    def __init__(self) -> None:
        self.now = threading.Event()
        self.done = threading.Event()


@dataclass
class _Armed:
    """A fault and how far it got."""

    fault: Fault
    seen: int = 0
    hit: int = 0

    @property
    def is_spent(self) -> bool:
        return self.fault.times is not None and self.hit >= self.fault.times


class Faults:
    """Those asked for, in order, and the account of those that fired. Threads may share it.

    Every request of its operation counts for every fault; of several that are due, the one added first hits, the
    others wait for the next request.

    Parameters
    ----------
    faults : iterable of Fault, optional
        Those to begin with.

    Examples
    --------
    >>> faults = Faults([Fault("drop_after", operation="customers.create", skip=2)])
    >>> faults.fired
    []
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._fired: list[FiredFault] = []
        self._late: list[Late] = []
        self.add(*faults)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([armed.fault for armed in self._armed])

    def __repr__(self) -> str:
        return f"<Faults: {list(self)}, {len(self.fired)} fired>"

    @property
    def fired(self) -> list[FiredFault]:
        """Those that hit a request, in order; one is entered before the client can notice it."""
        with self._lock:
            return list(self._fired)

    def add(self, *faults: Fault) -> None:
        """Ask for more; they count requests from now on.

        Parameters
        ----------
        *faults : Fault
            What is to go wrong.
        """
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Ask for no more; the account of what fired stays."""
        with self._lock:
            self._armed.clear()

    def apply_late(self, timeout_s: float = 5.0) -> None:
        """Apply at once what waits to be applied late, and wait until it is.

        Parameters
        ----------
        timeout_s : float, default 5
            Seconds to wait at the most for each.
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
        """Make up a schedule, the same for the same arguments.

        Parameters
        ----------
        seed : int
            What it depends on.
        count : int, default 5
            How many faults.
        kinds : sequence of str, optional
            Chosen from these; by default all but those that only a time-out ends, ``lie`` and ``meanwhile``.
        operations : sequence of str
            Chosen from these.
        statuses : sequence of int
            What ``answer`` and ``answer_after`` choose from.
        within : int, default 10
            Each fault hits one of the first so many requests of its operation.

        Returns
        -------
        list of Fault
            To be printed when a test fails, and given to a server or a proxy.
        """
        dice = random.Random(seed)  # noqa: S311 - a schedule is no secret
        possible = {name: _possible(kinds, name) for name in operations}
        faults = []
        for _ in range(count):
            # By operation first: otherwise lists, to which more can happen, would get most of it.
            operation = dice.choice([name for name in operations if possible[name]])
            kind = dice.choice(possible[operation])
            options = _made_up(kind, operation, dice, statuses)
            faults.append(Fault(kind, operation, skip=dice.randrange(within), **options))
        return faults

    # ------------------------------------------------------------------ what server and proxy ask

    def due(self, method: str, path: str, *, reused: bool) -> Fault | None:
        """Count a request, and find the fault that hits it.

        Parameters
        ----------
        method : str
            Its HTTP verb.
        path : str
            Its path, percent-encoded, without the query.
        reused : bool
            Whether its connection served another one before.

        Returns
        -------
        Fault or None
            To be carried out and entered with `enter`, or given back with `give_back`.
        """
        if not self._armed:
            return None
        operation = operation_of(method, path)
        with self._lock:
            found: _Armed | None = None
            for armed in self._armed:
                if armed.fault.hits(operation) and (reused or armed.fault.kind != "reset_reused"):
                    armed.seen += 1
                    if found is None and armed.seen > armed.fault.skip and not armed.is_spent:
                        found = armed
            if found is None:
                return None
            found.hit += 1
            return found.fault

    def give_back(self, fault: Fault) -> None:
        """Let a fault that there was nothing to alter for wait for the next request.

        Parameters
        ----------
        fault : Fault
            From `due`.
        """
        with self._lock:
            for armed in self._armed:
                if armed.fault is fault:
                    armed.hit -= 1
                    return

    def enter(self, fault: Fault, method: str, path: str) -> Late | None:
        """Enter in the account that a fault fired.

        Parameters
        ----------
        fault : Fault
            From `due`.
        method, path : str
            Of the request.

        Returns
        -------
        Late or None
            Where the request is yet to be applied: its ``now`` is set when it shall wait no longer, and `end_late`
            is to be called with it.
        """
        late = Late() if KINDS[fault.kind].applied == "late" else None
        # At once, so that whoever sees that it fired can have it applied.
        with self._lock:
            self._fired.append(FiredFault(fault.kind, operation_of(method, path), method, path))
            if late is not None:
                self._late.append(late)
        return late

    def end_late(self, late: Late) -> None:
        """Note that it was applied, or that it never will be.

        Parameters
        ----------
        late : Late
            From `enter`.
        """
        with self._lock:
            self._late.remove(late)
        late.done.set()


HTML_PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"


def _possible(kinds: Sequence[str] | None, operation: str) -> list[str]:
    """List the kinds that can happen to an operation by chance."""
    if kinds is not None:
        return [kind for kind in kinds if operation in KINDS[kind].operations]
    # Nothing in the answer to a delete betrays that the record is still there.
    unfit = _UNFIT_FOR_CHANCE | ({"keep"} if operation.endswith(".delete") else set())
    return [kind for kind in KINDS if kind not in unfit and operation in KINDS[kind].operations]


def _made_up(kind: str, operation: str, dice: random.Random, statuses: Sequence[int]) -> dict[str, Any]:
    """Choose the options of a random fault, so small that nothing takes long."""
    if kind == "answer":
        headers = dice.choice([{}, {"Retry-After": "0"}, {"Retry-After": "-1"}, {"Retry-After": "soon"}])
        return {"status": dice.choice(statuses), "body": dice.choice([None, HTML_PAGE, ""]), "headers": headers}
    if kind == "answer_after":
        # A 4xx says that nothing was done: after it was, only a 5xx is not a lie.
        applied = [status for status in statuses if status >= HTTPStatus.INTERNAL_SERVER_ERROR]
        return {"status": dice.choice(applied or [502]), "body": dice.choice([None, HTML_PAGE, ""])}
    if kind in {"keep", "lie"}:
        # Nothing betrays a new record that was not stored at all.
        return {"column": "email" if operation.endswith(".create") else dice.choice([None, "email"])}
    if kind == "truncate":
        return {"after_bytes": dice.choice([None, dice.randrange(400)])}
    return {"delay_s": 0.02} if kind in {"delay", "late", "late_stall"} else {}


@functools.cache
def gzip_bomb(megabytes: int = 100) -> bytes:
    """Make a small body that becomes a large one: to be sent with ``Content-Encoding: gzip``.

    Parameters
    ----------
    megabytes : int, default 100
        How large, of nothing but spaces.

    Returns
    -------
    bytes
        About a thousandth of that.
    """
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
