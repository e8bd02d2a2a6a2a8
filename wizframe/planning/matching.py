"""Which record each row is, and how that record was when the row was loaded. Never by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from wizframe import baselines
from wizframe.errors import UnmatchedRowsError, WrongAccountError
from wizframe.fields import CUSTOMER
from wizframe.frames import is_blank, to_frame
from wizframe.planning.changes import Problem
from wizframe.planning.intake import CUSTOMER_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import numpy.typing as npt

    from wizframe.baselines import Baseline
    from wizframe.client import Account
    from wizframe.dialects import Record
    from wizframe.planning.intake import Intake

    Mask = npt.NDArray[np.bool_]

__all__ = ["Lookups", "Matched", "match_rows"]


class Lookups(Protocol):
    """What planning may ask the service; read requests only."""

    def customers_by_reference(self, references: Collection[str]) -> dict[str, Record]:
        """Find customers of both statuses by exact reference; unknown references are absent."""
        ...

    def customers_by_id(self, ids: Collection[str]) -> dict[str, Record]:
        """Read details; unknown ids are absent."""
        ...

    def contacts_of(self, customer_ids: Collection[str]) -> dict[str, list[Record]]:
        """List contacts of both statuses; unknown customers are absent."""
        ...


@dataclass
class Matched:
    """The rows of an intake with their records.

    Parameters
    ----------
    ids, customer_ids : Series
        Where known.
    base : DataFrame
        Typed, aligned with the rows: how they were.
    is_known, is_new : array of bool
        Rows to compare with ``base``; rows to create.
    unknown : DataFrame of bool
        Cells whose base is the service's present value, and nothing says that the row is not older.
    against_service : array of bool
        Rows compared with the service rather than with a load.
    problems : list of Problem
    notices : list of str
    used : tuple of Baseline
    """

    ids: pd.Series[Any]
    customer_ids: pd.Series[Any]
    base: pd.DataFrame
    is_known: Mask
    is_new: Mask
    unknown: pd.DataFrame
    against_service: Mask
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    used: tuple[Baseline, ...] = ()


def match_rows(
    intake: Intake,
    *,
    own: Baseline | None,
    account: Account,
    lookups: Lookups,
    by_reference: bool,
    new: Literal["report", "create"],
    trust_rows: bool,
) -> Matched:
    """Match rows with records and baselines.

    Parameters
    ----------
    intake : Intake
        Its ``typed`` loses what belongs to another account.
    own : Baseline or None
        The one that the frame names.
    account : Account
        Where the plan goes.
    lookups : Lookups
    by_reference : bool
        Find rows without an id by ``reference_id``.
    new : {'report', 'create'}
        What becomes of references that nobody has.
    trust_rows : bool
        Rows without a baseline lead: where they differ from the service they are edits.

    Returns
    -------
    Matched

    Raises
    ------
    WrongAccountError, UnmatchedRowsError
    """
    return _Matcher(intake, account, lookups).run(own, by_reference=by_reference, new=new, trust_rows=trust_rows)


class _Matcher:
    def __init__(self, intake: Intake, account: Account, lookups: Lookups) -> None:
        self._intake = intake
        self._account = account
        self._lookups = lookups
        self._records: dict[str, Record] = {}
        self._problems: list[Problem] = []
        self._notices: list[str] = []

    def run(
        self, own: Baseline | None, *, by_reference: bool, new: Literal["report", "create"], trust_rows: bool
    ) -> Matched:
        if own is not None and own.account != self._account:
            self._leave_account(own, by_reference=by_reference)
            own = None
        typed = self._intake.typed
        if "id" not in typed and not by_reference:
            raise UnmatchedRowsError(
                f"the frame has no id column, so nothing says which {self._intake.table.name} its rows are: "
                "plan with match='reference_id' to find them by reference"
            )
        blank = pd.Series(np.nan, index=typed.index, dtype="str")
        ids = typed.get("id", blank).copy()
        had_id = ids.notna().to_numpy()
        customer_ids = self._customer_ids(typed.get("customer_id", blank).copy())
        is_new = ~had_id
        if by_reference:
            is_new = self._find_by_reference(ids, customer_ids, new=new)
        is_known = ids.notna().to_numpy() & self._first_of_each(ids)
        base, unknown, loaded = self._bases(ids, customer_ids, own, is_known, had_id, trust_rows=trust_rows)
        if "customer_id" in base:
            customer_ids = customer_ids.where(customer_ids.notna(), base["customer_id"].astype(customer_ids.dtype))
        is_known &= base["id"].notna().to_numpy() if "id" in base else False
        return Matched(
            ids,
            customer_ids,
            base,
            is_known,
            is_new,
            unknown,
            ~loaded.found,
            self._problems,
            self._notices,
            loaded.used,
        )

    def _leave_account(self, own: Baseline, *, by_reference: bool) -> None:
        """Drop what means nothing in another account."""
        if not by_reference:
            raise WrongAccountError(
                f"the frame was loaded from {own.account}, but the plan is for {self._account}: "
                "plan with match='reference_id' to carry rows from one account to another"
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
            else:
                self._problem(position, CUSTOMER_REFERENCE, reference, "no customer has this reference")
        return customer_ids

    def _find_by_reference(
        self, ids: pd.Series[Any], customer_ids: pd.Series[Any], *, new: Literal["report", "create"]
    ) -> Mask:
        """Fill in the ids of rows that a reference names; return the rows to create."""
        is_new = np.zeros(len(ids), dtype=bool)
        references = self._intake.typed.get("reference_id")
        if references is None:
            raise UnmatchedRowsError("match='reference_id', but the frame has no column reference_id")
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
                rule = f"is unknown: no {self._intake.table.singular} has it; new='create' would create the row"
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
        again = ids.duplicated(keep=False) & ids.notna()
        first = ~ids.duplicated(keep="first").to_numpy()
        if not again.any():
            return first
        rows = self._intake.typed[again].assign(id=ids[again])
        for identifier, group in rows.groupby("id", sort=False):
            if len(group.drop_duplicates()) > 1:
                first[group.index] = False
                for position in group.index:
                    self._problem(position, "id", identifier, "stands in several rows that differ: keep one")
        return first

    def _bases(
        self,
        ids: pd.Series[Any],
        customer_ids: pd.Series[Any],
        own: Baseline | None,
        is_known: Mask,
        had_id: Mask,
        *,
        trust_rows: bool,
    ) -> tuple[pd.DataFrame, pd.DataFrame, baselines.Match]:
        """Collect how each row was: from a load, else from the service."""
        typed = self._intake.typed
        loaded = baselines.match(typed.assign(id=ids), self._intake.table, self._account, own)
        lacking = self._lacking(loaded, is_known)
        needs = lacking.any(axis=1).to_numpy() | (is_known & ~loaded.found)
        unknown = pd.DataFrame(False, index=typed.index, columns=typed.columns)
        base = loaded.frame
        if needs.any():
            present = self._present(ids, customer_ids, needs)
            base = _fill_cells(base, present, lacking, ~loaded.found)
            if not trust_rows:
                unsure = self._unsure(present, needs, had_id)
                unknown = lacking.apply(lambda cells: cells.to_numpy() & unsure)
        return base, unknown, loaded

    def _lacking(self, loaded: baselines.Match, is_known: Mask) -> pd.DataFrame:
        """Tell for which cells no load says how they were: not loaded is not blank."""
        typed = self._intake.typed
        lacking = pd.DataFrame(False, index=typed.index, columns=typed.columns)
        for name in map(str, typed):
            if name not in loaded.frame and self._intake.table[name].writable:
                is_given = typed[name].notna().to_numpy()
                if name in self._intake.cleared:
                    is_given = is_given | self._intake.cleared[name].to_numpy()
                lacking[name] = is_known & (is_given | ~loaded.found)
            else:
                lacking[name] = is_known & ~loaded.found
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
            if identifier not in records:
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

    def _unsure(self, present: pd.DataFrame, needs: Mask, had_id: Mask) -> Mask:
        """Tell for which rows nothing says that they are not older than the service's record.

        A row that a reference names leads by the caller's own word, unless it carries an older ``updated_at``.
        """
        if "updated_at" not in self._intake.typed:
            return needs & had_id
        mine, theirs = self._intake.typed["updated_at"], present["updated_at"]
        is_older = (mine.notna() & (mine < theirs)).to_numpy(dtype=bool)
        is_same = (mine == theirs).to_numpy(dtype=bool)
        return needs & np.where(had_id, ~is_same, is_older)

    def _problem(self, position: Any, column: str, value: Any, rule: str) -> None:
        self._problems.append(Problem(int(position), column, value, rule))


def _fill_cells(base: pd.DataFrame, present: pd.DataFrame, lacking: pd.DataFrame, unloaded: Mask) -> pd.DataFrame:
    """Put the service's values where no load has any; all of a row where no load has the row."""
    filled = base.copy()
    for name in present:
        is_missing = unloaded | lacking[name].to_numpy() if name in lacking else unloaded
        own = filled[name] if name in filled else present[name].mask(pd.Series(True, index=present.index))
        filled[name] = own.astype(present[name].dtype).where(~is_missing, present[name])
    return filled
