"""Names that nobody claimed, counted: each delivery remembers what it added, so that a replay adds nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from outcomes.models import Candidate, Delivery
from outcomes.sources.bodies import Refusal, Unclaimed
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting, known_or

# A sender that makes up a name for every event must not fill the table.
MOST_NAMES_PER_DELIVERY = 200
MOST_NAMES_PER_SOURCE = 2_000
_SAMPLE_BYTES = 2_000


@dataclass(slots=True)
class Sighting:
    """How often a name was spoken of, and between when."""

    count: int
    first_at: datetime
    last_at: datetime
    sample: Any


# By (kind, name).
Seen = dict[tuple[str, str], Sighting]


def seen_in(refusals: Iterable[Refusal]) -> Seen:
    """The names among the reasons of refused rows."""
    seen: Seen = {}
    for refusal in refusals:
        if refusal.unclaimed is not None and refusal.unclaimed.name:
            _see(seen, refusal.unclaimed)
    return seen


def _see(seen: Seen, one: Unclaimed) -> None:
    key = (one.kind, one.name)
    known = seen.get(key)
    if known is None:
        if len(seen) < MOST_NAMES_PER_DELIVERY:
            seen[key] = Sighting(1, one.at, one.at, one.sample)
        return
    known.count += 1
    known.first_at = min(known.first_at, one.at)
    if one.at > known.last_at:
        known.last_at, known.sample = one.at, one.sample


class Sightings:
    """What a batch of deliveries adds to the candidates, written once and in order."""

    def __init__(self) -> None:
        # (workspace, source, kind, name) -> [change of the count, sighting or None]
        self._changes: dict[tuple[int, int, str, str], tuple[int, Sighting | None]] = {}
        # Whom a source's candidates are attributed to.
        self._who: dict[int, Actor] = {}

    def add(self, delivery: Delivery, seen: Seen) -> dict[str, Any]:
        """Note what a delivery says now beside what it said before; return what it is to remember."""
        by_source = Actor(name=delivery.source.name, user_id=None, via="webhook")
        self._who[delivery.source_id] = known_or(by_source)
        before = {
            (kind, name): count
            for kind, names in delivery.outcome.get("unclaimed", {}).items()
            for name, count in names.items()
        }
        for kind, name in {*before, *seen}:
            now = seen.get((kind, name))
            change = (now.count if now else 0) - before.get((kind, name), 0)
            if change or now:
                self._note((delivery.workspace_id, delivery.source_id, kind, name), change, now)
        remembered: dict[str, dict[str, int]] = {}
        for (kind, name), sighting in sorted(seen.items()):
            remembered.setdefault(kind, {})[name] = sighting.count
        return {"unclaimed": remembered} if remembered else {}

    def _note(self, key: tuple[int, int, str, str], change: int, now: Sighting | None) -> None:
        held_change, held = self._changes.get(key, (0, None))
        newest = now
        if held and now:
            first = min(held.first_at, now.first_at)
            later = held if held.last_at >= now.last_at else now
            newest = Sighting(0, first, later.last_at, later.sample)
        self._changes[key] = (held_change + change, newest or held)

    def write(self) -> None:
        """Write the changes; candidates that nothing speaks of any more go."""
        if not self._changes:
            return
        known = _known(self._changes)
        rows: list[tuple[Any, ...]] = []
        for key in sorted(self._changes):
            change, sighting = self._changes[key]
            if sighting is None:
                # Spoken of before and not now. Its times are those it has.
                rows.append((*key, change, None, None, "{}"))
            elif key[1:] in known.names or known.has_room(key[1]):
                rows.append((*key, change, sighting.first_at, sighting.last_at, _sample(sighting.sample)))
        seen = [row for row in rows if row[5] is not None]
        # What is only counted on is no change; what is new has its source behind it.
        _upsert([row for row in seen if row[1:4] in known.names])
        for source_id, new in groupby((row for row in seen if row[1:4] not in known.names), itemgetter(1)):
            with acting(self._who[source_id]):
                _upsert(list(new))
        _subtract([row for row in rows if row[5] is None])
        gone = Candidate.objects.filter(source_id__in={key[1] for key in self._changes}, count__lte=0)
        for source_id in sorted(set(gone.exclude(state="accepted").values_list("source_id", flat=True))):
            with acting(self._who[source_id]):
                gone.filter(source_id=source_id).exclude(state="accepted").delete()


class _Known:
    def __init__(self, names: set[tuple[int, str, str]], counts: Mapping[int, int]) -> None:
        self.names = names
        self._counts = dict(counts)

    def has_room(self, source_id: int) -> bool:
        self._counts[source_id] = self._counts.get(source_id, 0) + 1
        return self._counts[source_id] <= MOST_NAMES_PER_SOURCE


def _known(changes: Iterable[tuple[int, int, str, str]]) -> _Known:
    sources = {key[1] for key in changes}
    rows = Candidate.objects.filter(source_id__in=sources)
    names = {
        (source_id, kind, name) for source_id, kind, name in rows.values_list("source_id", "kind", "name")
    }
    # What a person accepted takes no room from what waits.
    waiting = rows.exclude(state="accepted").values_list("source_id", flat=True)
    return _Known(names, Counter(waiting))


def _sample(sample: Any) -> str:
    text = json.dumps(sample, default=_told)
    return text if len(text) <= _SAMPLE_BYTES else json.dumps({"cut": text[:_SAMPLE_BYTES]})


def _told(value: Any) -> str:
    """What JSON has no type for, as the API writes it: an instant is RFC 3339 in UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def _upsert(rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_candidate AS c (workspace_id, source_id, kind, name, count, first_seen_at,
                   last_seen_at, sample, state, version, created_at, updated_at)
            SELECT s.*, 'open', 1, now(), now()
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[],
                        %s::timestamptz[], %s::jsonb[]) AS s
            ON CONFLICT (source_id, kind, name) DO UPDATE SET
                count = c.count + excluded.count,
                first_seen_at = least(c.first_seen_at, excluded.first_seen_at),
                last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at),
                sample = CASE WHEN excluded.last_seen_at > c.last_seen_at THEN excluded.sample ELSE c.sample END,
                updated_at = now()
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )


def _subtract(rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outcomes_candidate AS c SET count = c.count + s.change, updated_at = now()
            FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
                           AS s (source_id, kind, name, change) ORDER BY source_id, kind, name) AS s
            WHERE c.source_id = s.source_id AND c.kind = s.kind AND c.name = s.name
            """,
            [list(column) for column in zip(*(row[1:5] for row in rows), strict=True)],
        )
