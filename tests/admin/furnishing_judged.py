"""What was computed of an item: its value with the explanation, verdict, effect and flag."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import (
    Effect,
    Flag,
    FlagAction,
    ItemUsage,
    ItemValue,
    Outcome,
    QuietRun,
    Reconciliation,
    ScoringModel,
    ValueRecord,
    VerdictSpan,
)
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.admin.days import DAY, NOON
from tests.factories import a_flag


def explanation(outcome: Outcome | None = None) -> dict[str, Any]:
    """What the worker writes beside a value."""
    return {
        "as_of": "2026-05-01",
        "expected": {
            "value": 500.0,
            "reach": 1000.0,
            "reach_from": "person",
            "impact": 2.0,
            "confidence": 0.5,
            "declared_confidence": 0.8,
            "confidence_cap": 0.5,
            "effort": 2.0,
            "missing": [],
            "frozen_on": "2026-03-02",
        },
        "outcome": {"term": 0.6, "weight": 0.2},
        "outcomes": [_reading(outcome)] if outcome else [],
        "adoption": {
            "term": 0.42,
            "weight": 0.3,
            "active": 1240,
            "eligible": 9800,
            "eligible_from": "snapshot",
            "share": 0.1265,
            "low": 0.1201,
            "high": 0.1332,
            "target": 0.3,
            "window_days": 28,
            "newest_on": "2026-05-01",
            "age_days": 0,
        },
        "retention": {"term": None, "weight": 0.2, "previous": None, "still": None, "target": 0.5},
        "credit": {"demand": 7.0, "revenue_at_stake": 420.0, "opportunity": 12.4},
        "coverage": 0.5,
        "multiplier": 1.0,
        "model_version": 1,
    }


def _reading(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.pk,
        "metric": outcome.metric.key,
        "series": None,
        "role": "primary",
        "weight": 1.0,
        "baseline": 2.1,
        "baseline_from": "typed",
        "target": 2.6,
        "current": 2.4,
        "newest_on": "2026-05-01",
        "attainment": 0.6,
        "reason": None,
        "pace": 1.2,
        "grade": "observed",
        "due_on": "2026-06-30",
        "missing": [],
    }


def judge(workspace: Workspace, item: Item, outcome: Outcome) -> Flag:
    numbers = {
        "expected": 500.0,
        "realised": 49.2,
        "proven": 24.6,
        "coverage": 0.5,
        "outcome_term": 0.6,
        "adoption": 0.42,
        "missing": ["retention"],
        "explanation": explanation(outcome),
        "model_version": 1,
        "judged_on": DAY,
    }
    ItemValue.objects.create(
        workspace=workspace, item=item, demand=7, revenue_at_stake=420, trend=3.1, as_of=NOON, **numbers
    )
    for number, cause in enumerate(({"kind": "delivery"}, {"kind": "edit", "by": "Ada", "via": "admin"})):
        ValueRecord.objects.create(
            workspace=workspace, item=item, cause=cause, as_of=NOON - timedelta(days=number), **numbers
        )
    ItemUsage.objects.create(
        workspace=workspace,
        item=item,
        verdict="under_used",
        last_known="under_used",
        active=1240,
        eligible=9800,
        eligible_from="snapshot",
        share=0.1265,
        low=0.1201,
        high=0.1332,
        window_days=28,
        judged_on=DAY,
        evidence={"kind": "counts", "expected_periods": 28, "covered_periods": 27, "under_used_below": 0.2},
    )
    VerdictSpan.objects.create(
        workspace=workspace, item=item, from_on=date(2026, 3, 30), verdict="under_used"
    )
    ScoringModel.objects.create(workspace=workspace, version=1, weights=default_numbers(), is_active=True)
    Reconciliation.objects.create(workspace=workspace, stage="done", finished_at=NOON)
    _estimated(workspace, outcome)
    flag = a_flag(item, recommendation="improve_adoption", evidence={"active": 1240, "share": 0.1265})
    FlagAction.objects.create(workspace=workspace, flag=flag, action="open", to_state="open", by="productops")
    QuietRun.objects.create(
        workspace=workspace,
        kind="first_run",
        started_at=NOON,
        through_at=NOON,
        ended_at=NOON,
        counts={"opened": {"under_used": 1}, "resolved": {}},
    )
    return flag


def _estimated(workspace: Workspace, outcome: Outcome) -> None:
    Effect.objects.create(
        workspace=workspace,
        outcome=outcome,
        design="before_after",
        estimate=0.4,
        low=0.1,
        high=0.7,
        relative=0.19,
        relative_low=0.05,
        relative_high=0.33,
        verdict="better",
        decided_on=date(2026, 3, 30),
        n_before=182,
        n_after=28,
        from_on=date(2025, 9, 1),
        to_on=date(2026, 3, 29),
        method="step, trend and season",
        method_version=1,
        caveats=[{"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}],
        chart=_chart(),
        cause={"kind": "clock"},
        as_of=NOON,
    )


def _chart() -> dict[str, Any]:
    """Half a year that repeats each week, and four weeks that are 0.4 above."""
    first, count = date(2025, 9, 1), 210
    line = [2.0 + 0.1 * (day % 7) for day in range(count)]
    return {
        "on": [(first + timedelta(days=day)).isoformat() for day in range(count)],
        "observed": [value + 0.05 * (day % 3) + 0.4 * (day >= 182) for day, value in enumerate(line)],
        "counterfactual": line,
        "low": [value - 0.2 for value in line],
        "high": [value + 0.2 for value in line],
    }
