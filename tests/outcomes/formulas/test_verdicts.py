from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.coverage import SourceCalendar
from outcomes.formulas.verdicts import Before, Judgement, Thresholds, UsageOn, Verdict, judge
from tests.golden_values import golden

TODAY = date(2026, 5, 1)
LONG_AGO = date(2025, 1, 15)
DEFAULT = Thresholds()


def used(**facts: Any) -> UsageOn:
    """An item released long ago that 1,240 of 9,800 people used in a fully covered window."""
    typed: dict[str, Any] = {
        "kind": "events",
        "released_on": LONG_AGO,
        "has_usage_ever": True,
        "has_active_since_release": True,
        "expected": 28,
        "covered": 28,
        "expected_before": 28,
        "covered_before": 28,
        "active": 1240,
        "eligible": 9800,
        "eligible_from": "product",
    }
    return UsageOn(**{**typed, **facts})


def judged(thresholds: Thresholds = DEFAULT, day: date = TODAY, **facts: Any) -> Judgement:
    return judge(used(**facts), thresholds, day)


def short(active: float, upper_share: float, **facts: Any) -> Judgement:
    """Daily snapshots among 4,000: the best day had `active`, all days together at most `upper_share`."""
    share = active / 4000
    return judged(
        kind="short_counts", active=active, eligible=4000, share=share, upper_share=upper_share, **facts
    )


def bare(share: float | None, **facts: Any) -> Judgement:
    return judged(kind="shares", active=None, eligible=None, eligible_from=None, share=share, **facts)


def test_the_nine_verdicts_stand_in_the_order_of_their_rules() -> None:
    assert [str(verdict) for verdict in Verdict] == [
        "exempt",
        "too_new",
        "not_instrumented",
        "data_gap",
        "never_adopted",
        "abandoned",
        "under_used",
        "declining",
        "healthy",
    ]


def test_a_healthy_item_carries_the_numbers_of_its_card() -> None:
    found = judged(kind="counts", eligible_from="snapshot")
    assert (found.verdict, found.reason, found.active, found.eligible) == (Verdict.HEALTHY, None, 1240, 9800)
    assert found.eligible_from == "snapshot"
    assert found.share == pytest.approx(0.1265, abs=5e-5)
    assert (found.low, found.high) == (pytest.approx(0.1201, abs=1e-4), pytest.approx(0.1332, abs=1e-4))


# 1. exempt


def test_an_archived_or_mandatory_item_is_exempt_whatever_its_use() -> None:
    assert judged(is_exempt=True, active=0).verdict == Verdict.EXEMPT


def test_an_item_is_exempt_on_the_days_before_its_release() -> None:
    assert judged(released_on=None).verdict == Verdict.EXEMPT
    assert judged(released_on=TODAY + timedelta(days=1)).verdict == Verdict.EXEMPT


# 2. too new


@pytest.mark.parametrize(("days", "verdict"), [(0, "too_new"), (27, "too_new"), (28, "healthy")])
def test_an_item_is_too_new_for_its_first_28_days(days: int, verdict: str) -> None:
    assert judged(released_on=TODAY - timedelta(days=days)).verdict == verdict


def test_the_longer_of_grace_and_window_counts() -> None:
    quarterly = DEFAULT.for_natural_period(90)
    assert quarterly.window_days == 180
    assert judged(quarterly, released_on=TODAY - timedelta(days=179)).verdict == Verdict.TOO_NEW
    assert judged(quarterly, released_on=TODAY - timedelta(days=180)).verdict == Verdict.HEALTHY
    patient = Thresholds(grace_days=60)
    assert judged(patient, released_on=TODAY - timedelta(days=59)).verdict == Verdict.TOO_NEW


def test_a_daily_feature_keeps_the_window_of_its_workspace() -> None:
    assert DEFAULT.for_natural_period(1) is DEFAULT
    assert DEFAULT.window_for(None) == 28


# 3. not instrumented


def test_an_item_nobody_ever_sent_usage_for_is_not_instrumented_and_not_unused() -> None:
    never = {"has_usage_ever": False, "has_active_since_release": False, "active": None, "is_silent": True}
    assert judged(**never).verdict == Verdict.NOT_INSTRUMENTED
    assert judged(**never, released_on=TODAY).verdict == Verdict.TOO_NEW


# 4. data gap


