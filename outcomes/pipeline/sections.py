"""The sections of a body, one method each: rows that name known things are handed on as facts, the others refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from outcomes.models import SourceDay
from outcomes.pipeline import exposures, facts, partitions, retention, totals
from outcomes.pipeline.keys import Keys
from outcomes.pipeline.seen import problems_of_customers
from outcomes.pipeline.statement import (
    Rows,
    Statement,
    Tally,
    Trail,
    mark_experiments,
    mark_items,
    mark_metric_days,
    mark_problems,
    mark_usage_days,
    stated,
)
from outcomes.pipeline.together import Row, Together
from outcomes.pipeline.unclaimed import archived, unknown, unknown_name, unknown_variant
from outcomes.sources.bodies import NativeBody, Numbered, Refusal
from outcomes.sources.reading import EventBody
from outcomes.sources.rows import RetractRow, TotalRow
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.models import Customer, Item, Problem


class Sections:
    """Records the sections of bodies of one workspace within one transaction."""

    def __init__(self, workspace: Workspace, together: Together, *, is_rehearsal: bool) -> None:
        self._workspace = workspace
        self._keys = Keys(workspace)
        self._zone = workspace.zone
        self._is_in_utc = workspace.zone.key == "UTC"
        self._actor_key = bytes(workspace.actor_key)
        self._is_rehearsal = is_rehearsal
        self._together = together
        self._ready_months: set[tuple[str, int, int]] = set()
        self._open_from = retention.open_from()
        # Items that were released, and what brought it about.
        self.released: dict[int, dict[str, Any]] = {}
        self.released_by: dict[Actor, set[int]] = {}

    def forget(self) -> None:
        """After a rolled back delivery, what it created is gone: look everything up again."""
        self._keys = Keys(self._workspace)
        self.released.clear()
        self.released_by.clear()

    def load(self, body: NativeBody) -> None:
        """Look up every key that a body names."""
        self._keys.load(body)

    def observations(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["observations"], retracted):
            row = numbered.row
            metric_id = self._keys.metrics.get(row.metric)
            if metric_id is None:
                body.refusals.append(unknown("metric", row.metric, numbered))
                continue
            at = row.at if row.at.tzinfo is UTC else row.at.astimezone(UTC)
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
        self._state(facts.OBSERVATIONS, rows, by, tally, mark_metric_days)
        by.seen.metrics(by.source.pk, {row[0] for row in rows.facts()})
        days = {row[3] for row in rows.facts()}
        by.seen.days(by.source.pk, days, by.cause, has_observations=True)

    def usage(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["usage"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(unknown("item", row.item, numbered))
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
        self._state(facts.USAGE, rows, by, tally, mark_usage_days)
        self._see_usage(rows, by, "events")

    def snapshots(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["snapshots"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(unknown("item", row.item, numbered))
                continue
            numbers = (0.0, None, None) if is_retracted else (row.active, row.eligible, row.share)
            fact = (item_id, row.on, row.days, *numbers)
            rows.add((item_id, row.on, row.days), fact, is_retracted, numbered)
        if not rows:
            return
        self._need_months("outcomes_usagesnapshot", (row[1] for row in rows.facts()))
        self._state(facts.SNAPSHOTS, rows, by, tally, mark_items)
        self._see_usage(rows, by, "snapshots")

    def evidence(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["evidence"], retracted):
            row = numbered.row
            problem_id = self._keys.problems.get(row.problem)
            if problem_id is None:
                body.refusals.append(unknown("problem", row.problem, numbered))
                continue
            problem_id = self._keys.problem_of(problem_id, row.id)
            if self._keys.is_archived(Problem, problem_id):
                body.refusals.append(archived("problem", row.problem, numbered))
                continue
            rest: tuple[Any, ...] = ("opinion", None, "", "", None, 0)
            if not is_retracted:
                customer_id = self._keys.customer(row.customer)
                rest = (row.kind, customer_id, row.quote, row.source_url, row.observed_on, row.importance)
            rows.add((problem_id, row.id), (problem_id, row.id, *rest), is_retracted, numbered)
        self._state(facts.EVIDENCE, rows, by, tally, mark_problems)

    def releases(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["releases"], retracted):
            row = numbered.row
            item_id = self._keys.items.get(row.item)
            if item_id is None:
                body.refusals.append(unknown("item", row.item, numbered))
                continue
            if self._keys.is_archived(Item, item_id):
                body.refusals.append(archived("item", row.item, numbered))
                continue
            at = row.at.astimezone(UTC)
            url = "" if is_retracted else row.url
            rows.add((item_id, at), (item_id, at, self._day(at), url), is_retracted, numbered)
        self._state(facts.RELEASES, rows, by, tally, self._follow_releases)

    def experiments(
        self, body: NativeBody, retracted: list[Numbered[RetractRow]], by: Statement, tally: Tally
    ) -> None:
        rows = Rows(tally)
        for numbered, is_retracted in stated(body.rows["experiments"], retracted):
            row = numbered.row
            experiment = self._keys.experiments.get(row.key)
            metric_id = self._keys.metrics.get(row.metric)
            if experiment is None:
                body.refusals.append(unknown("experiment", row.key, numbered))
            elif metric_id is None:
                body.refusals.append(unknown("metric", row.metric, numbered))
            elif experiment.variants and not is_retracted and row.variant not in experiment.variants:
                body.refusals.append(unknown_variant(experiment.variants, numbered))
            else:
                at = row.at.astimezone(UTC)
                numbers = (0, 0.0, 0.0) if is_retracted else (row.n, row.sum, row.sum_squares)
                identity = (experiment.id, row.variant, metric_id, at)
                rows.add(identity, (*identity, self._last_day(at), *numbers), is_retracted, numbered)
        self._state(facts.EXPERIMENT_TOTALS, rows, by, tally, mark_experiments)

    def customers(self, body: NativeBody, by: Statement, tally: Tally) -> None:
        newest: dict[str, Numbered[Any]] = {}
        for numbered in body.rows["customers"]:
            if self._is_put_away(numbered.row.key):
                body.refusals.append(archived("customer", numbered.row.key, numbered))
                continue
            tally.duplicates += numbered.row.key in newest
            newest[numbered.row.key] = numbered
        if not newest:
            return
        changed, unchanged = self._keys.state_customers(newest, by.stated_at, by.stated_by)
        tally.taken += len(changed)
        tally.duplicates += unchanged
        for problem_id in problems_of_customers(changed):
            by.marks.add("problem", problem_id, cause=by.cause)

    def _is_put_away(self, customer: str) -> bool:
        customer_id = self._keys.customer(customer)
        return customer_id is not None and self._keys.is_archived(Customer, customer_id)

    def covers(self, body: NativeBody, by: Statement, tally: Tally) -> None:
        if not body.covers:
            return
        days = set(body.covers)
        by.seen.days(by.source.pk, days, by.cause, is_stated=True)
        known = SourceDay.objects.filter(source=by.source, on__in=days, is_stated=True).count()
        tally.taken += len(days) - known
        tally.duplicates += len(body.covers) - len(days) + known

    def evaluations(self, body: EventBody, by: Statement, tally: Tally, trail: Trail) -> None:
        counts: dict[tuple[int, date], tuple[int, int]] = {}
        for one in body.evaluations:
            item_id = self._keys.items.get(one.item)
            if item_id is None:
                body.refusals.append(unknown_name("item", one.item, one.pointer, one.at))
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

    def totals(self, body: EventBody, by: Statement, tally: Tally) -> None:
        points = []
        for numbered in body.rows["totals"]:
            total: TotalRow = numbered.row
            metric_id = self._keys.metrics.get(total.metric)
            if metric_id is None:
                body.refusals.append(unknown_name("metric", total.metric, numbered.pointer, total.at))
            elif not self._is_closed(self._day(total.at), numbered.pointer, body):
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
        rows: Rows,
        by: Statement,
        tally: Tally,
        mark: Callable[[list[Row], Statement], None],
    ) -> None:
        """Have facts written; then count them, and `mark` what the rows that won put out of date."""

        def heard(won: list[Row], changes: int) -> None:
            tally.taken += changes
            tally.duplicates += len(rows) - changes
            mark(won, by)

        who = facts.By(by.source.pk, by.stated_at, by.stated_by, by.who)
        self._together.state(table, rows.with_statements(), who, heard)

    def _follow_releases(self, won: list[Row], by: Statement) -> None:
        for item_id in {row[0] for row in won}:
            self.released[item_id] = by.cause
            self.released_by.setdefault(by.who, set()).add(item_id)
            by.marks.add("item", item_id, cause=by.cause)

    def _see_usage(self, rows: Rows, by: Statement, shape: str) -> None:
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
        if self._is_in_utc and at.tzinfo is UTC:
            return at.date()
        return at.astimezone(self._zone).date()

    def _last_day(self, at: datetime) -> date:
        """The last day that a running total speaks of: one of midnight is of the day that has just ended."""
        return self._day(at - timedelta(microseconds=1))

    def _actor(self, actor: str) -> bytes:
        return blake2b(actor.encode(), key=self._actor_key, digest_size=16).digest()
