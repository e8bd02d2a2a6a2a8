"""The tree of errors: they can be pickled, and their hints fit the interface."""

import inspect
import pickle
import sys

import pytest

from wizframe import errors
from wizframe.errors import (
    Hint,
    PlanError,
    PushInterruptedError,
    RateLimitError,
    ServiceError,
    WizframeError,
    hints_for,
    service_error,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WizframeError)]


HINT = Hint(python="Call resume()", cli="Run `wizframe resume`")


def made(kind, **options):
    if issubclass(kind, ServiceError):
        return kind("no", status=422, code="odd", details=[("email", "is odd")], **options)
    return kind("no", ["a result"], **options) if kind is PushInterruptedError else kind("no", **options)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_another_process_is_the_same_here(kind):
    """An error that cannot be unpickled breaks a pool of processes."""
    error = made(kind, hint=HINT)
    error.add_note("seen in the other process")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert (type(again), str(again), again.args, again.code) == (kind, str(error), error.args, error.code)
    assert vars(again) == vars(error)


def test_an_extra_is_installed_into_the_python_that_runs(monkeypatch):
    """The shell's pip may belong to another Python."""
    assert errors.to_install("excel") == f"{sys.executable} -m pip install 'wizframe[excel]'"
    monkeypatch.setattr(sys, "executable", "C:/Program Files/Python/python.exe")
    assert errors.to_install("excel") == "\"C:/Program Files/Python/python.exe\" -m pip install 'wizframe[excel]'"
    monkeypatch.setattr(sys, "executable", None)  # an embedded Python knows none
    assert errors.to_install("excel").startswith("python -m pip")


def test_attributes_of_an_error_are_pickled_too():
    refused = service_error(429, "too many")
    refused.retry_after_s = 7.0
    again = pickle.loads(pickle.dumps(refused))  # noqa: S301
    assert isinstance(again, RateLimitError)
    assert (again.status, again.retry_after_s) == (429, 7.0)
    with_failures = PlanError("problems", [1, 2])
    assert pickle.loads(pickle.dumps(with_failures)).failures == [1, 2]  # noqa: S301


@pytest.mark.parametrize("kind", KINDS)
def test_a_hint_is_shown_in_the_words_of_the_interface(kind):
    error = made(kind, hint=HINT)
    message = "no (email: is odd)" if isinstance(error, ServiceError) else "no"
    assert str(error) == f"{message}. Call resume()"
    with hints_for("cli"):
        assert str(error) == f"{message}. Run `wizframe resume`"
    assert (str(error), error.hint) == (f"{message}. Call resume()", HINT)


def test_a_hint_may_be_the_same_for_both_or_for_one_alone():
    assert str(made(PlanError, hint="Load again")) == "no. Load again"
    python_only = made(PlanError, hint=Hint(python="See error.failures", cli=""))
    assert str(python_only) == "no. See error.failures"
    with hints_for("cli"):
        assert str(python_only) == "no"
    assert made(PlanError).hint is None


def test_a_service_error_shows_details_under_their_present_names_and_none_twice():
    error = service_error(422, "422 No", details=[("firstName", "is a nickname"), ("b", "No")], request="PUT /x")
    error.details = (("first_name", "is a nickname"), error.details[1])
    assert str(error) == "422 No (first_name: is a nickname) (PUT /x)"
