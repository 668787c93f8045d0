"""What of a batch's work is news to somebody: flags that moved, values, outcomes, effects, releases.

Each is called once a batch, in its transaction. Without an endpoint that wants such news it costs one look at
an index, and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from django.db import connection

from outcomes.models import Effect, Flag, FlagAction, Outcome, QuietRun
from outcomes.models.told import FLAGS_DIGEST
from outcomes.pipeline.conditions import MET_FROM
from outcomes.pipeline.outbox import News, Subscription, subscriptions, tell
from outcomes.pipeline.payloads import (
    effect_as_told,
    flag_as_told,
    item_as_told,
    outcome_as_told,
    silence_as_told,
)
from outcomes.pipeline.scored import Scored
from outcomes.pipeline.told_values import changes_to_tell
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.rules import DELIVERY, DISCOVERY, IDEA, RELEASED

# What flags bring besides their own opening and resolving.
_OF_FLAGS = ("flag.opened", "flag.resolved", "outcome.missed", "source.stale")
_RESOLVE = "resolve"


def flags_moved(workspace: Workspace, actions: Sequence[FlagAction], *, is_quiet: bool) -> None:
    """Tell of flags that opened, came back or resolved; of missed outcomes and silent sources that opened them.

    `actions` are those just written, with their flags. In a quiet run they are known and not told.
    """
    if not actions:
        return
    listeners = subscriptions(workspace.pk, _OF_FLAGS)
    if not listeners:
        return
    flags = _with_subjects([action.flag_id for action in actions])
    news = []
    for action in actions:
        flag = flags[action.flag_id]
        news.append(_moved(flag, action))
        if action.action != _RESOLVE:
            news += _behind(flag)
    tell(workspace, news, listeners, is_quiet=is_quiet)


def items_scored(workspace: Workspace, scored: Mapping[int, Scored]) -> None:
    """Tell of values that moved by more than an endpoint's threshold, and of outcomes that were met."""
    if not scored:
        return
    listeners = subscriptions(workspace.pk, ("value.changed", "outcome.met"))
    if not listeners:
        return
    is_quiet = _is_quiet(workspace)
    changes = changes_to_tell(workspace, scored, listeners, is_quiet=is_quiet)
    tell(workspace, [*changes, *_met(scored.values(), listeners)], listeners, is_quiet=is_quiet)


def is_decision(before: Iterable[Effect], effect: Effect) -> bool:
    """Whether an effect is decided now and was not before, or was the other way."""
    stood = any(held.decided_on is not None and held.verdict == effect.verdict for held in before)
    return effect.decided_on is not None and not stood


def effects_decided(workspace_id: int, decided: Sequence[Effect]) -> None:
    """Tell of effects that were decided just now, or decided otherwise by a late correction."""
    if not decided or not (listeners := subscriptions(workspace_id, ("effect.decided",))):
        return
    workspace = Workspace.objects.get(pk=workspace_id)
    ids = [effect.outcome_id for effect in decided]
    outcomes = Outcome.objects.select_related("item", "metric").in_bulk(ids)
    news = [
        News(
            "effect.decided",
            f"effect.decided:{effect.outcome_id}:{effect.design}:{effect.decided_on}:{effect.verdict}",
            {
                "item": item_as_told(outcomes[effect.outcome_id].item),
                "effect": effect_as_told(effect, outcomes[effect.outcome_id]),
            },
        )
        for effect in decided
    ]
    tell(workspace, news, listeners, is_quiet=_is_quiet(workspace))


def items_released(workspace_id: int, item_ids: Sequence[int]) -> None:
    """Tell of those items that the running transaction has released, by whatever way.

    One that was created as released is news only if that was today or yesterday; else it is history.
    """
    if not item_ids or not (listeners := subscriptions(workspace_id, ("item.released",))):
        return
    workspace = Workspace.objects.get(pk=workspace_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASED,
            {
                "workspace": workspace.pk,
                "ids": list(item_ids),
                "released": RELEASED,
                "before": [IDEA, DISCOVERY, DELIVERY],
                "recent": workspace.today() - timedelta(days=1),
            },
        )
        released = [row[0] for row in cursor.fetchall()]
    items = Item.objects.filter(id__in=released, status=RELEASED).order_by("id")
    news = [
        News("item.released", f"item.released:{item.pk}:{item.released_on}", {"item": item_as_told(item)})
        for item in items
    ]
    tell(workspace, news, listeners)


