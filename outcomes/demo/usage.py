"""Who used what on which day, and what was reported about it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from outcomes.demo.chance import dice, fraction, number, on_curve
from outcomes.demo.customers import DemoCustomer, Person, customers, people
from outcomes.demo.items import COLLECT, SILENT_SINCE, DemoItem, Phone, Use

# Monday to Sunday: invoicing is work.
_BUSY = (1.0, 1.05, 1.05, 1.0, 0.85, 0.12, 0.08)
_MONTH_END = 1.35
_SEATS_IN_COLLECT = 3


@dataclass(frozen=True, slots=True)
class Used:
    """One use of an item: `at` aware."""

    item: str
    actor: str
    customer: str
    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Reported:
    """One snapshot: `active` among `eligible` over `days`, or a bare `share`."""

    item: str
    on: date
    active: int | None = None
    eligible: int | None = None
    days: int = 1
    share: float | None = None


def is_reporting(source: str, day: int) -> bool:
    """Whether the source still sends on this day, counted from the day of loading."""
    return source != Phone or day < SILENT_SINCE


def events_on(item: DemoItem, use: Use, loaded_on: date, day: int) -> Iterator[Used]:
    """Everybody's uses of `item` on `day`, in the order of the clock."""
    on = loaded_on + timedelta(days=day)
    adopted = on_curve(use.points, day)
    ranks, ranked = _ranked(item.key, item.product)
    falls = dice("use", item.key, day)
    busy = _busyness(on) * use.habit
    found = []
    for person in ranked[: bisect_left(ranks, adopted)]:
        is_used = falls.random() < busy * person.keenness
        second = falls.randrange(7 * 3600, 20 * 3600)
        if is_used and person.customer.since <= day < person.customer.until:
            at = datetime.combine(on, time(), tzinfo=UTC) + timedelta(seconds=second)
            event_id = f"{number('event', item.key, person.actor, day):016x}"
            found.append(Used(item.key, person.actor, person.customer.key, at, event_id))
    yield from sorted(found, key=lambda used: (used.at, used.actor))


def snapshot_on(item: DemoItem, use: Use, loaded_on: date, day: int) -> Reported | None:
    """What was reported about `item` for `day`; None before its release and where none is due.

    Snapshots of more than a day are sent on Sundays.
    """
    on = loaded_on + timedelta(days=day)
    if item.released is None or day < item.released or (use.days > 1 and on.weekday() != 6):
        return None
    share = on_curve(use.points, day)
    falls = dice("snapshot", item.key, day)
    if use.days == 1:
        share *= 0.25 + 0.75 * min(1.0, _BUSY[on.weekday()])
    if use.told_as == "shares":
        return Reported(item.key, on, share=round(max(0.0, share * falls.gauss(1, 0.06)), 5))
    eligible = _eligible(item.product, day)
    active = min(eligible, max(0, round(eligible * share * falls.gauss(1, 0.05))))
    return Reported(item.key, on, active, eligible, use.days)


def _busyness(on: date) -> float:
    is_month_end = on.day <= 2 or (on + timedelta(days=3)).month != on.month
    return _BUSY[on.weekday()] * (_MONTH_END if is_month_end else 1.0)


def _eligible(product: str, day: int) -> int:
    """Customers of the day, or the people in them."""
    there = [customer for customer in _everyone() if customer.since <= day < customer.until]
    return len(there) if product == COLLECT else sum(customer.seats for customer in there)


@cache
def _everyone() -> list[DemoCustomer]:
    return customers()


@cache
def _ranked(item: str, product: str) -> tuple[list[float], list[Person]]:
    """Everybody by how easily they take to the item: with a share of 0.3 the first 30% have it.

    In Collect a customer takes to an item as a whole, and a few of its people handle the money.
    """
    everybody = people(_everyone())
    if product == COLLECT:
        everybody = [person for person in everybody if person.seat <= _SEATS_IN_COLLECT]

    def rank(person: Person) -> float:
        return fraction("taste", item, person.customer.key if product == COLLECT else person.actor)

    ranked = sorted(everybody, key=lambda person: (rank(person), person.actor))
    return [rank(person) for person in ranked], ranked
