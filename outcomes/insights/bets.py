"""What was expected of released items against what was realised: their ranks in either order."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outcomes.formulas import tracking
from outcomes.insights.asking import ITEMS, Question, Told, read


@dataclass(frozen=True, slots=True)
class BetsSummary:
    """Released items with both values. Spearman's rank correlation is null below 8 of them."""

    released: int
    compared: int
    rank_correlation: float | None


@dataclass(frozen=True, slots=True)
class Bet:
    """A released item. The two values have different units, so ranks are compared: 1 is the highest, and the
    difference is positive when it turned out better than it was ranked."""

    id: int
    key: str
    title: str
    released_on: date | None
    expected: float
    realised: float
    proven: float | None
    coverage: float
    expected_rank: float
    realised_rank: float
    rank_difference: float


_VALUED = f"""
    SELECT item.id, item.key, item.title, item.released_on, value.expected, value.realised, value.proven,
           value.coverage
    FROM roadmap_item item JOIN outcomes_itemvalue value ON value.item_id = item.id
    WHERE {ITEMS} AND item.status IN ('released', 'sunset')
      AND value.expected IS NOT NULL AND value.realised IS NOT NULL
    ORDER BY item.id
"""


def expected_against_realised(question: Question) -> Told[BetsSummary, Bet]:
    """Released items that have both values, those that fell furthest behind their rank first."""
    (counts,) = read(
        f"SELECT count(*) AS n FROM roadmap_item item WHERE {ITEMS} AND item.status IN ('released', 'sunset')",
        question,
    )
    rows = read(_VALUED, question)
    expected, realised = [row["expected"] for row in rows], [row["realised"] for row in rows]
    bets = [
        Bet(**row, expected_rank=before, realised_rank=after, rank_difference=before - after)
        for row, before, after in zip(rows, tracking.ranks(expected), tracking.ranks(realised), strict=True)
    ]
    bets.sort(key=lambda bet: (bet.rank_difference, -bet.expected, bet.id))
    correlation = tracking.rank_correlation(expected, realised)
    return Told(BetsSummary(counts["n"], len(bets), correlation), bets[: question.limit])