def quiet_run_ended(run: QuietRun) -> None:
    """Tell in one message what a quiet run changed."""
    listeners = subscriptions(run.workspace_id, (FLAGS_DIGEST,))
    if listeners:
        data = {"kind": run.kind, **run.counts}
        tell(run.workspace, [News(FLAGS_DIGEST, f"{FLAGS_DIGEST}:{run.pk}", data)], listeners)


def know_met_outcomes(workspace: Workspace) -> None:
    """Know the outcomes that are met as things stand, so that nobody is told what was so before they asked."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING_MET, {"workspace": workspace.pk, "from": MET_FROM, "released": RELEASED})
        standings = dict(cursor.fetchall())
    outcomes = Outcome.objects.filter(id__in=standings).select_related("item", "metric").order_by("id")
    met = [
        News(
            "outcome.met",
            _of_target("outcome.met", outcome),
            {
                "item": item_as_told(outcome.item),
                "outcome": outcome_as_told(outcome, json.loads(standings[outcome.pk])),
            },
        )
        for outcome in outcomes
    ]
    tell(workspace, met, subscriptions(workspace.pk, ("outcome.met",)), is_quiet=True)


def _of_target(event: str, outcome: Outcome) -> str:
    """An outcome is met, or missed, once for every target and day it was given."""
    return f"{event}:{outcome.pk}:{outcome.target!r}:{outcome.due_on}"


def _with_subjects(ids: Iterable[int]) -> dict[int, Flag]:
    return Flag.objects.select_related("item", "source", "outcome__metric").in_bulk(list(ids))


def _moved(flag: Flag, action: FlagAction) -> News:
    # The version of the flag as the move left it: each of its moves happens once.
    event = "flag.resolved" if action.action == _RESOLVE else "flag.opened"
    return News(event, f"{event}:{flag.pk}:{flag.version}", {"flag": flag_as_told(flag)})


def _behind(flag: Flag) -> list[News]:
    """What the opening of a flag means besides."""
    if flag.reason == "missed_target" and flag.outcome and flag.item:
        data = {"item": item_as_told(flag.item), "outcome": outcome_as_told(flag.outcome, flag.evidence)}
        return [News("outcome.missed", _of_target("outcome.missed", flag.outcome), data)]
    if flag.reason == "stale_source" and flag.source:
        silence = silence_as_told(flag)
        return [News("source.stale", f"source.stale:{flag.source.pk}:{silence['newest_on']}", silence)]
    return []


def _met(scored: Iterable[Scored], listeners: Sequence[Subscription]) -> list[News]:
    if not any(listener.wants("outcome.met") for listener in listeners):
        return []
    found = []
    for one in scored:
        item = one.judged.facts.item
        for standing in one.standings:
            reached, outcome = standing.attainment.value, standing.outcome
            if reached is None or reached < MET_FROM or item.status != RELEASED:
                continue
            data = {"item": item_as_told(item), "outcome": outcome_as_told(outcome, standing.as_json())}
            found.append(News("outcome.met", _of_target("outcome.met", outcome), data))
    return found


def _is_quiet(workspace: Workspace) -> bool:
    return QuietRun.objects.filter(workspace=workspace, ended_at=None).exists()


# The record of changes knows what the running transaction did, whichever door it came through.
_RELEASED = """
    SELECT DISTINCT object_id FROM workspaces_change
    WHERE workspace_id = %(workspace)s AND type = 'item' AND object_id = ANY(%(ids)s)
      AND position = pg_current_xact_id()::text::bigint
                     + (SELECT coalesce(max(shift), 0) FROM workspaces_changeshift)
      AND CASE action
          WHEN 'edited' THEN "values" -> 'status' ->> 1 = %(released)s
                             AND "values" -> 'status' ->> 0 = ANY(%(before)s)
          WHEN 'created' THEN "values" ->> 'status' = %(released)s
                              AND ("values" ->> 'released_on')::date >= %(recent)s
          ELSE false END
    ORDER BY object_id
"""

_STANDING_MET = """
    SELECT (standing ->> 'id')::bigint, standing::text
    FROM outcomes_itemvalue AS held
    JOIN roadmap_item AS item ON item.id = held.item_id AND item.status = %(released)s
    CROSS JOIN LATERAL jsonb_array_elements(held.explanation -> 'outcomes') AS standing
    WHERE held.workspace_id = %(workspace)s
      AND held.item_id IN (SELECT item_id FROM outcomes_outcome WHERE workspace_id = %(workspace)s)
      AND jsonb_typeof(held.explanation -> 'outcomes') = 'array'
      AND (standing ->> 'attainment')::float8 >= %(from)s
"""
