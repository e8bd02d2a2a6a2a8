"""The fault catalogue, answers to reads: cut off, of another shape, wrong pages, too slow, too large, an impostor's."""

import ssl
import time
import tracemalloc
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from support.catalogue import KEY, edited, fired, said, without_waiting
from support.client import Clock, Reply, Stub, client_of
from support.loaders import stored

import wizframe
from wizframe.errors import DeadlineError, IncompleteLoadWarning, NotSentError, ProtocolError, TransportError
from wizframe.http.responses import read_body
from wizframe.http.transport import MAX_ATTEMPTS
from wizframe.server import Fault, FaultProxy, gzip_bomb
from wizframe.server.faults import HTML_PAGE

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

LOADS = {
    "customers.list": lambda client: client.load_customers(page_size=5),
    "customers.get": lambda client: client.load_customers(details=True),
    "contacts.list": lambda client: client.load_contacts(client.server.records("customers")[0]["id"]),
}


@pytest.fixture
def proxied(wiz):
    """A proxy before the sandbox, and a client of it."""
    with FaultProxy(wiz.base_url) as proxy, wizframe.connect(KEY, base_url=proxy.base_url) as client:
        client.server = wiz.server
        without_waiting(client)
        yield proxy, client


@pytest.mark.fault(
    10,
    "a list, or a chunk of its response, is cut off",
    "the page is read again; if it is cut off again, an error: the connection broke",
    "L E",
)
@pytest.mark.parametrize("operation", LOADS)
@pytest.mark.parametrize("kind", ["truncate", "truncate_chunk", "unended_chunks"])
def test_a_page_that_was_cut_off_is_fetched_again_and_never_half_a_frame(proxied, operation, kind):
    proxy, client = proxied
    whole = LOADS[operation](client)
    proxy.faults.add(Fault(kind, operation, times=2, skip=1))
    assert LOADS[operation](client).equals(whole)
    assert fired(proxy.faults) == [(kind, operation)] * 2
    proxy.faults.add(Fault(kind, operation, times=None, skip=1))
    with pytest.raises(TransportError, match="broke before the response was complete"):
        LOADS[operation](client)
    assert len(proxy.faults.fired) >= 2 + MAX_ATTEMPTS


SHAPES = {
    "a page for people": (HTML_PAGE, "not JSON: <html>.*Bad gateway"),
    "a page with the key": (f"{HTML_PAGE}{{key}}", r"not JSON: <html>.*Bad gateway.*\*\*\*\. Check base_url"),
    "nothing": (b"", "responded 200 with an empty body"),
    "half of it": (b'{"data": [{"id": "cust_', r'not JSON: \{"data"'),
    "a text": (b'"fine"', "without a (list of )?customer"),
    "a number": (b"7", "without a (list of )?customer"),
    "another object": ({"result": []}, "without a (list of )?customer"),
    "other contents": ({"data": [7]}, "without a (list of )?customer"),
    "other contents with the key": ({"data": [7, "{key}"]}, "contains the API key itself"),
}


@pytest.mark.fault(
    11,
    "a response with status 200 has HTML, invalid JSON, or another structure",
    "an error that shows the beginning of the response, without the key",
    "E",
)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_invalid_response_is_an_error_that_shows_its_beginning(wiz, shape):
    body, words = SHAPES[shape]
    assert wiz.dialect
    wiz.server.faults.add(Fault("answer", "customers.list", status=200, body=body))
    with pytest.raises(ProtocolError, match=words) as caught:
        wiz.load_customers()
    assert fired(wiz.server.faults) == [("answer", "customers.list")]
    assert caught.value.code == "protocol"
    assert KEY not in str(caught.value)


@pytest.mark.fault(11)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_invalid_response_about_one_customer_is_reported_with_the_others(wiz, shape):
    body, words = SHAPES[shape]
    assert wiz.dialect
    wiz.server.faults.add(Fault("answer", "customers.get", status=200, body=body))
    with pytest.warns(IncompleteLoadWarning, match=words.rstrip("$")) as warned:
        frame = wiz.load_customers(details=True)
    assert fired(wiz.server.faults) == [("answer", "customers.get")]
    assert len(frame) == len(wiz.load_customers()) - 1
    (unread,) = frame.wiz.unread.itertuples()
    assert unread.customer_id not in set(frame["id"])
    assert (unread.what, unread.code) == ("details", "protocol")
    assert KEY not in unread.what_happened + str(warned[0].message)


@pytest.mark.fault(11)
def test_an_invalid_response_to_an_update_is_not_believed(wiz):
    without_waiting(wiz)
    frame = edited(wiz, "customers", 2)
    plan = frame.wiz.plan()
    wiz.server.faults.add(Fault("answer", "customers.update", status=200, body=HTML_PAGE))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer", "customers.update")]
    assert said(result) == [("done", "changed")] * 2
    assert sorted(result.changes["attempts"]) == [1, 2]
    assert [record["first_name"] for record in wiz.server.records("customers")].count("mine") == 2


#: Kind, dialect, how often. A bare list that is always cut short looks like a shorter list, so it is not here.
WRONG_PAGES = [
    *((kind, dialect, 1) for kind in ("empty_page", "short_page", "repeated_page") for dialect in ("rest", "sdk")),
    *((kind, "rest", times) for kind in ("total_too_small", "total_too_large") for times in (1, None)),
    *((kind, "rest", None) for kind in ("empty_page", "short_page", "repeated_page")),
    ("repeated_page", "sdk", None),
]


