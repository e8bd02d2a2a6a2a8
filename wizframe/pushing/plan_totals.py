"""The totals of a plan with several tables: lists and counts over all tables, and the first frame."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from wizframe.fields import Table
    from wizframe.planning.changes import Change, PlanPart, Problem

__all__ = ["PlanTotals"]


class PlanTotals:
    """The base of the public ``Plan``."""

    parts: tuple[PlanPart, ...]

    @property
    def table(self) -> Table:
        """The first table."""
        return self.parts[0].table

    @property
    def frame(self) -> pd.DataFrame:
        """The first table's frame; new ids are written into it when they are known."""
        return self.parts[0].frame

    @property
    def changes_list(self) -> tuple[Change, ...]:
        """All changes."""
        return tuple(chain.from_iterable(part.changes_list for part in self.parts))

    @property
    def problems_list(self) -> tuple[Problem, ...]:
        """All problems."""
        return tuple(chain.from_iterable(part.problems_list for part in self.parts))

    @property
    def notices(self) -> tuple[str, ...]:
        """Remarks about all tables."""
        return tuple(chain.from_iterable(part.notices for part in self.parts))

    @property
    def own_columns(self) -> tuple[str, ...]:
        """Columns that the user added, which are ignored."""
        return tuple(chain.from_iterable(part.own_columns for part in self.parts))

    @property
    def blanked(self) -> dict[str, int]:
        """Column to the number of cells that became blank and are not sent."""
        return dict(sum((Counter(part.blanked) for part in self.parts), Counter[str]()))

    @property
    def compared_rows(self) -> int:
        """The number of compared rows."""
        return sum(part.compared_rows for part in self.parts)

    @property
    def compared_columns(self) -> tuple[str, ...]:
        """Columns that were compared in any of the tables."""
        return tuple(dict.fromkeys(chain.from_iterable(part.compared_columns for part in self.parts)))

    @property
    def compared_with(self) -> str:
        """The values that the rows were compared with, in words."""
        return " and ".join(dict.fromkeys(part.compared_with for part in self.parts))
