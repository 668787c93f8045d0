"""What if: inputs of a value taken as given instead of measured, at the places where they enter."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date

from outcomes.formulas.attainment import Attainment, attainment, pace
from outcomes.formulas.intervals import wilson
from outcomes.formulas.valuing import ValueInputs
from outcomes.formulas.verdicts import Judgement, Verdict
from outcomes.pipeline.levels import OBSERVED, Standing, shown_by
from roadmap.models import Item

SUPPOSED = "supposed"


@dataclass(frozen=True, slots=True)
class Supposed:
    """Inputs of one item that are to be taken as given.

    `outcomes` holds, by outcome id, any of baseline, target, current and weight; `people` any of active,
    eligible, previous and still (people in W, or of the window before and still active).
    """

    outcomes: Mapping[int, Mapping[str, float | None]] = field(default_factory=dict)
    people: Mapping[str, float | None] = field(default_factory=dict)

    def standings(self, measured: list[Standing], item: Item, day: date) -> list[Standing]:
        """How the outcomes would stand."""
        if not self.outcomes:
            return measured
        return [
            _standing(one, self.outcomes[one.outcome.pk], item, day)
            if one.outcome.pk in self.outcomes
            else one
            for one in measured
        ]

    def judgement(self, measured: Judgement) -> Judgement:
        """The numbers of the verdict with the people as given; the verdict itself stays."""
        if not {"active", "eligible"} & self.people.keys():
            return measured
        active = self.people.get("active", measured.active)
        eligible = self.people.get("eligible", measured.eligible)
        if active is not None and eligible is not None:
            eligible = max(eligible, active)
        share = active / eligible if active is not None and eligible else None
        low, high = (None, None) if share is None or eligible is None else wilson(share * eligible, eligible)
        origin = SUPPOSED if "eligible" in self.people else measured.eligible_from
        return replace(
            measured, active=active, eligible=eligible, eligible_from=origin, share=share, low=low, high=high
        )

    def inputs(self, measured: ValueInputs, is_countable: bool) -> ValueInputs:
        """The inputs of the value with the people as given; counted unless the item's use never counts."""
        if not self.people:
            return measured
        return replace(
            measured,
            is_counted=measured.is_counted or (measured.is_released and is_countable),
            is_bare_share=measured.is_bare_share and not {"active", "eligible"} & self.people.keys(),
            previous=self.people.get("previous", measured.previous),
            still=self.people.get("still", measured.still),
        )


NOTHING = Supposed()


def is_countable(item: Item, judgement: Judgement) -> bool:
    """Whether the use of an item can enter its value at all: not by policy, nor once it is archived or sunset."""
    return item.usage_policy == "normal" and judgement.verdict is not Verdict.EXEMPT


def _standing(one: Standing, given: Mapping[str, float | None], item: Item, day: date) -> Standing:
    outcome = copy(one.outcome)
    outcome.weight = given.get("weight") or outcome.weight
    outcome.target = given.get("target", outcome.target)
    baseline = given.get("baseline", one.baseline)
    current = given.get("current", one.current)
    reached, grade = attainment(baseline, outcome.target, current, outcome.metric.direction), OBSERVED
    if "current" not in given and one.effect is not None:
        # A decided effect goes before what is observed, whatever way from baseline to target is supposed.
        shown = shown_by(one.effect, baseline, outcome)
        if shown is not None:
            reached, grade = shown, one.effect.design
    if item.released_on is None or item.released_on > day:
        reached = Attainment(None, "not_released")
    known = (("baseline", baseline), ("target", outcome.target), ("current", current))
    return replace(
        one,
        outcome=outcome,
        baseline=baseline,
        baseline_from=SUPPOSED if "baseline" in given else one.baseline_from,
        current=current,
        attainment=reached,
        pace=pace(reached.value, item.released_on, outcome.due_on, day),
        grade=grade,
        missing=tuple(name for name, value in known if value is None),
    )
