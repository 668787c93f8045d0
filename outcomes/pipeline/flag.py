"""Flags kept in step with what was judged: opened, kept, resolved, never deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from outcomes.formulas.coverage import SourceCalendar
from outcomes.formulas.flags import REASON_CLASS, Episode, open_episodes, recommended_action
from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Flag, FlagAction, Source, SourceDay
from outcomes.pipeline.scored import Scored
from outcomes.querysets import OPEN_STATES
from productops.workspaces.models import Workspace

# An outcome that is due and below this part of its target is missed.
MET_FROM = 0.9
CLOCK = "productops"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a flag is about, and why: at most one standing flag each."""

    reason: str
    item_id: int = 0
    outcome_id: int = 0
    source_id: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that holds enough to be flagged."""

    holding_since: date
    opened_on: date
    evidence: dict[str, Any]
    recommendation: str


def flag_items(
    workspace: Workspace,
    scored: Mapping[int, Scored],
    runs: Mapping[int, Sequence[Run]],
    causes: Mapping[int, dict[str, Any]],
) -> None:
    """Bring the flags of items in step with their verdict days and outcomes."""
    today = workspace.today()
    wanted: dict[Subject, Condition] = {}
    ended: dict[Subject, Episode] = {}
    mrr_shares = _mrr_shares(workspace, [id_ for id_ in scored if _may_flag(runs[id_])], today)
    for item_id, one in scored.items():
        episodes = open_episodes(
            runs[item_id], open_after=workspace.flag_open_days, resolve_after=workspace.flag_resolve_days
        )
        for reason, episode in episodes.items():
            subject = Subject(reason, item_id)
            if episode.resolved_on is None:
                wanted[subject] = _usage_condition(one, episode, today, mrr_shares.get(item_id))
            else:
                ended[subject] = episode
        wanted |= _missed_targets(one, today)
    standing = Flag.objects.filter(item_id__in=scored)
    _reconcile(workspace, standing, wanted, ended, today, causes)


def flag_sources(workspace: Workspace, sources: Sequence[Source]) -> None:
    """Flag sources that have gone silent; resolve those that speak again."""
    today = workspace.today()
    days: dict[int, list[date]] = defaultdict(list)
    rows = SourceDay.objects.filter(source__in=sources, on__lte=today)
    for source_id, on in rows.values_list("source_id", "on"):
        days[source_id].append(on)
    wanted = {}
    for source in sources:
        calendar = SourceCalendar(source.cadence, days[source.pk])
        if days[source.pk] and calendar.is_silent(today):
            newest = max(days[source.pk])
            evidence = {
                "as_of": today.isoformat(),
                "newest_on": newest.isoformat(),
                "days_since": (today - newest).days,
                "cadence": source.cadence,
            }
            action = recommended_action(reason="stale_source")
            wanted[Subject("stale_source", source_id=source.pk)] = Condition(newest, today, evidence, action)
    _reconcile(workspace, Flag.objects.filter(source__in=sources), wanted, {}, today, {})


def _reconcile(
    workspace: Workspace,
    known: Any,
    wanted: Mapping[Subject, Condition],
    ended: Mapping[Subject, Episode],
    today: date,
    causes: Mapping[int, dict[str, Any]],
) -> None:
    flags = list(
        known.filter(Q(state__in=OPEN_STATES) | Q(is_suppressing=True)).order_by("id").select_for_update()
    )
    standing = {_subject(flag): flag for flag in flags if flag.state in OPEN_STATES}
    holding_classes = {_class_of(subject) for subject in wanted}
    quiet = set()
    for flag in flags:
        if not flag.is_suppressing:
            continue
        if _class_of(_subject(flag)) in holding_classes:
            quiet.add(_class_of(_subject(flag)))
        else:
            # The class has stopped holding: the next time it does is news again.
            Flag.objects.filter(pk=flag.pk).update(is_suppressing=False)
    for subject, flag in standing.items():
        condition = wanted.get(subject)
        if condition is None:
            _resolve(flag, ended.get(subject), causes.get(subject.item_id, {}), today)
        else:
            _keep(flag, condition)
    new = [
        _new_flag(workspace, subject, condition)
        for subject, condition in sorted(wanted.items(), key=lambda pair: pair[0])
        if subject not in standing and _class_of(subject) not in quiet
    ]
    for flag in Flag.objects.bulk_create(new):
        FlagAction.objects.create(
            workspace_id=workspace.pk, flag=flag, action="open", from_state="", to_state="open", by=CLOCK
        )


def _keep(flag: Flag, condition: Condition) -> None:
    """The numbers move on; state and version are the person's."""
    Flag.objects.filter(pk=flag.pk).update(
        evidence=condition.evidence,
        recommendation=condition.recommendation,
        opened_on=condition.opened_on,
        holding_since=condition.holding_since,
    )


