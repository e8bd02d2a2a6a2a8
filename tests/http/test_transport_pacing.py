"""The pacer, on a clock of its own: many threads, one pace."""

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
from wizframe.http.rate_limit import MAX_INTERVAL_S, MAX_PAUSE_S, Pacer, pause_s, retry_after_s


def pacer(rate=None):
    clock = Clock()
    return Pacer(rate, clock=clock, sleep=clock.sleep), clock


def intervals(paced, count):
    starts = [paced.wait() for _ in range(count)]
    return [later - earlier for earlier, later in pairwise(starts)]


class TestPacer:
    def test_without_a_rate_nobody_waits(self):
        paced, clock = pacer()
        assert intervals(paced, 50) == [0.0] * 49
        assert clock.slept == []

    def test_requests_are_spaced_by_the_rate(self):
        paced, clock = pacer(rate=4)
        assert intervals(paced, 5) == [0.25] * 4
        assert clock.slept == [0.25] * 4

    def test_time_that_passes_anyway_is_not_waited_for(self):
        paced, clock = pacer(rate=1)
        paced.wait()
        clock.now += 10
        paced.wait()
        assert clock.slept == []

    def test_all_threads_share_one_pace(self):
        paced = Pacer(10, clock=lambda: 0.0, sleep=lambda _: None)
        gate = threading.Barrier(8)

        def several():
            gate.wait()
            return [paced.wait() for _ in range(25)]

        with ThreadPoolExecutor(8) as pool:
            starts = sorted(start for future in [pool.submit(several) for _ in range(8)] for start in future.result())
        assert starts == pytest.approx([0.1 * number for number in range(200)])

    @pytest.mark.parametrize(("burst", "least_s"), [(1, 1 / 8), (9, 1 / 2000), (50, 1 / 50)])
    def test_a_refusal_pauses_everybody_and_slows_the_pace(self, burst, least_s):
        paced, _ = pacer()
        sent = [paced.wait() for _ in range(burst)][-1]
        paced.slow_down(sent, 5.0)
        assert paced.wait() == sent + 5.0
        assert all(gap > least_s for gap in intervals(paced, 3))

    def test_whoever_queues_when_a_pause_begins_waits_for_its_end(self):
        clock = Clock()

        def sleep(seconds):
            clock.sleep(seconds)
            if len(clock.slept) == 1:  # another thread is refused meanwhile
                paced.slow_down(1000.0, 5.0)

        paced = Pacer(2, clock=clock, sleep=sleep)
        assert paced.wait() == 1000.0
        assert paced.wait() == 1005.5

    def test_refusals_of_one_burst_count_once(self):
        once, _ = pacer()
        many, _ = pacer()
        for paced, refusals in ((once, 1), (many, 9)):
            burst = [paced.wait() for _ in range(9)]
            for sent in burst[:refusals]:
                paced.slow_down(sent, 1.0)
        assert intervals(once, 3) == intervals(many, 3)

    def test_the_longest_pause_of_a_burst_holds(self):
        paced, clock = pacer()
        sent = paced.wait()
        paced.slow_down(sent, 60.0)
        paced.slow_down(sent, 1.0)
        paced.wait()
        assert sum(clock.slept) == 60.0

    def test_the_pace_follows_what_the_service_bore(self):
        paced, clock = pacer()
        for _ in range(20):
            sent = paced.wait()
            clock.now += 0.05
        paced.slow_down(sent, 0.0)
        assert intervals(paced, 3)[-1] == pytest.approx(1 / 20 * 1.25)

    def test_successes_bring_the_pace_back_to_what_the_user_allowed(self):
        paced, clock = pacer(rate=2)
        paced.slow_down(paced.wait(), 0.0)
        slow = intervals(paced, 3)[-1]
        clock.now += 1
        assert intervals(paced, 3)[-1] == slow  # nobody knows yet that the service is well again
        paced.speed_up()
        faster = intervals(paced, 3)[-1]
        assert 0.5 < faster < slow
        clock.now += 60
        paced.speed_up()
        assert intervals(paced, 3)[-1] == 0.5

    def test_without_a_rate_successes_lift_the_limit(self):
        paced, clock = pacer()
        paced.slow_down(paced.wait(), 0.0)
        for _ in range(600):
            clock.now += 1
            paced.speed_up()
        assert intervals(paced, 3)[-1] == 0.0

    @pytest.mark.parametrize("pause_s", [1.0, 5.0])
    def test_the_pace_stays_below_what_was_refused_for_thirty_times_the_pause(self, pause_s):
        """Each refusal costs everybody a pause: the next one must not come soon."""
        paced, clock = pacer()
        for _ in range(100):
            sent = paced.wait()
            clock.now += 0.01
        paced.slow_down(sent, pause_s)
        paces = {}
        for share in (0, 1, 10, 29, 60, 90):
            clock.now = sent + pause_s + share * pause_s
            paced.speed_up()
            paces[share] = 1 / intervals(paced, 2)[-1]
        assert paces[0] == pytest.approx(80, rel=0.02)
        assert 90 < paces[10] < paces[29] < 100.5
        assert 115 < paces[60] < 125
        assert paces[90] > 200

    @given(rate=st.none() | st.floats(0.01, 1000), refusals=st.integers(1, 60))
    def test_no_number_of_refusals_is_faster_than_the_user_allows_or_endlessly_slow(self, rate, refusals):
        paced, clock = pacer(rate)
        for _ in range(refusals):
            clock.now += 1
            paced.slow_down(paced.wait(), 0.0)
        floor_s = 1 / rate if rate else 0.0
        assert floor_s - 1e-6 <= intervals(paced, 3)[-1] <= max(MAX_INTERVAL_S, floor_s) + 1e-6

    @pytest.mark.parametrize("rate", [0, -1, float("nan")])
    def test_a_senseless_rate_is_refused(self, rate):
        with pytest.raises(ConfigurationError, match="rate="):
            Pacer(rate)


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
    def test_a_date_without_a_zone_means_utc_wherever_this_machine_stands(self, text, monkeypatch):
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        try:
            assert retry_after_s({"Retry-After": text, "Date": "Fri, 27 Feb 1970 20:53:20 GMT"}) == 30
        finally:
            monkeypatch.undo()
            time.tzset()

    @given(st.text())
    def test_no_retry_after_is_a_crash(self, text):
        seconds = retry_after_s({"Retry-After": text, "Date": text})
        assert seconds is None or seconds >= 0
