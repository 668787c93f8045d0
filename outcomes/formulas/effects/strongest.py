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
    """Return the effect by the strongest design the series allow; None when they allow none yet."""
    finding = _compared(question, metric, controls) if controls else None
    if finding is None:
        finding = _before_after(question, metric)
        if finding is not None and controls:
            finding.caveats.append({"code": "controls_not_usable"})
    if finding is None:
        return None
    size = _size(finding.data)
    if doubt := _doubt(finding.estimate, size):
        finding.caveats.append({"code": doubt})
    return replace(
        finding,
        estimate=finding.estimate.settled(size),
        verdict="inconclusive" if doubt else finding.verdict,
    )


def _size(data: Arranged) -> float:
    return max(abs(value) for value in data.window.values)


def _doubt(estimate: Estimate, size: float) -> str | None:
    """Why its interval says nothing: the values do not vary, or are so small that a double holds few digits of them."""
    if estimate.high - estimate.low <= ROUNDING * size:
        return "no_noise"
    return "too_small" if size < float_info.min else None


def _compared(question: Question, metric: Series, controls: Sequence[Series]) -> Finding | None:
    data = _arranged(question, metric, controls, LONGEST_COMPARED[question.cadence], whole=1)
    if data is None or not compared.is_any_control_moving(data.window):
        return None
    judged = compared.judged(
        data.window, question.direction, confidence=question.confidence, margin=question.margin
    )
    if judged is None:
        return None
    estimate, verdict = judged
    simple = compared.difference_in_differences(data.window, confidence=question.confidence)
    if simple is not None:
        names, size = ("estimate", "low", "high"), _size(data)
        told = [settled(number, size) for number in simple]
        estimate.detail["difference_in_differences"] = dict(zip(names, told, strict=True))
    if remembers := estimate.detail.get("remembered"):
        remembers |= {name: settled(remembers[name], _size(data)) for name in ("low", "high")}
    placebo = compared.placebos(data.window, question.direction)
    finding = Finding(
        "comparison",
        compared.METHOD,
        compared.METHOD_VERSION,
        estimate,
        verdict,
        data,
        placebo,
        _caveats(data),
    )
    if "remembered" in estimate.detail:
        finding.caveats.append({"code": "errors_remember", "phi": estimate.detail["remembered"]["phi"]})
    for number, run in enumerate(placebo):
        if run.get("verdict") in ("better", "worse"):
            finding.caveats.append({"code": "control_moved", "control": number})
    return finding


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
    return Finding("before_after", plain.METHOD, plain.METHOD_VERSION, estimate, verdict, data, None, caveats)


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
