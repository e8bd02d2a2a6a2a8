"""JupyterLab in headless Chromium, for tests that do what a person does.

``notebook`` is a :class:`Notebook`: open it with some cells, run them, look at the page with playwright, run more cells
while something goes on. The sandbox runs in the test's own process, so that a test sees what was really asked of it.
A test that uses the fixture is skipped, with the reason, where there is no Chromium or no JupyterLab.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import wizframe

TOKEN = "for-tests-on-this-machine"
CHECKOUT = Path(wizframe.__file__).parent.parent
PICTURES = os.environ.get("WIZFRAME_PICTURES")  # read now: the tests' environment is cleaned
TIMEOUT_MS = 20_000
STARTS_WITHIN_S = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: The toolbar's "Idle" is not readiness: the session must be there, and its kernel connected.
_READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return Boolean(panel?.context?.isReady && panel.sessionContext.isReady && panel.content.widgets.length
    && kernel?.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
_OUTPUTS = "at => jupyterapp.shell.currentWidget.content.widgets.at(at).model.outputs.toJSON()"
_IS_DONE = """at => {
  const cell = jupyterapp.shell.currentWidget.content.widgets.at(at);
  return cell.model.executionCount !== null && cell.model.executionState === 'idle';
}"""
_IS_BEGUN = """at => {
  const cell = jupyterapp.shell.currentWidget.content.widgets.at(at);
  return cell.model.executionCount !== null || cell.model.executionState === 'running';
}"""
#: How well a text stands out from what is behind it, as WCAG measures it.
_CONTRAST = """place => {
      const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
      const context = canvas.getContext('2d', {willReadFrequently: true});
      const over = (colour, below) => {
        context.fillStyle = `rgb(${below})`; context.fillRect(0, 0, 1, 1);
        context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
      };
      const behind = [];
      let opacity = 1;
      for (let node = place; node; node = node.parentElement) {
        behind.unshift(getComputedStyle(node).backgroundColor);
        opacity *= getComputedStyle(node).opacity;
      }
      const back = behind.reduce((below, colour) => over(colour, below), [255, 255, 255]);
      const ink = over(getComputedStyle(place).color, back).map((c, i) => c * opacity + back[i] * (1 - opacity));
      const light = colour => colour.map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    }"""
_ADD_CELL = """source => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const at = notebook.widgets.length;
  notebook.model.sharedModel.insertCell(at, {cell_type: 'code', source: source, metadata: {}});
  notebook.activeCellIndex = at;
  notebook.deselectAll();
  return at;
}"""


def why_no_browser():
    """Say what a test in the browser lacks on this machine, or nothing."""
    lacking = [name for name in ("jupyterlab", "playwright", "ipykernel") if importlib.util.find_spec(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (the extra dev has them)"
    return "" if _browser_path() else f"none of {', '.join(BROWSERS)} is installed"


def _browser_path():
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


class Notebook:
    """A notebook that is open in JupyterLab.

    `page` is playwright's page; locate on it with `page.get_by_label(…)`, `page.get_by_role(…)`.
    """

    def __init__(self, page, url, folder):
        self.page = page
        self._url = url
        self._folder = folder
        self.complaints = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog):
        """Nothing of ours asks by a browser's dialog: an alert is a name that was run as code."""
        self.complaints.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def open(self, *cells, theme="light", name=None):
        """Write a notebook of these code cells and open it; nothing has run yet."""
        name = f"{name or f'notebook-{time.monotonic_ns()}'}.ipynb"
        (self._folder / name).write_text(json.dumps(_document(cells)), "utf-8")
        self.page.goto(f"{self._url}/lab/tree/{name}?token={TOKEN}&reset")
        self.wait_until_ready()
        self.command("apputils:change-theme", {"theme": f"JupyterLab {theme.capitalize()}"})  # it outlives a notebook
        is_light = "true" if theme == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={is_light}]", state="attached")
        self.path = self._folder / name

    def wait_until_ready(self):
        self.page.wait_for_function(_READY)

    def command(self, name, options=None):
        """Start one of JupyterLab's commands."""
        # The braces matter: a promise that is returned would be waited for.
        self.page.evaluate(
            "([name, options]) => { jupyterapp.commands.execute(name, options); }", [name, options or {}]
        )

    def run_all(self):
        """Run all cells, and wait for the last one."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(_IS_DONE, arg=-1)

    def run_all_but_last(self):
        """Run all cells above the last one, which stays as it is, to be typed in."""
        self.page.evaluate(
            "() => { const n = jupyterapp.shell.currentWidget.content; n.activeCellIndex = n.widgets.length - 1; }"
        )
        self.command("notebook:run-all-above")
        self.page.wait_for_function(_IS_DONE, arg=-2)

    def run(self, source, *, timeout_s=20):
        """Add a cell, run it, and give back the text that it printed or showed; an error is the test's."""
        return self.finish(self.start(source), timeout_s=timeout_s)

    def start(self, source):
        """Add a cell and begin to run it; gives its number."""
        at = self.page.evaluate(_ADD_CELL, source)
        self.command("notebook:run-cell")
        self.page.wait_for_function(_IS_BEGUN, arg=at)
        return at

    def finish(self, at, *, timeout_s=20):
        """Wait for a cell, and give back its text, as `run` does."""
        self.page.wait_for_function(_IS_DONE, arg=at, timeout=1000 * timeout_s)
        outputs = self.page.evaluate(_OUTPUTS, at)
        failures = [output["evalue"] for output in outputs if output["output_type"] == "error"]
        assert not failures, failures
        return "".join(_text(output) for output in outputs)

    def cell(self, at):
        """Locate a cell by its number, from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(at)

    def picture(self, name, locator):
        """Keep a small picture of a part of the page for the documentation, in the folder WIZFRAME_PICTURES."""
        if PICTURES:
            path = Path(PICTURES) / f"{name}.png"
            locator.screenshot(path=path, animations="disabled", caret="hide")
            _shrink(path)

    def contrast(self, place):
        """Measure how well a text stands out from what is behind it; 4.5 is enough for small text."""
        return place.evaluate(_CONTRAST)

    def save(self):
        """Save as a person does, and give back what is in the file."""
        before = self.path.read_text("utf-8")
        self.command("docmanager:save")
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while self.path.read_text("utf-8") in ("", before) and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        return self.path.read_text("utf-8")


def _shrink(path):
    from PIL import Image  # noqa: PLC0415 - comes with the extra plot; only where pictures are made

    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def _text(output):
    if output["output_type"] == "stream":
        return "" if output["name"] == "stderr" else "".join(output["text"])
    return "".join(output["data"].get("text/plain", ""))


def _document(cells):
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    written = [
        {"id": f"cell-{number}", "cell_type": "code", "source": source, "metadata": {}, "outputs": [],
         "execution_count": None}
        for number, source in enumerate(cells)
    ]  # fmt: skip
    return {"cells": written, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """Start JupyterLab once; gives its address and the folder of its notebooks."""
    reason = why_no_browser()
    if reason:
        pytest.skip(reason)
    home, folder, port = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks"), _free_port()
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder, "IdentityProvider.token": TOKEN, "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": None, "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    _settle(home / "settings" / "@jupyterlab" / "apputils-extension", "notification", {"fetchNews": "false"})
    log = home / "log.txt"
    with log.open("w") as said, subprocess.Popen(command, env=_environment(home), stdout=said, stderr=said) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}", server, log)
            yield f"http://127.0.0.1:{port}", folder
        finally:
            server.terminate()  # it ends its kernels
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _settle(folder, name, settings):
    """Choose settings as a user would; a question about news would lie over what a test clicks."""
    folder.mkdir(parents=True)
    (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(settings), "utf-8")


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _environment(home):
    """Leave nothing of the user's own set-up in reach, and let kernels import this checkout."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WIZ", "JUPYTER", "COV", "PYTEST"))
    }
    folders = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
        "WIZFRAME_STATE_DIR": "state",
    }  # fmt: skip
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    return kept | {name: str(home / folder) for name, folder in folders.items()} | {"PYTHONPATH": path}


def _wait_for(url, server, log):
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start: {log.read_text('utf-8')[-2000:]}")


@pytest.fixture(scope="module")
def chromium():
    """Start Chromium once for a module: playwright's event loop would be in the way of other modules' own."""
    reason = why_no_browser()
    if reason:
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - optional, and not for other tests

    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_browser_path(), args=_BROWSER_OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def browser(jupyter, chromium):
    """Chromium, where there is a JupyterLab to look at."""
    del jupyter
    return chromium


@pytest.fixture
def notebook(jupyter, browser):
    """A fresh page of JupyterLab; the test opens a notebook in it. Its kernel ends with the test."""
    url, folder = jupyter
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    opened = Notebook(page, url, folder)
    yield opened
    _end_kernels(url)
    context.close()
    assert opened.complaints == []


def _end_kernels(url):
    with urllib.request.urlopen(f"{url}/api/sessions?token={TOKEN}", timeout=20) as answer:  # noqa: S310 - our own
        sessions = json.load(answer)
    for session in sessions:
        request = urllib.request.Request(f"{url}/api/sessions/{session['id']}?token={TOKEN}", method="DELETE")  # noqa: S310
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=20):  # noqa: S310
            pass
