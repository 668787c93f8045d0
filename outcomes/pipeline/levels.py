"""Where outcomes stand on a day: baseline, current, attainment and pace, read set-wise from daily totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.formulas.attainment import Attainment, attainment, attainment_by_effect, pace
from outcomes.formulas.levels import Level, window_before, window_now
from outcomes.models import Effect, Outcome
from outcomes.pipeline.windows import Window, Windows, window_of
from productops.workspaces.models import Workspace
from roadmap.models import Item

# A baseline needs this part of its window reported.
MINIMUM_COVERAGE = 0.8
OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One outcome on one day. Levels are in the metric's unit; `missing` names what could not be said."""

    outcome: Outcome
    baseline: float | None
    baseline_from: str | None
    current: float | None
    newest_on: date | None
    attainment: Attainment
    pace: float | None
    grade: str
    missing: tuple[str, ...]
    # By the strongest design, decided on or before the day; None while there is none.
    effect: Effect | None = None
    released_on: date | None = None

    @property
    def is_worse(self) -> bool:
        """Whether the decided effect on it is worse: it lowers the whole value, whatever its role."""
        return self.effect is not None and self.effect.verdict == "worse"

    def as_json(self) -> dict[str, Any]:
        """The outcome as the item's explanation and card show it."""
        return {
            "id": self.outcome.pk,
            "metric": self.outcome.metric.key,
            "series": self.outcome.series,
            "role": self.outcome.role,
            "weight": self.outcome.weight,
            "baseline": self.baseline,
            "baseline_from": self.baseline_from,
            "target": self.outcome.target,
            "current": self.current,
            "newest_on": self.newest_on.isoformat() if self.newest_on else None,
            "attainment": self.attainment.value,
            "reason": self.attainment.reason,
            "pace": self.pace,
            "grade": self.grade,
            "effect": _effect_as_json(self.effect) if self.effect else None,
            "shared_with": _shared_with(self.effect, self.released_on),
            "due_on": self.outcome.due_on.isoformat() if self.outcome.due_on else None,
            "missing": list(self.missing),
        }


class OutcomeLevels:
    """The outcomes of a batch of items with the daily totals behind them; asked for two days."""

    def __init__(
        self,
        workspace: Workspace,
        items: Mapping[int, Item],
        days: Sequence[date],
        outcomes: Sequence[Outcome] | None = None,
    ) -> None:
        """`outcomes` are those of the items with their metrics, read from the database if they are not given."""
        self._items = items
        if outcomes is None:
            held = Outcome.objects.filter(item_id__in=items, metric__archived_at=None)
            outcomes = list(held.select_related("metric").order_by("item_id", "id"))
        self._outcomes = outcomes
        self._windows = Windows(
            window for one in outcomes for day in days for window in self._asked(one, day)
        )
        self._effects = _decided([one.pk for one in outcomes])

    def on(self, day: date) -> dict[int, list[Standing]]:
        """Return how every outcome stood on `day`, by item."""
        standings: dict[int, list[Standing]] = defaultdict(list)
        for outcome in self._outcomes:
            standings[outcome.item_id].append(self._standing(outcome, day))
        return standings

    def _asked(self, outcome: Outcome, day: date) -> Iterable[Window]:
        released_on = self._items[outcome.item_id].released_on
        yield self._now(outcome, released_on, day)
        if outcome.baseline is None and released_on is not None and released_on <= day:
            yield self._before(outcome, released_on, day)

    def _now(self, outcome: Outcome, released_on: date | None, day: date) -> Window:
        first, last = window_now(day, outcome.metric.cadence)
        if released_on is not None and released_on <= day:
            first = max(first, released_on)
        return window_of(outcome.metric, outcome.series, first, last, day)

    def _before(self, outcome: Outcome, released_on: date, day: date) -> Window:
        first, last = window_before(released_on, outcome.metric.cadence)
        return window_of(outcome.metric, outcome.series, first, last, day)

    def _standing(self, outcome: Outcome, day: date) -> Standing:
        metric = outcome.metric
        released_on = self._items[outcome.item_id].released_on
        is_after = released_on is not None and released_on <= day
        current = self._windows.level(metric, self._now(outcome, released_on, day))
        baseline, baseline_from = outcome.baseline, "typed"
        if baseline is None:
            baseline, baseline_from = self._baseline(outcome, released_on if is_after else None, day)
        reached = attainment(baseline, outcome.target, current.value, metric.direction)
        if not is_after:
            reached = Attainment(None, "not_released")
        effect = self._effect(outcome, day) if is_after else None
        grade = OBSERVED
        if effect is not None and (shown := shown_by(effect, baseline, outcome)) is not None:
            reached, grade = shown, effect.design
        missing = _missing(baseline, outcome.target, current.value, reached)
        return Standing(
            outcome=outcome,
            baseline=baseline,
            baseline_from=baseline_from if baseline is not None else None,
            current=current.value,
            newest_on=current.newest_on,
            attainment=reached,
            pace=pace(reached.value, released_on, outcome.due_on, day),
            grade=grade,
            missing=missing,
            effect=effect,
            released_on=released_on,
        )

    def _effect(self, outcome: Outcome, day: date) -> Effect | None:
        """The outcome's effect by the strongest design that was decided by `day` and that nothing voids."""
        decided = (
            one for one in self._effects.get(outcome.pk, ()) if one.decided_on and one.decided_on <= day
        )
        return next(decided, None)

    def _baseline(self, outcome: Outcome, released_on: date | None, day: date) -> tuple[float | None, str]:
        if released_on is None:
            return None, "before_release"
        return _covered(
            self._windows.level(outcome.metric, self._before(outcome, released_on, day))
        ), "before_release"


