"""Deviations: ways in which a real service may differ from the documents, one switch each.

``sandbox(deviations=["total_zero", "trims_text"])`` starts a service that has them. `table` lists all of them.
"""

from __future__ import annotations

from wizframe.server.deviations.table import DEVIATIONS, KINDS, Switch

__all__ = ["DEVIATIONS", "KINDS", "Switch"]
