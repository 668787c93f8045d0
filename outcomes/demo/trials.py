"""What Ledgerline tried on a part of its payers: one experiment that was decided, and one that still runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from outcomes.demo.chance import dice
from outcomes.demo.items import App


@dataclass(frozen=True, slots=True)
class DemoMeasure:
    """A metric of an experiment: the mean that each variant is heading for. Without `sd` values are yes or no."""

    metric: str
    control: float
    treatment: float
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class DemoTrial:
    """An experiment; `first` and `last` are days from the day of loading, `people` come to each variant a day."""

    key: str
    item: str
    hypothesis: str
    first: int
    last: int
    people: int
    measures: tuple[DemoMeasure, ...]
    decision: str = ""
    note: str = ""
    by: str = ""
    source: str = App


@dataclass(frozen=True, slots=True)
class Tried:
    """What a variant had come to on one metric when a day was over."""

    key: str
    variant: str
    metric: str
    at: datetime
    n: int
    sum: float
    sum_squares: float


TRIALS = (
    DemoTrial(
        "one-page-checkout-holdback", "one-page-checkout",
        "Payers who keep the old three pages finish no more often than those on the one page.",
        first=-80, last=-53, people=210,
        measures=(
            DemoMeasure("checkout.completion", 0.668, 0.625),
            DemoMeasure("support.tickets", 0.021, 0.024),
        ),
        decision="revert",
        note="Four points fewer payers finish. The three pages come back until we know where they leave.",
        by="Jonas Abel",
    ),
    DemoTrial(
        "direct-debit-offer", "direct-debit",
        "Payers who are offered direct debit beside the invoice pay sooner.",
        first=-12, last=30, people=95,
        measures=(DemoMeasure("payments.days-to-pay", 25.1, 24.2, sd=9.5),),
    ),
)  # fmt: skip


def totals_on(trial: DemoTrial, loaded_on: date, day: int) -> Iterator[Tried]:
    """The running totals of every variant when `day`, from the day of loading, is over; none while it is not on."""
    if not trial.first <= day <= trial.last:
        return
    at = datetime.combine(loaded_on + timedelta(days=day + 1), time(), tzinfo=UTC)
    for measure in trial.measures:
        for variant in ("control", "treatment"):
            n, total, squares = _totals(trial, measure, variant, day)
            yield Tried(trial.key, variant, measure.metric, at, n, total, squares)


@cache
def _totals(trial: DemoTrial, measure: DemoMeasure, variant: str, day: int) -> tuple[int, float, float]:
    if day < trial.first:
        return 0, 0.0, 0.0
    n, total, squares = _totals(trial, measure, variant, day - 1)
    # The same people are measured on every metric.
    came = trial.people + dice("trial", trial.key, variant, day).randint(-12, 12)
    chance = dice("trial", trial.key, variant, day, measure.metric)
    mean = measure.control if variant == "control" else measure.treatment
    if measure.sd is None:
        share = chance.gauss(mean, (mean * (1 - mean) / came) ** 0.5)
        answers = min(came, max(0, round(came * share)))
        return n + came, total + answers, squares + answers
    of_day = chance.gauss(mean, measure.sd / came**0.5)
    return n + came, total + came * of_day, squares + came * (of_day**2 + measure.sd**2)
