"""How well a product, and the person who asks, foretold: reach against reach, hits by declared confidence."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from outcomes.formulas.calibration import (
    CONFIDENCES,
    confidence_band,
    hit_calibration,
    reach_calibration,
)
from outcomes.insights.asking import ITEMS, Question, Told, read

PRODUCT, OWNER = "product", "owner"
REACH, HIT_RATE = "reach_ratio", "hit_rate"
ALL = "all"
_MEDIAN_AND_RANGE, _WILSON = "median, middle 80%", "Wilson 95%"


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """Released items of the question, and how many of them each measure rests on."""

    released: int
    with_reach: int
    with_outcome: int


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One measure of one group: `scope` is product, or owner for the items of the person who asks, which
    nobody else is shown.

    reach_ratio: actual active users over the reach that was estimated at release; `value` is the median, `low`
    to `high` the middle 80% of the items, `median_low` to `median_high` the median's 95% interval. hit_rate: the
    share of items that attained at least 0.9, of a band of the confidence declared at release, with its 95%
    Wilson interval. null below 8 items.
    """

    scope: str
    product: str | None
    measure: str
    confidence: str
    items: int
    value: float | None
    low: float | None
    high: float | None
    median_low: float | None
    median_high: float | None
    interval: str


# An outcome counts once its time is up: it is decided, its day has passed, or, without a day, 90 days have.
_ITEMS = f"""
    SELECT item.id, product.key AS product, member.user_id AS owner,
           (item.inputs_at_release ->> 'reach')::float8 AS predicted,
           (item.inputs_at_release ->> 'confidence')::float8 AS confidence,
           CASE WHEN usage.verdict IN ('never_adopted', 'abandoned', 'under_used', 'declining', 'healthy')
                THEN usage.active END AS actual,
           reached.attainment
    FROM roadmap_item item
    LEFT JOIN roadmap_product product ON product.id = item.product_id
    LEFT JOIN workspaces_member member ON member.id = item.owner_id
    LEFT JOIN outcomes_itemusage usage ON usage.item_id = item.id
    LEFT JOIN outcomes_itemvalue value ON value.item_id = item.id
    LEFT JOIN LATERAL (
        SELECT (reading ->> 'attainment')::float8 AS attainment
        FROM jsonb_array_elements(
            CASE jsonb_typeof(value.explanation -> 'outcomes') WHEN 'array'
                 THEN value.explanation -> 'outcomes' ELSE '[]'::jsonb END) AS reading
        JOIN outcomes_outcome outcome ON outcome.id = (reading ->> 'id')::bigint
        WHERE outcome.role <> 'guardrail' AND reading ->> 'attainment' IS NOT NULL
          AND (reading -> 'effect' ->> 'decided_on' IS NOT NULL OR outcome.due_on < %(today)s
               OR (outcome.due_on IS NULL AND item.released_on <= %(today)s::date - 90))
        ORDER BY outcome.role <> 'primary', outcome.id LIMIT 1
    ) AS reached ON true
    WHERE {ITEMS} AND item.status IN ('released', 'sunset') AND item.released_on <= %(today)s
    ORDER BY item.id
"""


def calibration(question: Question) -> Told[CalibrationSummary, CalibrationRow]:
    """Predicted against actual reach and hit rates by declared confidence: of each product, and of the items
    that the person who asks owns, which only they are shown."""
    items = read(_ITEMS, question)
    by_product: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_product[item["product"]].append(item)
    rows = [
        row
        for product in sorted(by_product, key=lambda key: (key is None, key))
        for row in _rows(PRODUCT, product, by_product[product])
    ]
    if question.user_id is not None:
        own = [item for item in items if item["owner"] == question.user_id]
        rows = [*_rows(OWNER, None, own), *rows]
    summary = CalibrationSummary(len(items), len(_reaches(items)), len(_attained(items)))
    return Told(summary, rows[: question.limit])


def _rows(scope: str, product: str | None, items: Sequence[dict[str, Any]]) -> Iterator[CalibrationRow]:
    reach = reach_calibration(_reaches(items))
    yield CalibrationRow(
        scope=scope,
        product=product,
        measure=REACH,
        confidence=ALL,
        items=reach.items,
        value=reach.median,
        low=reach.low,
        high=reach.high,
        median_low=reach.median_low,
        median_high=reach.median_high,
        interval=_MEDIAN_AND_RANGE,
    )
    bands: dict[str, list[float]] = {ALL: [], **{name: [] for _, _, name in CONFIDENCES}}
    for item in _attained(items):
        bands[ALL].append(item["attainment"])
        band = confidence_band(item["confidence"])
        if band is not None:
            bands[band].append(item["attainment"])
    for band, attainments in bands.items():
        hits = hit_calibration(attainments)
        yield CalibrationRow(
            scope=scope,
            product=product,
            measure=HIT_RATE,
            confidence=band,
            items=hits.known,
            value=hits.rate,
            low=hits.low,
            high=hits.high,
            median_low=None,
            median_high=None,
            interval=_WILSON,
        )


def _reaches(items: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    return [
        (item["predicted"], item["actual"])
        for item in items
        if item["predicted"] and item["predicted"] > 0 and item["actual"] is not None
    ]


def _attained(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["attainment"] is not None]
