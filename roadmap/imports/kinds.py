"""The roadmap's kinds of file: what each writes, what it settles first and whom it tells."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable

from roadmap.imports import columns
from roadmap.imports.evidence import announce_evidence, evidence_expressions, settle_evidence
from roadmap.imports.items import announce_items, item_expressions, settle_items
from roadmap.imports.links import announce_links, settle_links
from roadmap.imports.problems import announce_problems, problem_expressions, settle_problems
from roadmap.imports.staging import Import, Kind, Written
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Survey
from roadmap.signals import problems_changed, products_changed


def _announce_products(run: Import, written: Written, settled: object) -> None:
    products_changed.send(Product, workspace_id=run.workspace.pk, ids=written.ids, cause=run.cause)


def _find_new_revenue(run: Import) -> list[int]:
    """The customers whose revenue is about to change."""
    return [
        pk
        for (pk,) in run.rows(
            f"SELECT t.id FROM {run.standing}"
            f" WHERE t.id IS NOT NULL AND t.mrr IS DISTINCT FROM {run.value('mrr')}"
        )
    ]


def _announce_customers(run: Import, written: Written, customer_ids: list[int]) -> None:
    touched = Evidence.objects.in_workspace(run.workspace.pk).filter(customer__in=customer_ids)
    _tell_problems(run, touched.order_by("problem_id").values_list("problem_id", flat=True).distinct())


def _announce_surveys(run: Import, written: Written, settled: object) -> None:
    stated = Survey.objects.filter(pk__in=written.ids)
    _tell_problems(run, stated.order_by("problem_id").values_list("problem_id", flat=True).distinct())


def _tell_problems(run: Import, problem_ids: Iterable[int]) -> None:
    if ids := list(problem_ids):
        problems_changed.send(Problem, workspace_id=run.workspace.pk, ids=ids, cause=run.cause)


KINDS: dict[str, Kind] = {
    kind.table.kind: kind
    for kind in (
        Kind(columns.PRODUCTS, Product, announce=_announce_products),
        Kind(columns.CUSTOMERS, Customer, settle=_find_new_revenue, announce=_announce_customers),
        Kind(
            columns.PROBLEMS,
            Problem,
            staged_as_text=frozenset({"parent"}),
            settle=settle_problems,
            expressions=problem_expressions,
            announce=announce_problems,
        ),
        Kind(
            columns.ITEMS,
            Item,
            settle=settle_items,
            expressions=item_expressions,
            announce=announce_items,
        ),
        Kind(
            columns.LINKS,
            Link,
            conflict="(item_id, problem_id)",
            matches="t.item_id = s.item_id AND t.problem_id = s.problem_id",
            settle=settle_links,
            announce=announce_links,
        ),
        Kind(
            columns.EVIDENCE,
            Evidence,
            conflict="(problem_id, external_id) WHERE NOT (external_id = '')",
            matches="t.problem_id = s.problem_id AND t.external_id = s.external_id AND t.external_id <> ''",
            settle=settle_evidence,
            expressions=evidence_expressions,
            announce=announce_evidence,
        ),
        Kind(
            columns.SURVEYS,
            Survey,
            conflict='(problem_id, segment, "on")',
            matches='t.problem_id = s.problem_id AND t.segment = s.segment AND t."on" = s."on"',
            announce=_announce_surveys,
        ),
    )
}
