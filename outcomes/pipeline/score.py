"""From what was judged and measured to a value with every term explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from outcomes.formulas.digits import settled
from outcomes.formulas.realised import Realised, ScoringWeights
from outcomes.formulas.valuing import GradedReading, ValueInputs, value_of
from outcomes.formulas.verdicts import SHARES, Judgement, Verdict, judge
from outcomes.models import Outcome, ScoringModel
from outcomes.pipeline.days import TREND
from outcomes.pipeline.expectation import expectations
from outcomes.pipeline.explain import Whole, explanation_of, missing_of, usage_evidence
from outcomes.pipeline.judge import Judged
from outcomes.pipeline.levels import OutcomeLevels, Standing
from outcomes.pipeline.scored import Scored, UsageRow, ValueRow
from outcomes.pipeline.scoring_model import active_model, weights_of
from outcomes.pipeline.supposing import NOTHING, Supposed, is_countable
from productops.workspaces.models import Workspace
from roadmap import standing
from roadmap.models import Item


def score_items(
    workspace: Workspace,
    items: Sequence[Item],
    judged: Mapping[int, Judged],
    last_known: Mapping[int, str | None],
    *,
    model: ScoringModel | None = None,
    supposed: Mapping[int, Supposed] | None = None,
    outcomes: Sequence[Outcome] | None = None,
) -> dict[int, Scored]:
    """Return the value and the usage of each item as they are to stand. Reads only.

    `model` is the scoring model in force unless another is said; `supposed` holds inputs of items that are to
    be taken as given instead of measured; `outcomes` are read from the database if they are not given.
    """
    today = workspace.today()
    by_id = {item.pk: item for item in items}
    levels = OutcomeLevels(workspace, by_id, [today, today - TREND], outcomes)
    now, before = levels.on(today), levels.on(today - TREND)
    credits = standing.credit(list(by_id))
    expected = expectations(workspace, items, judged, today)
    model = model or active_model(workspace)
    weights = weights_of(model)
    as_of = workspace.as_of()
    scored = {}
    for item in items:
        one = judged[item.pk]
        given = (supposed or {}).get(item.pk, NOTHING)
        standings = given.standings(now.get(item.pk, []), item, today)
        judgement = given.judgement(one.today)
        measured = value_inputs(item, one, judgement, standings, today)
        inputs = given.inputs(measured, is_countable(item, judgement))
        whole = Whole(
            item, one, judgement, standings, inputs, value_of(inputs, weights), expected[item.pk],
            credits[item.pk], model.version, weights, today,
        )  # fmt: skip
        past = _value_before(item, one, before.get(item.pk, []), weights, today)
        usage = _usage_row(one, judgement, last_known.get(item.pk), today)
        scored[item.pk] = Scored(_value_row(whole, past, as_of), usage, standings, one)
    return scored


def value_inputs(
    item: Item, one: Judged, judgement: Judgement, standings: Sequence[Standing], day: date
) -> ValueInputs:
    """What the realised value of an item on a day depends on, but for the scoring model."""
    is_released = (
        item.released_on is not None and item.released_on <= day and item.status in ("released", "sunset")
    )
    # While its sources are silent nobody knows who uses it; that weighs nothing rather than zero.
    is_counted = is_released and counts_people(item, judgement)
    previous = still = None
    if is_counted:
        previous, still = one.facts.still_active(day)
    return ValueInputs(
        is_released=is_released,
        readings=tuple(
            GradedReading(
                reading.outcome.weight,
                reading.grade,
                reading.attainment.value,
                reading.outcome.role == "guardrail",
            )
            for reading in standings
        ),
        is_any_effect_worse=any(reading.is_worse for reading in standings),
        is_counted=is_counted,
        share=judgement.share,
        eligible=judgement.eligible,
        is_bare_share=one.facts.on(day).kind == SHARES,
        previous=previous,
        still=still,
        own_target_adoption=item.target_adoption,
    )


def counts_people(item: Item, judgement: Judgement) -> bool:
    """Whether the item's use says anything about its value on the day of the judgement."""
    is_gap = judgement.verdict is Verdict.DATA_GAP and judgement.reason in ("silent", "not_covered")
    return is_countable(item, judgement) and not is_gap


def _value_before(
    item: Item, one: Judged, standings: Sequence[Standing], weights: ScoringWeights, today: date
) -> Realised | None:
    """The value as of the day that the trend looks back to; None for what was not released then."""
    day = today - TREND
    if item.released_on is None or item.released_on > day:
        return None
    then = judge(one.facts.on(day), one.facts.thresholds, day)
    return value_of(value_inputs(item, one, then, standings, day), weights)


def _value_row(whole: Whole, past: Realised | None, as_of: datetime) -> ValueRow:
    value, credit = whole.value, whole.credit
    return ValueRow(
        item_id=whole.item.pk,
        expected=whole.expected.value,
        realised=value.realised,
        proven=value.proven,
        coverage=value.coverage,
        outcome_term=value.outcome,
        adoption=value.adoption,
        retention=value.retention,
        missing=missing_of(whole),
        explanation=explanation_of(whole),
        model_version=whole.model_version,
        judged_on=whole.today,
        demand=credit.demand,
        revenue_at_stake=credit.revenue_at_stake,
        opportunity=credit.opportunity,
        trend=_difference(value.proven, past.proven if past else None),
        as_of=as_of,
    )


def _usage_row(one: Judged, judgement: Judgement, last_known: str | None, today: date) -> UsageRow:
    is_gap = judgement.verdict is Verdict.DATA_GAP
    return UsageRow(
        item_id=one.facts.item.pk,
        verdict=judgement.verdict.value,
        last_known=last_known if is_gap else judgement.verdict.value,
        reason=judgement.reason,
        active=judgement.active,
        eligible=judgement.eligible,
        eligible_from=judgement.eligible_from,
        share=judgement.share,
        low=judgement.low,
        high=judgement.high,
        window_days=one.facts.thresholds.window_days,
        judged_on=today,
        evidence=usage_evidence(one, judgement, today),
    )


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else settled(now - before, max(abs(now), abs(before)))
