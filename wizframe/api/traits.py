"""How a service behaves where the documents leave it open, as a connection finds out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizframe.fields import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from wizframe.fields import Dialect

__all__ = ["Traits"]


@dataclass
class Traits:
    """What a connection knows of its service; its threads and views share it."""

    query_dialect: Dialect | None = None  # in which list parameters are spelled, if not in that of the records
    is_ordered: bool = True  # whether lists come in the order asked for
    has_repeats: bool = False  # whether pages come again, such as the last one behind the end
    page_size: int = MAX_PAGE_SIZE  # the largest page that it accepts
    keeps_status: bool | None = None  # whether lists depend on the status; None if it is not known yet
    finds_references: bool | None = None  # whether its filter by reference can be relied on; None if not proven yet
    shown_references: dict[str, list[str]] = field(default_factory=dict)  # for each status, two that a list showed
    told: set[str] = field(default_factory=set)  # what was said once and need not be said again
