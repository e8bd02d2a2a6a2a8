"""Deviations: ways in which a real service may differ from the documents. Each one is a switch.

``sandbox(deviations=["total_zero", "trims_text"])`` starts a service with two of them. `table` lists all.
"""

from __future__ import annotations

from wizframe.server.deviations.table import DEVIATIONS, KINDS, Switch

__all__ = ["DEVIATIONS", "KINDS", "Switch"]
