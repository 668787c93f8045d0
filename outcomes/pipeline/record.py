"""Rows become facts, and facts leave marks: all in the caller's transaction."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from outcomes.models import Delivery, Source
from outcomes.pipeline import exposures, homes, trackers
from outcomes.pipeline.effect_marks import effects_around
from outcomes.pipeline.news import items_released
from outcomes.pipeline.sections import Sections
from outcomes.pipeline.statement import Statement, Tally, Trail, by_kind
from outcomes.pipeline.together import Together
from outcomes.sources.bodies import NativeBody
from outcomes.sources.reading import EventBody
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting, known_or
from productops.workspaces.models import Workspace
from roadmap import releasing
from roadmap.models import Item


class Recorder:
    """Records deliveries of one workspace within one transaction; what it marked is written by `finish`."""

    def __init__(self, workspace: Workspace, *, is_rehearsal: bool = False) -> None:
        self.workspace = workspace
        self._trail = Trail(workspace.pk)
        self._together = Together(workspace.pk)
        self._sections = Sections(workspace, self._together, is_rehearsal=is_rehearsal)
        self._heard: set[int] = set()

    def forget(self) -> None:
        """After a rolled back delivery, what it created is gone: look everything up again."""
        self._sections.forget()
        self._together.forget()

    def write(self) -> None:
        """Write the facts of the deliveries recorded so far; only then are their tallies and trails whole."""
        self._together.write()
        released = self._sections.released
        if released:
            for who, item_ids in self._sections.released_by.items():
                with acting(who):
                    releasing.follow_releases(self.workspace.pk, sorted(item_ids))
            cause = next(iter(released.values()))
            for outcome_id in effects_around(self.workspace.pk, list(released)):
                self._trail.marks.add("effect", outcome_id, cause=cause)
            # Of days before a release nobody's audience is counted, so one that moved may ask for others.
            products = Item.objects.filter(id__in=released, product__isnull=False)
            for product_id in products.values_list("product_id", flat=True):
                self._trail.marks.add("audience", product_id, cause=cause)
            items_released(self.workspace.pk, sorted(released))
            released.clear()
            self._sections.released_by.clear()

    def keep(self, trail: Trail) -> None:
        """Take over what a delivery left behind, once it is certain to stay."""
        self._trail.marks.merge(trail.marks)
        self._trail.seen.merge(trail.seen)
        self._heard |= trail.heard
        self._trail.exposed |= trail.exposed

    def finish(self) -> None:
        """Write what the deliveries left behind, each table once and in order."""
        self._trail.seen.write(self._trail.marks)
        exposures.sum_up(self.workspace.pk, self._trail.exposed)
        self._trail.marks.write()
        _hear_from(sorted(self._heard))

    def record(self, delivery: Delivery, body: NativeBody) -> tuple[Tally, Trail]:
        """Record every row of a body that names known things; add the others to `body.refusals`.

        The facts are written by `write`, together with those of other deliveries.
        """
        trail = Trail(self.workspace.pk)
        trail.heard.add(delivery.source_id)
        statement = Statement(
            self.workspace.pk,
            delivery.source,
            body.sent_at or delivery.signed_at,
            delivery.external_id,
            {"kind": "delivery", "id": delivery.pk},
            trail.marks,
            trail.seen,
            known_or(Actor(name=delivery.source.name, user_id=None, via="webhook")),
        )
        with acting(statement.who):
            return self._record(delivery, body, statement, trail), trail

    def _record(self, delivery: Delivery, body: NativeBody, statement: Statement, trail: Trail) -> Tally:
        if isinstance(body, EventBody):
            trackers.follow(self.workspace.pk, body, now=timezone.now())
            homes.place(delivery.source, body, now=timezone.now())
        sections = self._sections
        sections.load(body)
        retracted = by_kind(body.rows["retract"])
        tally = Tally()
        sections.customers(body, statement, tally)
        sections.observations(body, retracted["observation"], statement, tally)
        sections.usage(body, retracted["usage"], statement, tally)
        sections.snapshots(body, retracted["snapshot"], statement, tally)
        sections.evidence(body, retracted["evidence"], statement, tally)
        sections.releases(body, retracted["release"], statement, tally)
        sections.experiments(body, retracted["experiment"], statement, tally)
        sections.covers(body, statement, tally)
        if isinstance(body, EventBody):
            sections.evaluations(body, statement, tally, trail)
            sections.totals(body, statement, tally)
        tally.refused = len(body.refusals)
        return tally


def _hear_from(source_ids: list[int]) -> None:
    """Note that sources were heard from. A row that was just written is left alone: it is everybody's."""
    now = timezone.now()
    stale = Q(last_seen_at=None) | Q(last_seen_at__lt=now - timedelta(seconds=10))
    Source.objects.filter(stale, pk__in=source_ids).update(last_seen_at=now)
