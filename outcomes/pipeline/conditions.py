"""Which conditions hold enough to be flagged, each with the numbers it rests on and what to do about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection

from outcomes.formulas.coverage import SourceCalendar
from outcomes.formulas.flags import (
    REASON_CLASS,
    VERDICT_REASONS,
    Episode,
    active_days_per_period,
    all_episodes,
    class_holding_since,
    recommended_action,
)
from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Source, SourceDay
from outcomes.pipeline.scored import Scored
from productops.workspaces.models import Workspace

# An outcome that is due and below this part of its target is missed.
MET_FROM = 0.9


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a flag is about, and why: at most one standing flag each."""

    reason: str
    item_id: int = 0
    outcome_id: int = 0
    source_id: int = 0

    @property
    def reason_class(self) -> tuple[str, int, int, int]:
        """What a person's answer to the flag is an answer to."""
        return (REASON_CLASS[self.reason], self.item_id, self.outcome_id, self.source_id)

    @property
    def is_folded(self) -> bool:
        """Whether it follows from verdict days, which tell of the past; other reasons act at once."""
        return self.reason in VERDICT_REASONS


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that holds enough to be flagged."""

    holding_since: date
    opened_on: date
    evidence: dict[str, Any]
    recommendation: str
    # Since when its whole class has held without having stopped.
    class_since: date


@dataclass(slots=True)
class Conditions:
    """What holds now, and all that ever held of what follows from verdict days."""

    holding: dict[Subject, Condition] = field(default_factory=dict)
    episodes: dict[Subject, tuple[Episode, ...]] = field(default_factory=dict)


def conditions_of_items(
    workspace: Workspace, scored: Mapping[int, Scored], runs: Mapping[int, Sequence[Run]]
) -> Conditions:
    """The conditions of items, from their verdict days and outcomes."""
    today = workspace.today()
    clocks = {"open_after": workspace.flag_open_days, "resolve_after": workspace.flag_resolve_days}
    found = Conditions()
    usage: list[tuple[Subject, Episode, date]] = []
    for item_id, one in scored.items():
        for reason, episodes in all_episodes(runs[item_id], **clocks).items():
            subject = Subject(reason, item_id)
            found.episodes[subject] = episodes
            if episodes[-1].resolved_on is None:
                since = class_holding_since(reason, runs[item_id], **clocks)
                usage.append((subject, episodes[-1], since or episodes[-1].holding_since))
        found.holding |= _missed_targets(one, today) | _regressions(one, today)
    habits = _habits(workspace, {subject.item_id: scored[subject.item_id] for subject, _, _ in usage}, today)
    for subject, episode, since in usage:
        found.holding[subject] = _usage_condition(
            scored[subject.item_id], episode, today, habits.get(subject.item_id, _NOTHING_KNOWN), since
        )
    return found


def conditions_of_sources(workspace: Workspace, sources: Sequence[Source]) -> Conditions:
    """Sources that have gone silent."""
    today = workspace.today()
    days: dict[int, list[date]] = defaultdict(list)
    rows = SourceDay.objects.filter(source__in=sources, on__lte=today)
    for source_id, on in rows.values_list("source_id", "on"):
        days[source_id].append(on)
    found = Conditions()
    for source in sources:
        calendar = SourceCalendar(source.cadence, days[source.pk])
        silent_since = calendar.silent_since(today)
        if silent_since is not None:
            newest = max(days[source.pk])
            evidence = {
                "as_of": today.isoformat(),
                "newest_on": newest.isoformat(),
                "days_since": (today - newest).days,
                "cadence": source.cadence,
            }
            action = recommended_action(reason="stale_source")
            subject = Subject("stale_source", source_id=source.pk)
            found.holding[subject] = Condition(newest, silent_since, evidence, action, newest)
    return found


@dataclass(frozen=True, slots=True)
class _Habits:
    """How an item is used: active days of an active person per natural period, and the share (0..1) of the
    product's monthly revenue whose customers use it. None where it is not known."""

    frequency: float | None = None
    mrr_share: float | None = None


_NOTHING_KNOWN = _Habits()


def _usage_condition(
    one: Scored, episode: Episode, today: date, habits: _Habits, class_since: date
) -> Condition:
    usage, facts = one.usage, one.judged.facts
    is_unused = REASON_CLASS[episode.reason] == "unused"
    action = recommended_action(
        reason=episode.reason,
        reach=usage.share,
        frequency=habits.frequency,
        mrr_share=habits.mrr_share,
        is_week_before_normal=facts.was_normal_before(episode.holding_since) if is_unused else None,
    )
    evidence = {
        "as_of": today.isoformat(),
        "window_days": usage.window_days,
        "active": usage.active,
        "eligible": usage.eligible,
        "eligible_from": usage.eligible_from,
        "share": usage.share,
        "low": usage.low,
        "high": usage.high,
        "ratio_to_window_before": usage.evidence["ratio_to_window_before"],
        "frequency": habits.frequency,
        "newest_on": usage.evidence["newest_on"],
        "mrr_share": habits.mrr_share,
        "days_since": (today - episode.holding_since).days,
    }
    return Condition(episode.holding_since, episode.opened_on, evidence, action, class_since)


def _missed_targets(one: Scored, today: date) -> dict[Subject, Condition]:
    missed: dict[Subject, Condition] = {}
    if one.judged.facts.item.status != "released":
        # Who has taken a feature away has answered the question.
        return missed
    for standing in one.standings:
        outcome, reached = standing.outcome, standing.attainment.value
        if outcome.due_on is None or outcome.due_on >= today or reached is None or reached >= MET_FROM:
            continue
        evidence = {
            "as_of": today.isoformat(),
            **standing.as_json(),
            "days_since": (today - outcome.due_on).days,
        }
        first = outcome.due_on + timedelta(days=1)
        subject = Subject("missed_target", outcome.item_id, outcome.pk)
        # What to do about a missed target is the person's: extend, change or drop it.
        missed[subject] = Condition(first, first, evidence, "extend_change_or_drop", first)
    return missed


