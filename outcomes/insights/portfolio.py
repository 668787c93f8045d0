"""What all items together moved of each metric: every movement once, and shrunk towards none."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

from outcomes.formulas.portfolio import Estimate, movements, overlapping, shrunk_sum
from outcomes.insights.asking import ITEMS, Question, Told, read

PER_PERIOD, PER_PERSON = "period", "person"


@dataclass(frozen=True, slots=True)
class PortfolioSummary:
    """Decided effects, the movements that they measured, and the metrics."""

    effects: int
    movements: int
    metrics: int


@dataclass(frozen=True, slots=True)
class SharedItem:
    """An item whose effect measured the same movement of the metric."""

    key: str
    title: str
    estimate: float


@dataclass(frozen=True, slots=True)
class PortfolioMovement:
    """One movement of a metric: the item whose effect stands for it, by the strongest design, then the narrowest
    interval; and the items that it is shared with, whose windows after the release overlap."""

    key: str
    title: str
    design: str
    verdict: str
    estimate: float
    shrunk: float | None
    shared_with: list[SharedItem]


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """The decided effects on one metric together, in its unit `per` period (of experiments: person).

    `sum_raw` adds up every movement once; `sum_shrunk` is it times the positive-part James-Stein factor, which
    takes out what luck adds to estimates that were picked. Both it and `factor` are null below 6 movements.
    """

    metric: str
    series: str | None
    name: str
    unit: str
    direction: str
    per: str
    effects: int
    movements: int
    better: int
    worse: int
    sum_raw: float
    factor: float | None
    sum_shrunk: float | None
    items: list[PortfolioMovement]


_DECIDED = f"""
    SELECT DISTINCT ON (effect.outcome_id) effect.outcome_id, effect.design, effect.estimate, effect.low,
           effect.high, effect.confidence, effect.verdict, effect.to_on, outcome.series, outcome.washout_days,
           metric.key AS metric, metric.name, metric.unit, metric.direction, item.key, item.title,
           item.released_on
    FROM outcomes_effect effect
    JOIN outcomes_outcome outcome ON outcome.id = effect.outcome_id
    JOIN outcomes_metric metric ON metric.id = outcome.metric_id
    JOIN roadmap_item item ON item.id = outcome.item_id
    WHERE {ITEMS} AND NOT effect.is_withdrawn AND effect.decided_on <= %(today)s AND effect.verdict IS NOT NULL
    ORDER BY effect.outcome_id, effect.design DESC
"""


def portfolio(question: Question) -> Told[PortfolioSummary, PortfolioRow]:
    """What the decided effects on each metric come to: one movement counted once, the sum shrunk towards none."""
    groups: dict[tuple[str, str | None, str], list[dict[str, Any]]] = defaultdict(list)
    for effect in read(_DECIDED, question):
        per = PER_PERSON if effect["design"] == "experiment" else PER_PERIOD
        groups[effect["metric"], effect["series"], per].append(effect)
    rows = [_row(per, effects) for (_, _, per), effects in groups.items()]
    rows.sort(key=lambda row: (-row.movements, row.metric, row.series or "", row.per))
    summary = PortfolioSummary(
        effects=sum(row.effects for row in rows),
        movements=sum(row.movements for row in rows),
        metrics=len({row.metric for row in rows}),
    )
    return Told(summary, rows[: question.limit])


def _row(per: str, effects: Sequence[dict[str, Any]]) -> PortfolioRow:
    by_outcome = {effect["outcome_id"]: effect for effect in effects}
    # People of one trial are not those of another: what experiments measure is nobody else's.
    windows = {id_: _window(effect) for id_, effect in by_outcome.items() if per == PER_PERIOD}
    shared = overlapping(windows) if windows else {id_: [] for id_ in by_outcome}
    groups = [sorted((by_outcome[id_] for id_ in group), key=_strength) for group in movements(shared)]
    leading = [group[0] for group in groups]
    total = shrunk_sum([Estimate(effect["estimate"], _se(effect)) for effect in leading])
    first = effects[0]
    return PortfolioRow(
        **{name: first[name] for name in ("metric", "series", "name", "unit", "direction")},
        per=per,
        effects=len(effects),
        movements=len(groups),
        better=sum(effect["verdict"] == "better" for effect in leading),
        worse=sum(effect["verdict"] == "worse" for effect in leading),
        sum_raw=total.raw,
        factor=total.factor,
        sum_shrunk=total.total,
        items=[_movement(group, total.factor) for group in groups],
    )


def _movement(group: Sequence[dict[str, Any]], factor: float | None) -> PortfolioMovement:
    leading, *others = group
    return PortfolioMovement(
        **{name: leading[name] for name in ("key", "title", "design", "verdict", "estimate")},
        shrunk=None if factor is None else leading["estimate"] * factor,
        shared_with=[SharedItem(other["key"], other["title"], other["estimate"]) for other in others],
    )


def _window(effect: dict[str, Any]) -> tuple[date, date]:
    """The days after the release that the effect was read from."""
    first = (effect["released_on"] or effect["to_on"]) + timedelta(days=effect["washout_days"])
    return min(first, effect["to_on"]), effect["to_on"]


def _strength(effect: dict[str, Any]) -> tuple[Any, ...]:
    designs = ("experiment", "comparison", "before_after")
    return (designs.index(effect["design"]), effect["high"] - effect["low"], effect["outcome_id"])


def _se(effect: dict[str, Any]) -> float:
    """The standard error that the interval tells of; an interval without width tells of none, and a tiny part of the
    estimate stands for it."""
    z = NormalDist().inv_cdf((1 + effect["confidence"]) / 2)
    width = effect["high"] / (2 * z) - effect["low"] / (2 * z)
    return max(width, 1e-12 * abs(effect["estimate"])) or 1.0
