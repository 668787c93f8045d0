"""Estimate interventions whose effect was published, and print both side by side.

    .venv/bin/python -m benchmarks.interventions FOLDER

FOLDER holds seatbelts.csv (Harvey and Durbin, 1986; R's `Seatbelts`) and, of R's CausalImpact, google_data.csv,
arma_data.csv and comparison_data.csv. The data is not part of the project. Exits 1 when a published figure is
missed: seat belts within 4 points (the untreated rear seats inconclusive); the others within one published
standard deviation, with an interval at most 1.5 times as wide or narrow, the last one inconclusive.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from outcomes.formulas.effects.arranging import Series
from outcomes.formulas.effects.strongest import Finding, Question, find
from outcomes.formulas.effects.windows import after_window
from outcomes.formulas.levels import DayTotal

# Half the width of a published 95% interval in standard deviations.
_SPREAD = 1.96
_WIDEST = 1.5

Row = dict[str, str]
Days = Sequence[date]


@dataclass(frozen=True, slots=True)
class Published:
    """A figure with its interval, or (percent) with how many points it may be missed by."""

    value: float
    low: float | None = None
    high: float | None = None
    points: float | None = None
    is_conclusive: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(arguments).folder
    kept = [*_seat_belts(folder), *_causal_impact(folder)]
    return 0 if all(kept) else 1


def _seat_belts(folder: Path) -> list[bool]:
    """Belts became compulsory on 31 January 1983. Distance driven and the price of petrol were not touched."""
    rows = _rows(folder / "seatbelts.csv")
    days = [date.fromisoformat(row["month"]) for row in rows]
    asked = {
        "drivers": Published(-23, points=4),
        "front": Published(-30, points=4),
        "rear": Published(3, is_conclusive=False),
    }
    kept = []
    for column, published in asked.items():
        finding = _estimate(rows, days, column, ["kms", "PetrolPrice"], date(1983, 2, 1), "monthly", None)
        estimate = finding.estimate
        assert estimate.relative is not None
        shown = [
            100 * part
            for part in (estimate.relative, estimate.relative_low or 0, estimate.relative_high or 0)
        ]
        is_kept = finding.verdict == "inconclusive"
        if published.points is not None:
            is_kept = abs(shown[0] - published.value) <= published.points
        kept.append(is_kept)
        _tell(f"seat belts, {column} (%)", finding, shown, published, is_kept)
    return kept


def _causal_impact(folder: Path) -> list[bool]:
    sets = (
        ("google_data.csv", "y", ["x1", "x2"], 61, Published(27, 18, 36)),
        ("arma_data.csv", "y", ["X"], 70, Published(0.89, 0.27, 1.5)),
        (
            "comparison_data.csv",
            "CHANGED",
            ["NOT_CHANGED_1", "NOT_CHANGED_2", "NOT_CHANGED_3"],
            90,
            Published(-657, -2076, 832, is_conclusive=False),
        ),
    )
    kept = []
    for name, column, controls, first, published in sets:
        rows = _rows(folder / name)
        # Their days mean nothing to the method, but that they follow each other.
        days = [date(2020, 1, 1) + timedelta(days=number) for number in range(len(rows))]
        finding = _estimate(rows, days, column, controls, days[first], "daily", len(rows) - first)
        shown = [finding.estimate.estimate, finding.estimate.low, finding.estimate.high]
        assert published.low is not None
        assert published.high is not None
        width = published.high - published.low
        ratio = (shown[2] - shown[1]) / width
        is_near = abs(shown[0] - published.value) <= width / (2 * _SPREAD)
        is_kept = (
            is_near
            and 1 / _WIDEST <= ratio <= _WIDEST
            and (finding.verdict != "inconclusive") == published.is_conclusive
        )
        kept.append(is_kept)
        _tell(name, finding, shown, published, is_kept)
    return kept


def _estimate(
    rows: Sequence[Row],
    days: Days,
    column: str,
    controls: Sequence[str],
    released_on: date,
    cadence: str,
    after_periods: int | None,
) -> Finding:
    after = after_window(released_on, cadence, after_periods=after_periods)
    assert after is not None
    question = Question(cadence, "increase", released_on, after, after.decided_on, 0.95)
    finding = find(question, _series(rows, days, column), [_series(rows, days, name) for name in controls])
    assert finding is not None
    return finding


def _series(rows: Sequence[Row], days: Days, column: str) -> Series:
    noon = [datetime(on.year, on.month, on.day, 12, tzinfo=UTC) for on in days]
    values = [float(row[column]) for row in rows]
    totals = [
        DayTotal(on, 1, value, value, value, value, at)
        for on, value, at in zip(days, values, noon, strict=True)
    ]
    return Series(totals, frozenset(days), "mean")


def _tell(name: str, finding: Finding, shown: Sequence[float], published: Published, is_kept: bool) -> None:
    known = "" if published.low is None else f" [{published.low:g}, {published.high:g}]"
    print(
        f"{name:24} {finding.design:12} {shown[0]:8.2f} [{shown[1]:.2f}, {shown[2]:.2f}] {finding.verdict:13}"
        f" published {published.value:g}{known} {'kept' if is_kept else 'MISSED'}"
    )


def _rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    sys.exit(main())