def _regressions(one: Scored, today: date) -> dict[Subject, Condition]:
    """Outcomes whose decided effect, by the strongest design, is worse."""
    worse: dict[Subject, Condition] = {}
    if one.judged.facts.item.status != "released":
        return worse
    for standing in one.standings:
        effect = standing.effect
        if effect is None or effect.decided_on is None or not standing.is_worse:
            continue
        evidence = {
            "as_of": today.isoformat(),
            **standing.as_json(),
            "days_since": (today - effect.decided_on).days,
        }
        on = effect.decided_on
        subject = Subject("regression", standing.outcome.item_id, standing.outcome.pk)
        worse[subject] = Condition(on, on, evidence, "change_or_roll_back", on)
    return worse


# Customers belong to no product. While the workspace has one product (or none) its revenue is that of all
# current customers; with several, a product's is that of the customers seen in any event of its items.
_HABITS = """
    WITH asked AS (
        SELECT asked.item_id, asked.first, asked.period, asked.w, item.product_id,
               coalesce(product.unit = 'customers', false) AS by_customer
        FROM unnest(%(items)s::bigint[], %(firsts)s::date[], %(periods)s::float8[], %(windows)s::int[])
             AS asked (item_id, first, period, w)
        JOIN roadmap_item item ON item.id = asked.item_id
        LEFT JOIN roadmap_product product ON product.id = item.product_id
    ), used AS MATERIALIZED (
        SELECT asked.item_id, u."on", u.customer_id,
               CASE WHEN asked.by_customer THEN int8send(u.customer_id) ELSE u.actor END AS who
        FROM asked CROSS JOIN LATERAL (
            SELECT * FROM outcomes_usageday u
            WHERE u.item_id = asked.item_id AND u."on" BETWEEN asked.first AND %(today)s OFFSET 0
        ) AS u
    ), often AS (
        SELECT item_id, count(DISTINCT ("on", who)) AS person_days, count(DISTINCT who) AS people,
               count(customer_id) > 0 AS names_customers
        FROM used WHERE who IS NOT NULL GROUP BY item_id
    ), one AS (
        SELECT (SELECT count(*) FROM roadmap_product WHERE workspace_id = %(workspace)s) < 2 AS is_alone,
               (SELECT sum(mrr) FROM roadmap_customer
                WHERE workspace_id = %(workspace)s AND archived_at IS NULL) AS mrr
    ), audience AS (
        SELECT seen.product_id, seen.first, sum(customer.mrr) AS mrr FROM (
            SELECT DISTINCT product.product_id, product.first, u.customer_id
            FROM (SELECT DISTINCT product_id, first FROM asked, one
                  WHERE product_id IS NOT NULL AND NOT one.is_alone) AS product
            JOIN roadmap_item item
              ON item.product_id = product.product_id AND item.workspace_id = %(workspace)s
            CROSS JOIN LATERAL (
                SELECT DISTINCT customer_id FROM outcomes_usageday u
                WHERE u.item_id = item.id AND u."on" BETWEEN product.first AND %(today)s
                  AND u.customer_id IS NOT NULL OFFSET 0
            ) AS u
        ) AS seen JOIN roadmap_customer customer ON customer.id = seen.customer_id
        GROUP BY seen.product_id, seen.first
    ), paid AS (
        SELECT theirs.item_id, sum(customer.mrr) AS mrr FROM (
            SELECT DISTINCT item_id, customer_id FROM used WHERE customer_id IS NOT NULL
        ) AS theirs JOIN roadmap_customer customer ON customer.id = theirs.customer_id
        GROUP BY theirs.item_id
    )
    SELECT asked.item_id, often.person_days, often.people, asked.w, asked.period,
           CASE WHEN often.people IS NULL OR often.names_customers
                THEN coalesce(paid.mrr, 0) / nullif(CASE WHEN one.is_alone THEN one.mrr ELSE audience.mrr END, 0)
           END
    FROM asked CROSS JOIN one
    LEFT JOIN often ON often.item_id = asked.item_id
    LEFT JOIN paid ON paid.item_id = asked.item_id
    LEFT JOIN audience ON audience.product_id = asked.product_id AND audience.first = asked.first
"""


def _habits(workspace: Workspace, scored: Mapping[int, Scored], today: date) -> dict[int, _Habits]:
    """How often the items are used and by what part of the revenue, each in its own window."""
    if not scored:
        return {}
    windows = {id_: one.judged.facts.thresholds.window_days for id_, one in scored.items()}
    periods = {
        # An item that names no period is one that its window serves: W is at least twice the period.
        id_: float(one.judged.facts.item.natural_period_days or windows[id_] / 2)
        for id_, one in scored.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _HABITS,
            {
                "items": list(scored),
                "firsts": [today - timedelta(days=windows[id_] - 1) for id_ in scored],
                "periods": [periods[id_] for id_ in scored],
                "windows": [windows[id_] for id_ in scored],
                "today": today,
                "workspace": workspace.pk,
            },
        )
        return {
            item_id: _Habits(
                active_days_per_period(person_days or 0, people or 0, window, period),
                None if mrr_share is None else float(mrr_share),
            )
            for item_id, person_days, people, window, period, mrr_share in cursor.fetchall()
        }
