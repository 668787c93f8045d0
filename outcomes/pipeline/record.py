"""Rows become facts, and facts leave marks: all in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db.models import Q
from django.utils import timezone

from outcomes.models import Delivery, Source, SourceDay
from outcomes.pipeline import exposures, facts, homes, partitions, retention, totals, trackers
from outcomes.pipeline.effect_marks import effects_around
from outcomes.pipeline.keys import Keys
from outcomes.pipeline.marks import Marks
from outcomes.pipeline.news import items_released
from outcomes.pipeline.seen import Seen, problems_of_customers
from outcomes.pipeline.together import Row, Together
from outcomes.sources.bodies import NativeBody, Numbered, Refusal, Unclaimed
from outcomes.sources.reading import EventBody
from outcomes.sources.rows import RetractRow
from productops.workspaces.models import Workspace
from roadmap import releasing


@dataclass(slots=True)
class Tally:
    """What became of a delivery's rows."""

    taken: int = 0
    duplicates: int = 0
    refused: int = 0


class Trail:
    """What one delivery leaves behind besides its facts: marks, what its source spoke of, who was heard."""

    def __init__(self, workspace_id: int) -> None:
        self.marks = Marks(workspace_id)
        self.seen = Seen(workspace_id)
        self.heard: set[int] = set()
        # Items and days whose toggles were counted.
        self.exposed: set[tuple[int, date]] = set()


