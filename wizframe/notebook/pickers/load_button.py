"""A load in a thread, with its buttons and how far it is: the kernel stays free for other cells."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.errors import LoadStoppedError, WizframeError
from wizframe.notebook.html import said
from wizframe.progress import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    Load = Callable[[Watch], pd.DataFrame]

__all__ = ["Loading"]

_SHOWN_EVERY_S = 0.2
_MINUTE_S = 60


class Loading:
    """The button that loads, the one that cancels, and what they say.

    Parameters
    ----------
    label : str
        Of the button that loads.
    load : callable
        Takes a :class:`~wizframe.progress.Watch`, returns a frame; called in a thread.
    loaded : callable
        Takes the frame; called in that thread, unless the load was cancelled.

    Attributes
    ----------
    root : ipywidgets.VBox
    error : Exception or None
        Why the last load failed.
    """

    def __init__(self, label: str, load: Load, loaded: Callable[[pd.DataFrame], None]) -> None:
        self.error: Exception | None = None
        self._load = load
        self._loaded = loaded
        self._lock = threading.RLock()
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._shown_at = 0.0
        self.button = widgets.Button(description=label, button_style="primary", layout={"width": "auto"})
        self.stop_button = widgets.Button(description="Cancel", disabled=True, layout={"width": "90px"})
        self.bar = widgets.FloatProgress(0, max=1, layout={"width": "200px", "display": "none"})
        self.status = widgets.HTML()
        self.warnings = widgets.HTML()
        self.button.on_click(lambda _button: self.start())
        self.stop_button.on_click(lambda _button: self.cancel())
        line = {"flex_flow": "row wrap", "align_items": "center"}
        buttons = widgets.HBox([self.button, self.stop_button, self.bar, self.status], layout=line)
        self.root = widgets.VBox([buttons, self.warnings])

    def start(self) -> None:
        """Begin to load; what is loading already goes on."""
        with self._lock:
            if self._watch is not None:
                return
            self.error = None
            self._watch = watch = Watch(lambda: self._progress(watch))
            self._thread = threading.Thread(target=self._run, args=(watch,), name="wizframe-picker", daemon=True)
            self._show(0.0, "asking …")
            self.warnings.value = ""
            self._thread.start()

    def cancel(self) -> None:
        """Stop the load: no further request leaves, and what was there before stays."""
        with self._lock:
            if self._watch is not None:
                self._watch.stop()
                self._finish("cancelled; nothing was changed")

    def wait(self) -> None:
        """Wait until the load is over."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self, watch: Watch) -> None:
        try:
            frame = self._load(watch)
            with self._lock:
                if self._watch is watch:
                    self._loaded(frame)
                    self._finish("", warned="\n".join(map(str, watch.warnings)))
        except LoadStoppedError:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user, whose cell is over
            self._failed(watch, error)

    def _failed(self, watch: Watch, error: Exception) -> None:
        with self._lock:
            if self._watch is watch:
                self.error = error
                kind = "" if isinstance(error, WizframeError) else f"{type(error).__name__}: "
                self._finish("")
                self.warnings.value = said(f"{kind}{error}", "wrong")

    def _progress(self, watch: Watch) -> None:
        now = time.monotonic()
        if now - self._shown_at < _SHOWN_EVERY_S:
            return
        with self._lock:
            if self._watch is watch:
                self._shown_at = now
                self._show(watch.done / watch.total if watch.total else 0.0, _words(watch))

    def _show(self, share: float, words: str) -> None:
        self.button.disabled, self.stop_button.disabled = True, False
        self.bar.layout.display = None
        self.bar.value = min(share, 1.0)
        self.status.value = said(words)

    def _finish(self, words: str, *, warned: str = "") -> None:
        self._watch = None
        self.button.disabled, self.stop_button.disabled = False, True
        self.bar.layout.display = "none"
        self.status.value = said(words)
        self.warnings.value = said(warned, "warned")


def _words(watch: Watch) -> str:
    """Say how far a load is."""
    many = f"{watch.done:,}" if watch.total is None else f"{watch.done:,} of {watch.total:,}"
    left_s: Any = watch.left_s
    if left_s is None:
        return f"{many} {watch.what}"
    left = f"{left_s:.0f} s" if left_s < _MINUTE_S else f"{left_s / _MINUTE_S:.0f} min"
    return f"{many} {watch.what}, about {left} left"
