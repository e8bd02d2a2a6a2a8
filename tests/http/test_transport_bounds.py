"""Responses that are not whole, or larger than the request can need: refused before anything is made of them."""

import gzip
import zlib

import pytest
from support.client import HANG_UP, Reply, Stub, client_of

from wizframe.errors import ProtocolError, TransportError, UnavailableError

PAGE = b'{"data": [{"id": "c1", "reference_id": "a", "name": "n"}], "pagination": {"total_records": 1}}'
PACKED = gzip.compress(PAGE, mtime=0)


def gzipped(body, encoding="gzip"):
    return Reply(200, body, {"Content-Encoding": encoding})


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 20, len(PACKED) - 1])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_compressed_body_without_its_end_is_read_again(cut, encoding):
    with Stub(gzipped(PACKED[:-cut], encoding), Reply(200, PAGE)) as stub:
        assert [one["id"] for one in client_of(stub.base_url).customer.list()] == ["c1"]
        assert len(stub.requests) == 2


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PACKED, "gzip"),
        (PACKED + b"\0\0garbage", "gzip"),
        (gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:]), "gzip"),
        (zlib.compress(PAGE), "deflate"),
        (zlib.compress(PAGE, wbits=-15), "deflate"),
        (PAGE, "identity"),
    ],
    ids=["gzip", "gzip_and_garbage", "two_streams", "zlib", "deflate", "identity"],
)
def test_a_whole_compressed_body_is_read_once(body, encoding):
    with Stub(gzipped(body, encoding)) as stub:
        assert len(client_of(stub.base_url).customer.list()) == 1
        assert len(stub.requests) == 1


@pytest.mark.parametrize(
    "body", [b"\x1f\x8bnonsense", PACKED[:15] + b"\0" * 10 + PACKED[25:]], ids=["not_a_stream", "damaged"]
)
def test_a_damaged_compressed_body_is_a_broken_response(body):
    with Stub(gzipped(body)) as stub, pytest.raises(TransportError, match=r"damaged|cut off"):
        client_of(stub.base_url).customer.list()


def test_a_part_of_a_body_is_not_taken_for_the_whole():
    with Stub(Reply(206, PAGE)) as stub, pytest.raises(ProtocolError, match="206 with a part"):
        client_of(stub.base_url).customer.list()


@pytest.mark.parametrize("status", [408, 425, 499])
def test_a_read_that_a_proxy_gave_up_is_sent_again(status):
    with Stub(Reply(status, b"<html>"), HANG_UP, Reply(status), Reply(200, PAGE)) as stub:
        assert len(client_of(stub.base_url).customer.list()) == 1
        assert len(stub.requests) == 4


def test_a_read_that_is_always_given_up_says_so():
    with Stub(Reply(408, b"<html>")) as stub, pytest.raises(UnavailableError, match="408"):
        client_of(stub.base_url).customer.list()


MILLION = 1_000_000
BOMBS = {
    "empty lists": b'{"data":[' + b"[]," * MILLION + b"[]]}",
    "empty records": b'{"data":[' + b"{}," * MILLION + b"{}]}",
    "numbers": b'{"data":[{"id":"c1","x":[' + b"1," * MILLION + b"1]}]}",
    "keys": b'{"data":[{"id":"c1",' + b",".join(b'"k%d":1' % n for n in range(MILLION)) + b"}]}",
    "more records than asked for": b'{"data":[' + b",".join(b'{"id":"c%d"}' % n for n in range(2_000)) + b"]}",
    "a cell that is too long": b'{"data":[{"id":"c1","name":"' + b"A" * 20 * MILLION + b'"}]}',
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_a_page_far_larger_than_asked_for_is_refused(body):
    with Stub(gzipped(gzip.compress(body, 1))) as stub:
        client = client_of(stub.base_url)
        for read in (client.customer.list, lambda: client.load_customers(progress=False)):
            with pytest.raises(ProtocolError, match=r"was not read|are read at once"):
                read()


def test_details_with_more_values_than_a_record_can_need_are_refused():
    body = b'{"data":{"id":"c1","assigned_sales_reps":[' + b",".join([b'{"id":"r"}'] * MILLION) + b"]}}"
    with (
        Stub(gzipped(gzip.compress(body, 1))) as stub,
        pytest.raises(ProtocolError, match="more than 1,000,000 values"),
    ):
        client_of(stub.base_url).customer.get("c1")


def test_a_page_that_is_somewhat_larger_than_asked_for_is_read():
    body = b'{"data":[' + b",".join(b'{"id":"c%d","name":"n"}' % n for n in range(1_000)) + b"]}"
    with Stub(Reply(200, body)) as stub:
        assert len(client_of(stub.base_url).customer.list(page_size=100)) == 1_000


REFUSALS = {
    "an error": (b'{"code": "unauthorized", "message": "Unknown tenant 17"}', "Unknown tenant 17"),
    "errors": (b'{"errors": [{"detail": "Unknown tenant 17"}]}', "Unknown tenant 17"),
    "a failure": (b'{"success": false, "reason": "Unknown tenant 17"}', "Unknown tenant 17"),
    "a login page": (b"<html><title>Sign in to Acme</title></html>", "Sign in to Acme"),
    "a word": (b"Unknown tenant 17", "Unknown tenant 17"),
}


@pytest.mark.parametrize(("body", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_that_comes_as_200_is_told_in_the_services_words_with_a_hint(body, words):
    with Stub(Reply(200, body)) as stub:
        client = client_of(stub.base_url)
        for read in (client.customer.list, lambda: client.customer.get("c1")):
            with pytest.raises(ProtocolError) as caught:
                read()
            assert words in str(caught.value)
            assert "API key" in str(caught.value.hint)
            assert "base_url" in str(caught.value.hint)
