"""Match each row with a record, and with the values that the record had when the row was loaded.

Rows are never matched by their position.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from wizframe.errors import UnmatchedRowsError, WrongAccountError
from wizframe.fields import NOT_AN_ID, is_id
from wizframe.frames import baselines
from wizframe.frames.arrow import blanks, is_unique
from wizframe.frames.build import is_blank, to_frame
from wizframe.planning.changes import COMMAND, Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    import numpy.typing as npt

    from wizframe.account import Account
    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.typed_frame import TypedFrame

    Mask = npt.NDArray[np.bool_]

__all__ = ["Lookups", "Matched", "Service", "match_rows"]


class Lookups(Protocol):
    """The read requests that planning needs. A key is the parent's id (or None) and the record's id or reference."""

    def by_reference(self, table: Table, keys: Collection[tuple[str | None, str]]) -> dict[tuple[Any, str], Record]:
        """Find records of both statuses by exact reference. Unknown references are absent; the result may have more."""
        ...

    def by_id(self, table: Table, keys: Collection[tuple[str | None, str]]) -> dict[tuple[Any, str], Record]:
        """Read records by their ids. Unknown ids are absent; the result may have more."""
        ...

    def created_since(self, table: Table, moment: datetime | None) -> list[Record]:
        """List records of both statuses that were created at a moment or later; without a moment, list all."""
        ...

    def children(self, table: Table, parent_ids: Collection[str]) -> dict[str, list[Record]]:
        """List the records of both statuses that belong to the given parents. Unknown parents are absent."""
        ...


@dataclass(frozen=True)
class Service:
    """The account of a plan, and the look-ups in it."""

    account: Account
    connection: str  # rows may come from its loads, if the frame does not name its own load
    lookups: Lookups


@dataclass
class Matched:
    """The rows of a frame with their records."""

    ids: pd.Series[Any]
    parent_ids: pd.Series[Any]
    base: pd.DataFrame  # the loaded values of the rows, typed and aligned with them
    is_in_place: bool  # whether ``base`` is the frame's own load, row by row
    is_known: Mask  # the rows to compare with ``base``
    is_new: Mask  # the rows to create
    shown: dict[str, Mask]  # column to the cells of ``base`` that were loaded; the other cells are unknown, not blank
    #: Column to the cells that are compared with the service's current value, although the row may be older.
    unsure: dict[str, Mask]
    against_service: Mask  # the rows that are compared with the service, not with a load
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    used: tuple[Baseline, ...] = ()
    new_parents: dict[int, str] = field(default_factory=dict)  # position to the reference of a parent to create


def match_rows(
    typed_frame: TypedFrame,
    *,
    own: Baseline | None,
    service: Service,
    by_reference: bool,
    new: Literal["report", "create"],
    trust_rows: bool,
    created: Collection[str] = (),
) -> Matched:
    """Match rows with records and baselines. Values of another account are removed from ``typed_frame.cells``.

    ``own`` is the baseline that the frame names. With ``trust_rows``, a row without a baseline counts as newer than the
    service's record. ``created`` are the references of the parents that the same plan creates.
    """
    return _Matcher(typed_frame, service, created).run(own, by_reference=by_reference, new=new, trust_rows=trust_rows)


class _Matcher:
    def __init__(self, typed_frame: TypedFrame, service: Service, created: Collection[str]) -> None:
        self._frame = typed_frame
        self._table = typed_frame.table
        self._created = created
        self._account = service.account
        self._connection = service.connection
        self._lookups = service.lookups
        self._records: dict[tuple[Any, str], Record] = {}  # found by reference, with the columns of a list
        self._problems: list[Problem] = []
        self._notices: list[str] = []
        self._new_parents: dict[int, str] = {}

    def run(
        self, own: Baseline | None, *, by_reference: bool, new: Literal["report", "create"], trust_rows: bool
    ) -> Matched:
        if own is not None and own.account != self._account:
            self._leave_account(own, by_reference=by_reference)
            own = None
        typed = self._frame.cells
        if "id" not in typed and not by_reference:
            like = [name for name in self._frame.own_columns if name.strip().casefold() == "id"]
            if like:
                message = f"there is no column 'id', but a column {like[0]!r}"
                raise UnmatchedRowsError(message, hint=f"Rename {like[0]!r} to 'id'.")
            raise UnmatchedRowsError(
                f"there is no id column, so it is unknown which {self._table.name} the rows belong to",
                hint=f"Plan with {option('match', 'reference_id')} to find them by reference. For new rows only, add a "
                "blank id column.",
            )
        blank = blanks(typed.index)
        ids = typed.get("id", blank).copy()
        had_id = ids.notna().to_numpy()
        parent_ids = self._parent_ids(typed.get(self._table.parent_id, blank).copy())
        is_new = ~had_id
        if by_reference:
            is_new = self._find_by_reference(ids, parent_ids, new=new)
            typed = typed.assign(id=ids)
        is_in_place = own is not None and own.is_unique and baselines.is_same_memory(ids, own.frame["id"])
        is_known = had_id.copy() if is_in_place else ids.notna().to_numpy() & self._first_of_each(ids, parent_ids)
        others = baselines.live(self._table, self._account, self._connection)
        loaded = baselines.match(typed, own, others, may_guess=had_id)
        if self._table.parent_id in loaded.frame:
            of_load = loaded.frame[self._table.parent_id].astype(parent_ids.dtype)
            parent_ids = parent_ids.where(parent_ids.notna(), of_load)
        base, shown, unsure = self._bases(ids, parent_ids, loaded, is_known, had_id)
        is_known &= shown.get("id", False)
        return Matched(
            ids,
            parent_ids,
            base,
            loaded.is_in_place and base is loaded.frame,
            is_known,
            is_new,
            shown,
            {name: mask & (not trust_rows) for name, mask in unsure.items()},
            ~loaded.found,
            self._problems,
            self._notices,
            loaded.used,
            self._new_parents,
        )

    def _leave_account(self, own: Baseline, *, by_reference: bool) -> None:
        """Drop the values that have no meaning in another account."""
        if not by_reference:
            raise WrongAccountError(
                f"the rows were loaded from {own.account}, but the plan is for {self._account}",
                hint=f"Plan with {option('match', 'reference_id')} to copy rows from one account to another.",
            )
        typed_frame, table = self._frame, self._table
        foreign = [name for name in map(str, typed_frame.cells) if not table[name].writable]
        if typed_frame.parent_references is None and table.parent is not None and table.parent_id in foreign:
            raise WrongAccountError(
                f"{table.name} loaded from {own.account} have the ids of their {table.parent.name} in that account",
                hint=f"Add a column {table.parent_reference} with the references of the {table.parent.name}.",
            )
        count = int(typed_frame.cells["id"].notna().sum()) if "id" in typed_frame.cells else 0
        self._notices.append(f"{count} ids and the columns {', '.join(foreign)} belong to another account: not used")
        typed_frame.cells = typed_frame.cells.drop(columns=foreign)

    def _parent_ids(self, parent_ids: pd.Series[Any]) -> pd.Series[Any]:
        """Find the parents of rows that identify them by reference."""
        references, parents = self._frame.parent_references, self._table.parent
        if references is None or parents is None:
            return parent_ids
        wanted = references[parent_ids.isna() & references.notna()]
        found = self._lookups.by_reference(parents, {(None, reference) for reference in wanted})
        for position, reference in zip(wanted.index.tolist(), wanted.tolist(), strict=True):
            if (record := found.get((None, reference))) is not None:
                parent_ids.iloc[position] = record["id"]
            elif reference in self._created:
                self._new_parents[position] = reference
            else:
                nor = ", and the plan does not create it" if self._created else ""
                rule = f"no {parents.singular} has this reference{nor}"
                self._problem(position, self._table.parent_reference, reference, rule)
        return parent_ids

    def _find_by_reference(
        self, ids: pd.Series[Any], parent_ids: pd.Series[Any], *, new: Literal["report", "create"]
    ) -> Mask:
        """Fill in the ids of rows with a known reference, and return the rows to create."""
        is_new = np.zeros(len(ids), dtype=bool)
        references = self._frame.cells.get("reference_id")
        if references is None:
            raise UnmatchedRowsError(
                f"{option('match', 'reference_id')} needs a column reference_id, but there is none"
            )
        misread = {problem.position for problem in self._frame.problems if problem.column == "reference_id"}
        wanted: dict[int, tuple[str | None, str]] = {}
        for position in np.flatnonzero(ids.isna()).tolist():
            if position in misread:
                continue
            if is_blank(references.iat[position]):
                self._problem(position, "reference_id", None, "is blank, so the record of the row is unknown")
                continue
            parent = parent_ids.iat[position]
            wanted[position] = (None if is_blank(parent) else str(parent), str(references.iat[position]))
        found = self._lookups.by_reference(self._table, set(wanted.values()))
        for position, key in wanted.items():
            if (record := found.get(key)) is not None:
                ids.iloc[position] = record["id"]
                self._records.setdefault((key[0], record["id"]), record)
            elif new == "create":
                is_new[position] = True
            else:
                rule = f"is unknown: no {self._table.singular} has it; to create it, use {option('new', 'create')}"
                self._problem(position, "reference_id", key[1], rule)
        return is_new

    def _first_of_each(self, ids: pd.Series[Any], parent_ids: pd.Series[Any]) -> Mask:
        """Choose one row per id. Rows with the same id but different values are problems, and are not compared."""
        if is_unique(ids):
            return np.ones(len(ids), dtype=bool)
        key = pd.DataFrame({"id": ids, "parent": parent_ids})  # an id may be unique within its parent only
        first = ~key.duplicated(keep="first").to_numpy()
        again = key.duplicated(keep=False) & ids.notna()
        if not again.any():
            return first
        rows = self._frame.cells[again].assign(id=ids[again], **{COMMAND: self._frame.deletes[again]})
        parents = parent_ids[again].fillna("").rename("parent")
        for (identifier, _), group in rows.groupby(["id", parents], sort=False):
            if len(group.drop_duplicates()) > 1:
                first[group.index] = False
                for position in group.index:
                    self._problem(position, "id", identifier, "is in several rows that differ: keep one")
        return first

    def _bases(
        self, ids: pd.Series[Any], parent_ids: pd.Series[Any], loaded: baselines.Match, is_known: Mask, had_id: Mask
    ) -> tuple[pd.DataFrame, dict[str, Mask], dict[str, Mask]]:
        """Return each row's loaded values (or the service's), the known cells, and the cells that may be outdated."""
        typed, absent = self._frame.cells, is_known & ~loaded.found
        lacking = self._lacking(loaded, is_known)
        needs = np.logical_or.reduce([absent, *lacking.values()])
        if not needs.any():
            return loaded.frame, loaded.known, {}
        unsure: dict[str, Mask] = {}
        present = self._present(ids, parent_ids, needs)
        is_there = present["id"].notna().to_numpy()
        base, shown = loaded.frame.copy(deep=False), loaded.known.copy()
        for name in map(str, present):
            filled = is_there & (absent | lacking.get(name, False) if name in typed else ~loaded.found)
            base[name] = base[name].where(~filled, present[name]) if name in base else present[name].where(filled)
            shown[name] = shown.get(name, False) | (filled & self._is_comparable(name, present[name], had_id))
            unsure[name] = filled & self._may_be_older(present, had_id)
        return base, shown, unsure

    def _is_comparable(self, name: str, present: pd.Series[Any], had_id: Mask) -> Mask | bool:
        """Return the rows in which the service's current value can be compared with the cell.

        A difference in a read-only column is not an edit if the column is a time that changes with every edit, or if it
        is a time from another system's record. The service may also send a record without such a value.
        """
        field = self._table[name]
        if field.writable:
            return True
        if name == "updated_at":
            return False
        is_sent: Mask = present.notna().to_numpy()
        return is_sent & had_id if field.kind == "time" else is_sent

    def _lacking(self, loaded: baselines.Match, is_known: Mask) -> dict[str, Mask]:
        """Return, by column, the edited cells that no load has although their old value is needed."""
        typed, nothing = self._frame.cells, np.zeros(len(loaded.found), dtype=bool)
        lacking = {}
        for name in map(str, typed):
            is_loaded = loaded.known.get(name, nothing)
            if is_loaded is loaded.found or not self._table[name].writable:
                continue  # the whole column was loaded, or it is a read-only column, which needs no old value
            is_given = typed[name].notna().to_numpy()
            if name in self._frame.cleared:
                is_given = is_given | self._frame.cleared[name].to_numpy()
            lacking[name] = is_known & is_given & ~is_loaded
        return lacking

    def _present(self, ids: pd.Series[Any], parent_ids: pd.Series[Any], needs: Mask) -> pd.DataFrame:
        """Read the service's records of some rows, as a typed frame aligned with all rows."""
        wanted = ids[needs]
        parents = parent_ids.astype(object).where(parent_ids.notna(), None)[needs]
        # Records from the look-up by reference are not read again, if a list has all columns of the frame.
        is_listed = set(self._table.columns()).issuperset(self._frame.cells.columns)
        keys = list(zip(parents.tolist(), wanted.tolist(), strict=True))
        records = {key: self._records[key] for key in keys if key in self._records} if is_listed else {}
        records |= self._lookups.by_id(self._table, {key for key in keys if key not in records})
        for position, key in zip(wanted.index.tolist(), keys, strict=True):
            identifier = key[1]
            if self._table.parent is not None and parents[position] is None:
                rule = f"is needed to find the {self._table.singular} {identifier}"
                self._problem(position, self._table.parent_id, None, rule)
            elif key not in records and not self._frame.deletes[position]:
                unknown = f"no such {self._table.singular} in this account; it may have been deleted"
                rule = unknown if is_id(identifier) else NOT_AN_ID
                self._problem(position, "id", identifier, rule)
        places = {key: place for place, key in enumerate(records)}
        frame, _ = to_frame(list(records.values()), self._table, details=True)
        positions = np.full(len(ids), -1)
        positions[np.flatnonzero(needs)] = [places.get(key, -1) for key in keys]
        aligned = frame.take(np.where(positions >= 0, positions, 0)) if len(frame) else frame.reindex(ids.index)
        return aligned.set_axis(ids.index).where(pd.Series(positions >= 0, index=ids.index))

    def _may_be_older(self, present: pd.DataFrame, had_id: Mask) -> Mask:
        """Return the rows that may be older than the service's record.

        If the caller matches by reference, a row counts as newer than its record unless its ``updated_at`` is older.
        """
        if "updated_at" not in self._frame.cells:
            return had_id
        mine, theirs = self._frame.cells["updated_at"], present["updated_at"]
        is_older = (mine.notna() & (mine < theirs)).to_numpy(dtype=bool)
        is_same = (mine == theirs).to_numpy(dtype=bool)
        return np.where(had_id, ~is_same, is_older)

    def _problem(self, position: Any, column: str, value: Any, rule: str) -> None:
        self._problems.append(Problem(int(position), column, value, rule))
