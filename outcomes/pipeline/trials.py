"""Experiments read from the totals of their variants at one instant, set-wise for a batch of them.

Variants are compared at the newest instant that the most of them have reported for. What a sender has told of some
of them since is not a result: it is named, and waits for the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isclose
from typing import Any

from django.db import connection

from outcomes.formulas.trials import CONTROL, Arrangement, Difference, Measure, Reading, Total, arrange, read
from outcomes.models import Experiment, ExperimentGuardrail, Metric, Outcome

# By variant.
Totals = dict[str, Total]


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment as it reads on a day. `primary` is None while it has no metric to be read on."""

    experiment: Experiment
    arrangement: Arrangement
    metric: Metric | None
    primary: Reading | None
    guardrails: Sequence[Reading]
    # Variants that report and were not declared: they are kept and not read.
    undeclared: Sequence[str]
    is_over: bool

    @property
    def leading(self) -> Difference | None:
        """The treatment that is spoken of: the one decided on, else the only one, else the best so far."""
        if self.primary is None:
            return None
        return self.primary.of(self.experiment.decided_variant) or self.primary.best()

    @property
    def chosen(self) -> str | None:
        """The treatment that the item's effect is that of; None where there are several and nobody said."""
        treatments = self.arrangement.treatments
        if self.experiment.decided_variant in treatments:
            return self.experiment.decided_variant
        return treatments[0] if len(treatments) == 1 else None


@dataclass(slots=True)
class _Facts:
    """Of one experiment, by metric: the newest total of each variant, and those of the instant to compare at."""

    newest: defaultdict[int, Totals] = field(default_factory=lambda: defaultdict(dict))
    compared: dict[int, Totals] = field(default_factory=dict)

    @property
    def variants(self) -> set[str]:
        return {variant for totals in self.newest.values() for variant in totals}

    @property
    def taking_part(self) -> set[str]:
        """Where nobody declared them: those that are reported together, else all that report."""
        together = {name for totals in self.compared.values() if len(totals) > 1 for name in totals}
        return together or self.variants


def read_trials(experiments: Sequence[Experiment], day: date) -> list[Trial]:
    """Read experiments (with item and metric loaded) as of a day, in a constant number of queries."""
    ids = [experiment.pk for experiment in experiments]
    facts = _facts(ids, day)
    guardrails: defaultdict[int, list[Metric]] = defaultdict(list)
    rows = ExperimentGuardrail.objects.filter(experiment_id__in=ids).select_related("metric").order_by("id")
    for row in rows:
        guardrails[row.experiment_id].append(row.metric)
    outcomes: defaultdict[int, list[Outcome]] = defaultdict(list)
    held = Outcome.objects.filter(item_id__in={one.item_id for one in experiments})
    for outcome in held.select_related("metric").order_by("id"):
        outcomes[outcome.item_id].append(outcome)
    used = _metrics({pk for one in facts.values() for pk in one.newest})
    return [
        _trial(one, facts[one.pk], guardrails[one.pk], outcomes[one.item_id], used, day)
        for one in experiments
    ]


def read_as(trial: Trial) -> dict[str, Any] | None:
    """What a decision on the experiment is made on: the leading treatment on the primary metric; None without one."""
    leading = trial.leading
    if leading is None or trial.metric is None or trial.primary is None:
        return None
    at = trial.primary.at
    return {
        "metric": trial.metric.key,
        "unit": trial.metric.unit,
        "variant": leading.variant,
        "verdict": leading.verdict,
        "estimate": leading.estimate,
        "low": leading.low,
        "high": leading.high,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None,
    }


