"""What is found out: one sentence about one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from wizframe.errors import WizframeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Finding", "Said", "State", "checked"]

State = Literal["ok", "note", "bad"]
Said = tuple[State, str]


class Finding(NamedTuple):
    """A thing that was looked at.

    Parameters
    ----------
    name : str
    state : {'ok', 'note', 'bad'}
        As assumed; worth knowing; in the way.
    said : str
    """

    name: str
    state: State
    said: str


def checked(name: str, check: Callable[[], Said]) -> Finding:
    """Look at one thing; what fails is a finding, too.

    Parameters
    ----------
    name : str
    check : callable
        Gives a state and a sentence.

    Returns
    -------
    Finding
    """
    try:
        return Finding(name, *check())
    except (WizframeError, OSError) as error:
        return Finding(name, "bad", str(error))
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # not quoted: it may be a customer's
        return Finding(name, "bad", f"what came back makes no sense ({type(error).__name__})")
