"""What an experiment shows so far, in numbers and in what has to be known about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from outcomes.formulas.trials import INCONCLUSIVE, NOTHING, VOID, WORSE, Reading, unit_of_difference
from outcomes.models import Experiment, Metric
from outcomes.pipeline.trials import Trial, has_moved, read_as, read_trials, series_of


def results_of(experiment: Experiment, day: date) -> dict[str, Any]:
    """Return the reading of an experiment (with item and metric loaded) as of a day.

    Numbers are in the metric's unit. `verdict` is that of the leading treatment on the primary metric, void
    when the split cannot be trusted; `warnings` say what it must not be taken for.
    """
    trial = read_trials([experiment], day)[0]
    leading, primary = trial.leading, trial.primary
    return {
        "experiment": experiment.key,
        "item": experiment.item.key,
        "state": experiment.state_on(day),
        "as_of": day,
        "is_reading": not trial.is_over,
        "metric": trial.metric.key if trial.metric else None,
        "unit": trial.metric.unit if trial.metric else "",
        "direction": trial.metric.direction if trial.metric else None,
        "control": trial.arrangement.control,
        "variant": leading.variant if leading else None,
        "verdict": verdict_of(trial),
        "decision": experiment.decision or None,
        "decided_reading": experiment.decided_reading,
        "has_changed_since_decision": _has_changed(trial),
        "people_needed": leading.people_needed if leading else None,
        "sample_ratio": {
            "p": primary.split_p if primary else None,
            "is_mismatch": primary.is_void if primary else False,
        },
        "variants": _variants(trial, primary) if primary else [],
        "differences": _differences(primary) if primary else [],
        "guardrails": [_guardrail(trial, reading) for reading in trial.guardrails],
        "undeclared": list(trial.undeclared),
        "warnings": [{"code": code, "detail": detail} for code, detail in _warnings(trial)],
        "series": [
            {
                "at": point.at,
                "variant": point.difference.variant,
                "estimate": point.difference.estimate,
                "low": point.difference.low,
                "high": point.difference.high,
            }
            for point in series_of(trial, day)
        ],
    }


@dataclass(frozen=True, slots=True)
class Outline:
    """How an experiment stands: its state and verdict, the metric it is read on, and its variants as in
    `results_of`; where nothing was reported yet those that were set up, without people."""

    state: str
    verdict: str
    metric: Metric | None
    variants: list[dict[str, Any]]


def outlines_of(experiments: Sequence[Experiment], day: date) -> list[Outline]:
    """Return how experiments (with item and metric loaded) stand as of a day; a constant number of queries."""
    if not experiments:
        return []
    return [
        Outline(
            state=trial.experiment.state_on(day),
            verdict=verdict_of(trial),
            metric=trial.metric,
            variants=_variants(trial, trial.primary) if trial.primary else _meant(trial),
        )
        for trial in read_trials(experiments, day)
    ]


def _meant(trial: Trial) -> list[dict[str, Any]]:
    control = trial.arrangement.control
    return [
        {"variant": name, "is_control": name == control, "split": split, "n": None, "mean": None}
        for name, split in trial.arrangement.split.items()
    ]


def _has_changed(trial: Trial) -> bool | None:
    """Whether what was decided on reads otherwise now; None where nothing was decided, or it was not kept yet."""
    then = trial.experiment.decided_reading
    return None if then is None else has_moved(then, read_as(trial))


def verdict_of(trial: Trial) -> str:
    """The verdict on the leading treatment: better, worse, inconclusive, void or no_data."""
    if trial.leading is None:
        return NOTHING
    return trial.leading.verdict


def _variants(trial: Trial, reading: Reading) -> list[dict[str, Any]]:
    split, control = trial.arrangement.split, trial.arrangement.control
    return [
        {
            **asdict(one),
            "variant": one.variant,
            "is_control": one.variant == control,
            "split": split[one.variant],
        }
        for one in reading.variants
    ]


def _differences(reading: Reading) -> list[dict[str, Any]]:
    return [asdict(one) for one in reading.differences]


def _guardrail(trial: Trial, reading: Reading) -> dict[str, Any]:
    leading = trial.leading
    found = reading.of(leading.variant) if leading else reading.best()
    return {
        "metric": reading.measure.key,
        "unit": reading.measure.unit,
        "direction": reading.measure.direction,
        "margin": reading.measure.margin,
        "verdict": found.verdict if found else NOTHING,
        "variants": _variants(trial, reading),
        "differences": _differences(reading),
    }


def _warnings(trial: Trial) -> Iterator[tuple[str, str]]:
    """What a reader has to know before the numbers are believed."""
    primary, leading = trial.primary, trial.leading
    if _has_changed(trial):
        yield "changed_since_decision", _decided_on(trial.experiment.decided_reading or {}, trial)
    if primary is None:
        yield "no_metric", "Nothing says what it is decided on: give it a metric, or its item an outcome."
        return
    missing = [one.variant for one in primary.variants if one.n < 2]
    if leading is None and missing:
        yield "no_comparison", f"Two people in each variant are the least; too few in: {', '.join(missing)}."
    elif leading is None:
        yield (
            "no_comparison",
            "No two variants were reported for the same instant: send all of them with one `at`.",
        )
    if primary.is_void:
        yield (
            "sample_ratio_mismatch",
            (
                f"People are not split as intended (p = {primary.split_p:.2g}): what moved them may be what is"
                " measured, so there is no verdict. Look at how variants are assigned and counted."
            ),
        )
    if leading is not None and not trial.is_over:
        yield (
            "peeking",
            (
                "It still runs. An interval that is looked at again and again leaves zero by chance far more often"
                " than once in twenty: this is a reading, decide when it has ended."
            ),
        )
    yield from _doubts(trial, primary)


def _decided_on(then: Mapping[str, Any], trial: Trial) -> str:
    """What was decided on, in words."""
    unit = unit_of_difference(then["unit"])
    was = f"{then['estimate']:.3g}{f' {unit}' if unit else ''} ({then['low']:.3g} to {then['high']:.3g})"
    verdict = verdict_of(trial)
    now = f" and is {verdict.replace('_', ' ')} now" if verdict != then["verdict"] else ""
    return (
        f"What was reported of it has changed since the decision. It was made on {was}, {then['variant']} on"
        f" {then['metric']}, which was {then['verdict'].replace('_', ' ')}{now}."
    )


def _waiting(reading: Reading, at: datetime) -> str:
    """What was told of some variants since the instant that all of them are compared at."""
    names, newest = ", ".join(sorted(reading.later)), max(reading.later.values())
    return (
        f"{reading.measure.key} is compared as of {_instant(at)}. What {names} came to by {_instant(newest)} is not"
        " counted until the other variants are reported for the same instant."
    )


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _doubts(trial: Trial, primary: Reading) -> Iterator[tuple[str, str]]:
    leading = trial.leading
    if leading is not None and not leading.is_enough and leading.verdict not in (VOID,):
        yield (
            "too_few",
            (
                "Too few people for the interval to be believed: a share needs five of either answer in each"
                " variant, a mean thirty people."
            ),
        )
    elif leading is not None and leading.is_without_noise and leading.verdict not in (VOID,):
        yield (
            "no_noise",
            "The values of a variant do not vary, beyond what its sums can tell, so nothing says how sure this is.",
        )
    elif leading is not None and leading.verdict == INCONCLUSIVE and leading.people_needed:
        yield (
            "underpowered",
            (
                f"If the difference is as large as it looks, it takes about {leading.people_needed:,} more people to"
                f" show it four times of five; so far {leading.smallest_shown:.3g} would be."
            ),
        )
    for reading in (primary, *trial.guardrails):
        if reading.at is not None and reading.later:
            yield "not_of_one_time", _waiting(reading, reading.at)
    for reading in trial.guardrails:
        found = reading.of(leading.variant) if leading else None
        if found is not None and found.verdict == WORSE:
            yield "guardrail_worse", f"{reading.measure.key} got worse."
    if trial.undeclared:
        names = ", ".join(trial.undeclared)
        yield "undeclared_variants", f"These report and are not among its variants: {names}."