def test_a_silent_source_is_a_data_gap_and_not_disuse() -> None:
    found = judged(is_silent=True, active=0)
    assert (found.verdict, found.reason) == (Verdict.DATA_GAP, "silent")


@pytest.mark.parametrize(
    ("expected", "covered", "verdict"),
    [(28, 22, "data_gap"), (28, 23, "healthy"), (5, 4, "healthy"), (1, 0, "data_gap"), (0, 0, "healthy")],
)
def test_below_80_percent_of_the_expected_periods_is_a_data_gap(
    expected: int, covered: int, verdict: str
) -> None:
    assert judged(expected=expected, covered=covered).verdict == verdict


def test_fewer_than_five_eligible_people_are_no_audience() -> None:
    found = judged(active=0, eligible=4, has_active_since_release=False)
    assert (found.verdict, found.reason) == (Verdict.DATA_GAP, "no_audience")
    assert judged(active=0, eligible=5).verdict == Verdict.ABANDONED


def test_an_unknown_audience_is_not_a_small_one() -> None:
    found = judged(eligible=None, eligible_from=None)
    assert (found.verdict, found.reason) == (Verdict.HEALTHY, "eligible_unknown")
    assert (found.share, found.low, found.high) == (None, None, None)


# 5 and 6. unused


def test_an_item_without_an_active_user_since_release_was_never_adopted() -> None:
    assert judged(active=0, has_active_since_release=False).verdict == Verdict.NEVER_ADOPTED
    assert bare(0.0, has_active_since_release=False).verdict == Verdict.NEVER_ADOPTED


def test_an_item_that_was_used_and_no_longer_is_was_abandoned() -> None:
    assert judged(active=0).verdict == Verdict.ABANDONED
    assert short(0, 0.0).verdict == Verdict.ABANDONED
    assert bare(0.0).verdict == Verdict.ABANDONED
    assert judged(active=0, eligible=None).verdict == Verdict.ABANDONED


# 7. under-used


@pytest.mark.parametrize(
    ("active", "eligible", "verdict"),
    [(1, 100, "healthy"), (9, 400, "under_used"), (50, 100, "healthy"), (123, 4567, "under_used")],
)
def test_under_used_is_said_only_when_the_whole_interval_is_below(
    active: float, eligible: float, verdict: str
) -> None:
    assert judged(active=active, eligible=eligible).verdict == verdict


def test_short_snapshots_are_under_used_only_if_even_their_upper_bound_is() -> None:
    assert short(120, 0.0975).verdict == Verdict.HEALTHY
    found = short(20, 0.03)
    assert found.verdict == Verdict.UNDER_USED
    assert found.share == 0.005
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.005 < 0.03 < found.high < 0.05


def test_a_bare_share_is_compared_as_it_is() -> None:
    strict = Thresholds(under_used_below=0.0001)
    assert bare(0.00009, thresholds=strict).verdict == Verdict.UNDER_USED
    found = bare(0.0001, thresholds=strict)
    assert (found.verdict, found.share, found.low, found.high) == (Verdict.HEALTHY, 0.0001, None, None)


# 8. declining


@pytest.mark.parametrize("row", golden("declining"))
def test_declining_matches_the_published_decisions(row: dict[str, Any]) -> None:
    before = Before(
        active=row["active_before"],
        eligible=row["eligible_before"],
        only_before=row["only_before"],
        only_now=row["only_now"],
    )
    lenient = Thresholds(under_used_below=0.0)
    found = judged(lenient, active=row["active"], eligible=row["eligible"], before=before)
    assert (found.verdict == Verdict.DECLINING) == row["declining"]
    assert found.ratio == pytest.approx(row["ratio"], abs=1e-6)


FELL = {"active": 800, "eligible": 10_000, "before": Before(active=2000, eligible=10_000)}


def test_a_share_that_more_than_halved_is_declining() -> None:
    assert judged(**FELL).verdict == Verdict.DECLINING


def test_half_of_the_share_is_still_healthy() -> None:
    assert judged(**{**FELL, "active": 1000}).verdict == Verdict.HEALTHY


def test_both_windows_must_lie_wholly_after_release_and_grace() -> None:
    first_day_before = TODAY - timedelta(days=55)
    grace = timedelta(days=28)
    inside = judged(**FELL, released_on=first_day_before - grace)
    assert (inside.verdict, inside.ratio) == (Verdict.HEALTHY, None)
    after = judged(**FELL, released_on=first_day_before - grace - timedelta(days=1))
    assert after.verdict == Verdict.DECLINING


