"""Sets of the ids that a walk has seen: with less memory than a set, or on disk for a stream of millions."""

from __future__ import annotations

import sqlite3
from itertools import count
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    import numpy.typing as npt

__all__ = ["Names", "Seen", "SeenHashes", "SeenNames"]

# A set of up to 10,000 ids is small enough, and exact.
_FEW = 10_000
# 8 MB: about 200,000 ids stay in memory.
_CACHE_KB = 8192
# The oldest builds of SQLite allow 999 parameters in a statement.
_NAMES_AT_A_TIME = 500


class Names(Protocol):
    """The methods that a walk needs from a set of ids."""

    def update(self, names: Iterable[str], /) -> None:
        """Add names."""

    def __contains__(self, name: object, /) -> bool: ...

    def __len__(self) -> int: ...


class SeenHashes:
    """A set of ids that stores only hashes when it has more than 10,000 ids. It takes a sixth of the memory.

    In one of thirty million loads of a million ids, two ids have the same hash. Then one record too few is counted, and
    the load warns that it may be incomplete.
    """

    def __init__(self) -> None:
        self._few: set[str] = set()
        # A hash is at its place or at one of the next places; 0 marks a free place.
        self._table = np.zeros(0, dtype=np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return len(self._few) + self._count

    def __contains__(self, name: object) -> bool:
        if name in self._few:
            return True
        if not self._count:
            return False
        [sought] = _hashes([name])
        mask = len(self._table) - 1
        place = int(sought) & mask
        while self._table[place] not in (0, sought):
            place = (place + 1) & mask
        return bool(self._table[place])

    def update(self, names: Iterable[str]) -> None:
        """Add names."""
        if not self._count:
            self._few.update(names)
            if len(self._few) <= _FEW:
                return
            names, self._few = self._few, set()
        new = np.unique(_hashes(names))
        most = self._count + len(new)
        if 2 * most > len(self._table):
            old, self._count = self._table[self._table > 0], 0
            self._table = np.zeros(1 << (2 * most).bit_length(), dtype=np.uint64)
            self._add(old)
        self._add(new)

    def _add(self, new: npt.NDArray[np.uint64]) -> None:
        """Put distinct hashes at their places, all at once; if a place is occupied, a hash moves on by one."""
        mask = np.uint64(len(self._table) - 1)
        places = new & mask
        while len(new):
            free = self._table[places] == 0
            self._table[places[free]] = new[free]  # if several hashes have the same place, the last one stays
            settled = self._table[places] == new
            self._count += int((free & settled).sum())
            new, places = new[~settled], (places[~settled] + np.uint64(1)) & mask


def _hashes(names: Iterable[object]) -> npt.NDArray[np.uint64]:
    found = np.fromiter(map(hash, names), np.int64).view(np.uint64)
    return np.where(found == 0, np.uint64(1), found)


class Seen:
    """Sets of ids in one temporary SQLite file, which disappears even if the process is killed.

    It contains only ids. SQLite keeps it in memory while it is small.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False)  # a private file that no other process can open
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
        """Return a new, empty set."""
        return SeenNames(self._connection, next(self._numbers))


class SeenNames:
    """One set of ids on disk."""

    def __init__(self, connection: sqlite3.Connection, part: int) -> None:
        self._connection = connection
        self._part = part
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._known([_packed(name)]))

    def update(self, names: Iterable[str]) -> None:
        """Add names."""
        rows = ((self._part, _packed(name)) for name in names)
        added = self._connection.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
        self._count += added.rowcount

    def added(self, names: Sequence[str]) -> list[int]:
        """Add names, and return the positions of the new ones; of equal names, the first position."""
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
    return name.encode("utf-8", "surrogatepass")  # an id may contain half an emoji
