"""What an item of the demo is, and the roadmap: what Ledgerline has released and what it may do next.

Days count from the day of loading: -430 is 430 days before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Points = tuple[tuple[int, float], ...]
App, Phone = "ledgerline-app", "ledgerline-phone"
SILENT_SINCE = -22
"""The first day for which the phone app no longer reports anything."""


@dataclass(frozen=True, slots=True)
class Use:
    """How people took to an item.

    `points` is the share of the product's people (or customers) who have it in their work, over days from
    the day of loading; `habit` the chance that such a person uses it on a working day. `told_as` events:
    one row per use. `counts` and `shares`: snapshots with active and eligible over `days`, or a bare share.
    """

    points: Points
    habit: float = 0.0
    told_as: Literal["events", "counts", "shares"] = "events"
    days: int = 1
    source: str = App


@dataclass(frozen=True, slots=True)
class Goal:
    """An outcome: `due` in days from the day of loading; `intended` what the story makes of it.

    met, missed, harmed (worse than before), moving (not due yet), kept (a guardrail), unmeasured (something
    is missing), already_met.
    """

    metric: str
    intended: str
    role: str = "primary"
    baseline: float | None = None
    target: float | None = None
    due: int | None = None
    series: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class DemoItem:
    """One item; `verdict` is the one that the story intends on the day of loading."""

    key: str
    title: str
    summary: str
    product: str
    verdict: str = "exempt"
    status: str = "released"
    horizon: str = ""
    released: int | None = None
    kind: str = "feature"
    hypothesis: str = ""
    reach: float | None = None
    impact: float | None = None
    confidence: float | None = None
    effort: float | None = None
    usage_policy: str = "normal"
    exemption_reason: str = ""
    owner: str = ""
    natural_period_days: int | None = None
    under_used_below: float | None = None
    links: tuple[tuple[str, float], ...] = ()
    goals: tuple[Goal, ...] = ()
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class DemoProduct:
    key: str
    name: str
    unit: str
    eligible: int | None = None


INVOICING, COLLECT = "invoicing", "collect"

PRODUCTS = (
    DemoProduct(INVOICING, "Ledgerline Invoicing", "people"),
    DemoProduct(COLLECT, "Ledgerline Collect", "customers", eligible=60),
)


def settled(start: int, share: float, weeks: int = 10) -> Points:
    """Nobody before `start`, half of it after two weeks, then slowly up to `share` and there it stays."""
    return ((start - 1, 0.0), (start + 14, share * 0.5), (start + 7 * weeks, share))


def fading(start: int, share: float, fades_on: int, half_life: int) -> Points:
    """As `settled` until `fades_on`; from then on half of them leave every `half_life` days."""
    halvings = tuple((fades_on + half_life * step, share * 0.5**step) for step in range(1, 6))
    return (
        *settled(start, share),
        (fades_on, share),
        *halvings,
        (fades_on + half_life * 7, 0.0),
    )


def gone(start: int, share: float, from_day: int, by_day: int) -> Points:
    """As `settled` until `from_day`; nobody from `by_day` on."""
    return (*settled(start, share), (from_day, share), (by_day, 0.0))
