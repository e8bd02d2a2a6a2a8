"""The behaviour of a service on points that the documents leave open, as far as a connection has found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizframe.fields import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from wizframe.fields import Dialect

__all__ = ["Traits"]


@dataclass
class Traits:
    """The known behaviour of a service. All threads and views of a connection share this object."""

    query_dialect: Dialect | None = None  # the spelling of list parameters, if it differs from the records'
    is_ordered: bool = True  # whether lists have the requested order
    has_repeats: bool = False  # whether pages are repeated, such as the last one after the end
    page_size: int = MAX_PAGE_SIZE  # the largest page size that the service accepts
    keeps_status: bool | None = None  # whether lists depend on the status; None if it is not known yet
    finds_references: bool | None = None  # whether the filter by reference works; None if unknown
    shown_references: dict[str, list[str]] = field(default_factory=dict)  # status to two references in a list
    told: set[str] = field(default_factory=set)  # the kinds of warnings that were already shown
