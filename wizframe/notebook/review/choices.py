"""Which changes of a plan are ticked. Plain values: no widget here, and nothing is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wizframe.frames.build import is_blank
from wizframe.planning.changes import shown
from wizframe.planning.typed_frame import CUSTOMER_REFERENCE
from wizframe.pushing.selection import keep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wizframe.planning.changes import Change, Problem
    from wizframe.pushing.plan import Plan

    Unticked = tuple[str, int | None, str]

__all__ = ["VIEWS", "Choices", "Item"]

#: What the list can be limited to.
VIEWS = ("everything", "with problems", "ticked", "not ticked", "create", "update", "delete")
_NAMES = {"customers": ("display_name", "company_name"), "contacts": ("first_name", "last_name", "email")}
_LONGEST = 80


@dataclass(eq=False)
class Item:
    """One row of a plan: its change, if it has one, and what stands in its way.

    Parameters
    ----------
    part : Plan
        The plan, or its contacts.
    number : int
        Of the change in ``plan.changes``; -1 where the row has nothing but problems.
    change : Change or None
    position : int or None
        The row in the part's frame; None where a problem is one of a whole column.
    problems : list of Problem
    ticked : set of str
        Columns of an update; a new record and a delete are ticked whole, as the column "".
    """

    part: Plan
    number: int
    change: Change | None
    position: int | None
    problems: list[Problem] = field(default_factory=list)
    ticked: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, int | None]:
        """Tells the row from others, also in a plan that is made again of the same frame."""
        return self.part.table.name, self.position

    @property
    def columns(self) -> tuple[str, ...]:
        """What can be ticked."""
        if self.change is None:
            return ()
        return tuple(cell.column for cell in self.change.cells) if self.change.action == "update" else ("",)

    @property
    def name(self) -> str:
        """What a person calls the record."""
        if self.position is None:
            return f"every row, column {self.problems[0].column}"
        if self.change is not None and self.change.name:
            return shown(self.change.name, _LONGEST)
        names = filter(None, map(self._cell, _NAMES[self.part.table.name]))
        return shown(next(names, None) or f"row {self.part.frame.index[self.position]}", _LONGEST)

    @property
    def identity(self) -> str:
        """The record's id or reference, and whose contact it is."""
        if self.change is None:
            return "" if self.position is None else shown(self._cell("id") or "", _LONGEST).removeprefix("(blank)")
        owner = next((f" of customer {owner}" for owner in self.change.owner if owner), "")
        return shown((self.change.id or self.change.reference_id or "new") + owner, 2 * _LONGEST)

    def _cell(self, name: str) -> str | None:
        if name not in self.part.frame or self.position is None:
            return None
        value = self.part.frame[name].iat[self.position]
        return None if is_blank(value) else str(value)

    def says(self, text: str) -> bool:
        """Tell whether the row says a text anywhere.

        Parameters
        ----------
        text : str
            In upper or lower case.

        Returns
        -------
        bool
        """
        said: list[Any] = [self.name, self.identity, *self.problems]
        said += self.change.cells if self.change else ()
        return text.casefold() in "\n".join(map(str, said)).casefold()

    def can_be_corrected(self, column: str) -> bool:
        """Tell whether a cell can be corrected: a read-only one cannot, unless it says whose a new contact is.

        Parameters
        ----------
        column : str

        Returns
        -------
        bool
        """
        table, action = self.part.table, self.change.action if self.change else "create"
        if self.position is None or action == "delete":
            return False
        is_owner = action == "create" and column in ("customer_id", CUSTOMER_REFERENCE)
        return (column in table and table[column].writable) or is_owner


class Choices:
    """The rows of a plan, problems first, and which of them are ticked: all that can be, to begin with.

    Parameters
    ----------
    plan : Plan
    unticked : collection of tuple
        What begins without a tick; see :meth:`unticked`.
    """

    def __init__(self, plan: Plan, unticked: Collection[Unticked] = ()) -> None:
        self.plan = plan
        self.items = sorted(_items(plan), key=lambda item: not item.problems)
        self._stopped = {item.part.table.name for item in self.items if item.position is None}
        self._creates = {
            item.change.reference_id: item
            for item in self.items
            if item.part is plan and item.change is not None and item.change.action == "create"
        }
        for item in self.items:
            for column in item.columns:
                self.tick(item, is_ticked=(*item.key, column) not in unticked, column=column)

    def obstacle(self, item: Item) -> str:
        """Say why a row cannot be sent, or nothing.

        Parameters
        ----------
        item : Item

        Returns
        -------
        str
        """
        if item.problems or item.change is None:
            return "it has problems"
        if item.part.table.name in self._stopped:
            return "a whole column has problems"
        if item.part is self.plan or item.change.customer_id or not item.change.customer_reference_id:
            return ""
        customer = self._creates.get(item.change.customer_reference_id)
        is_coming = customer is not None and customer.ticked and not self.obstacle(customer)
        return "" if is_coming else "its new customer is not ticked"

    def tick(self, item: Item, *, is_ticked: bool, column: str | None = None) -> None:
        """Tick a row, or one of its columns, or take the tick away. A row with problems stays without.

        Parameters
        ----------
        item : Item
        is_ticked : bool
        column : str, optional
            By default all of them.
        """
        columns = set(item.columns) if column is None else {column}
        item.ticked = item.ticked | columns if is_ticked and not item.problems else item.ticked - columns

    def ticked(self) -> list[Item]:
        """List the rows that are going to be sent.

        Returns
        -------
        list of Item
        """
        return [item for item in self.items if item.ticked and not self.obstacle(item)]

    def unticked(self) -> set[Unticked]:
        """List what somebody took the tick from, for a plan that is made again of the same frame.

        Returns
        -------
        set of (table, position, column)
        """
        return {
            (*item.key, column)
            for item in self.items
            if not item.problems
            for column in item.columns
            if column not in item.ticked
        }

    def chosen(self) -> Plan:
        """Give the plan of what is ticked.

        Returns
        -------
        Plan
        """
        ticked = self.ticked()
        return keep(self.plan, {item.number: item.ticked - {""} or None for item in ticked})

    def viewed(self, view: str = VIEWS[0], text: str = "") -> list[Item]:
        """List the rows that are to be shown.

        Parameters
        ----------
        view : str
            One of :data:`VIEWS`.
        text : str
            What they must say somewhere.

        Returns
        -------
        list of Item
        """
        ticked = set(map(id, self.ticked()))
        return [item for item in self.items if _is_seen(item, view, id(item) in ticked) and item.says(text)]


def _is_seen(item: Item, view: str, is_ticked: bool) -> bool:  # noqa: FBT001 - of one item
    if view == "with problems":
        return bool(item.problems)
    if view in ("ticked", "not ticked"):
        return is_ticked == (view == "ticked")
    return view == VIEWS[0] or (item.change is not None and item.change.action == view)


def _items(plan: Plan) -> Iterator[Item]:
    number = 0
    for part in plan.parts:
        problems: dict[int | None, list[Problem]] = defaultdict(list)
        for problem in part.problems_list:
            problems[problem.position].append(problem)
        yield from (Item(part, -1, None, None, [problem]) for problem in problems.pop(None, []))
        for change in part.changes_list:
            yield Item(part, number, change, change.position, problems.pop(change.position, []))
            number += 1
        yield from (Item(part, -1, None, position, found) for position, found in problems.items())
