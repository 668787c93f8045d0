"""Can we even know? What an outcome could show, told before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from outcomes.formulas.effects.arranging import History, history
from outcomes.formulas.effects.detectable import POWER, Detectable, smallest_detectable
from outcomes.formulas.effects.verdict import CONFIDENCE
from outcomes.formulas.effects.windows import after_window, first_read, periods_between, season_of
from outcomes.formulas.levels import Period
from outcomes.models import Outcome
from outcomes.pipeline.levels import baseline_before
from outcomes.pipeline.series import SeriesOf
from productops.workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """The smallest effect that before/after would show in 80% of cases, in the metric's unit per period.

    `wanted` is what the outcome asks for (target less baseline, which is typed or measured), `is_enough` whether
    that could be seen. Null numbers are explained in `missing`.
    """

    outcome: int
    metric: str
    unit: str
    n_after: int
    effect: float | None = None
    relative: float | None = None
    level: float | None = None
    baseline: float | None = None
    wanted: float | None = None
    is_enough: bool | None = None
    n_before: int = 0
    from_on: date | None = None
    to_on: date | None = None
    design: str = "before_after"
    power: float = POWER
    confidence: float = CONFIDENCE
    missing: list[str] = field(default_factory=list)


def detectable_effect(workspace: Workspace, outcome: Outcome) -> DetectableEffect:
    """Tell it from the history up to today, or up to the release of what was released."""
    metric, today = outcome.metric, workspace.today()
    until = min(outcome.item.released_on or today, today)
    after = after_window(
        until, metric.cadence, washout_days=outcome.washout_days, after_periods=outcome.after_periods
    )
    later = periods_between(after.first, after.last, metric.cadence) if after else []
    baseline = outcome.baseline if outcome.baseline is not None else baseline_before(outcome, until, today)
    wanted = None if outcome.target is None or baseline is None else outcome.target - baseline
    read = _history(outcome, until)
    found = _smallest(metric.cadence, read, later) if read else None
    told = DetectableEffect(
        outcome.pk,
        metric.key,
        metric.unit,
        len(later),
        baseline=baseline,
        wanted=wanted,
        missing=list(_missing(outcome, baseline, wanted, found)),
    )
    if found is None or read is None:
        return told
    is_asked = wanted is not None and "already_met" not in told.missing and "no_noise" not in told.missing
    return replace(
        told,
        effect=found.effect,
        relative=found.effect / abs(found.level) if found.level else None,
        level=found.level,
        is_enough=abs(wanted or 0.0) >= found.effect if is_asked else None,
        n_before=len(read.values),
        from_on=read.periods[0].start,
        to_on=read.periods[-1].end,
    )


def _history(outcome: Outcome, until: date) -> History | None:
    metric = outcome.metric
    series = SeriesOf([(metric.pk, first_read(until, metric.cadence), until)]).of(metric, outcome.series)
    return history(series, cadence=metric.cadence, until=until)


def _smallest(cadence: str, read: History, later: Sequence[Period]) -> Detectable | None:
    if not later:
        return None
    seasons = [season_of(period.start, cadence) for period in later]
    return smallest_detectable(read.positions, read.values, read.seasons, seasons)


def _missing(
    outcome: Outcome, baseline: float | None, wanted: float | None, found: Detectable | None
) -> Iterator[str]:
    """Why a number is null, or nobody can say whether what is wanted could be seen."""
    if found is None:
        yield "history"
    elif found.effect == 0:
        yield "no_noise"
    elif not found.level:
        yield "level_is_zero"
    if outcome.target is None:
        yield "target"
    if baseline is None:
        yield "baseline"
    if wanted is not None and (wanted if outcome.metric.direction == "increase" else -wanted) <= 0:
        yield "already_met"
