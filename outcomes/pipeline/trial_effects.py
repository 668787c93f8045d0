"""What experiments show becomes the effect on the outcomes of their items: a reading while they run, decided after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from outcomes.formulas.digits import settled
from outcomes.formulas.effects.experiment import METHOD, METHOD_VERSION
from outcomes.formulas.trials import VOID, Difference, Reading, in_unit_of_metric
from outcomes.models import Effect, Experiment, Outcome
from outcomes.pipeline.levels import OutcomeLevels
from outcomes.pipeline.marks import Claimed, Marks
from outcomes.pipeline.news import effects_decided, is_decision
from outcomes.pipeline.trials import Trial, read_trials, series_of
from productops.workspaces.models import Workspace
from roadmap.models import Item

DESIGN = "experiment"
# A first changed day beyond any: nothing but the day of judgement is judged again.
_TODAY = date.max
# The columns hold PostgreSQL integers.
_MOST = 2**31 - 1
# What makes an effect another one; the rest is when and why it was written.
_SAID = (
    "estimate", "low", "high", "confidence", "relative", "relative_low", "relative_high", "probability_better",
    "verdict", "decided_on", "n_before", "n_after", "from_on", "to_on", "method", "method_version", "caveats",
    "detail", "chart",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shown:
    """A difference on the metric of an outcome, and the experiment that shows it."""

    trial: Trial
    reading: Reading
    difference: Difference


def weigh_experiments(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """Write the effects that experiments show on the outcomes of their items anew, and mark those items."""
    causes = {mark.subject_id: mark.cause for mark in marks}
    marked = Experiment.objects.filter(workspace=workspace, id__in=causes).values_list("id", "item_id")
    cause_of = {item_id: causes[id_] for id_, item_id in marked}
    items = {item.pk: item for item in Item.objects.filter(workspace=workspace, id__in=cause_of)}
    wanted = _wanted(workspace, items)
    held = {
        effect.outcome_id: effect
        for effect in Effect.objects.filter(design=DESIGN, outcome__item_id__in=items).order_by("outcome_id")
    }
    gone = sorted(held.keys() - wanted.keys())
    Effect.objects.filter(design=DESIGN, outcome_id__in=gone).update(is_withdrawn=True)
    changed = []
    for outcome_id in sorted(wanted):
        effect, item_id = wanted[outcome_id]
        if outcome_id not in held or _differs(held[outcome_id], effect):
            effect.cause = cause_of[item_id]
            changed.append(effect)
    Effect.every.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["outcome", "design"],
        update_fields=[*_SAID, "cause", "as_of", "is_withdrawn"],
    )
    before = {outcome_id: [effect] for outcome_id, effect in held.items()}
    news = [effect for effect in changed if is_decision(before.get(effect.outcome_id, []), effect)]
    effects_decided(workspace.pk, news)
    for item_id in items:
        onward.add("item", item_id, from_on=_TODAY, cause=cause_of[item_id])


def effects_of_items(workspace: Workspace, items: Mapping[int, Item]) -> dict[int, Effect]:
    """Return the effect of each outcome of these items that an experiment says something about. Reads only."""
    return {outcome_id: effect for outcome_id, (effect, _) in _wanted(workspace, items).items()}


def _wanted(workspace: Workspace, items: Mapping[int, Item]) -> dict[int, tuple[Effect, int]]:
    """The effect of each outcome that an experiment says something about, with the outcome's item."""
    day = workspace.today()
    held = Experiment.objects.filter(item_id__in=items, archived_at=None)
    trials = read_trials(list(held.select_related("item", "metric").order_by("id")), day)
    baselines = {
        standing.outcome.pk: standing.baseline
        for standings in OutcomeLevels(workspace, items, [day]).on(day).values()
        for standing in standings
    }
    outcomes = Outcome.objects.filter(item_id__in=items, series=None, metric__archived_at=None)
    wanted = {}
    for outcome in outcomes.select_related("metric").order_by("id"):
        shown = _strongest(outcome, trials)
        if shown is not None:
            effect = _effect(workspace, outcome, shown, baselines.get(outcome.pk), day)
            wanted[outcome.pk] = (effect, outcome.item_id)
    return wanted


def _strongest(outcome: Outcome, trials: Iterable[Trial]) -> _Shown | None:
    """What is shown of an outcome: by the experiment that ended last, else by the one that began last."""
    found = []
    for trial in trials:
        if trial.experiment.item_id != outcome.item_id or trial.chosen is None:
            continue
        for reading in (trial.primary, *trial.guardrails):
            if reading is None or reading.measure.key != outcome.metric.key:
                continue
            difference = reading.of(trial.chosen)
            if difference is not None:
                found.append(_Shown(trial, reading, difference))
    return max(found, key=_recency, default=None)