def baseline_before(outcome: Outcome, released_on: date, day: date) -> float | None:
    """Return the level before a release on that day, as of a day: what is measured where no baseline is typed.

    The outcome's metric is loaded. None while too little of the window is reported.
    """
    first, last = window_before(released_on, outcome.metric.cadence)
    window = window_of(outcome.metric, outcome.series, first, last, day)
    return _covered(Windows([window]).level(outcome.metric, window))


def _covered(level: Level) -> float | None:
    return level.value if level.coverage >= MINIMUM_COVERAGE else None


def _missing(
    baseline: float | None, target: float | None, current: float | None, reached: Attainment
) -> tuple[str, ...]:
    """What is not known of an outcome; and where all of it is, why it has no attainment all the same."""
    named = {"baseline": baseline, "target": target, "current": current}
    missing = [name for name, value in named.items() if value is None]
    if reached.value is None and reached.reason in ("not_released", "already_met", "not_finite"):
        missing.append(reached.reason)
    return tuple(missing)


def _decided(outcome_ids: Sequence[int]) -> dict[int, list[Effect]]:
    """The decided effects of outcomes, the strongest design first."""
    found: dict[int, list[Effect]] = defaultdict(list)
    rows = Effect.objects.filter(outcome_id__in=outcome_ids, decided_on__isnull=False, verdict__isnull=False)
    for effect in rows.defer("chart", "detail", "placebo", "caveats").order_by("outcome_id", "-design"):
        found[effect.outcome_id].append(effect)
    return found


def shown_by(effect: Effect, baseline: float | None, outcome: Outcome) -> Attainment | None:
    """The attainment that a decided effect shows; None when the observed one stays."""
    return attainment_by_effect(
        baseline,
        outcome.target,
        outcome.metric.direction,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        verdict=effect.verdict,
    )


def _shared_with(effect: Effect | None, released_on: date | None) -> list[str]:
    """The keys of the items released so near that their windows after it read the same movement."""
    if effect is None or released_on is None:
        return []
    first = released_on - (effect.to_on - released_on)
    return [
        caveat["item"]
        for caveat in effect.caveats
        if caveat.get("code") == "overlap" and date.fromisoformat(caveat["on"]) > first
    ]


def _effect_as_json(effect: Effect) -> dict[str, Any]:
    return {
        "id": effect.pk,
        "design": effect.design,
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "verdict": effect.verdict,
        "decided_on": effect.decided_on.isoformat() if effect.decided_on else None,
    }
