"""Pytest fixtures for code that uses wizframe: ``pytest_plugins = ["wizframe.testing"]`` in a ``conftest.py``.

Imports pytest, so nothing in wizframe imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wizframe.connections.connect import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.connections.client import Client
    from wizframe.fields import Dialect

__all__ = ["wizframe_dialect", "wizframe_sandbox"]


@pytest.fixture
def wizframe_dialect() -> Dialect:
    """Give the dialect that the sandbox speaks; override or parametrize it to test another."""
    return "rest"


@pytest.fixture
def wizframe_sandbox(wizframe_dialect: Dialect) -> Iterator[Client]:
    """Start a sandbox of 50 customers for one test, connected and alone.

    Yields
    ------
    Client
        ``server`` gives access to what no API offers: stored records, the requests served.
    """
    with sandbox(customers=50, dialect=wizframe_dialect) as client:
        yield client
