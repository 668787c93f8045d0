"""Verdicts on items for every day that may have changed, kept as spans."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf
from typing import NamedTuple

from outcomes.formulas.calendar import day_after
from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.formulas.verdicts import Judgement, Verdict, judge
from outcomes.models import VerdictSpan
from outcomes.pipeline.days import SEASON_DAYS, TREND, Span, days_between, judged_since
from outcomes.pipeline.gather import gather
from outcomes.pipeline.usage_facts import ItemFacts
from productops.workspaces.models import Workspace
from roadmap.models import Item


@dataclass(frozen=True, slots=True)
class Start:
    """Where an item's verdict begins to be this."""

    from_on: date
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """An item as judged: the facts, today's judgement, and the starts of its spans from `since` on."""

    facts: ItemFacts
    today: Judgement
    since: date
    starts: list[Start]


def judge_items(
    workspace: Workspace,
    items: Sequence[Item],
    changed_from: Mapping[int, date | None],
    *,
    until: float = inf,
) -> dict[int, Judged]:
    """Judge items on every day from the earliest that changed (None: all) up to the day of judgement.

    In the order given until the monotonic clock says `until`, at least one; items that there was no time for are
    not in the answer.
    """
    today = workspace.today()
    spans = {item.pk: _span(item, workspace, changed_from.get(item.pk), today) for item in items}
    # Most often nothing but the value has changed: then today is judged, and the day the trend looks back to.
    is_today_alone = all(span.first == today for span in spans.values())
    judged: dict[int, Judged] = {}
    at_once = max(1, len(items)) if is_today_alone else _LONG_AT_ONCE
    for begin in range(0, len(items), at_once):
        some = items[begin : begin + at_once]
        days = [today - TREND, today] if is_today_alone else None
        judged |= _judge_some(workspace, some, spans, days, inf if is_today_alone else until)
        if time.monotonic() > until:
            break
    return judged


# Items whose past is judged are read so many at a time: the facts of years are read only for those there is time for.
_LONG_AT_ONCE = 100


def _judge_some(
    workspace: Workspace,
    items: Sequence[Item],
    spans: Mapping[int, Span],
    days: Sequence[date] | None,
    until: float,
) -> dict[int, Judged]:
    today = workspace.today()
    asked = {item.pk: Span(min(spans[item.pk].first, today - TREND), today) for item in items}
    found = gather(workspace, items, asked, days=days)
    judged: dict[int, Judged] = {}
    for id_, facts in found.items():
        judged[id_] = _judge(facts, spans[id_], today)
        if time.monotonic() > until:
            break
    seasonal = [one.facts.item for one in judged.values() if _wants_season(one)]
    if seasonal:
        # Few items fall; only for those the year before is read too, and the fall held against it.
        again = gather(workspace, seasonal, {item.pk: spans[item.pk] for item in seasonal}, with_season=True)
        for id_, facts in again.items():
            if time.monotonic() > until and len(judged) > 1:
                del judged[id_]
            else:
                judged[id_] = _judge(facts, spans[id_], today)
    return judged


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """What is to change in the stored spans, and all runs of days of each item as they will then stand."""

    gone: list[int]
    new: list[VerdictSpan]
    runs: dict[int, list[Run]]
    gone_items: frozenset[int] = frozenset()

    def last_known(self, item_id: int) -> str | None:
        """The newest verdict other than a data gap."""
        known = (run.verdict.value for run in reversed(self.runs[item_id]) if run.verdict != Verdict.DATA_GAP)
        return next(known, None)

    def write(self) -> None:
        """Write the changes in the running transaction."""
        VerdictSpan.objects.filter(pk__in=self.gone).delete()
        VerdictSpan.objects.bulk_create(
            self.new,
            update_conflicts=True,
            unique_fields=["item", "from_on"],
            update_fields=["verdict", "reason"],
        )


