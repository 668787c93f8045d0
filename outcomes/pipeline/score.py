"""From what was judged and measured to a value with every term explained, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time
from typing import Any

from django.utils import timezone

from outcomes.formulas.realised import (
    OutcomeReading,
    Realised,
    ScoringWeights,
    adoption_term,
    adoption_term_from_share,
    realised_value,
    retention_term,
)
from outcomes.formulas.verdicts import SHARES, Judgement, Verdict, judge
from outcomes.models import ItemUsage, ItemValue, ScoringModel, ValueRecord
from outcomes.pipeline.gather import gather
from outcomes.pipeline.judge import TREND, Judged
from outcomes.pipeline.levels import OutcomeLevels, Standing
from outcomes.pipeline.usage_facts import ItemFacts, Span
from productops.workspaces.models import Workspace
from roadmap import standing
from roadmap.formulas import Expected, confidence_cap, expected_value
from roadmap.models import Item

# A change smaller than this is the noise of floating point, not history.
_NOISE = 1e-9
_HISTORY = ("expected", "realised", "proven", "coverage", "outcome_term", "adoption", "retention")


@dataclass(frozen=True, slots=True)
class Scored:
    """What is to be written of one item."""

    value: ItemValue
    usage: ItemUsage
    standings: list[Standing]
    judged: Judged


def score_items(
    workspace: Workspace,
    items: Sequence[Item],
    judged: Mapping[int, Judged],
    last_known: Mapping[int, str | None],
) -> dict[int, Scored]:
    """Return the value and the usage of each item as they are to stand. Reads only."""
    today = workspace.today()
    model = active_model(workspace)
    weights = weights_of(model)
    by_id = {item.pk: item for item in items}
    outcomes = OutcomeLevels(workspace, by_id, [today, today - TREND])
    standings, standings_before = outcomes.on(today), outcomes.on(today - TREND)
    credits = standing.credit(list(by_id))
    expected = _expected(workspace, items, judged, today)
    scored = {}
    for item in items:
        one = judged[item.pk]
        value = _value(item, one, one.today, standings.get(item.pk, []), weights, today)
        before = _value_before(item, one, standings_before.get(item.pk, []), weights, today)
        credit = credits[item.pk]
        row = ItemValue(
            workspace_id=workspace.pk,
            item_id=item.pk,
            expected=expected[item.pk].value,
            realised=value.realised.realised,
            proven=value.realised.proven,
            coverage=value.realised.coverage,
            outcome_term=value.realised.outcome,
            adoption=value.realised.adoption,
            retention=value.realised.retention,
            missing=_missing(item, expected[item.pk], value),
            explanation=_explain(item, one, expected[item.pk], value, credit, model, weights, today),
            model_version=model.version,
            judged_on=today,
            demand=credit.demand,
            revenue_at_stake=credit.revenue_at_stake,
            opportunity=credit.opportunity,
            trend=_difference(value.realised.proven, before.realised.proven if before else None),
            as_of=_as_of(workspace),
        )
        usage = _usage_row(workspace, one, last_known.get(item.pk), today)
        scored[item.pk] = Scored(row, usage, standings.get(item.pk, []), one)
    return scored


def write_values(
    workspace: Workspace, scored: Mapping[int, Scored], causes: Mapping[int, dict[str, Any]]
) -> list[int]:
    """Write values and usage; append history where a number changed. Returns the items whose value moved."""
    before = {row.item_id: row for row in ItemValue.objects.filter(item_id__in=scored)}
    moved = [id_ for id_, one in scored.items() if _has_moved(before.get(id_), one.value)]
    rows = [scored[id_] for id_ in sorted(scored)]
    ItemValue.objects.bulk_create(
        [one.value for one in rows],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=_writable(ItemValue),
    )
    ItemUsage.objects.bulk_create(
        [one.usage for one in rows],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=_writable(ItemUsage),
    )
    ValueRecord.objects.bulk_create(
        [
            ValueRecord(
                workspace_id=workspace.pk,
                item_id=id_,
                cause=causes.get(id_, {}),
                as_of=scored[id_].value.as_of or timezone.now(),
                missing=scored[id_].value.missing,
                explanation=scored[id_].value.explanation,
                model_version=scored[id_].value.model_version,
                judged_on=scored[id_].value.judged_on,
                **{name: getattr(scored[id_].value, name) for name in _HISTORY},
            )
            for id_ in sorted(moved)
        ]
    )
    if moved:
        # From now on history refers to it: it can be replaced, not edited.
        ScoringModel.objects.filter(workspace=workspace, is_active=True, is_used=False).update(is_used=True)
    return moved


def active_model(workspace: Workspace) -> ScoringModel:
    """Return the workspace's scoring model, making version 1 with the published weights when there is none."""
    model = ScoringModel.objects.filter(workspace=workspace, is_active=True).first()
    if model is None:
        weights = {field.name: getattr(ScoringWeights(), field.name) for field in fields(ScoringWeights)}
        weights["grades"] = dict(weights["grades"])
        model, _ = ScoringModel.objects.get_or_create(
            workspace=workspace, version=1, defaults={"weights": weights, "is_active": True}
        )
    return model


