"""Links of a file: blank weights get what is left, and what is more than 1 together is refused."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict

from roadmap.imports.staging import STAGING, Import, Written
from roadmap.imports.weights import WantedLink, weigh_links
from roadmap.models import Item, Link, Problem
from roadmap.signals import items_changed, problems_changed


def settle_links(run: Import) -> None:
    # The database locks an item when it checks its weights at commit. We take the locks now, in order, so
    # that no two writers wait for each other.
    run.run(
        f"SELECT 1 FROM roadmap_item WHERE id IN (SELECT item_id FROM {STAGING})"
        " ORDER BY id FOR NO KEY UPDATE"
    )
    wanted = _wanted_links(run)
    standing = _standing_weights(run)
    weights: dict[int, float] = {}
    refused: dict[int, str] = {}
    for item_id, links in wanted.items():
        weighed = weigh_links(links, standing.get(item_id, {}))
        weights |= weighed.weights
        refused |= weighed.refused
    if refused:
        run.refuse("weight", "too_much", refused)
    if "weight" not in run.cells:
        run.run(f"ALTER TABLE {STAGING} ADD COLUMN weight double precision")
        run.cells = (*run.cells, "weight")
    run.run(
        f"UPDATE {STAGING} s SET weight = w.weight"
        " FROM unnest(%(lines)s::bigint[], %(weights)s::float8[]) AS w (line, weight) WHERE w.line = s.line",
        lines=list(weights),
        weights=list(weights.values()),
    )


def announce_links(run: Import, written: Written, settled: object) -> None:
    """A problem's demand is divided over all its items, so one new link changes every one of them."""
    links = Link.objects.in_workspace(run.workspace.pk)
    problem_ids = sorted(set(links.filter(pk__in=written.ids).values_list("problem_id", flat=True)))
    item_ids = sorted(set(links.filter(problem__in=problem_ids).values_list("item_id", flat=True)))
    workspace_id, cause = run.workspace.pk, run.cause
    problems_changed.send(Problem, workspace_id=workspace_id, ids=problem_ids, cause=cause)
    items_changed.send(Item, workspace_id=workspace_id, ids=item_ids, cause=cause)


def _wanted_links(run: Import) -> dict[int, list[WantedLink]]:
    wanted: dict[int, list[WantedLink]] = defaultdict(list)
    rows = run.rows(f"SELECT line, item_id, problem_id, {run.cell('weight')} FROM {STAGING} s ORDER BY line")
    for line, item_id, problem_id, weight in rows:
        wanted[item_id].append(WantedLink(line, problem_id, weight))
    return wanted


def _standing_weights(run: Import) -> dict[int, dict[int, float]]:
    standing: dict[int, dict[int, float]] = defaultdict(dict)
    rows = run.rows(
        "SELECT item_id, problem_id, weight FROM roadmap_link"
        f" WHERE workspace_id = %(workspace)s AND item_id IN (SELECT item_id FROM {STAGING})"
    )
    for item_id, problem_id, weight in rows:
        standing[item_id][problem_id] = weight
    return standing
