"""Which record each row is, and how that record was when the row was loaded. Never by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from wizframe.errors import UnmatchedRowsError, WrongAccountError
from wizframe.fields import CUSTOMER
from wizframe.frames import baselines
from wizframe.frames.arrow import blanks, is_unique
from wizframe.frames.build import is_blank, to_frame
from wizframe.planning.changes import COMMAND, Problem
from wizframe.planning.typed_frame import CUSTOMER_REFERENCE
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    import numpy.typing as npt

    from wizframe.account import Account
    from wizframe.api.dialects import Record
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.typed_frame import Intake

    Mask = npt.NDArray[np.bool_]

__all__ = ["Lookups", "Matched", "Service", "match_rows"]


class Lookups(Protocol):
    """What planning may ask the service; read requests only."""

    def customers_by_reference(self, references: Collection[str]) -> dict[str, Record]:
        """Find customers of both statuses by exact reference; unknown references are absent."""
        ...

    def customers_created_since(self, moment: datetime | None) -> list[Record]:
        """List customers of both statuses that were created then or later; all of them for None."""
        ...

    def customers_by_id(self, ids: Collection[str]) -> dict[str, Record]:
        """Read details; unknown ids are absent."""
        ...

    def contacts_of(self, customer_ids: Collection[str]) -> dict[str, list[Record]]:
        """List contacts of both statuses; unknown customers are absent."""
        ...


@dataclass(frozen=True)
class Service:
    """Where a plan goes, and how to ask there.

    Parameters
    ----------
    account : Account
    connection : str
        Whose loads a row may come from, where the frame does not name its own.
    lookups : Lookups
    """

    account: Account
    connection: str
    lookups: Lookups


@dataclass
class Matched:
    """The rows of an intake with their records.

    Parameters
    ----------
    ids, customer_ids : Series
        Where known.
    base : DataFrame
        Typed, aligned with the rows: how they were.
    is_in_place : bool
        Whether ``base`` is the frame's own load, row by row.
    is_known, is_new : array of bool
        Rows to compare with ``base``; rows to create.
    shown : dict of array of bool
        Column to the cells of ``base`` that say how they were: the others were not loaded, which is not blank.
    unsure : dict of array of bool
        Column to the cells whose base is the service's present value, and nothing says that the row is not older.
    against_service : array of bool
        Rows compared with the service rather than with a load.
    problems : list of Problem
    notices : list of str
    used : tuple of Baseline
    new_customers : dict of str
        Position to the reference of a customer that the same plan creates.
    """

    ids: pd.Series[Any]
    customer_ids: pd.Series[Any]
    base: pd.DataFrame
    is_in_place: bool
    is_known: Mask
    is_new: Mask
    shown: dict[str, Mask]
    unsure: dict[str, Mask]
    against_service: Mask
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    used: tuple[Baseline, ...] = ()
    new_customers: dict[int, str] = field(default_factory=dict)


def match_rows(
    intake: Intake,
    *,
    own: Baseline | None,
    service: Service,
    by_reference: bool,
    new: Literal["report", "create"],
    trust_rows: bool,
    created: Collection[str] = (),
) -> Matched:
    """Match rows with records and baselines.

    Parameters
    ----------
    intake : Intake
        Its ``typed`` loses what belongs to another account.
    own : Baseline or None
        The one that the frame names.
    service : Service
        Where the plan goes.
    by_reference : bool
        Find rows without an id by ``reference_id``.
    new : {'report', 'create'}
        What becomes of references that nobody has.
    trust_rows : bool
        Rows without a baseline lead: where they differ from the service they are edits.
    created : collection of str
        References of the customers that the same plan creates: contacts may name them.

    Returns
    -------
    Matched

    Raises
    ------
    WrongAccountError, UnmatchedRowsError
    """
    return _Matcher(intake, service, created).run(own, by_reference=by_reference, new=new, trust_rows=trust_rows)


class _Matcher:
    def __init__(self, intake: Intake, service: Service, created: Collection[str]) -> None:
        self._intake = intake
        self._created = created
        self._account = service.account
        self._connection = service.connection
        self._lookups = service.lookups
        self._records: dict[str, Record] = {}
        self._problems: list[Problem] = []
        self._notices: list[str] = []
        self._new_customers: dict[int, str] = {}

    def run(
        self, own: Baseline | None, *, by_reference: bool, new: Literal["report", "create"], trust_rows: bool
    ) -> Matched:
        if own is not None and own.account != self._account:
            self._leave_account(own, by_reference=by_reference)
            own = None
        typed = self._intake.typed
        if "id" not in typed and not by_reference:
            raise UnmatchedRowsError(
                f"there is no id column, so nothing says which {self._intake.table.name} the rows are: "
                f"plan with {option('match', 'reference_id')} to find them by reference; "
                "for new rows only, add a blank id"
            )
        blank = blanks(typed.index)
        ids = typed.get("id", blank).copy()
        had_id = ids.notna().to_numpy()
        customer_ids = self._customer_ids(typed.get("customer_id", blank).copy())
        is_new = ~had_id
        if by_reference:
            is_new = self._find_by_reference(ids, customer_ids, new=new)
            typed = typed.assign(id=ids)
        is_in_place = own is not None and own.is_unique and baselines.is_same_memory(ids, own.frame["id"])
        is_known = had_id.copy() if is_in_place else ids.notna().to_numpy() & self._first_of_each(ids)
        others = baselines.live(self._intake.table, self._account, self._connection)
        loaded = baselines.match(typed, own, others, may_guess=had_id)
        if "customer_id" in loaded.frame:
            of_load = loaded.frame["customer_id"].astype(customer_ids.dtype)
            customer_ids = customer_ids.where(customer_ids.notna(), of_load)
        base, shown, unsure = self._bases(ids, customer_ids, loaded, is_known, had_id)
        is_known &= shown.get("id", False)
        return Matched(
            ids,
            customer_ids,
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
            self._new_customers,
        )

    def _leave_account(self, own: Baseline, *, by_reference: bool) -> None:
        """Drop what means nothing in another account."""
        if not by_reference:
            raise WrongAccountError(
                f"the rows were loaded from {own.account}, but the plan is for {self._account}: "
                f"plan with {option('match', 'reference_id')} to carry rows from one account to another"
            )
        intake = self._intake
        foreign = [name for name in map(str, intake.typed) if not intake.table[name].writable]
        if intake.customer_references is None and "customer_id" in foreign:
            raise WrongAccountError(
                f"contacts loaded from {own.account} name their customers by that account's ids: "
                f"add a column {CUSTOMER_REFERENCE} with the customers' references"
            )
        count = int(intake.typed["id"].notna().sum()) if "id" in intake.typed else 0
        self._notices.append(f"from another account, left out: {count} ids and the columns {', '.join(foreign)}")
        intake.typed = intake.typed.drop(columns=foreign)

    def _customer_ids(self, customer_ids: pd.Series[Any]) -> pd.Series[Any]:
        """Find the customers of contacts that name them by reference."""
        references = self._intake.customer_references
        if references is None:
            return customer_ids
        wanted = references[customer_ids.isna() & references.notna()]
        found = self._lookups.customers_by_reference(set(wanted))
        for position, reference in zip(wanted.index.tolist(), wanted.tolist(), strict=True):
            if reference in found:
                customer_ids.iloc[position] = found[reference]["id"]
            elif reference in self._created:
                self._new_customers[position] = reference
            else:
                nor = ", nor does the plan create one that has it" if self._created else ""
                self._problem(position, CUSTOMER_REFERENCE, reference, f"no customer has this reference{nor}")
        return customer_ids

    def _find_by_reference(
        self, ids: pd.Series[Any], customer_ids: pd.Series[Any], *, new: Literal["report", "create"]
    ) -> Mask:
        """Fill in the ids of rows that a reference names; return the rows to create."""
        is_new = np.zeros(len(ids), dtype=bool)
        references = self._intake.typed.get("reference_id")
        if references is None:
            raise UnmatchedRowsError(f"{option('match', 'reference_id')}, but there is no column reference_id")
        misread = {problem.position for problem in self._intake.problems if problem.column == "reference_id"}
        wanted = [int(position) for position in np.flatnonzero(ids.isna()) if position not in misread]
        parents = {position: customer_ids.iat[position] for position in wanted}
        find = self._reference_finder([references.iat[p] for p in wanted], parents.values())
        for position in wanted:
            reference = references.iat[position]
            if is_blank(reference):
                self._problem(position, "reference_id", None, "is blank: nothing says which record the row is")
                continue
            record = find(parents[position], reference)
            if record is not None:
                ids.iloc[position] = record["id"]
                self._records.setdefault(record["id"], record)
            elif new == "create":
                is_new[position] = True
            else:
                rule = f"is unknown: no {self._intake.table.singular} has it; {option('new', 'create')} creates the row"
                self._problem(position, "reference_id", reference, rule)
        return is_new

    def _reference_finder(self, references: Iterable[Any], parents: Iterable[Any]) -> Any:
        """Look all references up at once; return a function of (customer id, reference)."""
        if self._intake.table is CUSTOMER:
            found = self._lookups.customers_by_reference({text for text in references if not pd.isna(text)})
            return lambda _parent, reference: found.get(reference)
        listed = self._lookups.contacts_of({parent for parent in parents if not pd.isna(parent)})
        known = {(owner, row.get("reference_id")): row for owner, rows in listed.items() for row in rows}
        return lambda parent, reference: known.get((parent, reference))

    def _first_of_each(self, ids: pd.Series[Any]) -> Mask:
        """Pick one row per id; rows with one id that differ are problems, and none of them is compared."""
        if is_unique(ids):
            return np.ones(len(ids), dtype=bool)
        first = ~ids.duplicated(keep="first").to_numpy()
        again = ids.duplicated(keep=False) & ids.notna()
        if not again.any():
            return first
        rows = self._intake.typed[again].assign(id=ids[again], **{COMMAND: self._intake.deletes[again]})
        for identifier, group in rows.groupby("id", sort=False):
            if len(group.drop_duplicates()) > 1:
                first[group.index] = False
                for position in group.index:
                    self._problem(position, "id", identifier, "stands in several rows that differ: keep one")
        return first

    def _bases(
        self, ids: pd.Series[Any], customer_ids: pd.Series[Any], loaded: baselines.Match, is_known: Mask, had_id: Mask
    ) -> tuple[pd.DataFrame, dict[str, Mask], dict[str, Mask]]:
        """Collect how each row was: from a load, else from the service; which cells that says; which may be older."""
        typed, absent = self._intake.typed, is_known & ~loaded.found
        lacking = self._lacking(loaded, is_known)
        needs = np.logical_or.reduce([absent, *lacking.values()])
        if not needs.any():
            return loaded.frame, loaded.known, {}
        unsure: dict[str, Mask] = {}
        present = self._present(ids, customer_ids, needs)
        is_there = present["id"].notna().to_numpy()
        base, shown = loaded.frame.copy(deep=False), loaded.known.copy()
        for name in map(str, present):
            filled = is_there & (absent | lacking.get(name, False) if name in typed else ~loaded.found)
            base[name] = base[name].where(~filled, present[name]) if name in base else present[name].where(filled)
            shown[name] = shown.get(name, False) | (filled & self._is_comparable(name, present[name], had_id))
            unsure[name] = filled & self._may_be_older(present, had_id)
        return base, shown, unsure

    def _is_comparable(self, name: str, present: pd.Series[Any], had_id: Mask) -> Mask | bool:
        """Tell where the service's present value says what the row's cell was.

        What the service alone writes is no edit where it is a time that moves, or one that belongs to another system's
        record; and a record may come without it.
        """
        field = self._intake.table[name]
        if field.writable:
            return True
        if name == "updated_at":
            return False
        is_sent: Mask = present.notna().to_numpy()
        return is_sent & had_id if field.kind == "time" else is_sent

    def _lacking(self, loaded: baselines.Match, is_known: Mask) -> dict[str, Mask]:
        """Tell which edited cells of loaded rows no load shows, though that must be known; by column."""
        typed, nothing = self._intake.typed, np.zeros(len(loaded.found), dtype=bool)
        lacking = {}
        for name in map(str, typed):
            is_loaded = loaded.known.get(name, nothing)
            if is_loaded is loaded.found or not self._intake.table[name].writable:
                continue  # all of it was loaded; a read-only column that was not is not compared
            is_given = typed[name].notna().to_numpy()
            if name in self._intake.cleared:
                is_given = is_given | self._intake.cleared[name].to_numpy()
            lacking[name] = is_known & is_given & ~is_loaded
        return lacking

    def _present(self, ids: pd.Series[Any], customer_ids: pd.Series[Any], needs: Mask) -> pd.DataFrame:
        """Read the service's records of some rows, as a typed frame aligned with all rows."""
        wanted = ids[needs]
        if self._intake.table is CUSTOMER:
            records = self._customers(set(wanted))
        else:
            listed = self._lookups.contacts_of(set(customer_ids[needs].dropna()))
            records = {row["id"]: row for rows in listed.values() for row in rows}
        for position, identifier in zip(wanted.index.tolist(), wanted.tolist(), strict=True):
            if self._intake.table is not CUSTOMER and is_blank(customer_ids.iat[position]):
                self._problem(position, "customer_id", None, f"is needed to find the contact {identifier}")
            elif identifier not in records and not self._intake.deletes[position]:
                rule = f"no such {self._intake.table.singular} in this account; it may have been deleted"
                self._problem(position, "id", identifier, rule)
        frame, _ = to_frame(list(records.values()), self._intake.table, details=True)
        positions = pd.Index(frame["id"]).get_indexer(pd.Index(ids.where(needs)))
        aligned = frame.take(np.where(positions >= 0, positions, 0)) if len(frame) else frame.reindex(ids.index)
        return aligned.set_axis(ids.index).where(pd.Series(positions >= 0, index=ids.index))

    def _customers(self, wanted: set[str]) -> dict[str, Record]:
        """Read customers, but not those again that the look-up by reference brought with all columns."""
        listed = set(self._intake.table.columns())
        known = self._records if listed.issuperset(self._intake.typed.columns) else {}
        return self._lookups.customers_by_id(wanted - known.keys()) | {i: known[i] for i in wanted & known.keys()}

    def _may_be_older(self, present: pd.DataFrame, had_id: Mask) -> Mask:
        """Tell for which rows nothing says that they are not older than the service's record.

        A row that a reference names leads by the caller's own word, unless it carries an older ``updated_at``.
        """
        if "updated_at" not in self._intake.typed:
            return had_id
        mine, theirs = self._intake.typed["updated_at"], present["updated_at"]
        is_older = (mine.notna() & (mine < theirs)).to_numpy(dtype=bool)
        is_same = (mine == theirs).to_numpy(dtype=bool)
        return np.where(had_id, ~is_same, is_older)

    def _problem(self, position: Any, column: str, value: Any, rule: str) -> None:
        self._problems.append(Problem(int(position), column, value, rule))
