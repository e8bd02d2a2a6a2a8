"""A frame and its baseline become a plan of changes; nothing is sent.

What must be asked of the service is asked through :class:`Lookups`, which is passed in: this package imports
neither the client nor the transport.
"""

from wizframe.planning.changes import CLEAR, COMMAND, Cell, Change, Problem
from wizframe.planning.intake import validate
from wizframe.planning.making import Options, plan_deletes, plan_edits
from wizframe.planning.matching import Lookups, Service
from wizframe.planning.plans import Plan
from wizframe.planning.reviving import joined, load_plan, revive, save_plan

__all__ = [
    "CLEAR",
    "COMMAND",
    "Cell",
    "Change",
    "Lookups",
    "Options",
    "Plan",
    "Problem",
    "Service",
    "joined",
    "load_plan",
    "plan_deletes",
    "plan_edits",
    "revive",
    "save_plan",
    "validate",
]