def weights_of(model: ScoringModel) -> ScoringWeights:
    return ScoringWeights(**model.weights)


@dataclass(frozen=True, slots=True)
class _Value:
    realised: Realised
    standings: list[Standing]
    previous: float | None
    still: float | None
    target_adoption: float


def _value(
    item: Item,
    one: Judged,
    judgement: Judgement,
    standings: list[Standing],
    weights: ScoringWeights,
    day: date,
) -> _Value:
    """The realised value of an item on a day; all terms are unknown before its release."""
    is_after = (
        item.released_on is not None and item.released_on <= day and item.status in ("released", "sunset")
    )
    readings = [
        OutcomeReading(
            standing.outcome.weight,
            weights.grades[standing.grade],
            standing.attainment.value,
            standing.outcome.role == "guardrail",
        )
        for standing in standings
    ]
    target = item.target_adoption if item.target_adoption is not None else weights.target_adoption
    adoption = previous = still = None
    # While its sources are silent nobody knows who uses it; that weighs nothing rather than zero.
    if is_after and _counts_people(item, judgement):
        previous, still = one.facts.still_active(day)
        adoption = _adoption(one.facts, judgement, target, weights, day)
    retention = retention_term(
        previous, still, target=weights.target_retention, minimum=weights.minimum_people
    )
    realised = realised_value(
        outcomes=readings if is_after else [], adoption=adoption, retention=retention, weights=weights
    )
    return _Value(realised, standings, previous, still, target)


def _counts_people(item: Item, judgement: Judgement) -> bool:
    if item.usage_policy != "normal" or judgement.verdict is Verdict.EXEMPT:
        return False
    return not (judgement.verdict is Verdict.DATA_GAP and judgement.reason in ("silent", "not_covered"))


def _adoption(
    facts: ItemFacts, judgement: Judgement, target: float, weights: ScoringWeights, day: date
) -> float | None:
    usage = facts.on(day)
    if usage.kind == SHARES:
        return adoption_term_from_share(judgement.share, target) if usage.has_usage_ever else None
    if judgement.share is None or judgement.eligible is None:
        return None
    # The share is the lower bound of the reach where snapshots are shorter than the window.
    active = judgement.share * judgement.eligible
    return adoption_term(active, judgement.eligible, target, minimum=weights.minimum_people)


def _value_before(
    item: Item, one: Judged, standings: list[Standing], weights: ScoringWeights, today: date
) -> _Value | None:
    day = today - TREND
    if item.released_on is None or item.released_on > day:
        return None
    then = judge(one.facts.on(day), one.facts.thresholds, day)
    return _value(item, one, then, standings, weights, day)


def _expected(
    workspace: Workspace, items: Sequence[Item], judged: Mapping[int, Judged], today: date
) -> dict[int, Expected]:
    """The expected value of each item; of a released one frozen at its release, facts dated up to then."""
    frozen_on = {
        item.pk: item.released_on
        for item in items
        if item.inputs_at_release is not None and item.released_on is not None
    }
    backing = standing.backing({item.pk: frozen_on.get(item.pk, today) for item in items})
    eligible = _eligible_at_release(workspace, items, judged, frozen_on)
    result = {}
    for item in items:
        inputs = item.inputs_at_release or {
            name: getattr(item, name) for name in ("reach", "impact", "confidence", "effort")
        }
        measured = eligible.get(item.pk) if item.pk in frozen_on else judged[item.pk].today.eligible
        behind = backing.get(item.pk, standing.Backing())
        result[item.pk] = expected_value(
            reach=inputs["reach"],
            eligible=None if measured is None else int(measured),
            evidence_customers=behind.customer_count,
            impact=inputs["impact"],
            confidence=inputs["confidence"],
            confidence_cap=confidence_cap(behind.kinds, behind.respondents),
            effort=inputs["effort"],
        )
    return result


def _eligible_at_release(
    workspace: Workspace,
    items: Sequence[Item],
    judged: Mapping[int, Judged],
    frozen_on: Mapping[int, date],
) -> dict[int, float | None]:
    """Measured eligible users on the day of release, where nobody had estimated the reach."""
    asked = []
    for item in items:
        first_used_on = judged[item.pk].facts.first_used_on
        if (
            item.pk in frozen_on
            and (item.inputs_at_release or {}).get("reach") is None
            and first_used_on is not None
            and first_used_on <= frozen_on[item.pk]
        ):
            asked.append(item)
    if not asked:
        return {}
    spans = {item.pk: Span(frozen_on[item.pk], frozen_on[item.pk]) for item in asked}
    found = gather(workspace, asked, spans)
    return {id_: facts.on(frozen_on[id_]).eligible for id_, facts in found.items()}