def test_a_window_before_with_holes_is_not_compared() -> None:
    assert judged(**FELL, covered_before=22).verdict == Verdict.HEALTHY
    assert judged(**FELL, covered_before=23).verdict == Verdict.DECLINING


def test_a_fall_that_came_a_year_ago_too_is_the_season() -> None:
    assert judged(**FELL, year_ago_ratio=0.5).verdict == Verdict.HEALTHY
    assert judged(**FELL, year_ago_ratio=0.9).verdict == Verdict.DECLINING


@pytest.mark.parametrize(
    "before",
    [None, Before(), Before(active=0, eligible=100), Before(active=2000, eligible=None)],
)
def test_without_use_before_there_is_nothing_to_decline_from(before: Before | None) -> None:
    found = judged(**{**FELL, "before": before})
    assert (found.verdict, found.ratio) == (Verdict.HEALTHY, None)


def test_with_an_unknown_audience_nothing_declines() -> None:
    assert judged(**{**FELL, "eligible": None}).reason == "eligible_unknown"


def test_bare_shares_and_short_snapshots_decline_by_the_ratio_alone() -> None:
    assert bare(0.1, before=Before(share=0.21)).verdict == Verdict.DECLINING
    assert bare(0.1, before=Before(share=0.2)).verdict == Verdict.HEALTHY
    assert bare(0.1, before=Before(share=0.0)).verdict == Verdict.HEALTHY
    assert short(400, 0.9, mean_share=0.04, before=Before(share=0.1)).verdict == Verdict.DECLINING
    assert short(400, 0.9, mean_share=0.06, before=Before(share=0.1)).verdict == Verdict.HEALTHY


# 9. healthy, and the whole


def test_eligible_is_never_below_active() -> None:
    found = judged(active=60, eligible=40)
    assert (found.eligible, found.share, found.verdict) == (60, 1.0, Verdict.HEALTHY)


usages = st.builds(
    UsageOn,
    kind=st.sampled_from(["events", "counts", "short_counts", "shares"]),
    is_exempt=st.booleans(),
    released_on=st.none() | st.dates(date(2025, 12, 1), date(2026, 6, 1)),
    has_usage_ever=st.booleans(),
    is_silent=st.booleans(),
    expected=st.integers(0, 28),
    covered=st.integers(0, 28),
    expected_before=st.integers(0, 28),
    covered_before=st.integers(0, 28),
    active=st.none() | st.integers(0, 500),
    eligible=st.none() | st.integers(0, 500),
    share=st.none() | st.floats(0, 1),
    upper_share=st.none() | st.floats(0, 1),
    mean_share=st.none() | st.floats(0, 1),
    has_active_since_release=st.booleans(),
    before=st.none()
    | st.builds(
        Before,
        active=st.none() | st.integers(0, 500),
        eligible=st.none() | st.integers(0, 500),
        share=st.none() | st.floats(0, 1),
    ),
    year_ago_ratio=st.none() | st.floats(0, 2),
)


@given(usages)
def test_every_item_has_exactly_one_verdict_on_every_day(usage: UsageOn) -> None:
    found = judge(usage, DEFAULT, TODAY)
    assert found.verdict in Verdict
    assert (found.verdict == Verdict.DATA_GAP) <= (found.reason is not None)
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.high <= 1


@given(usages, st.integers(0, 28))
def test_missing_data_never_speaks_against_an_item(usage: UsageOn, covered: int) -> None:
    gap = judge(replace(usage, expected=28, covered=min(covered, 22)), DEFAULT, TODAY)
    assert gap.verdict in ("exempt", "too_new", "not_instrumented", "data_gap")


@given(st.sets(st.integers(0, 120), min_size=1), st.sets(st.integers(121, 200)))
def test_the_verdict_of_a_day_does_not_change_with_what_was_covered_later(
    covered: set[int], later: set[int]
) -> None:
    start, day = TODAY - timedelta(days=120), TODAY

    def verdict(offsets: set[int]) -> Judgement:
        source = SourceCalendar("daily", [start + timedelta(days=offset) for offset in offsets])
        expected, reported = source.expected(day - timedelta(days=27), day, day)
        return judged(expected=expected, covered=reported, is_silent=source.is_silent(day))

    assert verdict(covered) == verdict(covered | later)
