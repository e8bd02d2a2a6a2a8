"""A button that loads in a thread, with a progress bar and a Cancel button; other cells can run meanwhile."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.errors import LoadStoppedError, WizframeError
from wizframe.notebook.html import message
from wizframe.progress import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    Load = Callable[[Watch], pd.DataFrame]

__all__ = ["LoadButton"]

_REDRAWN_EVERY_S = 0.2  # each change of a widget is a message to the browser; a load tells of up to 100 pages a second
_MINUTE_S = 60


class LoadButton:
    """Loads a frame in a thread; ``loaded`` gets it in that thread, unless the load was cancelled."""

    def __init__(self, label: str, load: Load, loaded: Callable[[pd.DataFrame], None]) -> None:
        self.error: Exception | None = None  # why the last load failed
        self._load = load
        self._loaded = loaded
        self._lock = threading.RLock()
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._drawn_at = 0.0
        self.button = widgets.Button(description=label, button_style="primary", layout={"width": "auto"})
        self.cancel_button = widgets.Button(description="Cancel", disabled=True, layout={"width": "90px"})
        self.bar = widgets.FloatProgress(0, max=1, layout={"width": "200px", "display": "none"})
        self.status = widgets.HTML()
        self.warnings = widgets.HTML()
        self.button.on_click(lambda _button: self.start())
        self.cancel_button.on_click(lambda _button: self.cancel())
        line = {"flex_flow": "row wrap", "align_items": "center"}
        buttons = widgets.HBox([self.button, self.cancel_button, self.bar, self.status], layout=line)
        self.root = widgets.VBox([buttons, self.warnings])

    def start(self) -> None:
        """Start a load, unless one is running."""
        with self._lock:
            if self._watch is not None:
                return
            self.error = None
            self._watch = watch = Watch(lambda: self._show_progress(watch))
            self._thread = threading.Thread(target=self._run, args=(watch,), name="wizframe-picker", daemon=True)
            self._show(0.0, "Loading …")
            self.warnings.value = ""
            self._thread.start()

    def cancel(self) -> None:
        """Stop the load that is running: no more requests are sent, and the frame stays as it was."""
        with self._lock:
            if self._watch is not None:
                self._watch.stop()
                self._finish("Cancelled. Nothing was changed.")

    def wait(self) -> None:
        """Wait until no load is running."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self, watch: Watch) -> None:
        try:
            frame = self._load(watch)
            with self._lock:
                if self._watch is watch:
                    self._loaded(frame)
                    self._finish("", warnings="\n".join(map(str, watch.warnings)))
        except LoadStoppedError:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user: no cell is running that could raise it
            self._fail(watch, error)

    def _fail(self, watch: Watch, error: Exception) -> None:
        with self._lock:
            if self._watch is watch:
                self.error = error
                kind = "" if isinstance(error, WizframeError) else f"{type(error).__name__}: "
                self._finish("")
                self.warnings.value = message(f"{kind}{error}", "wrong")

    def _show_progress(self, watch: Watch) -> None:
        now = time.monotonic()
        if now - self._drawn_at < _REDRAWN_EVERY_S:
            return
        with self._lock:
            if self._watch is watch:
                self._drawn_at = now
                self._show(watch.done / watch.total if watch.total else 0.0, _progress_text(watch))

    def _show(self, share: float, text: str) -> None:
        self.button.disabled, self.cancel_button.disabled = True, False
        self.bar.layout.display = None
        self.bar.value = min(share, 1.0)
        self.status.value = message(text)

    def _finish(self, text: str, *, warnings: str = "") -> None:
        self._watch = None
        self.button.disabled, self.cancel_button.disabled = False, True
        self.bar.layout.display = "none"
        self.status.value = message(text)
        self.warnings.value = message(warnings, "warned")


def _progress_text(watch: Watch) -> str:
    done = f"{watch.done:,}" if watch.total is None else f"{watch.done:,} of {watch.total:,}"
    left_s: Any = watch.left_s
    if left_s is None:
        return f"{done} {watch.what}"
    left = f"{left_s:.0f} s" if left_s < _MINUTE_S else f"{left_s / _MINUTE_S:.0f} min"
    return f"{done} {watch.what}, about {left} left"
