"""Rates before and after a release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap.rates import rate_change


def test_far_fewer_than_before_is_relief() -> None:
    found = rate_change(60, 180, 10, 90)
    assert (found.before, found.after) == (pytest.approx(28 / 3), pytest.approx(28 / 9))
    assert found.ratio == pytest.approx(1 / 3)
    assert found.verdict == "relieved"


def test_the_interval_is_that_of_the_exact_binomial() -> None:
    found = rate_change(10, 100, 5, 100)
    # R: binom.test(5, 15)$conf.int is 0.1182411 to 0.6161963.
    assert found.low == pytest.approx(0.1182411 / (1 - 0.1182411), rel=1e-5)
    assert found.high == pytest.approx(0.6161963 / (1 - 0.6161963), rel=1e-5)
    assert found.verdict == "inconclusive"


def test_twice_as_many_is_worse() -> None:
    assert rate_change(50, 100, 100, 100).verdict == "worse"


@pytest.mark.parametrize(
    ("spans", "verdict"),
    [((5, 27, 0, 90), "no_history"), ((5, 90, 0, 27), "too_early"), ((0, 90, 0, 90), "inconclusive")],
)
def test_too_little_time_or_nothing_at_all_is_no_verdict(
    spans: tuple[int, int, int, int], verdict: str
) -> None:
    found = rate_change(*spans)
    assert (found.verdict, found.ratio) == (verdict, None)


def test_nothing_before_has_no_ratio_and_no_end() -> None:
    found = rate_change(0, 90, 9, 90)
    assert (found.ratio, found.high, found.verdict) == (None, None, "worse")


@given(st.integers(0, 500), st.integers(28, 400), st.integers(0, 500), st.integers(28, 400))
def test_the_ratio_lies_in_its_interval(before: int, before_days: int, after: int, after_days: int) -> None:
    found = rate_change(before, before_days, after, after_days)
    if found.ratio is not None and found.low is not None and found.high is not None:
        assert found.low <= found.ratio + 1e-9
        assert found.ratio <= found.high + 1e-9
