"""The outcomes' kinds of file: what each writes and what it has computed again."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from outcomes.imports import columns
from outcomes.models import Metric, Outcome
from outcomes.pipeline.effect_marks import effects_around, mark_effects_of_metrics
from outcomes.pipeline.marks import mark
from roadmap.imports.directory import LOADERS, ids_by_name
from roadmap.imports.staging import Import, Kind, Written

_LOADERS = {**LOADERS, "metric": lambda workspace: ids_by_name(Metric.objects.all(), workspace)}
# Fields of a metric that a level or an attainment is read with.
_READ_BY_SCORES = ("direction", "aggregation", "cadence")


def _find_items_of_changed_metrics(run: Import) -> list[int]:
    standing = ", ".join(f"t.{name}" for name in _READ_BY_SCORES)
    wanted = ", ".join(run.value(name) for name in _READ_BY_SCORES)
    items = run.rows(
        f"SELECT DISTINCT o.item_id FROM {run.standing} JOIN outcomes_outcome o ON o.metric_id = t.id"
        f" WHERE ({standing}) IS DISTINCT FROM ({wanted})"
    )
    return [pk for (pk,) in items]


def _announce_metrics(run: Import, written: Written, item_ids: list[int]) -> None:
    if item_ids:
        mark_effects_of_metrics(run.workspace.pk, written.ids, run.cause)
    _mark_items(run, item_ids)


def _announce_outcomes(run: Import, written: Written, settled: object) -> None:
    stated = Outcome.objects.filter(pk__in=written.ids)
    item_ids = sorted(set(stated.values_list("item_id", flat=True)))
    mark("effect", run.workspace.pk, effects_around(run.workspace.pk, item_ids), cause=run.cause)
    _mark_items(run, item_ids)


def _mark_items(run: Import, item_ids: list[int]) -> None:
    if item_ids:
        mark("item", run.workspace.pk, sorted(item_ids), cause=run.cause)


KINDS: dict[str, Kind] = {
    "metrics": Kind(
        columns.METRICS,
        Metric,
        conflict="(workspace_id, key)",
        matches="t.key = s.key",
        settle=_find_items_of_changed_metrics,
        announce=_announce_metrics,
        loaders=_LOADERS,
    ),
    # A file has no series: its outcomes are those over all series.
    "outcomes": Kind(
        columns.OUTCOMES,
        Outcome,
        conflict="(item_id, metric_id, series)",
        matches="t.item_id = s.item_id AND t.metric_id = s.metric_id AND t.series IS NULL",
        announce=_announce_outcomes,
        loaders=_LOADERS,
    ),
}