def plan_spans(workspace_id: int, judged: Mapping[int, Judged]) -> SpanPlan:
    """Compare what was judged with the spans that are stored. Reads only."""
    known: dict[int, list[_Stored]] = {id_: [] for id_ in judged}
    held = VerdictSpan.objects.filter(item_id__in=known).order_by("item_id", "from_on")
    for item_id, pk, from_on, verdict, reason in held.values_list(
        "item_id", "id", "from_on", "verdict", "reason"
    ):
        known[item_id].append(_Stored(pk, from_on, verdict, reason))
    gone: list[int] = []
    gone_items = set()
    new: list[VerdictSpan] = []
    runs: dict[int, list[Run]] = {}
    for item_id, one in sorted(judged.items()):
        starts = _merged(known[item_id], one)
        before = {(row.from_on, row.verdict, row.reason): row.id for row in known[item_id]}
        after = {(start.from_on, start.verdict.value, start.reason) for start in starts}
        stale = [pk for key, pk in before.items() if key not in after]
        gone += stale
        gone_items |= {item_id} if stale else set()
        new += [
            VerdictSpan(
                workspace_id=workspace_id, item_id=item_id, from_on=from_on, verdict=verdict, reason=reason
            )
            for from_on, verdict, reason in sorted(after - set(before), key=lambda key: key[0])
        ]
        runs[item_id] = _runs(starts, one.facts)
    return SpanPlan(gone, new, runs, frozenset(gone_items))


class _Stored(NamedTuple):
    id: int
    from_on: date
    verdict: str
    reason: str | None


def _merged(known: Sequence[_Stored], one: Judged) -> list[Start]:
    """The stored starts before the days that were judged, then those that were judged; equal ones joined."""
    starts = [
        Start(row.from_on, Verdict(row.verdict), row.reason) for row in known if row.from_on < one.since
    ]
    for start in one.starts:
        if not starts or (starts[-1].verdict, starts[-1].reason) != (start.verdict, start.reason):
            starts.append(start)
    return starts


def _runs(starts: Sequence[Start], facts: ItemFacts) -> list[Run]:
    """Turn starts into runs of days; the last run lasts until the day it was judged on."""
    ends = [start.from_on - timedelta(days=1) for start in starts[1:]]
    today = facts.judged_on
    return [
        Run(start.from_on, end, start.verdict, start.reason)
        for start, end in zip(starts, [*ends, today], strict=True)
        if end >= start.from_on
    ]


def _span(item: Item, workspace: Workspace, changed_from: date | None, today: date) -> Span:
    start = judged_since(item, workspace)
    first = min(start, today) if changed_from is None else max(changed_from, min(start, today))
    return Span(min(first, today), today)


def _judge(facts: ItemFacts, span: Span, today: date) -> Judged:
    facts.judged_on = today
    thresholds = facts.thresholds
    starts: list[Start] = []
    verdict = None
    for day in _days_that_may_differ(facts, span):
        verdict = judge(facts.read_on(day) if day < today else facts.on(day), thresholds, day)
        if not starts or (starts[-1].verdict, starts[-1].reason) != (verdict.verdict, verdict.reason):
            starts.append(Start(day, verdict.verdict, verdict.reason))
    if verdict is None:
        raise AssertionError("a span holds at least one day")
    return Judged(facts, verdict, span.first, starts)


def _days_that_may_differ(facts: ItemFacts, span: Span) -> list[date]:
    """The days on which the verdict can change: every day once there is usage, before that only two."""
    released_on = facts.item.released_on
    if facts.is_exempt or released_on is None:
        return [span.first] if span.first == span.last else [span.first, span.last]
    matures = day_after(released_on, max(facts.thresholds.grace_days, facts.thresholds.window_days))
    counted_from = max(facts.first_used_on or span.last, span.first)
    early = [day for day in (span.first, matures) if span.first <= day < counted_from]
    return [*early, *days_between(min(counted_from, span.last), span.last)]


def _wants_season(one: Judged) -> bool:
    first_used_on = one.facts.first_used_on
    return (
        any(start.verdict is Verdict.DECLINING for start in one.starts)
        and first_used_on is not None
        and (one.facts.judged_on - first_used_on).days >= SEASON_DAYS
    )
