"""pandas' own ``frame.to_excel()``, for loaded frames: it refuses times that have a zone, and loaded frames have them.

Its method is wrapped, for frames that carry the key of a load and for no others: their times are written as UTC.
"""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd

from wizframe.frames.baselines import ATTRIBUTE

__all__ = ["let_plain_exports_work"]


def let_plain_exports_work() -> None:
    """Wrap ``DataFrame.to_excel``."""
    original = pd.DataFrame.to_excel

    @functools.wraps(original)
    def to_excel(self: pd.DataFrame, *arguments: Any, **options: Any) -> None:
        original(_without_zones(self) if ATTRIBUTE in self.attrs else self, *arguments, **options)

    pd.DataFrame.to_excel = to_excel  # type: ignore[misc, method-assign, assignment]


def _without_zones(frame: pd.DataFrame) -> pd.DataFrame:
    """Give times in UTC without saying so, as a sheet can hold them."""
    zoned = frame.select_dtypes("datetimetz").columns
    return frame.assign(**{name: frame[name].dt.tz_convert("UTC").dt.tz_localize(None) for name in zoned})
