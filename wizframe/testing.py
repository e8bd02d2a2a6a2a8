"""Pytest fixtures for code that uses wizframe.

Write ``pytest_plugins = ["wizframe.testing"]`` into a ``conftest.py``. This module imports pytest, so nothing else in
wizframe imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wizframe.connections.connect import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.connections.client import Client
    from wizframe.fields import Dialect

__all__ = ["wizframe_deviations", "wizframe_dialect", "wizframe_sandbox"]


@pytest.fixture
def wizframe_dialect() -> Dialect:
    """Return the dialect of the sandbox. Override or parametrize this fixture to test the other dialect.

    Returns
    -------
    {'rest', 'sdk'}
        ``'rest'``.
    """
    return "rest"


@pytest.fixture
def wizframe_deviations() -> tuple[str, ...]:
    """Return the deviations of the sandbox. Override or parametrize this fixture to test a service that differs.

    Returns
    -------
    tuple of str
        No deviations. The page "Deviations from the documents" lists their names.
    """
    return ()


@pytest.fixture
def wizframe_sandbox(wizframe_dialect: Dialect, wizframe_deviations: tuple[str, ...]) -> Iterator[Client]:
    """Start a sandbox with 50 customers for one test, and connect to it.

    Yields
    ------
    Client
        The only open connection. Its attribute ``server`` has the stored records and the received requests.
    """
    with sandbox(customers=50, dialect=wizframe_dialect, deviations=wizframe_deviations) as client:
        yield client
