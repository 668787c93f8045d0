"""One batch of each kind of derived row, computed from facts and compared with what is stored. Reads only.

Each answers what differed and the marks that mend it: the pipeline then computes those rows like any others.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from outcomes.models import Delivery, ItemUsage, ItemValue, Metric, Source, WorkspaceClock
from outcomes.pipeline import retention
from outcomes.pipeline.audience import counted_items, stale_days, windows_of
from outcomes.pipeline.flag_drift import flags_of_sources_that_differ, flags_that_differ
from outcomes.pipeline.judge import judge_items, plan_spans
from outcomes.pipeline.marks import Marks
from outcomes.pipeline.score import score_items
from outcomes.pipeline.scored import Scored
from outcomes.pipeline.value_rows import HISTORY, NOISE
from productops.workspaces.bounds import MOST_NUMBER
from productops.workspaces.models import Workspace
from roadmap import standing
from roadmap.models import Item, Problem, ProblemStanding, Product

Cause = dict[str, Any]

# As in the pipeline: what was computed in this time is told before the task's own is up.
ITEMS_SECONDS = 4.0

_VALUE = (*HISTORY, "demand", "revenue_at_stake", "opportunity", "trend", "missing", "model_version")
_USAGE = (
    "verdict",
    "last_known",
    "reason",
    "active",
    "eligible",
    "eligible_from",
    "share",
    "low",
    "high",
    "window_days",
)


@dataclass(frozen=True, slots=True)
class Drift:
    """One number that is not as the facts say: of what (kind, id and, where it has one, key), which, and both."""

    kind: str
    id: int
    key: str
    name: str
    stored: Any
    computed: Any

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Checked:
    """What a batch found. `after` is where the next begins, None when there is none."""

    mend: Marks
    after: int | None = None
    drift: list[Drift] = field(default_factory=list)
    checked: int = 0
    waiting: int = 0


def check_metrics(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """The days of some metrics against their observations."""
    found = Checked(Marks(workspace.pk))
    keys = _page(Metric.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 20)
    for metric_id, series, on, stored, computed in _rows(_METRIC_DAYS, list(keys)):
        found.drift.append(
            Drift("metric_day", metric_id, keys[metric_id], f"{series} {on}".strip(), stored, computed)
        )
        found.mend.add("metric_day", metric_id, series=series, on=on, cause=cause)
    return found


def check_usage(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """Who used some items on which day against their events."""
    found = Checked(Marks(workspace.pk))
    keys = _page(Item.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 200)
    for item_id, on, stored, computed in _rows(_USAGE_DAYS, list(keys)):
        found.drift.append(Drift("usage_day", item_id, keys[item_id], str(on), stored, computed))
        found.mend.add("usage_day", item_id, on=on, cause=cause)
    return found


def check_problems(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """How some problems stand against their evidence and surveys."""
    found = Checked(Marks(workspace.pk))
    keys = _page(
        Problem.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 200
    )
    pending = _marked("problem", workspace)
    if pending:
        # A mark is about a problem and all above it; what stands beside them is looked at the next night.
        return found
    stored = {row.problem_id: row for row in ProblemStanding.objects.filter(problem_id__in=keys)}
    for now in standing.compute(workspace.pk, keys, workspace.today()):
        held = stored.get(now.problem_id)
        if now.problem_id not in keys or held is None:
            continue
        drift = _different("problem", now.problem_id, keys[now.problem_id], held, now, standing.NUMBERS)
        if drift:
            found.drift += drift
            found.mend.add("problem", now.problem_id, cause=cause)
    return found


def check_audiences(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """The audience of one product against its items' users."""
    found = Checked(Marks(workspace.pk))
    keys = _page(Product.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 1)
    pending = _marked("audience", workspace)
    for product in Product.objects.filter(pk__in=set(keys) - pending):
        items = counted_items(product)
        for window in windows_of(workspace, items):
            stale, is_gone = stale_days(workspace, product, window, items, None, workspace.today())
            for on, numbers in sorted(stale.items()):
                name = f"{window} days to {on}"
                found.drift.append(Drift("audience", product.pk, product.key, name, None, list(numbers)))
            if stale or is_gone:
                found.mend.add("audience", product.pk, cause=cause)
    return found