def _recency(shown: _Shown) -> tuple[bool, date, int]:
    experiment = shown.trial.experiment
    day = experiment.ended_on if shown.trial.is_over else experiment.started_on
    return shown.trial.is_over, day or date.min, experiment.pk


def _effect(
    workspace: Workspace, outcome: Outcome, shown: _Shown, baseline: float | None, day: date
) -> Effect:
    trial, difference = shown.trial, shown.difference
    experiment = trial.experiment
    in_unit = in_unit_of_metric(difference, outcome.metric.aggregation, baseline)
    people = {one.variant: one for one in shown.reading.variants}
    control, treatment = people[trial.arrangement.control], people[difference.variant]
    told = in_unit or (difference.estimate, difference.low, difference.high)
    size = max(abs(number) for number in (*told, control.mean or 0.0, treatment.mean or 0.0))
    estimate, low, high = (settled(number, size) for number in told)
    last_on = max(_last_day(one.at, workspace) for one in (control, treatment) if one.at is not None)
    return Effect(
        workspace_id=workspace.pk,
        outcome=outcome,
        design=DESIGN,
        estimate=estimate,
        low=low,
        high=high,
        confidence=difference.confidence,
        relative=settled(difference.relative),
        relative_low=settled(difference.relative_low),
        relative_high=settled(difference.relative_high),
        probability_better=settled(difference.probability_better),
        verdict=None if difference.verdict == VOID else difference.verdict,
        decided_on=experiment.result_day() if trial.is_over else None,
        n_before=min(control.n, _MOST),
        n_after=min(treatment.n, _MOST),
        from_on=min(experiment.started_on or last_on, last_on),
        to_on=last_on,
        method=METHOD,
        method_version=METHOD_VERSION,
        caveats=_caveats(shown, is_per_person=in_unit is None),
        detail={
            "experiment": experiment.key,
            "control": control.variant,
            "variant": treatment.variant,
            "control_mean": settled(control.mean),
            "variant_mean": settled(treatment.mean),
            "p": settled(difference.p),
            "split_p": settled(shown.reading.split_p),
        },
        chart=_chart(trial, shown, day, workspace),
        as_of=_as_of(workspace),
    )


def _caveats(shown: _Shown, *, is_per_person: bool) -> list[dict[str, Any]]:
    caveats: list[dict[str, Any]] = []
    if shown.reading.is_void:
        caveats.append({"code": "sample_ratio_mismatch", "p": shown.reading.split_p})
    elif not shown.difference.is_enough:
        caveats.append({"code": "too_few"})
    elif shown.difference.is_without_noise:
        caveats.append({"code": "no_noise"})
    if shown.reading.at is not None and shown.reading.later:
        later = shown.reading.later
        caveats.append(
            {
                "code": "not_of_one_time",
                "at": _stamp(shown.reading.at),
                "later": {variant: _stamp(later[variant]) for variant in sorted(later)},
            }
        )
    if is_per_person:
        caveats.append({"code": "per_person"})
    return caveats


def _chart(trial: Trial, shown: _Shown, day: date, workspace: Workspace) -> dict[str, Any]:
    """The treatment's mean beside what it would have been without: the control, with the difference's interval.

    Only of the metric that the experiment is decided on.
    """
    leading = trial.leading
    if shown.reading is not trial.primary or leading is None or leading.variant != shown.difference.variant:
        return {}
    points = series_of(trial, day)
    return {
        "on": [_last_day(point.at, workspace).isoformat() for point in points],
        "observed": [settled(point.mean) for point in points],
        "counterfactual": [_less(point.mean, point.difference.estimate) for point in points],
        "low": [_less(point.mean, point.difference.high) for point in points],
        "high": [_less(point.mean, point.difference.low) for point in points],
    }


def _less(mean: float, difference: float) -> float:
    return settled(mean - difference, max(abs(mean), abs(difference)))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _last_day(at: datetime, workspace: Workspace) -> date:
    return (at - timedelta(microseconds=1)).astimezone(workspace.zone).date()


def _as_of(workspace: Workspace) -> datetime:
    if workspace.pinned_on is None:
        return timezone.now()
    return datetime.combine(workspace.pinned_on, time(23, 59, 59), workspace.zone)


def _differs(held: Effect, wanted: Effect) -> bool:
    return any(getattr(held, name) != getattr(wanted, name) for name in _SAID)
