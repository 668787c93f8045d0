"""What the keys of a body mean in its workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model

from outcomes.models import Experiment, Metric
from outcomes.sources.bodies import NativeBody, Numbered
from outcomes.sources.reading import EventBody
from outcomes.sources.rows import CustomerRow
from productops.workspaces.models import Workspace
from roadmap.models import Customer, EvidenceRoute, Item, Problem


@dataclass(frozen=True, slots=True)
class KnownExperiment:
    """An experiment that a body names; without declared variants any variant may report."""

    id: int
    variants: frozenset[str]


class Keys:
    """Ids by key, looked up once a batch. Customers are made when first named; the rest must be known."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace_id = workspace.pk
        self.items: dict[str, int] = {}
        self.metrics: dict[str, int] = {}
        self.problems: dict[str, int] = {}
        self.experiments: dict[str, KnownExperiment] = {}
        self._customers: dict[str, int] = {}
        self._routes: dict[tuple[int, str], int] | None = None
        self._archived: dict[type[Model], frozenset[int]] = {}

    def load(self, body: NativeBody) -> None:
        """Look up every key a body names."""
        rows = {name: [numbered.row for numbered in rows] for name, rows in body.rows.items()}
        retracted = rows["retract"]
        items = {row.item for name in ("usage", "snapshots", "releases") for row in rows[name]}
        metrics = {row.metric for row in (*rows["observations"], *rows["experiments"], *retracted)}
        self._look_up_experiments({row.key for row in (*rows["experiments"], *retracted)})
        if isinstance(body, EventBody):
            items |= {evaluated.item for evaluated in body.evaluations}
            metrics |= {row.metric for row in rows["totals"]}
        self._look_up(Item, self.items, items | {row.item for row in retracted})
        self._look_up(Metric, self.metrics, metrics)
        self._look_up(Problem, self.problems, {row.problem for row in (*rows["evidence"], *retracted)})
        customers = {row.customer for name in ("usage", "evidence") for row in rows[name]}
        customers |= {row.key for row in rows["customers"]}
        self._make_customers(key for key in customers if key is not None)

    def problem_of(self, problem_id: int, external_id: str) -> int:
        """The problem that evidence stated for this one belongs to: another, if a person moved it there."""
        if self._routes is None:
            rows = EvidenceRoute.objects.filter(workspace_id=self._workspace_id)
            self._routes = {(route.problem_id, route.external_id): route.into_id for route in rows.iterator()}
        alone = self._routes.get((problem_id, external_id))
        return alone if alone is not None else self._routes.get((problem_id, ""), problem_id)

    def is_archived(self, model: type[Item | Problem | Customer], id_: int) -> bool:
        """Whether it was put away, so that nothing is to be tied to it before it is restored."""
        if model not in self._archived:
            put_away = model._default_manager.filter(
                workspace_id=self._workspace_id, archived_at__isnull=False
            )
            self._archived[model] = frozenset(put_away.values_list("id", flat=True))
        return id_ in self._archived[model]

    def customer(self, key: str | None) -> int | None:
        return None if key is None else self._customers[key]

    def state_customers(
        self, rows: Mapping[str, Numbered[CustomerRow]], stated_at: datetime, stated_by: str
    ) -> tuple[list[int], int]:
        """Write what a body says of customers; return the ids that changed and how many did not.

        A statement is of the whole customer: what it leaves out is not known any more.
        """
        ordered = [rows[key] for key in sorted(rows)]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE roadmap_customer AS c SET name = s.name, segment = s.segment, mrr = s.mrr,
                       stated_at = %(at)s, stated_by = %(by)s, stated_row = s.row,
                       version = c.version + 1, updated_at = now()
                FROM (SELECT id, key, name, segment, mrr, row
                      FROM unnest(%(ids)s::bigint[], %(keys)s::text[], %(names)s::text[], %(segments)s::text[],
                                  %(mrrs)s::numeric[], %(rows)s::integer[])
                           AS s (id, key, name, segment, mrr, row) ORDER BY id) AS s
                WHERE c.id = s.id
                  AND (%(at)s, %(by)s, s.row) > (coalesce(c.stated_at, '-infinity'), c.stated_by, c.stated_row)
                RETURNING c.id
                """,
                {
                    "at": stated_at,
                    "by": stated_by,
                    "ids": [self._customers[numbered.row.key] for numbered in ordered],
                    "keys": [numbered.row.key for numbered in ordered],
                    "names": [numbered.row.name for numbered in ordered],
                    "segments": [numbered.row.segment or "" for numbered in ordered],
                    "mrrs": [_money(numbered.row.mrr) for numbered in ordered],
                    "rows": [numbered.number for numbered in ordered],
                },
            )
            changed = [row[0] for row in cursor.fetchall()]
        return changed, len(ordered) - len(changed)

    def _look_up(self, model: type[Model], known: dict[str, int], keys: Iterable[str | None]) -> None:
        unsure = [key for key in keys if key is not None and key not in known]
        if unsure:
            rows: Any = model._default_manager.filter(workspace_id=self._workspace_id, key__in=unsure)
            known.update(rows.values_list("key", "id"))

    def _look_up_experiments(self, keys: Iterable[str | None]) -> None:
        unsure = [key for key in keys if key is not None and key not in self.experiments]
        if not unsure:
            return
        held = Experiment.objects.in_workspace(self._workspace_id).filter(key__in=unsure)
        for key, id_, variants in held.values_list("key", "id", "variants"):
            names = frozenset(variant["key"] for variant in variants)
            self.experiments[key] = KnownExperiment(id_, names)

    def _make_customers(self, keys: Iterable[str]) -> None:
        """Customers come into being when first named, so that it does not matter whether usage or the
        customer itself arrives first; until one is stated its key is its name."""
        unsure = sorted(key for key in set(keys) if key not in self._customers)
        if not unsure:
            return
        self._look_up(Customer, self._customers, unsure)
        missing = [key for key in unsure if key not in self._customers]
        if missing:
            new = [Customer(workspace_id=self._workspace_id, key=key, name=key) for key in missing]
            Customer.objects.bulk_create(new, ignore_conflicts=True)
            self._look_up(Customer, self._customers, missing)


def _money(amount: float | None) -> Decimal | None:
    return None if amount is None else round(Decimal(str(amount)), 2)
