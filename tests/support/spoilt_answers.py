"""Answers that make no sense: what a fuzzer makes of a true answer, from its status line to its last byte."""

from __future__ import annotations

import gzip
import json

STATUS_LINES = [
    b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 205 Reset", b"HTTP/1.1 206 Partial",
    b"HTTP/1.1 299 Fine", b"HTTP/1.1 301 Moved", b"HTTP/1.1 302 Found", b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 307 Again", b"HTTP/1.1 400 Bad", b"HTTP/1.1 401 No", b"HTTP/1.1 403 No", b"HTTP/1.1 404 No",
    b"HTTP/1.1 409 Taken", b"HTTP/1.1 418 Teapot", b"HTTP/1.1 422 Wrong", b"HTTP/1.1 429 Slower", b"HTTP/1.1 500 Oh",
    b"HTTP/1.1 503 Later", b"HTTP/1.1 599 Eh", b"HTTP/1.1 600 Eh", b"HTTP/1.1 999 Eh", b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Switching", b"HTTP/1.1 0 Nothing", b"HTTP/1.1 -1 Less", b"HTTP/1.1 2e2 OK", b"HTTP/2 200",
    b"HTTP/1.1 \xb2\xb0\xb0 OK", b"HTTP/9.9 200 OK", b"ICY 200 OK", b"", b"\x00\x01\x02", b"200 OK HTTP/1.1",
    b"HTTP/1.1  200  OK", b"HTTP/1.1 200 " + b"y" * 70_000, b"HTTP/1.1 200 {key}", b"<html>", b"\xff\xfe\x00H",
]  # fmt: skip
HEADER_VALUES = {
    b"Retry-After": [
        b"", b"0", b"-1", b"1e9", b"NaN", b"inf", b"9" * 400, b"soon", b"0x10", b"\xb2", b"1, 2", b"\xff\xff", b"{key}",
        b"Wed, 21 Oct 2015 07:28:00 GMT", b"Thu, 32 Foo 99999 99:99:99 GMT", b"Fri, 31 Dec 9999 23:59:59 -9999",
    ],
    b"Date": [
        b"", b"0", b"yesterday", b"Sat, 01 Jan 0000 00:00:00 GMT", b"Mon, 01 Jan 99999999999 00:00:00 GMT", b"\x80\x81",
    ],
    b"Content-Length": [
        b"", b"0", b"1", b"-5", b"99999999999999999999", b"abc", b"1 2", b"+5", b"0x5", b"\xb2", b"5, 5", b"1e3",
        b"5\r\nContent-Length: 6",
    ],
    b"Content-Encoding": [
        b"gzip", b"deflate", b"br", b"zstd", b"identity", b"gzip, gzip", b"gzip, deflate, br, zstd, gzip, gzip, gzip",
        b"magic", b"", b"\xff", b"x-gzip",
    ],
    b"Transfer-Encoding": [b"chunked", b"gzip, chunked", b"identity", b"chunked, chunked", b""],
    b"Location": [b"", b"/", b"http://[", b"//evil.example/{key}", b"\xff", b"javascript:x"],
    b"Content-Type": [b"text/html; charset=utf-7", b"application/json; charset=nonsense", b"\xff"],
    b"Set-Cookie": [b"a={key}; Domain=127.0.0.1", b"\xff\x00"],
    b"Connection": [b"close", b"upgrade", b"keep-alive"],
    b"X-Odd": [b"y" * 70_000, b"a\r\n b\r\n\tc", b"1\r\nno colon {key}", b"1\r\n: no name", b"\x00", b"\xff: \xfe"],
}  # fmt: skip
VALUES = [
    "null", "true", "false", "0", "-0", "-1", "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 30, "9" * 5000, "0.1",
    '""', '"\\ud800"', '"\\u0000"', '"{key}"', '"' + "y" * 5000 + '"', '"../.."', '"=1+1"', '"2026-13-45T99:99:99Z"',
    '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59Z"', '"active"', "[]", "{}", "[[]]", "[{}]", '{"id": 5}',
    "[null]", '["a", 5, {}]', '{"id": "x", "id": {}}', '{"": ""}', "[" * 2000 + "]" * 2000, '"<script>"',
    '{"a":' * 500 + "1" + "}" * 500, '{"data": {"data": {}}}', "18446744073709551616", "-9223372036854775809", "1e-400",
]  # fmt: skip
BODIES = [
    b"", b" ", b"null", b"[]", b"{}", b"5", b'"text"', b"[[]]", b"[null]", b'{"data": null}', b'{"data": []}',
    b'{"data": 5}', b'{"data": {}}', b'{"data": [5]}', b'{"data": [], "pagination": 5}', b"NaN", b'{"id": "x"',
    b'{"data": [], "pagination": {"total_pages": "9"}}', b'{"data": [], "pagination": {"total_pages": 1000000000}}',
    b'{"code": 5, "message": {"a": []}, "details": [5, {}, {"field": 5, "reason": []}]}', b'{"details": {"field": 1}}',
    b"<html><h1>Bad gateway</h1>{key}</html>", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf[]", b"\x00" * 50, b"[" * 200_000,
    b'{"a":' * 100_000, b"[1e400]", b"\x1f\x8b\x08\x00", gzip.compress(b"[]"), gzip.compress(b"[]")[:-4],
    b"9" * 10_000, b'"\\ud800"', b"{key}", b"5\r\n[]\r\n", b"2\r\n[]\r\n0\r\n\r\n", b"ffffffffffff\r\n[]", b"-1\r\n[]",
]  # fmt: skip


class Fuzzer:
    """Spoils answers, each with some probability; counts them."""

    def __init__(self, dice, key):
        self.share = 0.0
        self.asked = self.spoilt = 0
        self._dice = dice
        self._key = key.encode()

    def __call__(self, answer):
        """Return what is sent in place of an answer, and whether the connection stays open after it."""
        self.asked += 1
        if self._dice.random() >= self.share:
            return answer, True
        self.spoilt += 1
        head, _, body = answer.partition(b"\r\n\r\n")
        ways = [self._line, self._header, self._body, self._value, self._value, self._bytes]
        for spoil in self._dice.choices(ways, k=self._dice.choice([1, 1, 1, 2, 3])):
            head, body = spoil(head, body)
        spoilt = (head + b"\r\n\r\n" + body).replace(b"{key}", self._key)
        if self._dice.random() < 0.1:
            spoilt = spoilt[: self._dice.randrange(len(spoilt) + 1)]
        return spoilt, self._dice.random() < 0.05

    def _line(self, head, body):
        _, _, headers = head.partition(b"\r\n")
        return self._dice.choice(STATUS_LINES) + b"\r\n" + headers, body

    def _header(self, head, body):
        name = self._dice.choice(list(HEADER_VALUES))
        lines = head.split(b"\r\n")
        if self._dice.random() < 0.7:
            lines = [line for line in lines if not line.lower().startswith(name.lower() + b":")]
        lines.insert(self._dice.randrange(1, len(lines) + 1), name + b": " + self._dice.choice(HEADER_VALUES[name]))
        return b"\r\n".join(lines), body

    def _body(self, head, _body):
        return self._measured(head, self._dice.choice(BODIES))

    def _bytes(self, head, body):
        """Spoil some bytes of the body, or leave some out, or say them twice."""
        spoilt = bytearray(body)
        for _ in range(self._dice.randint(1, 4)):
            start = self._dice.randrange(len(spoilt) + 1)
            end = min(start + self._dice.choice([0, 1, 5, 50]), len(spoilt))
            spoilt[start:end] = self._dice.choice([b"", self._dice.randbytes(3), spoilt[start:end] * 2, b'"', b"}"])
        return self._measured(head, bytes(spoilt))

    def _value(self, head, body):
        """Put nonsense in the place of some value, or of a key, or leave it out, or say it twice."""
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return head, body
        places = list(_places(tree))
        if not places:
            return self._body(head, body)
        holder, key = self._dice.choice(places)
        marker = "the place of nonsense"
        match self._dice.choice(["value", "value", "value", "name", "gone", "twice"]):
            case "gone":
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(holder[key])
            case "name" if isinstance(holder, dict):
                holder[self._dice.choice(["", "id", "data", "customerId", "created_at"])] = holder.pop(key)
            case _:
                holder[key] = marker
        text = json.dumps(tree).replace(f'"{marker}"', self._dice.choice(VALUES))
        return self._measured(head, text.encode("utf-8", "surrogatepass"))

    def _measured(self, head, body):
        """Give the head the body's true length, most of the time."""
        if self._dice.random() < 0.1:
            return head, body
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        return b"\r\n".join([*lines, f"Content-Length: {len(body)}".encode()]), body


def _places(tree):
    """Yield every place of a value in parsed JSON: what holds it, and its key or number there."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key
        yield from _places(value)
