"""When sources report releases, the item's release day follows the earliest of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection


def follow_releases(workspace_id: int, item_ids: Sequence[int]) -> None:
    """Set the release day of items from the releases that sources reported, whatever order they came in.

    A day that a person stated stays. An item that was not released becomes so, its inputs frozen as they
    stand; one whose only releases were retracted goes back to delivery.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH reported AS (
                SELECT item_id, min("on") AS first_on FROM roadmap_release
                WHERE item_id = ANY(%(ids)s) AND NOT is_retracted GROUP BY item_id
            )
            UPDATE roadmap_item AS item SET
                released_on = reported.first_on,
                status = CASE WHEN item.status IN ('released', 'sunset', 'archived') THEN item.status
                              ELSE 'released' END,
                inputs_at_release = coalesce(item.inputs_at_release, jsonb_build_object(
                    'reach', reach, 'impact', impact, 'confidence', confidence, 'effort', effort)),
                version = version + 1, updated_at = now()
            FROM reported
            WHERE item.id = reported.item_id AND item.workspace_id = %(workspace)s
              AND NOT item.is_release_stated AND item.released_on IS DISTINCT FROM reported.first_on
            """,
            {"ids": list(item_ids), "workspace": workspace_id},
        )
        cursor.execute(
            """
            UPDATE roadmap_item AS item SET released_on = NULL, status = 'delivery', inputs_at_release = NULL,
                   version = version + 1, updated_at = now()
            WHERE id = ANY(%(ids)s) AND workspace_id = %(workspace)s AND NOT is_release_stated
              AND status = 'released' AND released_on IS NOT NULL
              AND NOT EXISTS (SELECT FROM roadmap_release
                              WHERE item_id = item.id AND NOT is_retracted)
              AND EXISTS (SELECT FROM roadmap_release WHERE item_id = item.id)
            """,
            {"ids": list(item_ids), "workspace": workspace_id},
        )