class Recorder:
    """Records deliveries of one workspace within one transaction; what it marked is written by `finish`."""

    def __init__(self, workspace: Workspace, *, is_rehearsal: bool = False) -> None:
        self.workspace = workspace
        self._trail = Trail(workspace.pk)
        self._keys = Keys(workspace)
        self._zone = workspace.zone
        self._actor_key = bytes(workspace.actor_key)
        self._is_rehearsal = is_rehearsal
        self._together = Together(workspace.pk)
        self._released: dict[int, dict[str, Any]] = {}
        self._ready_months: set[tuple[str, int, int]] = set()
        self._open_from = retention.open_from()
        self._heard: set[int] = set()

    def forget(self) -> None:
        """After a rolled back delivery, what it created is gone: look everything up again."""
        self._keys = Keys(self.workspace)
        self._together.forget()
        self._released.clear()

    def write(self) -> None:
        """Write the facts of the deliveries recorded so far; only then are their tallies and trails whole."""
        self._together.write()
        if self._released:
            releasing.follow_releases(self.workspace.pk, sorted(self._released))
            cause = next(iter(self._released.values()))
            for outcome_id in effects_around(self.workspace.pk, list(self._released)):
                self._trail.marks.add("effect", outcome_id, cause=cause)
            items_released(self.workspace.pk, sorted(self._released))
            self._released.clear()

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
        statement = _Statement(
            self.workspace.pk,
            delivery.source,
            body.sent_at or delivery.signed_at,
            delivery.external_id,
            {"kind": "delivery", "id": delivery.pk},
            trail.marks,
            trail.seen,
        )
        if isinstance(body, EventBody):
            trackers.follow(self.workspace.pk, body, now=timezone.now())
            homes.place(delivery.source, body, now=timezone.now())
        self._keys.load(body)
        retracted = _by_kind(body.rows["retract"])
        tally = Tally()
        self._customers(body, statement, tally)
        self._observations(body, retracted["observation"], statement, tally)
        self._usage(body, retracted["usage"], statement, tally)
        self._snapshots(body, retracted["snapshot"], statement, tally)
        self._evidence(body, retracted["evidence"], statement, tally)
        self._releases(body, retracted["release"], statement, tally)
        self._experiments(body, retracted["experiment"], statement, tally)
        self._covers(body, statement, tally)
        if isinstance(body, EventBody):
            self._evaluations(body, statement, tally, trail)
            self._totals(body, statement, tally)
        tally.refused = len(body.refusals)
        return tally, trail

    # --- one section each ---------------------------------------------------------------------------

    def _observations(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["observations"], retracted):
            row = numbered.row
            metric_id = self._keys.metrics.get(row.metric)
            if metric_id is None:
                body.refusals.append(_unknown("metric", row.metric, numbered))
                continue
            at = row.at.astimezone(UTC)
            value = 0.0 if is_retracted else float(row.value)
            on = self._day(at)
            if self._is_closed(on, numbered.pointer, body):
                continue
            rows.add(
                (metric_id, row.series, at), (metric_id, row.series, at, on, value), is_retracted, numbered
            )
        if not rows:
            return
        self._need_months("outcomes_observation", (row[2].date() for row in rows.facts()))
        self._state(facts.OBSERVATIONS, rows, by, tally, _mark_metric_days)
        by.seen.metrics(by.source.pk, {row[0] for row in rows.facts()})
        days = {row[3] for row in rows.facts()}
        by.seen.days(by.source.pk, days, by.cause, has_observations=True)

    def _usage(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["usage"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(_unknown("item", row.item, numbered))
                continue
            at = row.at.astimezone(UTC)
            on = self._day(at)
            if self._is_closed(on, numbered.pointer, body):
                continue
            actor = self._actor(row.actor) if row.actor else b""
            event_id = row.id or f"{actor.hex()}@{at.isoformat()}"
            customer_id = None if is_retracted else self._keys.customer(row.customer)
            rows.add(
                (item_id, on, event_id),
                (item_id, on, event_id, at, actor, customer_id),
                is_retracted,
                numbered,
            )
        if not rows:
            return
        days = {row[1] for row in rows.facts()}
        self._need_months("outcomes_usageevent", days)
        self._need_months("outcomes_usageday", days)
        self._state(facts.USAGE, rows, by, tally, _mark_usage_days)
        self._see_usage(rows, by, "events")

    def _snapshots(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["snapshots"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(_unknown("item", row.item, numbered))
                continue
            numbers = (0.0, None, None) if is_retracted else (row.active, row.eligible, row.share)
            fact = (item_id, row.on, row.days, *numbers)
            rows.add((item_id, row.on, row.days), fact, is_retracted, numbered)
        if not rows:
            return
        self._need_months("outcomes_usagesnapshot", (row[1] for row in rows.facts()))
        self._state(facts.SNAPSHOTS, rows, by, tally, _mark_items)
        self._see_usage(rows, by, "snapshots")

    def _evidence(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["evidence"], retracted):
            row = numbered.row
            problem_id = self._keys.problems.get(row.problem)
            if problem_id is None:
                body.refusals.append(_unknown("problem", row.problem, numbered))
                continue
            problem_id = self._keys.problem_of(problem_id, row.id)
            rest: tuple[Any, ...] = ("opinion", None, "", "", None, 0)
            if not is_retracted:
                customer_id = self._keys.customer(row.customer)
                rest = (row.kind, customer_id, row.quote, row.source_url, row.observed_on, row.importance)
            rows.add((problem_id, row.id), (problem_id, row.id, *rest), is_retracted, numbered)
        self._state(facts.EVIDENCE, rows, by, tally, _mark_problems)

    def _releases(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["releases"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(_unknown("item", row.item, numbered))
                continue
            at = row.at.astimezone(UTC)
            url = "" if is_retracted else row.url
            rows.add((item_id, at), (item_id, at, self._day(at), url), is_retracted, numbered)
        self._state(facts.RELEASES, rows, by, tally, self._follow_releases)

    def _experiments(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: _Statement, tally: Tally
    ) -> None:
        rows = _Rows(tally)
        for numbered, is_retracted in _stated(body.rows["experiments"], retracted):
            row = numbered.row
            experiment = self._keys.experiments.get(row.key)
            metric_id = self._keys.metrics.get(row.metric)
            if experiment is None:
                body.refusals.append(_unknown("experiment", row.key, numbered))
            elif metric_id is None:
                body.refusals.append(_unknown("metric", row.metric, numbered))
            elif experiment.variants and not is_retracted and row.variant not in experiment.variants:
                body.refusals.append(_unknown_variant(experiment.variants, numbered))
            else:
                at = row.at.astimezone(UTC)
                numbers = (0, 0.0, 0.0) if is_retracted else (row.n, row.sum, row.sum_squares)
                identity = (experiment.id, row.variant, metric_id, at)
                rows.add(identity, (*identity, self._last_day(at), *numbers), is_retracted, numbered)
        self._state(facts.EXPERIMENT_TOTALS, rows, by, tally, _mark_experiments)

    def _customers(self, body: NativeBody, by: _Statement, tally: Tally) -> None:
        newest: dict[str, Numbered[Any]] = {}
        for numbered in body.rows["customers"]:
            tally.duplicates += numbered.row.key in newest
            newest[numbered.row.key] = numbered
        if not newest:
            return
        changed, unchanged = self._keys.state_customers(newest, by.stated_at, by.stated_by)
        tally.taken += len(changed)
        tally.duplicates += unchanged
        for problem_id in problems_of_customers(changed):
            by.marks.add("problem", problem_id, cause=by.cause)

    def _covers(self, body: NativeBody, by: _Statement, tally: Tally) -> None:
        if not body.covers:
            return
        days = set(body.covers)
        by.seen.days(by.source.pk, days, by.cause, is_stated=True)
        known = SourceDay.objects.filter(source=by.source, on__in=days, is_stated=True).count()
        tally.taken += len(days) - known
        tally.duplicates += len(body.covers) - len(days) + known

    def _evaluations(self, body: EventBody, by: _Statement, tally: Tally, trail: Trail) -> None:
        counts: dict[tuple[int, date], tuple[int, int]] = {}
        for one in body.evaluations:
            item_id = self._keys.items.get(one.item)
            if item_id is None:
                body.refusals.append(_unknown_name("item", one.item, one.pointer, one.at))
                continue
            day = (item_id, self._day(one.at))
            on, off = counts.get(day, (0, 0))
            counts[day] = (on + one.on, off + one.off)
        rows = [(*day, *numbers) for day, numbers in counts.items()]
        news = exposures.report(
            rows, workspace_id=by.workspace_id, source_id=by.source.pk, report_id=by.stated_by
        )
        tally.taken += news
        tally.duplicates += len(rows) - news
        trail.exposed.update(counts)

    def _totals(self, body: EventBody, by: _Statement, tally: Tally) -> None:
        points = []
        for total in body.totals:
            metric_id = self._keys.metrics.get(total.metric)
            if metric_id is None:
                body.refusals.append(_unknown_name("metric", total.metric, total.pointer, total.at))
            elif not self._is_closed(self._day(total.at), total.pointer, body):
                points.append((metric_id, total))
        if not points:
            return
        news, found = totals.keep(points, workspace_id=by.workspace_id, source_id=by.source.pk)
        differences = [(metric, series, at, self._day(at), value) for metric, series, at, value in found]
        self._need_months("outcomes_observation", (at.date() for _, _, at, _, _ in differences))
        changed = totals.observe(
            differences,
            workspace_id=by.workspace_id,
            source_id=by.source.pk,
            stated_at=by.stated_at,
            stated_by=by.stated_by,
        )
        tally.taken += news
        tally.duplicates += len(points) - news
        for metric_id, series, at in changed:
            by.marks.add("metric_day", metric_id, series=series, on=self._day(at), cause=by.cause)
        by.seen.metrics(by.source.pk, {metric_id for metric_id, _ in points})
        days = {self._day(total.at) for _, total in points}
        by.seen.days(by.source.pk, days, by.cause, has_observations=True)

    # --- what the sections share ----------------------------------------------------------------------

    def _state(
        self,
        table: facts.FactTable,
        rows: _Rows,
        by: _Statement,
        tally: Tally,
        mark: Callable[[list[Row], _Statement], None],
    ) -> None:
        """Have facts written; then count them, and `mark` what the rows that won put out of date."""

        def heard(won: list[Row], changes: int) -> None:
            tally.taken += changes
            tally.duplicates += len(rows) - changes
            mark(won, by)

        who = facts.By(by.source.pk, by.stated_at, by.stated_by)
        self._together.state(table, rows.with_statements(), who, heard)

    def _follow_releases(self, won: list[Row], by: _Statement) -> None:
        for item_id in {row[0] for row in won}:
            self._released[item_id] = by.cause
            by.marks.add("item", item_id, cause=by.cause)

    def _see_usage(self, rows: _Rows, by: _Statement, shape: str) -> None:
        """Note which items this source speaks of and for which days, whether or not its statement won."""
        stated = (fact for fact, is_retracted in rows.facts_and_retractions() if not is_retracted)
        by.seen.items(by.source.pk, stated, shape, by.cause)
        by.seen.days(by.source.pk, {row[1] for row in rows.facts()}, by.cause, has_usage=True)

    def _is_closed(self, on: date, pointer: str, body: NativeBody) -> bool:
        """Refuse a row for a month whose facts are no longer kept: its day could not be computed any more."""
        if self._open_from is None or on >= self._open_from:
            return False
        detail = f"Facts before {self._open_from} are not kept here."
        body.refusals.append(Refusal(pointer, "too_old", detail))
        return True

    def _need_months(self, table: str, days: Iterable[date]) -> None:
        unsure = {day for day in days if (table, day.year, day.month) not in self._ready_months}
        if not unsure:
            return
        months = partitions.missing(table, unsure)
        if months and self._is_rehearsal:
            partitions.make(table, months)
        elif months:
            raise partitions.Missing(table, months)
        self._ready_months |= {(table, day.year, day.month) for day in unsure}

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    def _last_day(self, at: datetime) -> date:
        """The last day that a running total speaks of: one of midnight is of the day that has just ended."""
        return self._day(at - timedelta(microseconds=1))

    def _actor(self, actor: str) -> bytes:
        return blake2b(actor.encode(), key=self._actor_key, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class _Statement:
    """Who states a body's rows, and when: what decides which of two statements wins."""

    workspace_id: int
    source: Source
    stated_at: datetime
    stated_by: str
    cause: dict[str, Any]
    marks: Marks
    seen: Seen


class _Rows:
    """Facts of one body by identity: of two rows with one identity the later wins, the other is a duplicate."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._rows: dict[tuple[Any, ...], tuple[int, tuple[Any, ...], bool]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self, identity: tuple[Any, ...], fact: tuple[Any, ...], is_retracted: bool, numbered: Numbered[Any]
    ) -> None:
        held = self._rows.get(identity)
        if held is not None:
            self._tally.duplicates += 1
            if held[0] > numbered.number:
                return
        self._rows[identity] = (numbered.number, fact, is_retracted)

    def facts(self) -> Iterable[tuple[Any, ...]]:
        return (fact for _, fact, _ in self._rows.values())

    def facts_and_retractions(self) -> Iterable[tuple[tuple[Any, ...], bool]]:
        return ((fact, is_retracted) for _, fact, is_retracted in self._rows.values())

    def with_statements(self) -> list[tuple[Any, ...]]:
        return [(*fact, is_retracted, number) for number, fact, is_retracted in self._rows.values()]


def _mark_metric_days(won: list[Row], by: _Statement) -> None:
    for metric_id, series, on in {(row[0], row[1], row[3]) for row in won}:
        by.marks.add("metric_day", metric_id, series=series, on=on, cause=by.cause)


def _mark_usage_days(won: list[Row], by: _Statement) -> None:
    for item_id, on in {row[:2] for row in won}:
        by.marks.add("usage_day", item_id, on=on, cause=by.cause)


def _mark_items(won: list[Row], by: _Statement) -> None:
    for item_id, on in {row[:2] for row in won}:
        by.marks.add("item", item_id, from_on=on, cause=by.cause)


def _mark_experiments(won: list[Row], by: _Statement) -> None:
    for experiment_id in {row[0] for row in won}:
        by.marks.add("experiment", experiment_id, cause=by.cause)


def _mark_problems(won: list[Row], by: _Statement) -> None:
    for problem_id in {row[0] for row in won}:
        by.marks.add("problem", problem_id, cause=by.cause)


def _hear_from(source_ids: list[int]) -> None:
    """Note that sources were heard from. A row that was just written is left alone: it is everybody's."""
    now = timezone.now()
    stale = Q(last_seen_at=None) | Q(last_seen_at__lt=now - timedelta(seconds=10))
    Source.objects.filter(stale, pk__in=source_ids).update(last_seen_at=now)


def _stated(
    rows: list[Numbered[Any]], retracted: list[Numbered[RetractRow]]
) -> Iterable[tuple[Numbered[Any], bool]]:
    for numbered in rows:
        yield numbered, False
    for numbered in retracted:
        yield numbered, True


def _by_kind(rows: list[Numbered[RetractRow]]) -> defaultdict[str, list[Numbered[RetractRow]]]:
    by_kind: defaultdict[str, list[Numbered[RetractRow]]] = defaultdict(list)
    for numbered in rows:
        by_kind[numbered.row.kind].append(numbered)
    return by_kind


def _unknown(what: str, key: str, numbered: Numbered[Any]) -> Refusal:
    """A row that names what is not there; unless it takes something back, the name becomes a candidate."""
    row = numbered.row
    if what == "problem" or isinstance(row, RetractRow):
        return Refusal(numbered.pointer, f"unknown_{what}", f"No {what} has the key {key!r}.")
    at = row.at if hasattr(row, "at") else datetime(row.on.year, row.on.month, row.on.day, tzinfo=UTC)
    # Who it was is nobody's business: actors are kept as a hash only, and not in samples.
    sample = {
        name: getattr(row, name) for name in row.__struct_fields__ if name != "actor" and getattr(row, name)
    }
    return _unknown_name(what, key, numbered.pointer, at, sample)


def _unknown_variant(known: Iterable[str], numbered: Numbered[Any]) -> Refusal:
    row = numbered.row
    detail = f"The experiment {row.key!r} has no variant {row.variant!r}; it has {', '.join(sorted(known))}."
    return Refusal(numbered.pointer, "unknown_variant", detail)


def _unknown_name(
    what: str, key: str, pointer: str, at: datetime, sample: dict[str, Any] | None = None
) -> Refusal:
    detail = f"No {what} has the key {key!r}."
    return Refusal(pointer, f"unknown_{what}", detail, Unclaimed(what, key[:200], at, sample or {what: key}))
