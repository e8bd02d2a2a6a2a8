"""``df.wiz``: what wizframe can do with a frame. Thin: every method is the function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd

from wizframe.baselines import attached
from wizframe.client import open_client
from wizframe.errors import PlanError
from wizframe.fields import ADDRESS
from wizframe.frames import is_blank, problems_frame, to_frame
from wizframe.loaders import load_contacts
from wizframe.planning.intake import take_in, which_table
from wizframe.pushing import delete, plan, push
from wizframe.schemas import find_problems

if TYPE_CHECKING:
    from wizframe.planning import Plan
    from wizframe.pushing import Result

__all__ = ["WizAccessor"]


@pd.api.extensions.register_dataframe_accessor("wiz")
class WizAccessor:
    """Customers and contacts in a DataFrame: plan, push, delete, contacts, addresses, validate, problems.

    Parameters
    ----------
    frame : DataFrame

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> customers.loc[0, "payment_term"] = "net45"
    >>> len(customers.wiz.plan())
    1
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def plan(self, **options: Any) -> Plan:
        """Work out what the frame's edits would change; see :func:`wizframe.plan`.

        Parameters
        ----------
        **options
            ``only``, ``clear``, ``match``, ``new``, ``baseline``, ``table``, ``client``.

        Returns
        -------
        Plan
            Nothing is written until its ``apply()``.
        """
        return plan(self._frame, **options)

    def push(self, **options: Any) -> Result:
        """Plan, show, ask, apply; see :func:`wizframe.push`.

        Parameters
        ----------
        **options
            ``yes``, ``max_changes``, ``max_deletes``, ``on_conflict``, and those of :meth:`plan`.

        Returns
        -------
        Result
            One row per change.
        """
        return push(self._frame, **options)

    def delete(self, **options: Any) -> Plan:
        """Plan to delete the records of all rows; see :func:`wizframe.delete`.

        Parameters
        ----------
        **options
            ``table``, ``client``.

        Returns
        -------
        Plan
            ``apply(max_deletes=…)`` carries it out.
        """
        return delete(self._frame, **options)

    def contacts(self, **options: Any) -> pd.DataFrame:
        """Load the contacts of the frame's customers; see :func:`wizframe.load_contacts`.

        Parameters
        ----------
        **options
            Filters, ``client``, ``workers``, ``invalid``, ``progress``.

        Returns
        -------
        DataFrame
            One row per contact, with ``customer_id``.
        """
        own = attached(self._frame)
        if "client" not in options and own is not None:
            options["client"] = open_client(account=own.account)
        return load_contacts(self._frame, **options)

    def addresses(self) -> pd.DataFrame:
        """Unfold the addresses of customers that were loaded with ``details=True``.

        Returns
        -------
        DataFrame
            One row per address, with ``customer_id``; columns and dtypes as in ``fields.ADDRESS``.

        Raises
        ------
        PlanError
            The frame has no addresses.
        """
        if "addresses" not in self._frame or "id" not in [*self._frame.columns, *self._frame.index.names]:
            raise PlanError("the frame has no addresses: load the customers with details=True")
        flat = self._frame if "id" in self._frame else self._frame.reset_index("id")
        records = [
            address | {"customer_id": customer}
            for customer, text in zip(flat["id"], flat["addresses"], strict=True)
            for address in ([] if is_blank(text) else orjson.loads(text))
        ]
        return to_frame(records, ADDRESS, details=True)[0]

    def validate(self) -> pd.DataFrame:
        """Check the frame as it is now, edits included, against the schema.

        Returns
        -------
        DataFrame
            One row per problem: row (label), column, value, rule. Empty where all is well.
        """
        table = which_table(self._frame, None, attached(self._frame))
        intake = take_in(self._frame, table)
        typed = intake.typed.set_axis(self._frame.index)
        rows = [
            (None if problem.position is None else self._frame.index[problem.position], *problem[1:])
            for problem in intake.problems
        ]
        return pd.concat([problems_frame(rows), find_problems(typed, table)], ignore_index=True)

    @property
    def problems(self) -> pd.DataFrame:
        """What validation found when the frame was loaded.

        Returns
        -------
        DataFrame
            One row per problem: row (number in the loaded frame; None: the whole column), column, value, rule.
        """
        own = attached(self._frame)
        return self.validate() if own is None else own.problems.copy()
