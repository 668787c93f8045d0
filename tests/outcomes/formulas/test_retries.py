from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.retries import JITTER, MOST_ATTEMPTS, next_due

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECONDS = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


def test_attempts_follow_the_schedule_and_end() -> None:
    made, at = [], START
    for number in range(1, MOST_ATTEMPTS + 1):
        made.append((at - START).total_seconds())
        due = next_due(number, at, at, retry_after=None, jitter=0)
        if due is None:
            break
        at = due
    assert made == SECONDS
    assert next_due(MOST_ATTEMPTS, at, at, retry_after=None, jitter=0) is None


@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0, 1))
def test_jitter_makes_a_wait_longer_by_a_tenth_at_most(number: int, jitter: float) -> None:
    due = next_due(number, START, START, retry_after=None, jitter=jitter)
    assert due is not None
    gap = SECONDS[number] - SECONDS[number - 1]
    assert gap <= (due - START).total_seconds() <= gap * (1 + JITTER) + 1e-6


def test_after_an_outage_of_our_own_the_gaps_are_kept() -> None:
    late = START + timedelta(hours=6)
    due = next_due(2, late, late, retry_after=None, jitter=0)
    assert due == late + timedelta(seconds=295)


def test_a_receiver_may_ask_for_a_longer_wait_and_not_for_a_shorter_one() -> None:
    now = START + timedelta(seconds=3)
    assert next_due(1, START, now, retry_after=60, jitter=0) == now + timedelta(seconds=60)
    assert next_due(3, START, now, retry_after=60, jitter=0) == START + timedelta(seconds=1500)


@pytest.mark.parametrize("number", [MOST_ATTEMPTS, MOST_ATTEMPTS + 3])
def test_however_long_it_asks_the_last_attempt_is_the_last(number: int) -> None:
    assert next_due(number, START, START, retry_after=60, jitter=0) is None
