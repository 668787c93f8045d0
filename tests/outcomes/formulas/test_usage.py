from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.usage import Reach, Snapshot, mean_share, reach_from_covering, reach_from_short
from tests.golden_values import golden

TODAY = date(2026, 5, 1)
FIRST = TODAY - timedelta(days=27)


def ago(days: int, active: float, eligible: float | None = 4000, covers: int = 1) -> Snapshot:
    return Snapshot(TODAY - timedelta(days=days), active, eligible, covers)


def short(*rows: Snapshot) -> Reach | None:
    return reach_from_short(rows, first=FIRST, last=TODAY)


def covering(*rows: Snapshot) -> Reach | None:
    return reach_from_covering(rows, first=FIRST, last=TODAY)


@pytest.mark.parametrize("row", golden("reach_from_short_snapshots"))
def test_reach_is_bounded_by_short_snapshots_and_taken_from_covering_ones(row: dict[str, Any]) -> None:
    rows = [
        ago(len(row["active"]) - 1 - place, active, eligible, row["days"])
        for place, (active, eligible) in enumerate(zip(row["active"], row["eligible"], strict=True))
    ]
    if "taken" in row:
        found = covering(*rows)
        assert found is not None
        assert found.lower == found.upper == pytest.approx(row["taken"])
    else:
        found = short(*rows)
        assert found is not None
        assert (found.lower, found.upper) == (pytest.approx(row["lower"]), pytest.approx(row["upper"]))


def test_the_counts_shown_are_those_of_the_best_day() -> None:
    assert short(ago(0, 10, 100), ago(1, 30, 200), ago(2, 5, 100)) == Reach(
        30, 200, 0.15, pytest.approx(45 / (400 / 3))
    )


def test_snapshots_that_share_days_are_not_added() -> None:
    weekly_every_third_day = [ago(0, 70, covers=7), ago(3, 90, covers=7), ago(7, 50, covers=7)]
    found = short(*weekly_every_third_day)
    assert found is not None
    assert found.upper == pytest.approx((70 + 50) / 4000)
    assert found.lower == pytest.approx(90 / 4000)


def test_rows_outside_the_window_are_not_read() -> None:
    assert short(ago(28, 500), ago(-1, 500)) is None
    assert covering(ago(28, 500, covers=28), ago(-1, 500, covers=28)) is None


def test_a_snapshot_shorter_than_the_window_does_not_cover_it() -> None:
    assert covering(ago(0, 500, covers=27)) is None
    assert covering(ago(0, 500, covers=30)) == Reach(500, 4000, 0.125, 0.125)


def test_eligible_is_never_below_active() -> None:
    assert covering(ago(0, 50, 20, covers=28)) == Reach(50, 50, 1.0, 1.0)
    assert short(ago(0, 50, 20)) == Reach(50, 50, 1.0, 1.0)


def test_without_eligible_the_reach_has_no_bounds() -> None:
    assert short(ago(0, 50, None), ago(1, 60, None)) == Reach(60, None, None, None)
    assert covering(ago(0, 50, None, covers=28)) == Reach(50, None, None, None)


def test_a_day_of_nobody_among_nobody_has_no_share() -> None:
    assert short(ago(0, 0, 0)) == Reach(0, 0, None, None)


@given(
    st.lists(
        st.builds(ago, st.integers(0, 27), st.integers(0, 50), st.integers(0, 200), st.sampled_from([1, 7])),
        min_size=1,
        max_size=10,
    ),
    st.randoms(use_true_random=False),
)
def test_the_bounds_never_cross_and_know_no_order(rows: list[Snapshot], random: Any) -> None:
    found = short(*rows)
    assert found is not None
    if found.lower is not None and found.upper is not None:
        assert 0 <= found.lower <= found.upper <= 1
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = short(*shuffled)
    assert again is not None
    assert (again.lower, again.upper) == (pytest.approx(found.lower), pytest.approx(found.upper))


def test_the_mean_share_counts_absent_days_as_zero() -> None:
    assert mean_share(0.6, 3) == pytest.approx(0.2)
    assert mean_share(0.0, 0) is None
