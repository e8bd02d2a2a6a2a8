"""The documentation as it is built: it contacts no host, and every page, picture and anchor that it names exists."""

import contextlib
import http.server
import re
import threading
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parent.parent / "build" / "docs"
is_built = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="not built: python -m sphinx -W docs build/docs does"
)
#: Attributes with addresses that a browser fetches by itself; a link in an <a> waits for a click.
_FETCHED = {"src", "srcset", "poster", "data", "background", "action", "formaction"}
_IN_STYLES = re.compile(r"(?:url\(|@import)\s*['\"]?\s*([^'\")\s;]+)")


class Page(HTMLParser):
    """What a page fetches by itself, what it links to, and the ids in it."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.linked, self.ids = [], [], set()
        self._is_style = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.ids.add(given.get("id"))
        self._is_style = tag == "style"
        self.fetched += [value for name, value in given.items() if name in _FETCHED]
        self.fetched += _IN_STYLES.findall(given.get("style", ""))
        if "href" in given:
            (self.linked if tag == "a" else self.fetched).append(given["href"])

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        if self._is_style:
            self.fetched += _IN_STYLES.findall(data)
            self._is_style = False


def is_foreign(address):
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme not in ("", "data")


@pytest.mark.parametrize(
    "hostile",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<img srcset="https://example.com/x.png 2x">',
        "<style>@import 'https://example.com/x.css'</style>",
        '<p style="background: url(http://example.com/x.png)">',
        '<svg><image href="https://example.com/x.png"/></svg>',
    ],
)
def test_what_a_page_would_fetch_is_seen(hostile):
    assert any(map(is_foreign, Page(hostile).fetched))


def test_a_link_waits_for_a_click():
    page = Page('<a href="https://example.com">x</a><img src="data:image/png;base64,AA"><img src="../x.png">')
    assert not any(map(is_foreign, page.fetched))


@pytest.fixture(scope="module")
def pages():
    return {path: Page(path.read_text("utf-8")) for path in SITE.rglob("*.html")}


@pytest.mark.slow
@is_built
class TestBuilt:
    def test_no_page_fetches_anything_from_another_host(self, pages):
        assert len(pages) > 40
        assert {address for page in pages.values() for address in page.fetched if is_foreign(address)} == set()

    def test_no_style_fetches_anything_from_another_host(self):
        styles = "\n".join(path.read_text("utf-8") for path in SITE.rglob("*.css"))
        assert [address for address in _IN_STYLES.findall(styles) if is_foreign(address)] == []

    def test_everything_that_a_page_names_exists(self, pages):
        missing = set()
        for path, page in pages.items():
            for address in [*page.linked, *page.fetched]:
                parts = urlsplit(address)
                if is_foreign(address) or parts.scheme:
                    continue
                place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                anchor = unquote(parts.fragment)
                if not place.exists() or (anchor and place in pages and anchor not in pages[place].ids):
                    missing.add((path.relative_to(SITE).as_posix(), address))
        assert missing == set()

    def test_in_a_browser_nothing_else_is_asked_and_nothing_fails(self, chromium):
        with serving(SITE) as home:
            context = chromium.new_context(base_url=home, service_workers="block")
            page, asked, complaints = context.new_page(), [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("requestfailed", lambda request: complaints.append(request.url))
            page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            for name in ("index", "howto/bulk-edit", "reliability", "notebooks/payment_terms"):
                page.goto(f"{home}/{name}.html", wait_until="networkidle")
            page.goto(f"{home}/search.html?q=conflict", wait_until="networkidle")
            page.locator("#search-results li a").first.wait_for()
            context.close()
        assert [address for address in asked if not address.startswith((home, "data:"))] == []
        assert complaints == []


@contextlib.contextmanager
def serving(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_words):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
