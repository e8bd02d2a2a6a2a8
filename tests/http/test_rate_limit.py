"""The rate limiter, on a clock of its own: many threads, one rate."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.client import Clock

from wizframe.errors import ConfigurationError
from wizframe.http.rate_limit import MAX_PAUSE_S, RateLimiter, pause_s, retry_after_s


def limiter(rate=None):
    clock = Clock()
    return RateLimiter(rate, clock=clock, sleep=clock.sleep), clock


def intervals(limit, count):
    starts = [limit.wait() for _ in range(count)]
    return [later - earlier for earlier, later in pairwise(starts)]


class TestRateLimiter:
    def test_without_a_rate_no_request_waits(self):
        limit, clock = limiter()
        assert intervals(limit, 50) == [0.0] * 49
        assert clock.slept == []

    def test_requests_are_spaced_by_the_rate(self):
        limit, clock = limiter(rate=4)
        assert intervals(limit, 5) == [0.25] * 4
        assert clock.slept == [0.25] * 4

    def test_time_that_passes_anyway_is_not_waited_for(self):
        limit, clock = limiter(rate=1)
        limit.wait()
        clock.now += 10
        limit.wait()
        assert clock.slept == []

    def test_all_threads_share_one_rate(self):
        limit = RateLimiter(10, clock=lambda: 0.0, sleep=lambda _: None)
        gate = threading.Barrier(8)

        def several():
            gate.wait()
            return [limit.wait() for _ in range(25)]

        with ThreadPoolExecutor(8) as pool:
            starts = sorted(start for future in [pool.submit(several) for _ in range(8)] for start in future.result())
        assert starts == pytest.approx([0.1 * number for number in range(200)])

    @pytest.mark.parametrize(("burst", "least_s"), [(1, 1 / 8), (9, 1 / 2000), (50, 1 / 50)])
    def test_a_refusal_pauses_all_threads_and_lowers_the_rate(self, burst, least_s):
        limit, _ = limiter()
        sent = [limit.wait() for _ in range(burst)][-1]
        limit.slow_down(sent, 5.0)
        assert limit.wait() == sent + 5.0
        assert all(gap > least_s for gap in intervals(limit, 3))

    def test_a_request_that_is_queued_when_a_pause_begins_waits_for_its_end(self):
        clock = Clock()

        def sleep(seconds):
            clock.sleep(seconds)
            if len(clock.slept) == 1:  # another thread is refused meanwhile
                limit.slow_down(1000.0, 5.0)

        limit = RateLimiter(2, clock=clock, sleep=sleep)
        assert limit.wait() == 1000.0
        assert limit.wait() == 1005.5

    def test_refusals_of_one_burst_count_once(self):
        once, _ = limiter()
        many, _ = limiter()
        for limit, refusals in ((once, 1), (many, 9)):
            burst = [limit.wait() for _ in range(9)]
            for sent in burst[:refusals]:
                limit.slow_down(sent, 1.0)
        assert intervals(once, 3) == intervals(many, 3)

    def test_the_longest_pause_of_a_burst_holds(self):
        limit, clock = limiter()
        sent = limit.wait()
        limit.slow_down(sent, 60.0)
        limit.slow_down(sent, 1.0)
        limit.wait()
        assert sum(clock.slept) == 60.0

    def test_the_rate_follows_what_was_sent_in_the_last_second(self):
        limit, clock = limiter()
        for _ in range(20):
            sent = limit.wait()
            clock.now += 0.05
        limit.slow_down(sent, 0.0)
        assert intervals(limit, 3)[-1] == pytest.approx(1 / 20 * 1.25)

    def test_successes_bring_the_rate_back_to_what_the_user_allowed(self):
        limit, clock = limiter(rate=2)
        limit.slow_down(limit.wait(), 0.0)
        slow = intervals(limit, 3)[-1]
        clock.now += 1
        assert intervals(limit, 3)[-1] == slow  # no response says yet that the service has recovered
        limit.speed_up()
        faster = intervals(limit, 3)[-1]
        assert 0.5 < faster < slow
        for _ in range(100):
            limit.speed_up()
        assert intervals(limit, 3)[-1] == 0.5

    def test_without_a_rate_successes_raise_it_for_as_long_as_no_request_is_refused(self):
        limit, _ = limiter()
        limit.slow_down(limit.wait(), 0.0)
        for _ in range(4000):
            limit.speed_up()
        assert intervals(limit, 3)[-1] < 1 / 2000

    @pytest.mark.parametrize("pause_s", [1.0, 5.0])
    def test_after_the_second_refusal_the_rate_grows_slowly_and_more_so_after_long_pauses(self, pause_s):
        """Each refusal costs all threads a pause, so the next one must not come soon."""
        limit, clock = limiter()
        rates = []
        for _ in range(2):
            for _ in range(100):
                sent = limit.wait()
                clock.now += 0.01
            limit.slow_down(sent, pause_s)
            for _ in range(64):
                rates.append(1 / intervals(limit, 2)[-1])
                limit.speed_up()
        assert rates[0] == pytest.approx(80, rel=0.02)
        assert rates[63] == pytest.approx(rates[0] + 63 / 2 / pause_s)
        assert rates[64] == pytest.approx(0.8 * 100, rel=0.25)
        assert rates[127] == pytest.approx(rates[64] + 63 / 64 / pause_s)

    @given(rate=st.none() | st.floats(0.01, 1000), refusals=st.integers(1, 60))
    def test_no_number_of_refusals_is_faster_than_the_user_allows_or_endlessly_slow(self, rate, refusals):
        limit, clock = limiter(rate)
        for _ in range(refusals):
            clock.now += 1
            limit.slow_down(limit.wait(), 0.0)
        floor_s = 1 / rate if rate else 0.0
        assert floor_s - 1e-6 <= intervals(limit, 3)[-1] <= max(10.0, floor_s) + 1e-6

    @pytest.mark.parametrize("rate", [0, -1, float("nan")])
    def test_a_senseless_rate_is_refused(self, rate):
        with pytest.raises(ConfigurationError, match="rate="):
            RateLimiter(rate)


class TestPauses:
    @given(asked_s=st.none() | st.floats(0, 1e9), failures=st.integers(1, 100))
    def test_a_pause_is_never_longer_than_its_limit(self, asked_s, failures):
        assert 0 <= pause_s(asked_s, failures) <= MAX_PAUSE_S

    def test_pauses_grow_until_they_are_bounded(self):
        assert max(pause_s(None, 1) for _ in range(100)) <= 0.5
        assert min(pause_s(None, 6) for _ in range(100)) >= 8
        assert len({pause_s(None, 3) for _ in range(10)}) > 1  # jitter: clients that failed together part ways

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's zone cannot be changed")
    @pytest.mark.parametrize("text", ["Fri, 27 Feb 1970 20:53:50", "Fri Feb 27 20:53:50 1970"])
    def test_a_date_without_a_zone_means_utc_in_any_local_zone(self, text, monkeypatch):
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        try:
            assert retry_after_s({"Retry-After": text, "Date": "Fri, 27 Feb 1970 20:53:20 GMT"}) == 30
        finally:
            monkeypatch.undo()
            time.tzset()

    @given(st.text())
    def test_no_retry_after_causes_a_crash(self, text):
        seconds = retry_after_s({"Retry-After": text, "Date": text})
        assert seconds is None or seconds >= 0
