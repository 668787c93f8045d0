"""What an issue tracker's moves mean: an issue that is done releases the item that names it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from outcomes.sources.native import state_row
from outcomes.sources.reading import EventBody
from roadmap.models import Item


def follow(workspace_id: int, body: EventBody, *, now: datetime) -> None:
    """Add a release for every issue that came to be done, of the items that name it: by their key, or by the
    issue's address as theirs. An issue that no item names is not ours to know about."""
    for move in body.moves:
        if move.phase != "done":
            continue
        named = Q(key__iexact=move.issue) | Q(url__iendswith=f"/browse/{move.issue}")
        items = Item.objects.filter(named, workspace_id=workspace_id, archived_at=None).order_by("id")
        for key in items.values_list("key", flat=True)[:20]:
            state_row(body, "releases", move.pointer, {"item": key, "at": move.at}, now=now)
