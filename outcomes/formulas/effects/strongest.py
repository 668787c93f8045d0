"""The strongest design that a metric's series allow: a comparison where controls can carry it, else before/after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from sys import float_info
from typing import Any

from outcomes.formulas.digits import settled
from outcomes.formulas.effects import before_after as plain
from outcomes.formulas.effects import comparison as compared
from outcomes.formulas.effects.arranging import Arranged, Series, arranged
from outcomes.formulas.effects.series import ROUNDING, Estimate
from outcomes.formulas.effects.verdict import verdict_of
from outcomes.formulas.effects.windows import LONGEST_COMPARED, REACH, AfterWindow

# Of the periods that could have a value.
GAPS_BELOW = 0.8


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: did this metric change at this release? `margin` is how much worse it may get unnoticed."""

    cadence: str
    direction: str
    released_on: date
    after: AfterWindow
    today: date
    confidence: float
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The effect with its design and what weakens it. `caveats` are {"code": ...} with what each is about;
    `placebo` has an entry for each control, in their order."""

    design: str
    method: str
    method_version: int
    estimate: Estimate
    verdict: str
    data: Arranged
    placebo: list[dict[str, Any]] | None = None
    caveats: list[dict[str, Any]] = field(default_factory=list)


def find(question: Question, metric: Series, controls: Sequence[Series]) -> Finding | None:
    """Return the effect by the strongest design the series allow; None when they allow none yet.

    A control that moved at the release is none: it is left out of the comparison, and named. Where that leaves
    none, what moved it may have moved the metric as well, so before/after tells no more than both agree on.
    """
    placebo = _placebo(question, metric, controls)
    moved = [number for number, run in enumerate(placebo or ()) if run.get("verdict") in ("better", "worse")]
    kept = [control for number, control in enumerate(controls) if number not in moved]
    finding = _compared(question, metric, kept) if placebo else None
    if finding is None:
        finding = _before_after(question, metric)
        if finding is not None and kept:
            finding.caveats.append({"code": "controls_not_usable"})
        if finding is not None and moved:
            finding = _held_against(finding, _compared(question, metric, controls), question)
    if finding is None:
        return None
    finding.caveats.extend({"code": "control_moved", "control": number} for number in moved)
    size = _size(finding.data)
    if doubt := _doubt(finding.estimate, size):
        finding.caveats.append({"code": doubt})
    return replace(
        finding,
        estimate=finding.estimate.settled(size),
        verdict="inconclusive" if doubt else finding.verdict,
        placebo=placebo if finding.design == "comparison" or moved else None,
    )


def _held_against(finding: Finding, other: Finding | None, question: Question) -> Finding:
    """The same with an interval that holds the other's too, where that leaves its verdict open."""
    is_open = finding.verdict == "inconclusive" or finding.estimate.is_without_noise
    if other is None or is_open or other.verdict == finding.verdict:
        return finding
    low = min(finding.estimate.low, other.estimate.low)
    high = max(finding.estimate.high, other.estimate.high)
    return replace(
        finding,
        estimate=compared.widened(finding.data.window, finding.estimate, low, high),
        verdict=verdict_of(low, high, question.direction, margin=question.margin),
    )


def _size(data: Arranged) -> float:
    return max(abs(value) for value in data.window.values)


def _doubt(estimate: Estimate, size: float) -> str | None:
    """Why its interval says nothing: the values do not vary, or are so small that a double holds few digits of them."""
    if estimate.high - estimate.low <= ROUNDING * size:
        return "no_noise"
    return "too_small" if size < float_info.min else None


def _placebo(question: Question, metric: Series, controls: Sequence[Series]) -> list[dict[str, Any]] | None:
    """What a comparison finds on each control; None where there is nothing to run it on."""
    data = _with_controls(question, metric, controls)
    return None if data is None else compared.placebos(data.window, question.direction)


def _with_controls(question: Question, metric: Series, controls: Sequence[Series]) -> Arranged | None:
    """The values before and after; None when they are too few or no control says anything."""
    if not controls:
        return None
    data = _arranged(question, metric, controls, LONGEST_COMPARED[question.cadence], whole=1)
    return data if data is not None and compared.is_any_control_moving(data.window) else None


def _compared(question: Question, metric: Series, controls: Sequence[Series]) -> Finding | None:
    data = _with_controls(question, metric, controls)
    if data is None:
        return None
    judged = compared.judged(
        data.window, question.direction, confidence=question.confidence, margin=question.margin
    )
    if judged is None:
        return None
    estimate, verdict = judged
    caveats = _caveats(data)
    simple = compared.difference_in_differences(data.window, confidence=question.confidence)
    if simple is not None:
        names, size = ("estimate", "low", "high"), _size(data)
        told = [settled(number, size) for number in simple]
        estimate.detail["difference_in_differences"] = dict(zip(names, told, strict=True))
    if remembers := estimate.detail.get("remembered"):
        remembers |= {name: settled(remembers[name], _size(data)) for name in ("low", "high")}
        caveats.append({"code": "errors_remember", "phi": remembers["phi"]})
    return Finding(
        "comparison", compared.METHOD, compared.METHOD_VERSION, estimate, verdict, data, caveats=caveats
    )


def _before_after(question: Question, metric: Series) -> Finding | None:
    reach = REACH[question.cadence]
    data = _arranged(question, metric, (), reach.most_before, whole=reach.whole)
    if data is None:
        return None
    judged = plain.judged(
        data.window, question.direction, confidence=question.confidence, margin=question.margin
    )
    if judged is None:
        return None
    estimate, verdict, single = judged
    caveats = _caveats(data)
    if single is not None:
        caveats.append({"code": "one_period", "on": data.periods[single].start.isoformat()})
    return Finding(
        "before_after", plain.METHOD, plain.METHOD_VERSION, estimate, verdict, data, caveats=caveats
    )


def _arranged(
    question: Question, metric: Series, controls: Sequence[Series], most_before: int, *, whole: int
) -> Arranged | None:
    return arranged(
        metric,
        controls,
        cadence=question.cadence,
        released_on=question.released_on,
        after=question.after,
        today=question.today,
        most_before=most_before,
        whole=whole,
    )


def _caveats(data: Arranged) -> list[dict[str, Any]]:
    caveats: list[dict[str, Any]] = []
    if data.coverage < GAPS_BELOW:
        caveats.append({"code": "gaps", "coverage": round(data.coverage, 3)})
    return caveats
