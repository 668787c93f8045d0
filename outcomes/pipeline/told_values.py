"""By how much a value has moved since an endpoint was last told of it, however many small steps that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import connection

from outcomes.models import Endpoint
from outcomes.pipeline.outbox import News, Subscription
from outcomes.pipeline.payloads import item_as_told
from outcomes.pipeline.scored import Scored
from productops.workspaces.models import Workspace

EVENT = "value.changed"
# What moves by less has not moved.
_NOISE = 1e-9


def changes_to_tell(
    workspace: Workspace,
    scored: Mapping[int, Scored],
    listeners: Sequence[Subscription],
    *,
    is_quiet: bool,
) -> list[News]:
    """Note the values that have moved far enough, and return the news of it; quietly, they are only noted.

    Unknown counts as 0 for how far it has moved, and is told as unknown.
    """
    wanting = [listener for listener in listeners if listener.wants(EVENT)]
    if not wanting:
        return []
    values = [{"item_id": id_, "proven": scored[id_].value.proven} for id_ in sorted(scored)]
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVED,
            {
                "workspace": workspace.pk,
                "values": msgspec.json.encode(values).decode(),
                "endpoints": [listener.endpoint_id for listener in wanting],
                "thresholds": [
                    _NOISE if is_quiet else max(listener.value_threshold, _NOISE) for listener in wanting
                ],
            },
        )
        moved = cursor.fetchall()
    if is_quiet:
        return []
    return [
        News(EVENT, f"{EVENT}:{endpoint_id}:{item_id}:{turn}", _data(scored[item_id], before), endpoint_id)
        for endpoint_id, item_id, before, turn in moved
    ]


def know_values(endpoint: Endpoint) -> None:
    """Let an endpoint know every value as it stands: what it is told from now on are changes of these."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOW, {"workspace": endpoint.workspace_id, "endpoint": endpoint.pk})


def _data(one: Scored, before: float | None) -> dict[str, Any]:
    item, value = one.judged.facts.item, one.value
    return {
        "item": item_as_told(item),
        "before": before,
        "after": value.proven,
        "realised": value.realised,
        "coverage": value.coverage,
        "cause": value.cause.get("kind"),
        "as_of": value.as_of.isoformat(),
    }


_MOVED = """
    WITH now AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(values)s::json) AS now (item_id bigint, proven float8)
    ), moved AS MATERIALIZED (
        SELECT asked.endpoint_id, now.item_id, held.proven AS before, now.proven
        FROM unnest(%(endpoints)s::bigint[], %(thresholds)s::float8[]) AS asked (endpoint_id, threshold)
        CROSS JOIN now
        LEFT JOIN outcomes_toldvalue held
               ON held.endpoint_id = asked.endpoint_id AND held.item_id = now.item_id
        WHERE abs(coalesce(now.proven, 0) - coalesce(held.proven, 0)) >= asked.threshold
    ), written AS (
        INSERT INTO outcomes_toldvalue AS held (workspace_id, endpoint_id, item_id, proven, turn)
        SELECT %(workspace)s, endpoint_id, item_id, proven, 1 FROM moved ORDER BY endpoint_id, item_id
        ON CONFLICT (endpoint_id, item_id) DO UPDATE SET proven = excluded.proven, turn = held.turn + 1
        RETURNING endpoint_id, item_id, turn
    )
    SELECT endpoint_id, item_id, moved.before, written.turn
    FROM moved JOIN written USING (endpoint_id, item_id) ORDER BY endpoint_id, item_id
"""

_KNOW = """
    INSERT INTO outcomes_toldvalue AS held (workspace_id, endpoint_id, item_id, proven, turn)
    SELECT workspace_id, %(endpoint)s, item_id, proven, 0 FROM outcomes_itemvalue
    WHERE workspace_id = %(workspace)s AND proven IS NOT NULL ORDER BY item_id
    ON CONFLICT (endpoint_id, item_id) DO UPDATE SET proven = excluded.proven
"""