def has_moved(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    """Whether a reading is another than the one that was decided on, beyond what the order of sums leaves."""
    if then is None or now is None:
        return then is not now
    if any(then[name] != now[name] for name in ("metric", "variant", "verdict")):
        return True
    return not all(isclose(then[name], now[name], rel_tol=1e-9) for name in ("estimate", "low", "high"))


@dataclass(frozen=True, slots=True)
class Point:
    """How the leading treatment stood at an instant; `mean` is its own, in the metric's unit."""

    at: datetime
    difference: Difference
    mean: float


def series_of(trial: Trial, day: date, most: int = 200) -> list[Point]:
    """How the leading treatment stood at each instant that the variants compared reported for, oldest first.

    Of more than `most` instants an even choice, the last included.
    """
    leading, primary = trial.leading, trial.primary
    if leading is None or trial.metric is None or primary is None:
        return []
    by_instant: dict[datetime, Totals] = defaultdict(dict)
    for variant, total in _history(trial.experiment, trial.metric, day):
        by_instant[total.at][variant] = total
    compared = {one.variant for one in primary.variants if one.at is not None}
    complete = sorted(at for at, totals in by_instant.items() if totals.keys() >= compared)
    points = []
    for at in _evenly(complete, most):
        reading = read(
            trial.arrangement, primary.measure, by_instant[at], questions=len(trial.arrangement.treatments)
        )
        found = reading.of(leading.variant)
        mean = next(one.mean for one in reading.variants if one.variant == leading.variant)
        points += [Point(at, found, mean)] if found is not None and mean is not None else []
    return points


def arrangement_of(experiment: Experiment) -> Arrangement:
    """The variants of an experiment, also of one whose variants are those that report."""
    facts = _Facts() if experiment.variants else _facts([experiment.pk], date.max)[experiment.pk]
    return arrange(experiment.variants, experiment.control, facts.taking_part)


def _trial(
    experiment: Experiment,
    facts: _Facts,
    guardrails: Sequence[Metric],
    outcomes: Sequence[Outcome],
    used: Mapping[int, Metric],
    day: date,
) -> Trial:
    arrangement = arrange(experiment.variants, experiment.control, facts.taking_part)
    metric = _primary_metric(experiment, facts, guardrails, outcomes, used)
    treatments = len(arrangement.treatments)
    margins = {one.metric_id: one.margin or 0.0 for one in outcomes if one.role == "guardrail"}

    def reading(of: Metric, questions: int, *, is_guardrail: bool) -> Reading:
        margin = margins.get(of.pk, 0.0) if is_guardrail else 0.0
        measure = Measure(of.key, of.unit, of.direction, is_guardrail, margin)
        compared, newest = facts.compared.get(of.pk, {}), facts.newest.get(of.pk, {})
        return read(arrangement, measure, compared, questions=questions, newest=newest)

    return Trial(
        experiment=experiment,
        arrangement=arrangement,
        metric=metric,
        primary=None if metric is None else reading(metric, treatments, is_guardrail=False),
        guardrails=[reading(one, treatments * len(guardrails), is_guardrail=True) for one in guardrails],
        undeclared=sorted(facts.variants - set(arrangement.split)),
        is_over=experiment.is_over_on(day),
    )


def _primary_metric(
    experiment: Experiment,
    facts: _Facts,
    guardrails: Sequence[Metric],
    outcomes: Sequence[Outcome],
    used: Mapping[int, Metric],
) -> Metric | None:
    """The metric that was named, else that of the item's primary outcome, else the only one that reports."""
    if experiment.metric is not None:
        return experiment.metric
    primary = next((one.metric for one in outcomes if one.role == "primary"), None)
    if primary is not None:
        return primary
    reported = [used[pk] for pk in facts.newest if pk not in {one.pk for one in guardrails}]
    return reported[0] if len(reported) == 1 else None


def _metrics(ids: set[int]) -> dict[int, Metric]:
    return {metric.pk: metric for metric in Metric.objects.filter(pk__in=ids)}


# What was stated of days after the last one of an experiment, or after the day of judgement, is not its result.
_IN_TIME = """NOT t.is_retracted AND t."on" <= least(%(day)s::date, coalesce(e.ended_on, 'infinity'))"""

_NEWEST = f"""
    SELECT DISTINCT ON (t.experiment_id, t.metric_id, t.variant)
           t.experiment_id, t.metric_id, t.variant, t.at, t.n, t.sum, t.sum_squares
    FROM outcomes_experimenttotal t JOIN outcomes_experiment e ON e.id = t.experiment_id
    WHERE t.experiment_id = ANY(%(ids)s) AND {_IN_TIME}
    ORDER BY t.experiment_id, t.metric_id, t.variant, t.at DESC
"""  # noqa: S608  the clause is the one above

# The newest instant of those that the most variants have reported for, of equal ones one that the control has.
_COMPARED = f"""
    SELECT DISTINCT ON (experiment_id, metric_id) experiment_id, metric_id, at, variants, people, sums, squares
    FROM (SELECT t.experiment_id, t.metric_id, t.at, array_agg(t.variant) AS variants, array_agg(t.n) AS people,
                 array_agg(t.sum) AS sums, array_agg(t.sum_squares) AS squares,
                 bool_or(t.variant = coalesce(nullif(e.control, ''), '{CONTROL}')) AS has_control
          FROM outcomes_experimenttotal t JOIN outcomes_experiment e ON e.id = t.experiment_id
          WHERE t.experiment_id = ANY(%(ids)s) AND {_IN_TIME}
            AND (e.variants = '[]' OR e.variants @> jsonb_build_array(jsonb_build_object('key', t.variant)))
          GROUP BY t.experiment_id, t.metric_id, t.at) AS instant
    ORDER BY experiment_id, metric_id, cardinality(variants) DESC, has_control DESC, at DESC
"""  # noqa: S608


def _facts(ids: Sequence[int], day: date) -> dict[int, _Facts]:
    found: dict[int, _Facts] = {id_: _Facts() for id_ in ids}
    if not ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"ids": list(ids), "day": day})
        for experiment_id, metric_id, variant, *numbers in cursor.fetchall():
            found[experiment_id].newest[metric_id][variant] = Total(*numbers)
        cursor.execute(_COMPARED, {"ids": list(ids), "day": day})
        for experiment_id, metric_id, at, *columns in cursor.fetchall():
            totals = {variant: Total(at, *numbers) for variant, *numbers in zip(*columns, strict=True)}
            found[experiment_id].compared[metric_id] = totals
    return found


def _history(experiment: Experiment, metric: Metric, day: date) -> list[tuple[str, Total]]:
    last = min(day, experiment.ended_on or day)
    rows: Any = experiment.totals.filter(metric=metric, is_retracted=False, on__lte=last)
    told = rows.order_by("at", "variant").values_list("variant", "at", "n", "sum", "sum_squares")
    return [(variant, Total(*numbers)) for variant, *numbers in told]


def _evenly(instants: Sequence[datetime], most: int) -> list[datetime]:
    if len(instants) <= most:
        return list(instants)
    step = (len(instants) - 1) / (most - 1)
    return [instants[round(number * step)] for number in range(most)]
