"""The bar: silent for what is over in a moment, on stderr for what takes longer, off when asked."""

import functools
import sys

import pandas as pd
import pytest
import tqdm.auto
from support.client import Clock

import wizframe.progress
from wizframe.http.rate_limit import RateLimiter
from wizframe.progress import bar, note
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def at_once(monkeypatch):
    """Take everything for long, instead of waiting for a second, and draw each step, on what passes for a terminal."""
    monkeypatch.setattr(wizframe.progress, "_is_seen", lambda _stream: True)
    monkeypatch.setattr(wizframe.progress, "_AFTER_S", 0)
    monkeypatch.setattr(tqdm.auto, "tqdm", functools.partial(tqdm.auto.tqdm, mininterval=0, miniters=0))


def test_short_loads_show_nothing(wiz, capsys):
    wiz.load_contacts(wiz.load_customers(details=True))
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("at_once")
def test_long_loads_show_a_bar_on_stderr_and_wipe_it(wiz, capsys):
    wiz.load_contacts(wiz.load_customers(details=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert [word for word in ("customers", "details", "contacts") if word not in err] == []
    assert "/60" in err  # thirty customers, two lists each
    assert err.endswith(" \r")


@pytest.mark.usefixtures("at_once")
def test_a_bar_that_is_switched_off_shows_nothing(wiz, capsys):
    wiz.load_contacts(wiz.load_customers(details=True, progress=False), progress=False)
    assert capsys.readouterr() == ("", "")


def test_in_a_file_there_is_no_bar(wiz, capsys, monkeypatch):
    """A log would hold it as one line without end."""
    monkeypatch.setattr(wizframe.progress, "_AFTER_S", 0)
    wiz.load_contacts(wiz.load_customers(details=True))
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("at_once")
def test_without_any_stderr_work_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with bar("customers", enabled=True, total=2) as show:
        show(1, 2)


@pytest.mark.usefixtures("at_once")
def test_the_bar_is_closed_when_the_work_fails(capsys):
    def work():
        with bar("customers", enabled=True) as show:
            show(3, 10)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    err = capsys.readouterr().err
    assert "3/10" in err
    assert err.endswith(" \r")


@pytest.mark.usefixtures("at_once")
def test_the_total_may_become_known_later_and_grow(capsys):
    with bar("customers", enabled=True) as show:
        for known, total in [(1, None), (5, 10), (10, 20), (20, None)]:
            show(known, total)
    err = capsys.readouterr().err
    assert "5/10" in err
    assert "20/20" in err


@pytest.mark.fault(13)
@pytest.mark.usefixtures("at_once")
def test_a_pause_that_the_service_asks_for_is_counted_down_and_removed(wiz, capsys):
    clock = Clock()
    wiz.transport.rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    wiz.server.faults.add(Fault("answer", "customers.list", skip=1, status=429, headers={"Retry-After": "4"}))
    wiz.load_customers(workers=1)
    assert [fired.kind for fired in wiz.server.faults.fired] == ["answer"]
    assert clock.slept[:4] == [1.0] * 4
    err = capsys.readouterr().err
    told = [f"waiting {seconds} s, as WizCommerce asked" in err for seconds in (5, 4, 3, 2, 1, 0)]
    assert told == [False, True, True, True, True, False]
    assert err.endswith(" \r")


@pytest.mark.fault(2)
@pytest.mark.usefixtures("at_once")
def test_a_look_up_after_a_lost_response_is_shown_and_removed(wiz, capsys):
    frame = pd.DataFrame({"id": [None], "reference_id": ["N-1"], "company_name": ["New"], "display_name": ["New"]})
    plan = frame.wiz.plan()
    wiz.settle_s = 0.0
    wiz.server.faults.add(Fault("drop_after", "customers.create"))
    capsys.readouterr()
    assert plan.apply().counts()["done"] == 1
    assert len(wiz.server.faults.fired) == 1
    err = capsys.readouterr().err
    assert "checking N-1 after an unclear response" in err
    assert err.endswith(" \r")


def test_what_is_shown_early_is_wiped_too(capsys, monkeypatch):
    monkeypatch.setattr(wizframe.progress, "_is_seen", lambda _stream: True)
    with bar("changes", enabled=True, total=2):
        assert note("verifying")
    assert "verifying" in capsys.readouterr().err.split("\r")[-3]
    assert not note("nobody looks")
    assert capsys.readouterr().err == ""
