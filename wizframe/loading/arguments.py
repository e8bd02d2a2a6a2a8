"""What a load is asked for, checked before any request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.errors import InvalidRequestError
from wizframe.fields import CONTACT
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank
from wizframe.progress import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_options", "customer_ids", "each_customer_id", "texts_of", "watch_of"]


def check_options(invalid: str, dtype_backend: str | None, **counts: int | None) -> None:
    """Check the options that concern no filter.

    Parameters
    ----------
    invalid : str
        What becomes of rows that break the schema.
    dtype_backend : str or None
    **counts
        Whole numbers from 1; None means not given.

    Raises
    ------
    InvalidRequestError
    """
    if invalid not in ("warn", "raise", "drop"):
        raise InvalidRequestError(f"invalid={invalid!r}: allowed are 'warn', 'raise', 'drop'")
    if dtype_backend not in (None, "pyarrow"):
        raise InvalidRequestError(f"dtype_backend={dtype_backend!r}: allowed are None and 'pyarrow'")
    for name, count in counts.items():
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise InvalidRequestError(f"{name}={count!r}: must be a whole number from 1")


def watch_of(progress: bool | Watch) -> Watch | None:  # noqa: FBT001 - as the user gave it
    """Give the watch, where one was given as ``progress``.

    Parameters
    ----------
    progress : bool or Watch

    Returns
    -------
    Watch or None
    """
    return progress if isinstance(progress, Watch) else None


def texts_of(values: Iterable[str]) -> list[str]:
    """Check references or ids.

    Parameters
    ----------
    values : str or iterable of str

    Returns
    -------
    list of str

    Raises
    ------
    InvalidRequestError
        Something among them is no text.
    """
    if isinstance(values, (Mapping, pd.DataFrame)) or not isinstance(values, Iterable):
        raise InvalidRequestError(f"references and ids are texts, but a {type(values).__name__} was given")
    texts = [values] if isinstance(values, str) else list(values)
    wrong = [text for text in texts if not isinstance(text, str) or not text]
    if wrong:
        raise InvalidRequestError(f"references and ids are texts, but {wrong[0]!r} is among them")
    return texts


def customer_ids(customers: str | Iterable[str] | pd.DataFrame | pd.Series[Any]) -> list[str]:
    """Give the ids of customers, in whatever way they are named.

    Parameters
    ----------
    customers : str, iterable of str, Series or DataFrame

    Returns
    -------
    list of str
        Each once.

    Raises
    ------
    InvalidRequestError
        They are not named.
    """
    if isinstance(customers, pd.DataFrame):
        own = attached(customers)
        if own is not None and own.table is CONTACT:
            raise InvalidRequestError("the frame holds contacts: give their customers, frame['customer_id'].unique()")
        if "id" not in customers and "id" not in customers.index.names:
            raise InvalidRequestError("the frame of customers has no column or index level 'id'")
        given = customers["id"] if "id" in customers else customers.index.get_level_values("id")
        customers = [identifier for identifier in given if not is_blank(identifier)]
    return list(dict.fromkeys(texts_of(customers)))


def each_customer_id(customers: str | Iterable[Any] | pd.DataFrame | pd.Series[Any]) -> Iterator[str]:
    """Give the ids of customers one by one, without reading further than is asked for.

    Parameters
    ----------
    customers : str, iterable of str, iterable of DataFrame, Series or DataFrame

    Yields
    ------
    str
        Some may come more than once.

    Raises
    ------
    InvalidRequestError
        They are not named.
    """
    if isinstance(customers, (str, pd.DataFrame)) or not isinstance(customers, Iterable):
        yield from customer_ids(customers)
        return
    if isinstance(customers, Mapping):
        texts_of(customers)
    for one in customers:
        named: Any = one if isinstance(one, pd.DataFrame) else [one]
        yield from customer_ids(named)