@pytest.mark.fault(
    22,
    "an empty, short or repeated page, or a wrong total",
    "the page is read again; if it is still wrong, a warning that the load may be incomplete, and why",
    "L E",
)
@pytest.mark.parametrize(("kind", "dialect", "times"), WRONG_PAGES)
def test_a_wrong_page_loses_no_record_or_the_load_says_so_and_ends(wiz, kind, times):
    everybody = {record["id"] for record in stored(wiz)}
    for skip in range(8):
        wiz.server.requests.clear()
        wiz.server.faults.add(Fault(kind, "customers.list", times=times, skip=skip))
        before = len(wiz.server.faults.fired)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = LOADS["customers.list"](wiz)["id"]
        assert len(wiz.server.faults.fired) > before
        wiz.server.faults.clear()
        incomplete = [str(one.message) for one in caught if issubclass(one.category, IncompleteLoadWarning)]
        assert found.is_unique
        assert set(found) == everybody or incomplete
        assert all("the load of customers may be incomplete: " in text for text in incomplete)
        assert len(wiz.server.requests) < 300


@pytest.mark.fault(24, "many records have the same timestamp", "each record once, without a warning", "L")
@pytest.mark.parametrize("page_size", [1, 4, 7])
def test_records_of_the_same_second_are_all_loaded(wiz, page_size):
    same = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    for record in stored(wiz):
        wiz.server.overwrite("customers", record["id"], **same)
    frame = wiz.load_customers(page_size=page_size)
    assert frame["created_at"].nunique() == 1
    assert sorted(frame["id"]) == sorted(record["id"] for record in stored(wiz))


@pytest.fixture
def impatient(monkeypatch):
    """Shorten every patience; return a list that grows with each body that is read."""
    bodies = []
    monkeypatch.setattr("wizframe.http.deadlines.DEADLINE_S", 0.3)
    monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 0.2)
    read = read_body
    monkeypatch.setattr("wizframe.http.transport.read_body", lambda response: bodies.append(response) or read(response))
    return bodies


@pytest.mark.fault(
    36,
    "a response arrives byte by byte, or the connection is silent",
    "a timeout error after at most two minutes in total",
    "E",
)
@pytest.mark.parametrize(("operation", "is_in_the_head"), [("customers.list", False), ("contacts.get", True)])
def test_a_slow_response_meets_the_deadline_in_its_headers_and_in_its_body(
    proxied, operation, is_in_the_head, impatient
):
    """200 pieces, 30 ms apart: each comes in time, but all of them take six seconds."""
    proxy, client = proxied
    contact = client.server.records("contacts")[0]
    calls = {
        "customers.list": lambda: client.customer.list(page_size=100),
        "contacts.get": lambda: client.customer.contact.get(contact["customer_id"], contact["id"]),
    }
    assert calls[operation]()
    impatient.clear()
    proxy.faults.add(Fault("drip", operation, delay_s=0.03, times=None))
    began = time.monotonic()
    with pytest.raises(DeadlineError, match="no complete response in time"):
        calls[operation]()
    assert time.monotonic() - began < 5
    assert fired(proxy.faults) == [("drip", operation)] * MAX_ATTEMPTS
    assert bool(impatient) is not is_in_the_head


@pytest.mark.fault(36)
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["stall", "stall_after"])
def test_a_silent_socket_meets_the_deadline(proxied, kind):
    proxy, client = proxied
    proxy.faults.add(Fault(kind, "customers.get", times=None))
    with pytest.raises(DeadlineError, match="no complete response in time") as caught:
        client.customer.get("cust_1")
    assert isinstance(caught.value, TimeoutError)
    assert fired(proxy.faults) == [(kind, "customers.get")] * MAX_ATTEMPTS


@pytest.mark.fault(
    38,
    "a response or an Excel file that unpacks to a huge size",
    "an error: too large",
    "E",
)
def test_a_small_response_that_unpacks_to_a_large_one_is_refused_before_it_fills_the_memory(wiz):
    wiz.server.faults.add(
        Fault("answer", "customers.list", status=200, body=gzip_bomb(200), headers={"Content-Encoding": "gzip"})
    )
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="the response is too large"):
            wiz.customer.list()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fired(wiz.server.faults) == [("answer", "customers.list")]
    assert peak < 150_000_000


class Impostor(Stub):
    """A server with TLS, and a certificate that may be for another host."""

    def __init__(self, certificate):
        super().__init__(Reply.json([]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def base_url(self):
        return super().base_url.replace("http:", "https:")


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made, str(tmp_path / "ca.pem")


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
CERTIFICATES = {
    "expired": (lambda own: own.issue_cert("127.0.0.1", not_after=YESTERDAY), "certificate has expired"),
    "another host's": (lambda own: own.issue_cert("api.wizcommerce.com"), "certificate is not valid for '127.0.0.1'"),
    "of an unknown authority": (lambda _: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer"),
}


@pytest.mark.fault(
    37,
    "a certificate is expired, or belongs to another host",
    "an error: the certificate is not trusted; there is no attempt without encryption",
    "E",
)
@pytest.mark.parametrize("method", ["list", "create"])
@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_a_certificate_that_is_not_trusted_is_an_error_and_nothing_is_sent(authority, certificate, method):
    own, bundle = authority
    issue, words = CERTIFICATES[certificate]
    clock = Clock()
    with Impostor(issue(own)) as impostor:
        client = client_of(impostor.base_url, clock=clock, ca_bundle=bundle)
        record = {"reference_id": "A", "company_name": "B", "display_name": "C"}
        with pytest.raises(NotSentError, match=f"showed a certificate that is not trusted.*({words})") as no:
            client.customer.list() if method == "list" else client.customer.create(record)
        assert no.value.code == "certificate"
        assert impostor.requests == []
        assert clock.slept == []  # it would not be another one the next time
    with Impostor(own.issue_cert("127.0.0.1")) as trusted:
        assert client_of(trusted.base_url, ca_bundle=bundle).customer.list() == []
