"""The bar: silent for what is over in a moment, on stderr for what takes longer, off when asked."""

import functools
import sys

import pytest
import tqdm.auto

import wizframe.progress
from wizframe.progress import bar

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def at_once(monkeypatch):
    """Take everything for long, instead of waiting for a second, and draw each step."""
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
