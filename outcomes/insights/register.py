"""Every insight by its name: the room that answers it, and the shapes of the answer. Doors show what is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from outcomes.insights import (
    askers,
    bets,
    calibration,
    freshness,
    outcomes,
    portfolio,
    problems,
    regret,
    sources,
    sunsets,
    unused,
    week,
    wishes,
)
from outcomes.insights.asking import Question, Told

# What a file holds at most; a longer list is one of the resources' own.
MOST_ROWS_OF_A_FILE = 10_000


@dataclass(frozen=True, slots=True)
class Insight:
    """One question: its name in the address, the room that answers it, and the shapes of the answer."""

    name: str
    room: Callable[[Question], Told[Any, Any]]
    summary: type
    row: type
    # Whether it is about items, and can be asked of one product.
    is_by_product: bool = True

    @property
    def columns(self) -> list[str]:
        """The header of its file."""
        return [field.name for field in fields(self.row)]

    def cells(self, row: Any) -> list[Any]:
        """A row of its file, in the order of the columns; a list of objects is their keys."""
        return [_cell(getattr(row, name)) for name in self.columns]


INSIGHTS = [
    Insight("problems", problems.ranked_problems, problems.ProblemsSummary, problems.RankedProblem, False),
    Insight("wish-list", wishes.wish_list, wishes.WishesSummary, wishes.Wish),
    Insight("unused", unused.unused_features, unused.UnusedSummary, unused.UnusedItem),
    Insight("outcomes", outcomes.outcome_pace, outcomes.OutcomesSummary, outcomes.TrackedOutcome),
    Insight("expected-against-realised", bets.expected_against_realised, bets.BetsSummary, bets.Bet),
    Insight(
        "freshness", freshness.worker_freshness, freshness.FreshnessSummary, freshness.WaitingWork, False
    ),
    Insight("sources", sources.source_freshness, sources.SourcesSummary, sources.SourceFreshness, False),
    Insight(
        "exposure-without-use", sources.exposure_without_use, sources.ExposuresSummary, sources.ExposedItem
    ),
    Insight("asked-but-not-using", askers.asked_but_not_using, askers.AskersSummary, askers.Asker),
    Insight("flag-regret", regret.flag_regret, regret.RegretSummary, regret.RegrettedFlag),
    Insight("sunset-check", sunsets.sunset_check, sunsets.SunsetsSummary, sunsets.SunsetCheck),
    Insight(
        "calibration", calibration.calibration, calibration.CalibrationSummary, calibration.CalibrationRow
    ),
    Insight("portfolio", portfolio.portfolio, portfolio.PortfolioSummary, portfolio.PortfolioRow),
    Insight("this-week", week.this_week, week.WeekSummary, week.Event),
]
BY_NAME = {insight.name: insight for insight in INSIGHTS}


def _cell(value: Any) -> Any:
    return " ".join(one.key for one in value) if isinstance(value, list) else value
