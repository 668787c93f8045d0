"""Did it move the outcome? Effects estimated from daily totals: a reading until its window is full, then decided.

An effect is a function of the facts in its window and of the day. What changes it is: a fact in the window, an
edit of the outcome, its metric or its item's release, and the day that ends another period. Each leaves a mark.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf, isclose
from typing import Any

from django.db.models import Count

from outcomes.formulas.effects.strongest import Finding, Question, find
from outcomes.formulas.effects.verdict import adjusted_confidence
from outcomes.formulas.effects.windows import (
    AfterWindow,
    after_window,
    first_read,
)
from outcomes.models import Effect, Metric, Outcome
from outcomes.pipeline.marks import Marks
from outcomes.pipeline.news import effects_decided, is_decision
from outcomes.pipeline.series import SeriesOf
from productops.workspaces.models import Workspace

SERIES_DESIGNS = ("before_after", "comparison")
# Changes smaller than this part of an effect's own size are the noise of floating point.
_NOISE = 1e-9
_COMPARED = ("estimate", "low", "high", "confidence", "relative", "relative_low", "relative_high")
_PARTS = ("confidence", "relative", "relative_low", "relative_high")
_SAME = (
    "design", "verdict", "decided_on", "n_before", "n_after", "from_on", "to_on", "method", "method_version", "caveats",
)  # fmt: skip
_WRITTEN = (
    *_COMPARED,
    *_SAME[1:],
    "probability_better",
    "placebo",
    "detail",
    "chart",
    "cause",
    "as_of",
    "is_withdrawn",
)


@dataclass(frozen=True, slots=True)
class Control:
    """A series that the release did not touch. `series` is one label; None reads all of them."""

    metric: Metric
    series: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """An outcome with what its effect is read from."""

    outcome: Outcome
    after: AfterWindow
    first: date
    controls: tuple[Control, ...]
    is_missing_controls: bool

    @property
    def metric_ids(self) -> set[int]:
        return {self.outcome.metric_id, *(control.metric.pk for control in self.controls)}

    @property
    def span(self) -> tuple[date, date]:
        return self.first, self.after.last.end


@dataclass(frozen=True, slots=True)
class Estimated:
    """What is to be written: the effect of each outcome, None where there is none to tell."""

    effects: Mapping[int, Effect | None]

    def of(self, outcome_ids: Collection[int]) -> Estimated:
        """Return what is to be written of these outcomes alone."""
        return Estimated({id_: effect for id_, effect in self.effects.items() if id_ in outcome_ids})


def estimate_effects(
    workspace: Workspace, causes: Mapping[int, dict[str, Any]], *, until: float = inf
) -> Estimated:
    """Estimate the effects of these outcomes as they are to stand; each comes with why it is asked. Reads only.

    They are estimated in the order asked for until the monotonic clock says `until`, at least one; outcomes that
    there was no time for are not in the answer.
    """
    rows = Outcome.objects.filter(workspace=workspace, id__in=causes, metric__archived_at=None)
    outcomes = list(rows.select_related("metric", "item").order_by("id"))
    today = workspace.today()
    asked = {one.outcome.pk: one for one in asked_of(workspace, outcomes) if one.after.first.start <= today}
    series = SeriesOf((id_, *one.span) for one in asked.values() for id_ in one.metric_ids)
    guards = _guardrails({one.outcome.item_id for one in asked.values()})
    releases = _releases(workspace, list(asked.values()), today)
    effects: dict[int, Effect | None] = dict.fromkeys(id_ for id_ in causes if id_ not in asked)
    for one in (asked[id_] for id_ in causes if id_ in asked):
        question = _question(one, today, guards[one.outcome.item_id])
        finding = find(
            question,
            series.of(one.outcome.metric, one.outcome.series),
            [] if one.is_missing_controls else [series.of(c.metric, c.series) for c in one.controls],
        )
        id_ = one.outcome.pk
        row = None if finding is None else _row(workspace, one, finding, question, releases, causes[id_])
        effects[id_] = row
        if time.monotonic() > until:
            break
    return Estimated(effects)


def write_effects(estimated: Estimated, onward: Marks, causes: Mapping[int, dict[str, Any]]) -> None:
    """Write what changed and have the items of those outcomes scored again."""
    standing: dict[int, list[Effect]] = defaultdict(list)
    known = Effect.objects.filter(outcome_id__in=estimated.effects, design__in=SERIES_DESIGNS)
    for row in known.defer("chart").order_by("outcome_id", "id"):
        standing[row.outcome_id].append(row)
    changed = [
        id_ for id_, effect in sorted(estimated.effects.items()) if any(differences(standing[id_], effect))
    ]
    gone = [
        row.pk
        for id_ in changed
        for row in standing[id_]
        if (effect := estimated.effects[id_]) is None or row.design != effect.design
    ]
    Effect.objects.filter(id__in=gone).update(is_withdrawn=True)
    rows = [effect for id_ in changed if (effect := estimated.effects[id_]) is not None]
    Effect.every.bulk_create(
        rows, update_conflicts=True, unique_fields=["outcome", "design"], update_fields=list(_WRITTEN)
    )
    news = [effect for effect in rows if is_decision(standing[effect.outcome_id], effect)]
    effects_decided(onward.workspace_id, news)
    items = dict(Outcome.objects.filter(id__in=changed).values_list("id", "item_id"))
    for id_, item_id in sorted(items.items()):
        onward.add("item", item_id, from_on=date.max, cause=causes.get(id_))


def asked_of(workspace: Workspace, outcomes: Iterable[Outcome]) -> list[Asked]:
    """Return what the effects of these outcomes are read from; those of unreleased items are left out.

    `item` and `metric` are loaded on each outcome.
    """
    outcomes = [outcome for outcome in outcomes if outcome.item.released_on is not None]
    keys = {_key_of(control) for outcome in outcomes for control in outcome.controls}
    found = Metric.objects.in_workspace(workspace.pk).filter(key__in=keys, archived_at=None)
    metrics = {metric.key: metric for metric in found} if keys else {}
    asked = []
    for outcome in outcomes:
        assert outcome.item.released_on is not None
        after = after_window(
            outcome.item.released_on,
            outcome.metric.cadence,
            washout_days=outcome.washout_days,
            after_periods=outcome.after_periods,
        )
        if after is None:
            continue
        controls = tuple(
            Control(metrics[_key_of(control)], control.get("series") if isinstance(control, dict) else None)
            for control in outcome.controls
            if _key_of(control) in metrics
        )
        first = first_read(outcome.item.released_on, outcome.metric.cadence)
        asked.append(Asked(outcome, after, first, controls, len(controls) < len(outcome.controls)))
    return asked


def _question(one: Asked, today: date, guardrails: int) -> Question:
    outcome = one.outcome
    assert outcome.item.released_on is not None
    is_guardrail = outcome.role == "guardrail"
    return Question(
        cadence=outcome.metric.cadence,
        direction=outcome.metric.direction,
        released_on=outcome.item.released_on,
        after=one.after,
        today=today,
        confidence=adjusted_confidence(guardrails if is_guardrail else 1),
        margin=outcome.margin or 0.0,
    )


def _row(
    workspace: Workspace,
    one: Asked,
    finding: Finding,
    question: Question,
    releases: Sequence[tuple[date, str, int, int]],
    cause: dict[str, Any],
) -> Effect:
    estimate, periods = finding.estimate, finding.data.periods
    is_full = one.after.is_full(question.today)
    return Effect(
        workspace_id=workspace.pk,
        outcome_id=one.outcome.pk,
        design=finding.design,
        estimate=estimate.estimate,
        low=estimate.low,
        high=estimate.high,
        confidence=question.confidence,
        relative=estimate.relative,
        relative_low=estimate.relative_low,
        relative_high=estimate.relative_high,
        verdict=finding.verdict,
        decided_on=one.after.decided_on if is_full else None,
        n_before=finding.data.window.n_before,
        n_after=finding.data.window.n_after,
        from_on=periods[0].start,
        to_on=one.after.last.end if is_full else periods[-1].end,
        method=finding.method,
        method_version=finding.method_version,
        placebo=None if finding.placebo is None else _named(one, finding.placebo),
        caveats=[*_overlaps(one, periods[0].start, releases), *_caveats(one, finding)],
        detail=estimate.detail,
        chart={
            "on": [period.start.isoformat() for period in periods],
            "observed": list(finding.data.window.values),
            "counterfactual": estimate.counterfactual.tolist(),
            "low": estimate.lows.tolist(),
            "high": estimate.highs.tolist(),
        },
        cause=cause,
        as_of=workspace.as_of(),
    )


def _named(one: Asked, runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"metric": control.metric.key, "series": control.series, **run}
        for control, run in zip(one.controls, runs, strict=True)
    ]


def _caveats(one: Asked, finding: Finding) -> list[dict[str, Any]]:
    told = []
    for caveat in finding.caveats:
        if "control" in caveat:
            told.append({"code": caveat["code"], "metric": one.controls[caveat["control"]].metric.key})
        else:
            told.append(caveat)
    if one.is_missing_controls:
        told.append({"code": "controls_not_usable"})
    return told


def _guardrails(item_ids: set[int]) -> Mapping[int, int]:
    """How many questions the guardrails of each item ask together."""
    counted: dict[int, int] = defaultdict(int)
    rows = Outcome.objects.filter(item_id__in=item_ids, role="guardrail", metric__archived_at=None)
    counted.update(rows.order_by().values_list("item_id").annotate(Count("id")))
    return counted


def _releases(workspace: Workspace, asked: Sequence[Asked], today: date) -> list[tuple[date, str, int, int]]:
    """Every release that was to move one of the metrics read: (day, item's key, item, metric), in order."""
    if not asked:
        return []
    rows = Outcome.objects.in_workspace(workspace.pk).filter(
        metric_id__in={id_ for one in asked for id_ in one.metric_ids},
        item__released_on__gte=min(one.first for one in asked),
        item__released_on__lte=today,
    )
    found = set(rows.values_list("item__released_on", "item__key", "item_id", "metric_id"))
    return sorted((on, key, item_id, metric_id) for on, key, item_id, metric_id in found if on is not None)


def _overlaps(
    one: Asked, first: date, releases: Sequence[tuple[date, str, int, int]]
) -> list[dict[str, Any]]:
    """The other releases that touched the same metric, or a control of it, inside the window from `first` on."""
    named: list[dict[str, Any]] = []
    for on, key, item_id, metric_id in releases:
        is_inside = first <= on <= one.after.last.end
        if item_id == one.outcome.item_id or not is_inside or metric_id not in one.metric_ids:
            continue
        code = "overlap" if metric_id == one.outcome.metric_id else "control_touched"
        caveat = {"code": code, "item": key, "on": on.isoformat()}
        if caveat not in named:
            named.append(caveat)
    return named


def differences(standing: Sequence[Effect], effect: Effect | None) -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, stored, computed) wherever what stands does not say this, but for the noise of floating point.

    `standing` are the stored effects from an outcome's series, or from its experiments: one or none, unless we erred.
    """
    designs = [row.design for row in standing]
    if designs != ([] if effect is None else [effect.design]):
        yield "design", ", ".join(designs) or None, effect and effect.design
        return
    for row in standing:
        for name in (*_SAME, *_COMPARED):
            held, now = getattr(row, name), getattr(effect, name)
            size = 1.0 if name in _PARTS else max(abs(row.low), abs(row.high))
            if not (_is_close(held, now, size) if name in _COMPARED else held == now):
                yield name, held, now


def _is_close(before: float | None, after: float | None, size: float) -> bool:
    """Whether two numbers are alike, for ones of this size; whatever the unit is."""
    if before is None or after is None:
        return before is after
    return isclose(before, after, rel_tol=_NOISE, abs_tol=_NOISE * size)


def _key_of(control: Any) -> str:
    return control["metric"] if isinstance(control, dict) else control
