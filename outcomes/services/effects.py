"""Can we even know? What an outcome could show, told before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from outcomes.formulas.effects.arranging import history
from outcomes.formulas.effects.detectable import POWER, smallest_detectable
from outcomes.formulas.effects.verdict import CONFIDENCE
from outcomes.formulas.effects.windows import after_window, first_read, periods_between, season_of
from outcomes.models import Outcome
from outcomes.pipeline.series import SeriesOf
from productops.workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """The smallest effect that before/after would show in 80% of cases, in the metric's unit per period.

    `wanted` is what the outcome asks for (target less baseline), `is_enough` whether that could be seen.
    Null numbers are explained in `missing`.
    """

    outcome: int
    metric: str
    unit: str
    n_after: int
    effect: float | None = None
    relative: float | None = None
    level: float | None = None
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
    nothing = DetectableEffect(outcome.pk, metric.key, metric.unit, len(later), missing=["history"])
    series = SeriesOf([(metric.pk, first_read(until, metric.cadence), until)]).of(metric, outcome.series)
    read = history(series, cadence=metric.cadence, until=until)
    if read is None or not later:
        return nothing
    seasons = [season_of(period.start, metric.cadence) for period in later]
    found = smallest_detectable(read.positions, read.values, read.seasons, seasons)
    if found is None:
        return nothing
    baseline = outcome.baseline if outcome.baseline is not None else found.level
    wanted = None if outcome.target is None else outcome.target - baseline
    missing = _why_not_enough(wanted, metric.direction)
    return replace(
        nothing,
        effect=found.effect,
        relative=found.effect / abs(found.level) if found.level else None,
        level=found.level,
        wanted=wanted,
        is_enough=None if missing else abs(wanted or 0) >= found.effect,
        n_before=len(read.values),
        from_on=read.periods[0].start,
        to_on=read.periods[-1].end,
        missing=missing,
    )


def _why_not_enough(wanted: float | None, direction: str) -> list[str]:
    """Why nobody can say whether what is wanted could be seen."""
    if wanted is None:
        return ["target"]
    better = wanted if direction == "increase" else -wanted
    return [] if better > 0 else ["already_met"]
