"""How much of a service's rate limit is used: the real transport and rate limiter, many threads, a clock that jumps."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import CANARY
from support.planning import load, states

import wizframe
from wizframe.errors import service_error
from wizframe.http.rate_limit import RateLimiter
from wizframe.http.responses import Response
from wizframe.http.transport import Transport

LATENCY_S = 0.005


class JumpingClock:
    """Time that passes only while all threads sleep: then it jumps to the moment at which the first of them wakes."""

    def __init__(self, threads):
        self.now = 0.0
        self._awake = threads
        self._sleepers = []
        self._order = itertools.count()
        self._lock = threading.Lock()

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        woken = threading.Event()
        with self._lock:
            heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
            self._awake -= 1
            self._jump()
        assert woken.wait(30)

    def leave(self):
        """Count a thread no longer, which has come to its end."""
        with self._lock:
            self._awake -= 1
            self._jump()

    def _jump(self):
        if not self._awake and self._sleepers:
            self.now, _, woken = heapq.heappop(self._sleepers)
            self._awake += 1
            woken.set()


class Bucket:
    """A limit of so many requests a second, that lets a burst pass after a silence; a burst of 1 is none."""

    def __init__(self, rate, burst, retry_after_s=None):
        self._rate, self._burst, self._retry_after_s = rate, burst, retry_after_s
        self._tokens, self._filled_at = burst, 0.0

    def refusal_s(self, now):
        """Take a token, or tell how long to wait."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return None
        return self._retry_after_s or math.ceil((1.0 - self._tokens) / self._rate)


class Lifted:
    """A limit that there is none of any more after some time."""

    def __init__(self, limit, after_s):
        self._limit, self._after_s = limit, after_s
        self.refused = 0

    def refusal_s(self, now):
        refusal_s = self._limit.refusal_s(now) if now < self._after_s else None
        self.refused += refusal_s is not None
        return refusal_s


class LimitedTransport(Transport):
    """Everything of the real one but the wire."""

    def __init__(self, limit, workers, rate=None):
        super().__init__("http://127.0.0.1:9/v1", CANARY, workers=workers)
        self.clock = JumpingClock(workers)
        self.rate_limiter = RateLimiter(rate, clock=self.clock, sleep=self.clock.sleep)
        self.limit = limit
        self.refusals = []
        self.sent = []
        self._jitter = random.Random(1)  # noqa: S311 - no secret

    def _attempt(self, _method, _url, _body):
        self.sent.append(self.clock.now)
        self.clock.sleep(LATENCY_S * self._jitter.uniform(0.3, 0.7))
        asked_s = self.limit.refusal_s(self.clock.now)
        self.clock.sleep(LATENCY_S / 2)
        if asked_s is None:
            return Response(200, b"{}", self._secret), None
        self.refusals.append((self.clock.now, asked_s))
        return service_error(429, "too many"), asked_s

    def send(self, count, workers):
        """Send so many requests, several at a time; return the seconds that it took."""
        left = iter(range(count))
        lock = threading.Lock()

        def work():
            try:
                while True:
                    with lock:
                        if next(left, None) is None:
                            return
                    self.request("GET", ["customers"])
            finally:
                self.clock.leave()

        with ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(work) for _ in range(workers)]:
                future.result()
        return self.clock.now


#: Limits of 100 requests a second; how many are sent, and the share of the limit that is reached at least. Requests do
#: not arrive evenly, so that without any burst even a steady pace above some 85 a second is refused.
LIMITS = {
    "a burst of a second": (lambda: Bucket(100, 100), 2000, 0.95),
    "a burst of a second, pauses of 5 s": (lambda: Bucket(100, 100, 5), 4000, 0.75),
    "a burst of a tenth of a second": (lambda: Bucket(100, 10), 3000, 0.70),
    "no burst": (lambda: Bucket(100, 1), 3000, 0.55),
    "no burst, pauses of 5 s": (lambda: Bucket(100, 1, 5), 6000, 0.45),
}


@pytest.mark.parametrize("workers", [4, 16])
@pytest.mark.parametrize("limit", LIMITS)
def test_most_of_an_unknown_limit_is_used(limit, workers):
    make, count, share = LIMITS[limit]
    transport = LimitedTransport(make(), workers)
    seconds = transport.send(count, workers)
    print(f"{limit}, {workers} workers: {count / seconds:.0f}/s, {len(transport.refusals)} refusals")  # noqa: T201 - figures for `pytest -s`
    assert transport.refusals
    assert count / seconds >= share * 100


@pytest.mark.fault(13)
@pytest.mark.parametrize("workers", [4, 16])
def test_no_request_is_sent_during_a_pause_that_the_service_asked_for(workers):
    transport = LimitedTransport(Bucket(100, 20, 3), workers)
    transport.send(500, workers)
    assert len(transport.refusals) > 1
    for refused_at, asked_s in transport.refusals:
        assert not [sent for sent in transport.sent if refused_at < sent < refused_at + asked_s]


@pytest.mark.parametrize("workers", [4, 16])
def test_a_rate_that_the_user_gives_is_reached_and_not_refused(workers):
    transport = LimitedTransport(Bucket(100, 100), workers, rate=100)
    assert 1000 / transport.send(1000, workers) >= 95
    assert transport.refusals == []


def test_a_limit_that_is_lifted_is_noticed_within_minutes():
    limit = Bucket(5, 5)
    transport = LimitedTransport(limit, 4)
    transport.limit = lifted = Lifted(limit, after_s=30)
    transport.send(20_000, 4)
    assert lifted.refused > 3
    assert len([sent for sent in transport.sent if 30 < sent <= 40]) < 100
    assert len([sent for sent in transport.sent if 240 < sent <= 250]) > 1000


@pytest.mark.slow
def test_a_push_of_a_thousand_updates_takes_little_longer_than_the_limit_of_a_real_server():
    """Two requests for each update, and 100 that may pass at once: it cannot be done in less than 19 s.

    It takes 20 s where the machine has nothing else to do; what is allowed here leaves room for a busy one.
    """
    with wizframe.sandbox(customers=1000, workers=16) as wiz:
        plan = load(wiz).assign(payment_term="net77").wiz.plan()
        wiz.server.requests.clear()
        wiz.server.rate_limit = 100
        began = time.monotonic()
        result = plan.apply(progress=False)
        seconds = time.monotonic() - began
        print(f"{seconds:.1f} s, {2000 / seconds:.0f} requests/s")  # noqa: T201 - figures for `pytest -s`
        assert states(result) == {"done": 1000}
        answered = Counter(request.status for request in wiz.server.requests)
        assert 0 < answered.pop(429) <= 5 * 16
        assert answered == {200: 1000, 201: 1000}
        assert 19 <= seconds <= 27
