"""Whether a problem is spoken of less since something was released for it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Min

from roadmap.models import Evidence, Item, Problem
from roadmap.rates import RateChange, rate_change

# Half a year on either side, as far as there is one.
SPAN_DAYS = 182


@dataclass(frozen=True, slots=True)
class Relief:
    """The evidence for a problem around one release, the day of the release being the first of those after.

    `also_released` are other items for the same problem whose release lies in either span: whose relief it is
    then nobody can say.
    """

    item: Item
    released_on: date
    before_from: date
    after_until: date
    before: int
    after: int
    change: RateChange
    also_released: list[Item]


def relief_of(branches: Sequence[Problem], today: date) -> list[Relief]:
    """Return what each released item brought a problem and those beneath it, the newest release first.

    `branches` are the problem and those beneath it as `subtree` gives them, with their links loaded. Evidence
    counts by the day it was observed; what has none is left out. The span before begins no earlier than the
    workspace's first dated evidence: before that nobody wrote any down. A fixed number of queries.
    """
    links = [link for row in branches for link in row.links.all()]
    items = {link.item_id: link.item for link in links if _is_out(link.item, today)}
    if not items:
        return []
    dated = Evidence.objects.in_workspace(branches[0].workspace_id).filter(
        is_retracted=False, observed_on__lte=today
    )
    began = dated.aggregate(first=Min("observed_on"))["first"] or today
    here = dated.filter(problem__in=branches).values_list("observed_on", flat=True)
    days = sorted(day for day in here if day is not None)
    found = [_relief(item, list(items.values()), days, began, today) for item in items.values()]
    return sorted(found, key=lambda one: (one.released_on, one.item.pk), reverse=True)


def _is_out(item: Item, today: date) -> bool:
    return item.released_on is not None and item.released_on <= today


def _relief(item: Item, items: list[Item], days: list[date], began: date, today: date) -> Relief:
    released_on = item.released_on or today
    first = max(began, released_on - timedelta(days=SPAN_DAYS))
    last = min(today, released_on + timedelta(days=SPAN_DAYS - 1))
    cut = bisect_left(days, released_on)
    before = cut - bisect_left(days, first, 0, cut)
    after = bisect_right(days, last) - cut
    before_days = max((released_on - first).days, 0)
    return Relief(
        item=item,
        released_on=released_on,
        before_from=min(first, released_on),
        after_until=last,
        before=before,
        after=after,
        change=rate_change(before, before_days, after, (last - released_on).days + 1),
        also_released=[
            other
            for other in items
            if other.pk != item.pk and other.released_on is not None and first <= other.released_on <= last
        ],
    )
