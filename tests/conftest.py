"""Fixtures of the whole suite: both dialects over real HTTP, and a clean environment for each test."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.sessions import forget_clients, forget_loads

import wizframe

pytest_plugins = ["wizframe.testing", "support.browser"]

DATA = Path(__file__).parent / "data"

# Derandomized in CI, so that a failure is the change's own; nightly runs look for new ones.
_common = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("ci", derandomize=True, **_common)
settings.register_profile("nightly", **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("WIZCOMMERCE_", "WIZFRAME_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / "state"))
    forget_clients()
    forget_loads()  # those of an earlier test show the same records as this one's


@pytest.fixture(params=["rest", "sdk"])
def dialect(request):
    return request.param


@pytest.fixture
def wiz(dialect):
    """A client of a fresh sandbox of 30 customers, once in each dialect."""
    with wizframe.sandbox(customers=30, dialect=dialect) as client:
        yield client


@pytest.fixture
def vendor():
    """The vendor documents' example JSON, verbatim."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in DATA.glob("*.json")}