def _missing(item: Item, expected: Expected, value: _Value) -> list[str]:
    """What is not known, by name: inputs of the expectation, then terms of the value."""
    missing = list(expected.missing)
    if item.released_on is None or item.status not in ("released", "sunset"):
        return missing
    terms = {"outcome": value.realised.outcome}
    if item.usage_policy == "normal":
        terms |= {"adoption": value.realised.adoption, "retention": value.realised.retention}
    missing += [name for name, term in terms.items() if term is None]
    missing += [
        f"guardrail:{one.outcome.metric.key}"
        for one in value.standings
        if one.outcome.role == "guardrail" and one.current is None
    ]
    return missing


def _explain(
    item: Item,
    one: Judged,
    expected: Expected,
    value: _Value,
    credit: standing.Credit,
    model: ScoringModel,
    weights: ScoringWeights,
    today: date,
) -> dict[str, Any]:
    """Every term with its inputs, where each came from and how old it is."""
    judgement = one.today
    newest_on = one.facts.newest_on(today)
    realised = value.realised
    frozen_on = item.released_on.isoformat() if item.inputs_at_release and item.released_on else None
    return {
        "as_of": today.isoformat(),
        "expected": {**asdict(expected), "missing": list(expected.missing), "frozen_on": frozen_on},
        "outcome": {"term": realised.outcome, "weight": realised.outcome_weight},
        "outcomes": [standing.as_json() for standing in value.standings],
        "adoption": {
            "term": realised.adoption,
            "weight": weights.adoption,
            "active": judgement.active,
            "eligible": judgement.eligible,
            "eligible_from": judgement.eligible_from,
            "share": judgement.share,
            "low": judgement.low,
            "high": judgement.high,
            "target": value.target_adoption,
            "window_days": one.facts.thresholds.window_days,
            "newest_on": newest_on.isoformat() if newest_on else None,
            "age_days": (today - newest_on).days if newest_on else None,
        },
        "retention": {
            "term": realised.retention,
            "weight": weights.retention,
            "previous": value.previous,
            "still": value.still,
            "target": weights.target_retention,
        },
        "credit": {
            "demand": credit.demand,
            "revenue_at_stake": credit.revenue_at_stake,
            "opportunity": credit.opportunity,
        },
        "coverage": realised.coverage,
        "multiplier": realised.multiplier,
        "model_version": model.version,
    }


def _usage_row(workspace: Workspace, one: Judged, last_known: str | None, today: date) -> ItemUsage:
    judgement, facts = one.today, one.facts
    usage = facts.on(today)
    newest_on = facts.newest_on(today)
    is_gap = judgement.verdict is Verdict.DATA_GAP
    return ItemUsage(
        workspace_id=workspace.pk,
        item_id=facts.item.pk,
        verdict=judgement.verdict.value,
        last_known=last_known if is_gap else judgement.verdict.value,
        reason=judgement.reason,
        active=judgement.active,
        eligible=judgement.eligible,
        eligible_from=judgement.eligible_from,
        share=judgement.share,
        low=judgement.low,
        high=judgement.high,
        window_days=facts.thresholds.window_days,
        judged_on=today,
        evidence={
            "kind": usage.kind if usage.has_usage_ever else None,
            "expected_periods": usage.expected,
            "covered_periods": usage.covered,
            "is_silent": usage.is_silent,
            "ratio_to_window_before": judgement.ratio,
            "first_used_on": facts.first_used_on.isoformat() if facts.first_used_on else None,
            "first_active_on": facts.first_active_on.isoformat() if facts.first_active_on else None,
            "newest_on": newest_on.isoformat() if newest_on else None,
            "under_used_below": facts.thresholds.under_used_below,
            "grace_days": facts.thresholds.grace_days,
        },
    )


def _as_of(workspace: Workspace) -> datetime:
    """The instant a value speaks for: now, or the end of the day the workspace is pinned to."""
    if workspace.pinned_on is None:
        return timezone.now()
    return datetime.combine(workspace.pinned_on, time(23, 59, 59), workspace.zone)


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _has_moved(before: ItemValue | None, after: ItemValue) -> bool:
    if before is None or before.as_of is None:
        return True
    if before.missing != after.missing or before.model_version != after.model_version:
        return True
    return any(_differs(getattr(before, name), getattr(after, name)) for name in _HISTORY)


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) > _NOISE


def _writable(model: type[ItemValue] | type[ItemUsage]) -> list[str]:
    return [
        field.name for field in model._meta.concrete_fields if field.name not in ("id", "workspace", "item")
    ]