def check_items(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """The verdicts, usage, values and flags of some items, every day of theirs judged anew."""
    found = Checked(Marks(workspace.pk))
    keys = _page(Item.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 100)
    values = {row.item_id: row for row in ItemValue.objects.filter(item_id__in=keys).defer("explanation")}
    usages = {row.item_id: row for row in ItemUsage.objects.filter(item_id__in=keys)}
    pending = _pending_items(list(keys))
    today = workspace.today()
    settled = [
        pk
        for pk in keys
        if pk not in pending and pk in values and values[pk].judged_on == today and pk in usages
    ]
    items = list(Item.objects.filter(pk__in=settled).order_by("pk"))
    until = time.monotonic() + ITEMS_SECONDS
    judged = judge_items(workspace, items, dict.fromkeys(settled), until=until)
    if len(judged) < len(items):
        # No time for the others: the next batch begins behind the last that was looked at.
        found.after = max(judged)
        keys = {pk: key for pk, key in keys.items() if pk <= found.after}
        settled = [pk for pk in settled if pk in judged]
        items = [item for item in items if item.pk in judged]
    found.waiting, found.checked = len(keys) - len(settled), len(settled)
    plan = plan_spans(workspace.pk, judged)
    scored = score_items(workspace, items, judged, {pk: plan.last_known(pk) for pk in judged})
    wrong_spans = {row.item_id for row in plan.new} | plan.gone_items
    wrong_flags: dict[int, list[Drift]] = defaultdict(list)
    for pk, name, stood, now in flags_that_differ(workspace, scored, plan.runs):
        wrong_flags[pk].append(Drift("flag", pk, keys[pk], name, stood, now))
    for pk in settled:
        drift = wrong_flags[pk] + _item_drift(pk, keys[pk], values[pk], usages[pk], scored[pk])
        if pk in wrong_spans:
            drift.append(Drift("verdicts", pk, keys[pk], "spans", None, len(plan.runs[pk])))
        if drift:
            found.drift += drift
            found.mend.add("item", pk, cause=cause)
    return found


def check_sources(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """Whether some sources are flagged as silent that are, and no others."""
    found = Checked(Marks(workspace.pk))
    keys = _page(
        Source.objects.filter(workspace=workspace, pk__gt=after).values_list("pk", "key"), found, 100
    )
    clock = WorkspaceClock.objects.filter(workspace=workspace).first()
    if clock is None or clock.judged_on != workspace.today():
        # The day has turned, and nobody has looked at them as of it yet.
        return found
    speaking = set(Delivery.objects.pending().filter(source_id__in=keys).values_list("source_id", flat=True))
    settled = set(keys) - _marked("source", workspace) - speaking
    sources = list(Source.objects.filter(pk__in=settled).order_by("pk"))
    for pk, name, stood, now in flags_of_sources_that_differ(workspace, sources):
        found.drift.append(Drift("source_flag", pk, keys[pk], name, stood, now))
        found.mend.add("source", pk, from_on=date.max, cause=cause)
    return found


def _item_drift(pk: int, key: str, value: ItemValue, usage: ItemUsage, now: Scored) -> list[Drift]:
    return [
        *_different("value", pk, key, value, now.value, _VALUE),
        *_different("usage", pk, key, usage, now.usage, _USAGE),
    ]


def _different(kind: str, pk: int, key: str, stored: Any, computed: Any, names: Iterable[str]) -> list[Drift]:
    return [
        Drift(kind, pk, key, name, held, now)
        for name in names
        if not _is_same(held := getattr(stored, name), now := getattr(computed, name))
    ]


def _is_same(stored: Any, computed: Any) -> bool:
    if isinstance(stored, float) and isinstance(computed, (int, float)):
        return abs(stored - computed) <= NOISE * max(1.0, abs(stored))
    return bool(stored == computed)


def _page(rows: Any, found: Checked, size: int) -> dict[int, str]:
    """The next rows by id, and where the batch after them begins."""
    page = dict(rows.order_by("pk")[:size])
    found.after = max(page) if len(page) == size else None
    return page


def _marked(kind: str, workspace: Workspace) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id FROM outcomes_mark WHERE kind = %s AND workspace_id = %s", [kind, workspace.pk]
        )
        return {row[0] for row in cursor.fetchall()}


def _pending_items(ids: Sequence[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, [list(ids)])
        return {row[0] for row in cursor.fetchall()}


def _rows(sql: str, ids: list[int]) -> list[tuple[Any, ...]]:
    # What is no longer kept cannot be counted again: of older days the rollup is all there is.
    first = retention.open_from() or date.min
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": ids, "most": MOST_ROWS, "first": first, "bound": MOST_NUMBER})
        return cursor.fetchall()


# A pass that finds more than this in one batch tells of the first of them; the rest is found when these are mended.
MOST_ROWS = 1_000

# The same expressions as in `rollup`, so that equal facts give equal digits.
_METRIC_DAYS = """
    WITH told AS (
        SELECT o.metric_id, o.series, o."on", count(*)::int AS count, sum(o.value ORDER BY o.at) AS total,
               min(o.value) AS low, max(o.value) AS high, (array_agg(o.value ORDER BY o.at DESC))[1] AS last
        FROM outcomes_observation o
        WHERE o.metric_id = ANY(%(ids)s) AND NOT o.is_retracted AND o."on" >= %(first)s
          AND abs(o.value) <= %(bound)s
        GROUP BY 1, 2, 3
    ), held AS (
        SELECT metric_id, series, "on", count, total, low, high, last FROM outcomes_metricday
        WHERE metric_id = ANY(%(ids)s) AND "on" >= %(first)s
    )
    SELECT metric_id, series, "on",
           to_json(ARRAY[held.count, held.total, held.low, held.high, held.last])::text,
           to_json(ARRAY[told.count, told.total, told.low, told.high, told.last])::text
    FROM told FULL JOIN held USING (metric_id, series, "on")
    WHERE (told.count, told.total, told.low, told.high, told.last)
          IS DISTINCT FROM (held.count, held.total, held.low, held.high, held.last)
      AND NOT EXISTS (SELECT FROM outcomes_mark m WHERE m.kind = 'metric_day'
                         AND m.subject_id = coalesce(told.metric_id, held.metric_id)
                         AND m.series = coalesce(told.series, held.series)
                         AND m."on" = coalesce(told."on", held."on"))
    ORDER BY 1, 2, 3 LIMIT %(most)s
"""

_USAGE_DAYS = """
    WITH told AS (
        SELECT item_id, "on", actor, customer_id, count(*)::int AS count FROM outcomes_usageevent
        WHERE item_id = ANY(%(ids)s) AND NOT is_retracted AND "on" >= %(first)s GROUP BY 1, 2, 3, 4
    ), held AS (
        SELECT item_id, "on", actor, customer_id, count FROM outcomes_usageday
        WHERE item_id = ANY(%(ids)s) AND "on" >= %(first)s
    ), wrong AS (
        (SELECT item_id, "on", 1 AS held, 0 AS told FROM (TABLE held EXCEPT TABLE told) AS a)
        UNION ALL
        (SELECT item_id, "on", 0, 1 FROM (TABLE told EXCEPT TABLE held) AS b)
    )
    SELECT item_id, "on", sum(held)::int, sum(told)::int FROM wrong
    WHERE NOT EXISTS (SELECT FROM outcomes_mark m
                      WHERE m.kind = 'usage_day' AND m.subject_id = wrong.item_id AND m."on" = wrong."on")
    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(most)s
"""

# Items of which something that enters their value is marked.
_PENDING = """
    SELECT i.id FROM roadmap_item i WHERE i.id = ANY(%s) AND (
        EXISTS (SELECT FROM outcomes_mark m WHERE m.kind IN ('item', 'usage_day') AND m.subject_id = i.id)
        OR EXISTS (SELECT FROM outcomes_mark m WHERE m.kind = 'audience' AND m.subject_id = i.product_id)
        OR EXISTS (SELECT FROM outcomes_outcome o JOIN outcomes_mark m
                   ON m.kind = 'metric_day' AND m.subject_id = o.metric_id WHERE o.item_id = i.id)
        OR EXISTS (SELECT FROM outcomes_itemsource s JOIN outcomes_mark m
                   ON m.kind = 'source' AND m.subject_id = s.source_id WHERE s.item_id = i.id)
        OR EXISTS (SELECT FROM outcomes_outcome o JOIN outcomes_metricsource s ON s.metric_id = o.metric_id
                   JOIN outcomes_mark m ON m.kind = 'source' AND m.subject_id = s.source_id WHERE o.item_id = i.id)
        OR (EXISTS (SELECT FROM outcomes_mark m WHERE m.kind = 'problem' AND m.workspace_id = i.workspace_id)
            AND EXISTS (SELECT FROM roadmap_link l WHERE l.item_id = i.id))
    )
"""
