"""Names of records that were seen, on disk: a stream remembers millions of them without the memory of a load."""

from __future__ import annotations

import sqlite3
from itertools import count
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

__all__ = ["Names", "Seen", "SeenNames"]

_CACHE_KB = 8192
_NAMES_AT_A_TIME = 500


class Names(Protocol):
    """What a walk needs to remember its records: a set has it."""

    def update(self, names: Iterable[str], /) -> None:
        """Remember names."""

    def __contains__(self, name: object, /) -> bool: ...

    def __len__(self) -> int: ...


class Seen:
    """Sets of names in one temporary file, which goes when it is closed, and however the process ends.

    Only ids are in it. SQLite keeps it in memory for as long as it is small.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False)  # a private file that nobody else can open
        self._numbers = count()
        for pragma in (f"cache_size = -{_CACHE_KB}", "journal_mode = OFF", "synchronous = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE seen (part INT, name BLOB, PRIMARY KEY (part, name)) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def new(self) -> SeenNames:
        """Begin a set.

        Returns
        -------
        SeenNames
            Empty.
        """
        return SeenNames(self._connection, next(self._numbers))


class SeenNames:
    """One set of names on disk.

    Parameters
    ----------
    connection : sqlite3.Connection
    part : int
        Which of the sets.
    """

    def __init__(self, connection: sqlite3.Connection, part: int) -> None:
        self._connection = connection
        self._part = part
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._known([_packed(name)]))

    def update(self, names: Iterable[str]) -> None:
        """Remember names.

        Parameters
        ----------
        names : iterable of str
        """
        rows = ((self._part, _packed(name)) for name in names)
        added = self._connection.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
        self._count += added.rowcount

    def added(self, names: Sequence[str]) -> list[int]:
        """Remember names, and tell which are new.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        list of int
            Their positions; of a name that stands there twice, the first.
        """
        packed = [_packed(name) for name in names]
        known: set[bytes] = set()
        for start in range(0, len(packed), _NAMES_AT_A_TIME):
            known |= self._known(packed[start : start + _NAMES_AT_A_TIME])
        self.update(names)
        first = {name: position for position, name in reversed(list(enumerate(packed))) if name not in known}
        return sorted(first.values())

    def _known(self, packed: Sequence[bytes]) -> set[bytes]:
        marks = ", ".join("?" * len(packed))
        found = self._connection.execute(
            f"SELECT name FROM seen WHERE part = ? AND name IN ({marks})",  # noqa: S608 - question marks alone
            [self._part, *packed],
        )
        return {name for (name,) in found}


def _packed(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")  # an id may hold half an emoji