def _resolve(flag: Flag, episode: Episode | None, cause: Mapping[str, Any], today: date) -> None:
    """Resolve a flag: recovered when its condition ended in time, corrected when it turns out it never held."""
    if episode is not None:
        resolved_on, why = episode.resolved_on or today, "recovered"
    elif cause.get("kind") in ("edit", "import", "thresholds"):
        resolved_on, why = today, "edited"
    else:
        is_at_once = flag.reason in ("missed_target", "regression", "stale_source")
        resolved_on, why = today, "recovered" if is_at_once else "corrected"
    from_state = flag.state
    flag.state, flag.resolved_on, flag.resolved_cause, flag.snoozed_until = "resolved", resolved_on, why, None
    flag.version += 1
    flag.save(
        update_fields=["state", "resolved_on", "resolved_cause", "snoozed_until", "version", "updated_at"]
    )
    FlagAction.objects.create(
        workspace_id=flag.workspace_id,
        flag=flag,
        action="resolve",
        from_state=from_state,
        to_state="resolved",
        by=CLOCK,
        note=why,
    )


def _new_flag(workspace: Workspace, subject: Subject, condition: Condition) -> Flag:
    return Flag(
        workspace_id=workspace.pk,
        reason=subject.reason,
        item_id=subject.item_id or None,
        outcome_id=subject.outcome_id or None,
        source_id=subject.source_id or None,
        opened_on=condition.opened_on,
        holding_since=condition.holding_since,
        recommendation=condition.recommendation,
        evidence=condition.evidence,
    )


def _usage_condition(one: Scored, episode: Episode, today: date, mrr_share: float | None) -> Condition:
    usage, facts = one.usage, one.judged.facts
    is_unused = REASON_CLASS[episode.reason] == "unused"
    action = recommended_action(
        reason=episode.reason,
        reach=usage.share,
        frequency=None,
        mrr_share=mrr_share,
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
        "newest_on": usage.evidence["newest_on"],
        "mrr_share": mrr_share,
        "days_since": (today - episode.holding_since).days,
    }
    return Condition(episode.holding_since, episode.opened_on, evidence, action)


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
        missed[subject] = Condition(first, first, evidence, "extend_change_or_drop")
    return missed


def _may_flag(runs: Sequence[Run]) -> bool:
    return any(run.verdict.value in REASON_CLASS for run in runs)


def _mrr_shares(workspace: Workspace, item_ids: list[int], today: date) -> dict[int, float]:
    """The share of the workspace's revenue whose customers used each item in the last 90 days, if known."""
    if not item_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH used AS (
                SELECT DISTINCT item_id, customer_id FROM outcomes_usageday
                WHERE item_id = ANY(%(items)s) AND "on" BETWEEN %(today)s - 90 AND %(today)s
                  AND customer_id IS NOT NULL
            ), audience AS (
                -- The product's revenue: that of the customers seen in any of its items' events.
                SELECT item.product_id, sum(mrr) AS mrr FROM (
                    SELECT DISTINCT i.product_id, u.customer_id FROM outcomes_usageday u
                    JOIN roadmap_item i ON i.id = u.item_id
                    WHERE i.workspace_id = %(workspace)s AND u."on" BETWEEN %(today)s - 90 AND %(today)s
                      AND i.product_id IN (SELECT product_id FROM roadmap_item WHERE id = ANY(%(items)s))
                ) AS item JOIN roadmap_customer c ON c.id = item.customer_id GROUP BY item.product_id
            )
            SELECT item.id, coalesce(sum(c.mrr), 0) / audience.mrr
            FROM roadmap_item item
            JOIN audience ON audience.product_id = item.product_id AND audience.mrr > 0
            LEFT JOIN used ON used.item_id = item.id
            LEFT JOIN roadmap_customer c ON c.id = used.customer_id
            WHERE item.id = ANY(%(items)s) GROUP BY item.id, audience.mrr
            """,
            {"items": item_ids, "today": today, "workspace": workspace.pk},
        )
        return {item_id: float(share) for item_id, share in cursor.fetchall()}


def _subject(flag: Flag) -> Subject:
    return Subject(flag.reason, flag.item_id or 0, flag.outcome_id or 0, flag.source_id or 0)


def _class_of(subject: Subject) -> tuple[str, int, int, int]:
    return (REASON_CLASS[subject.reason], subject.item_id, subject.outcome_id, subject.source_id)
