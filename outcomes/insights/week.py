"""What changed in the last seven days: releases, verdicts, flags, values and what customers said."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from outcomes.insights.asking import ITEMS, Question, Told, read, read_list

DAYS = 7
# A value that moved by less is not news; one that was not known before the week is, whatever it is.
NEWS_FROM = 1.0
KINDS = ("released", "flag_opened", "flag_closed", "verdict", "value", "evidence")


@dataclass(frozen=True, slots=True)
class WeekSummary:
    """The seven days up to and including the day of judgement, and how much of each kind happened in them."""

    first_on: date
    last_on: date
    released: int
    flags_opened: int
    flags_closed: int
    verdicts: int
    values: int
    evidence: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `subject` is the key of the item, problem or source it is about; `before` and
    `after` are a state, a verdict or a number as text, by its kind."""

    on: date
    kind: str
    subject_type: str
    subject: str
    title: str
    before: str | None
    after: str | None
    change: float | None


_EVENTS = f"""
    WITH item AS MATERIALIZED (SELECT * FROM roadmap_item item WHERE {ITEMS}),
    released AS (
        SELECT released_on AS "on", 'released' AS kind, 'item' AS subject_type, key AS subject, title,
               NULL::text AS before, status::text AS after, NULL::float8 AS change
        FROM item WHERE status = 'released' AND released_on BETWEEN %(first)s AND %(today)s
    ), opened AS (
        SELECT flag.opened_on, 'flag_opened', CASE WHEN item.id IS NULL THEN 'source' ELSE 'item' END,
               coalesce(item.key, source.key), coalesce(item.title, source.name), NULL, flag.reason, NULL::float8
        FROM outcomes_flag flag LEFT JOIN item ON item.id = flag.item_id
        LEFT JOIN outcomes_source source ON source.id = flag.source_id AND %(product)s::bigint IS NULL
        WHERE flag.workspace_id = %(workspace)s AND NOT flag.is_ahead AND flag.opened_on BETWEEN %(first)s AND %(today)s
          AND coalesce(item.id, source.id) IS NOT NULL
    ), closed AS (
        SELECT flag.resolved_on, 'flag_closed', CASE WHEN item.id IS NULL THEN 'source' ELSE 'item' END,
               coalesce(item.key, source.key), coalesce(item.title, source.name), flag.reason,
               flag.resolved_cause, NULL::float8
        FROM outcomes_flag flag LEFT JOIN item ON item.id = flag.item_id
        LEFT JOIN outcomes_source source ON source.id = flag.source_id AND %(product)s::bigint IS NULL
        WHERE flag.workspace_id = %(workspace)s AND NOT flag.is_ahead AND flag.state = 'resolved'
          AND flag.resolved_on BETWEEN %(first)s AND %(today)s AND coalesce(item.id, source.id) IS NOT NULL
    ), answered AS (
        SELECT DISTINCT ON (flag.id) (action.at AT TIME ZONE workspace.time_zone)::date, 'flag_closed',
               CASE WHEN item.id IS NULL THEN 'source' ELSE 'item' END,
               coalesce(item.key, source.key), coalesce(item.title, source.name), flag.reason, flag.state, NULL::float8
        FROM outcomes_flag flag JOIN workspaces_workspace workspace ON workspace.id = flag.workspace_id
        JOIN outcomes_flagaction action ON action.flag_id = flag.id AND action.to_state = flag.state
        LEFT JOIN item ON item.id = flag.item_id
        LEFT JOIN outcomes_source source ON source.id = flag.source_id AND %(product)s::bigint IS NULL
        WHERE flag.workspace_id = %(workspace)s AND NOT flag.is_ahead AND flag.state IN ('dismissed', 'accepted')
          AND (action.at AT TIME ZONE workspace.time_zone)::date BETWEEN %(first)s AND %(today)s
          AND coalesce(item.id, source.id) IS NOT NULL
        ORDER BY flag.id, action.at DESC
    ), verdicts AS (
        SELECT span.from_on, 'verdict', 'item', item.key, item.title, earlier.verdict, span.verdict, NULL::float8
        FROM outcomes_verdictspan span JOIN item ON item.id = span.item_id
        CROSS JOIN LATERAL (
            SELECT before.verdict FROM outcomes_verdictspan before
            WHERE before.item_id = span.item_id AND before.from_on < span.from_on
            ORDER BY before.from_on DESC LIMIT 1
        ) AS earlier
        WHERE span.workspace_id = %(workspace)s AND span.from_on BETWEEN %(first)s AND %(today)s
          AND earlier.verdict <> span.verdict
    ), moved AS (
        SELECT coalesce(known."on", value.judged_on), 'value', 'item', item.key, item.title,
               earlier.proven::text, value.proven::text,
               CASE WHEN known."on" IS NULL THEN coalesce(value.proven, 0) - earlier.proven END AS change
        FROM outcomes_itemvalue value JOIN item ON item.id = value.item_id
        LEFT JOIN LATERAL (
            SELECT record.proven FROM outcomes_valuerecord record
            WHERE record.item_id = value.item_id AND record.judged_on < %(first)s
            ORDER BY record.as_of DESC LIMIT 1
        ) AS earlier ON true
        LEFT JOIN LATERAL (
            SELECT min(record.judged_on) AS "on" FROM outcomes_valuerecord record
            WHERE record.item_id = value.item_id AND record.judged_on BETWEEN %(first)s AND %(today)s
              AND record.proven IS NOT NULL
        ) AS known ON earlier.proven IS NULL
        WHERE value.judged_on IS NOT NULL AND CASE
            WHEN earlier.proven IS NULL THEN value.proven IS NOT NULL
            ELSE abs(coalesce(value.proven, 0) - earlier.proven) >= {NEWS_FROM} END
    ), voices AS (
        SELECT max(e.observed_on), 'evidence', 'problem', problem.key, problem.title, NULL, NULL,
               count(*)::float8
        FROM roadmap_evidence e JOIN roadmap_problem problem ON problem.id = e.problem_id
        WHERE e.workspace_id = %(workspace)s AND NOT e.is_retracted AND problem.archived_at IS NULL
          AND %(product)s::bigint IS NULL AND e.observed_on BETWEEN %(first)s AND %(today)s
        GROUP BY problem.id
    ), events AS (
        SELECT * FROM released UNION ALL SELECT * FROM opened UNION ALL SELECT * FROM closed
        UNION ALL SELECT * FROM answered
        UNION ALL SELECT * FROM verdicts UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM voices
    )
"""


def this_week(question: Question) -> Told[WeekSummary, Event]:
    """What happened in the last seven days, the newest first; within a day releases first, then flags."""
    first = question.today - timedelta(days=DAYS - 1)
    counts = {
        row["kind"]: row["n"]
        for row in read(
            f"{_EVENTS} SELECT kind, CASE WHEN kind = 'evidence' THEN sum(change)::bigint ELSE count(*) END AS n"
            " FROM events GROUP BY kind",
            question,
            first=first,
        )
    }
    rows = read_list(
        f"{_EVENTS} SELECT * FROM events"
        ' ORDER BY "on" DESC, array_position(%(kinds)s, kind), subject LIMIT %(limit)s',
        question,
        first=first,
        kinds=list(KINDS),
    )
    summary = WeekSummary(
        first_on=first,
        last_on=question.today,
        released=counts.get("released", 0),
        flags_opened=counts.get("flag_opened", 0),
        flags_closed=counts.get("flag_closed", 0),
        verdicts=counts.get("verdict", 0),
        values=counts.get("value", 0),
        evidence=counts.get("evidence", 0),
    )
    return Told(summary, [Event(**row) for row in rows])
