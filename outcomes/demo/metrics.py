"""What Ledgerline measures about its business, and how each number moved over eighteen months.

Days count from the day of loading; shifts carry the key of the release that caused them in the story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import exp

from outcomes.demo.chance import dice
from outcomes.demo.customers import HISTORY_DAYS

_AFTER_HOURS = 20


@dataclass(frozen=True, slots=True)
class Shift:
    """From day `on` the level moves by `by`, in full after `ramp` days. `because` names the item."""

    because: str
    on: int
    by: float
    ramp: int = 30


@dataclass(frozen=True, slots=True)
class DemoMetric:
    """`start` is the level on the first day of history, `weekend` what Saturdays and Sundays are multiplied
    with, `noise` the standard deviation of each day's innovation, `memory` its AR(1) coefficient."""

    key: str
    name: str
    unit: str
    direction: str
    aggregation: str
    start: float
    noise: float
    cadence: str = "daily"
    weekend: float = 1.0
    growth: float = 0.0
    memory: float = 0.4
    decimals: int = 1
    series: tuple[tuple[str, float], ...] = (("", 1.0),)
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One observation: `at` aware, `value` in the metric's unit."""

    metric: str
    series: str
    at: datetime
    value: float


METRICS = (
    DemoMetric(
        "payments.days-to-pay", "Days from invoice to payment", "days", "decrease", "mean", 31.0, 0.7,
        shifts=(Shift("auto-reminders", -430, -4.4, 2), Shift("payment-links", -300, -1.8, 2)),
    ),
    DemoMetric(
        "checkout.completion", "Payers who finish the payment page", "%", "increase", "mean", 61.5, 1.1,
        weekend=0.96,
        shifts=(Shift("payment-links", -300, 5.2, 2), Shift("one-page-checkout", -118, -4.3, 10)),
    ),
    DemoMetric(
        "onboarding.days-to-first-invoice", "Days to the first invoice", "days", "decrease", "mean",
        9.6, 0.35,
        shifts=(
            Shift("invoice-templates", -470, -1.4, 2),
            Shift("spreadsheet-import", -395, -1.6, 2),
            Shift("setup-checklist", -66, -1.0, 25),
        ),
    ),
    DemoMetric(
        "support.tickets", "Support tickets opened", "tickets", "decrease", "count", 7.0, 0.5,
        weekend=0.35, growth=0.002,
        series=(("invoicing", 0.45), ("payments", 0.35), ("account", 0.2)),
        shifts=(Shift("one-page-checkout", -118, 3.2, 14),),
    ),
    DemoMetric(
        "revenue.collected", "Money collected through Ledgerline", "EUR", "increase", "sum", 38_000, 2_400,
        weekend=0.3, growth=22.0, decimals=2,
        series=(("card", 0.7), ("bank", 0.3)),
        shifts=(Shift("bank-transfer", -345, 14_000, 3),),
    ),
    DemoMetric(
        "accounts.churn-90d", "Accounts lost in 90 days", "%", "decrease", "last", 3.9, 0.08,
        cadence="weekly", memory=0.5, decimals=2,
        shifts=(Shift("bank-matching", -290, -1.0, 7),),
    ),
    DemoMetric(
        "close.days", "Working days to close a month", "days", "decrease", "mean", 6.8, 0.12,
        cadence="monthly", memory=0.2,
        shifts=(Shift("bank-matching", -290, -1.9, 60),),
    ),
    DemoMetric(
        "relations.nps", "Net promoter score", "points", "increase", "last", 31, 1.1,
        cadence="monthly", memory=0.5, decimals=0, growth=0.008,
    ),
    DemoMetric(
        "mail.bounced", "Invoices that bounced", "invoices", "decrease", "sum", 42, 3.2,
        weekend=0.25, growth=0.01, decimals=0,
        shifts=(Shift("delivery-tracking", -205, -25.0, 2),),
    ),
    DemoMetric(
        "sync.errors", "Accounting sync errors", "errors", "decrease", "sum", 64, 5.0,
        weekend=0.5, decimals=0,
        shifts=(Shift("accounting-sync", -240, -22.0, 2),),
    ),
    DemoMetric(
        "app.response-p95", "95th percentile of response time", "ms", "decrease", "max", 420, 14,
        weekend=0.85, decimals=0,
    ),
)  # fmt: skip


def levels(metric: DemoMetric, last: int) -> dict[int, float]:
    """The metric's level on each day from the start of history to `last`, noise and season included.

    Drawn from the first day on, so that a day's number never depends on how far one looks.
    """
    falls = dice("metric", metric.key)
    drift = 0.0
    found: dict[int, float] = {}
    for day in range(-HISTORY_DAYS, last + 1):
        drift = metric.memory * drift + falls.gauss(0.0, metric.noise)
        found[day] = max(0.0, _expected(metric, day) + drift)
    return found


def measured(metric: DemoMetric, loaded_on: date, first: int, last: int) -> Iterator[Measured]:
    """The observations of the days `first` to `last`, in order."""
    every = levels(metric, last)
    for day in range(max(first, -HISTORY_DAYS), last + 1):
        on = loaded_on + timedelta(days=day)
        if not _is_due(metric, on):
            continue
        level = every[day] * (metric.weekend if on.weekday() >= 5 and metric.cadence == "daily" else 1.0)
        for series, share in metric.series:
            if metric.aggregation == "count":
                yield from _occurrences(metric, series, on, level * share)
            else:
                at = datetime.combine(on, time(_AFTER_HOURS), tzinfo=UTC)
                yield Measured(metric.key, series, at, _rounded(level * share, metric.decimals))


def _expected(metric: DemoMetric, day: int) -> float:
    moved = sum(shift.by * min(1.0, max(0.0, (day - shift.on) / shift.ramp)) for shift in metric.shifts)
    return metric.start + metric.growth * (day + HISTORY_DAYS) + moved


def _is_due(metric: DemoMetric, on: date) -> bool:
    """Weekly numbers are taken on Sundays, monthly ones on the last day of the month."""
    if metric.cadence == "weekly":
        return on.weekday() == 6
    if metric.cadence == "monthly":
        return (on + timedelta(days=1)).day == 1
    return True


def _occurrences(metric: DemoMetric, series: str, on: date, mean: float) -> Iterator[Measured]:
    """One observation per thing that happened; how many is a Poisson draw."""
    falls = dice("occurrences", metric.key, series, on)
    left, count = falls.random(), 0
    chance = exp(-mean)
    while left > chance and count < 60:
        left -= chance
        count += 1
        chance *= mean / count
    seconds = sorted(falls.sample(range(7 * 3600, 21 * 3600), count))
    start = datetime.combine(on, time(), tzinfo=UTC)
    for second in seconds:
        yield Measured(metric.key, series, start + timedelta(seconds=second), 1.0)


def _rounded(value: float, decimals: int) -> float:
    return float(round(value, decimals))
