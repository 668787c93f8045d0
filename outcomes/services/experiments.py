"""Set up an experiment, change it, run it, end it, say what was decided, and repeat it.

Every change has it read again, and with it the effect on the outcomes of its item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from outcomes.models import Experiment, ExperimentGuardrail, ExperimentTotal, Metric, Outcome
from outcomes.models.experiments import DECIDED, DECISIONS, DRAFT, ENDED, RUNNING
from outcomes.pipeline.trials import arrangement_of, read_as, read_trials
from outcomes.services.experiment_rules import problems_with_experiment, problems_with_guardrails
from outcomes.services.marking import mark_experiments
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused, refuse_if_any
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_update
from roadmap.models import Item
from roadmap.services import rows
from roadmap.services.history import has_past

EVEN_SPLIT: Sequence[Mapping[str, Any]] = (
    {"key": "control", "split": 0.5},
    {"key": "treatment", "split": 0.5},
)
_NUMBERED = re.compile(r"(.+)-[1-9][0-9]*")
# What a decision was made on does not change behind it.
_SETTLED = ("metric", "guardrails", "variants", "control", "started_on", "ended_on")


@transaction.atomic
def create_experiment(
    *,
    workspace: Workspace,
    by: Actor,
    item: Item,
    key: str = "",
    guardrails: Sequence[Metric] | None = None,
    named_after: str = "",
    **fields: Any,
) -> Experiment:
    """Set up an experiment on an item. What is not said is taken from the item.

    The hypothesis is the item's, the metric that of its primary outcome, the guardrails those of its guardrail
    outcomes, and the variants are control and treatment, half and half; `variants=[]` leaves them to what
    reports. With `started_on` it runs, else it is a draft. Without a `key` one is made from `named_after`, or from the
    item's. Raises Refused, and IntegrityError when the key is
    taken.
    """
    fields = {**_derived(item), **fields}
    chosen = _guardrails_of(item, fields["metric"]) if guardrails is None else guardrails
    experiment = Experiment(workspace=workspace, item=item, key=key, **fields)
    experiment.state = RUNNING if experiment.started_on else DRAFT
    rows.check(experiment, _complaints(workspace, experiment, chosen))
    rows.insert_named(experiment, named_after or f"{item.key} experiment")
    _write_guardrails(experiment, chosen)
    mark_experiments(workspace, [experiment.pk], by)
    return experiment


@transaction.atomic
def edit_experiment(
    *, workspace: Workspace, by: Actor, experiment_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    """Change an experiment; `guardrails`, when given, replaces all of them.

    Raises Refused (also for what a decision rests on, once there is one), StaleEdit, NotHere, IntegrityError.
    """
    experiment = rows.find(Experiment, workspace, experiment_id)
    said = {name: value for name, value in changes.items() if name != "guardrails"}
    before_guardrails = _guardrails(experiment)
    guardrails = list(changes.get("guardrails", before_guardrails))
    if experiment.state == DECIDED:
        refuse_if_any(_settled(experiment, changes, before_guardrails))
    if "started_on" in said and experiment.state in (DRAFT, RUNNING):
        said["state"] = RUNNING if said["started_on"] else DRAFT
    if said.get("ended_on") and experiment.state == ENDED:
        said["result_on"] = said["ended_on"]
    rules = _LaterComplaints(workspace, experiment, guardrails, before_guardrails)
    before = rows.edit(experiment, version, said, rules)
    if {metric.pk for metric in guardrails} != {metric.pk for metric in before_guardrails}:
        _write_guardrails(experiment, guardrails)
        if not before:
            guarded_update(_in(workspace), experiment_id, version, {})
    mark_experiments(workspace, [experiment_id], by)


@transaction.atomic
def start_experiment(
    *, workspace: Workspace, by: Actor, experiment_id: int, version: int | None = None, on: date | None = None
) -> None:
    """Let a draft run, from today or the day that is said; one that has ended runs on.

    Raises Refused, StaleEdit, NotHere, ImpossibleMove.
    """
    experiment = rows.find(Experiment, workspace, experiment_id)
    today = workspace.today()
    state = experiment.state_on(today)
    if state not in (DRAFT, ENDED):
        raise ImpossibleMove(f"This experiment is {state}.")
    if on is not None and on > today:
        detail = f"A day up to today, {today}: nothing runs before it has begun."
        raise Refused([Complaint("on", "in_the_future", detail)])
    changes: dict[str, Any] = {"state": RUNNING}
    if state == ENDED:
        changes |= {"ended_on": None, "result_on": None}
    if on is not None or experiment.started_on is None:
        changes["started_on"] = on or today
    _move(workspace, by, experiment, version, changes)


@transaction.atomic
def end_experiment(
    *, workspace: Workspace, by: Actor, experiment_id: int, version: int | None = None, on: date | None = None
) -> None:
    """End the measuring, today or on the day that is said: what is read from then on is the result.

    Raises Refused, StaleEdit, NotHere, ImpossibleMove.
    """
    experiment = rows.find(Experiment, workspace, experiment_id)
    if experiment.state not in (DRAFT, RUNNING):
        raise ImpossibleMove(f"This experiment is {experiment.state} already.")
    changes = _ending(workspace, experiment, on)
    if experiment.state == DRAFT and not _totals(experiment).exists():
        raise ImpossibleMove("This experiment has not begun: nothing was measured of it.")
    _move(workspace, by, experiment, version, changes)


@transaction.atomic
def decide_experiment(
    *,
    workspace: Workspace,
    by: Actor,
    experiment_id: int,
    decision: str,
    note: str = "",
    variant: str = "",
    version: int | None = None,
) -> None:
    """Write down what was decided, by whom and when; it ends an experiment that runs.

    `variant` names the treatment that is meant where there are several. What it reads at this moment is kept beside
    the decision. A decision may be revised. Raises Refused, StaleEdit, NotHere.
    """
    experiment = rows.find(Experiment, workspace, experiment_id)
    if decision not in DECISIONS:
        raise Refused([Complaint("decision", "invalid_choice", f"Must be one of {', '.join(DECISIONS)}.")])
    treatments = treatments_of(experiment)
    if variant and variant not in treatments:
        detail = f"Must be one of {', '.join(treatments)}."
        raise Refused([Complaint("variant", "invalid_choice", detail)])
    is_running = experiment.state in (DRAFT, RUNNING)
    changes: dict[str, Any] = {
        **(_ending(workspace, experiment, None) if is_running else {}),
        "state": DECIDED,
        "decision": decision,
        "decision_note": note,
        "decided_variant": variant,
        "decided_by": by.name[:200],
        "decided_at": timezone.now(),
    }
    as_decided = copy(experiment)
    as_decided.decided_variant = variant
    changes["decided_reading"] = read_as(read_trials([as_decided], workspace.today())[0])
    _move(workspace, by, experiment, version, changes)


@transaction.atomic
def clone_experiment(
    *, workspace: Workspace, by: Actor, experiment_id: int, item: Item | None = None, key: str = ""
) -> Experiment:
    """Set up the same again, as a draft without data: for the same item, named after the first, or for another.

    Raises Refused, NotHere.
    """
    held = rows.find(Experiment, workspace, experiment_id)
    on = item or held.item
    return create_experiment(
        workspace=workspace,
        by=by,
        item=on,
        key=key,
        named_after=_first_key(held) if on.pk == held.item_id else "",
        hypothesis=held.hypothesis,
        metric=held.metric,
        variants=held.variants,
        control=held.control,
        # What was put away in the meantime is tied to nothing new.
        guardrails=[metric for metric in _guardrails(held) if metric.archived_at is None],
    )


def _first_key(experiment: Experiment) -> str:
    """The key of the experiment that this one repeats, as its own says: of `carts-ab-2` that is `carts-ab`."""
    numbered = _NUMBERED.fullmatch(experiment.key)
    if numbered is None:
        return experiment.key
    others = _in(experiment.workspace).filter(item_id=experiment.item_id, key=numbered[1])
    return numbered[1] if others.exists() else experiment.key


@transaction.atomic
def remove_experiment(*, workspace: Workspace, by: Actor, experiment_id: int, version: int | None) -> bool:
    """Archive an experiment that anything was measured of, else delete it; returns whether it is gone."""
    experiment = rows.find(Experiment, workspace, experiment_id)
    is_past = experiment.state == DECIDED or has_past(experiment)
    # Marks come first: a worker holds them before it writes effects, which point at experiments.
    mark_experiments(workspace, [experiment_id], by)
    return rows.archive_or_delete(experiment, version, is_past)


@transaction.atomic
def restore_experiment(*, workspace: Workspace, by: Actor, experiment_id: int, version: int | None) -> None:
    """Bring an archived experiment back. Raises StaleEdit or NotHere."""
    experiment = rows.find(Experiment, workspace, experiment_id)
    rows.restore(experiment, version)
    mark_experiments(workspace, [experiment_id], by)


def treatments_of(experiment: Experiment) -> list[str]:
    """The variants that a decision can be about."""
    return arrangement_of(experiment).treatments


def _move(
    workspace: Workspace, by: Actor, experiment: Experiment, version: int | None, changes: dict[str, Any]
) -> None:
    rows.edit(experiment, version, changes, _LaterComplaints(workspace, experiment, []))
    mark_experiments(workspace, [experiment.pk], by)


def _ending(workspace: Workspace, experiment: Experiment, on: date | None) -> dict[str, Any]:
    """What changes when the measuring ends. A draft that totals came for began with the first of them."""
    today = workspace.today()
    if on is not None and on > today:
        detail = "A day yet to come is planned by setting ended_on."
        raise Refused([Complaint("on", "in_the_future", detail)])
    planned = experiment.ended_on if experiment.state == RUNNING else None
    is_over = planned is not None and planned < today and on in (None, planned)
    last = planned if is_over and planned is not None else on or today
    # What a plan ended has been a result since the day after, whenever a person looks at it.
    result_on = last + timedelta(days=1) if is_over else last
    changes: dict[str, Any] = {"state": ENDED, "ended_on": last, "result_on": result_on}
    if experiment.started_on is None:
        first = _totals(experiment).aggregate(first=Min("on"))["first"]
        changes["started_on"] = min(first or last, last)
    return changes


def _totals(experiment: Experiment) -> Any:
    return ExperimentTotal.objects.counted().filter(experiment=experiment)


def primary_metric(item: Item) -> Metric | None:
    """The metric of an item's primary outcome, which its experiments are decided on if nothing else is said."""
    primary: Outcome | None = _outcomes(item).filter(role="primary").first()
    return primary.metric if primary else None


def _derived(item: Item) -> dict[str, Any]:
    """What an experiment takes from its item."""
    return {
        "hypothesis": item.hypothesis,
        "metric": primary_metric(item),
        "variants": [dict(variant) for variant in EVEN_SPLIT],
        "control": "",
    }


def _guardrails_of(item: Item, metric: Metric | None) -> list[Metric]:
    outcomes = _outcomes(item).filter(role="guardrail")
    found = {outcome.metric_id: outcome.metric for outcome in outcomes}
    return [guardrail for pk, guardrail in found.items() if metric is None or pk != metric.pk]


def _outcomes(item: Item) -> Any:
    held = Outcome.objects.in_workspace(item.workspace_id).filter(item=item, metric__archived_at=None)
    return held.select_related("metric").order_by("id")


def _guardrails(experiment: Experiment) -> list[Metric]:
    held = ExperimentGuardrail.objects.filter(experiment=experiment).select_related("metric")
    return [row.metric for row in held.order_by("id")]


def _write_guardrails(experiment: Experiment, wanted: Sequence[Metric]) -> None:
    ids = {metric.pk for metric in wanted}
    held = ExperimentGuardrail.objects.filter(experiment=experiment)
    held.exclude(metric_id__in=ids).delete()
    known = set(held.values_list("metric_id", flat=True))
    ExperimentGuardrail.objects.bulk_create(
        ExperimentGuardrail(workspace_id=experiment.workspace_id, experiment=experiment, metric_id=pk)
        for pk in sorted(ids - known)
    )


def _complaints(
    workspace: Workspace,
    experiment: Experiment,
    guardrails: Sequence[Metric],
    before: Sequence[Metric] = (),
) -> list[Complaint]:
    return [
        *problems_with_experiment(experiment),
        *_begins_ahead(workspace, experiment),
        *problems_with_guardrails(workspace, experiment.metric_id, guardrails, before),
    ]


def _begins_ahead(workspace: Workspace, experiment: Experiment) -> Iterator[Complaint]:
    """With a first day it runs. A pin does not count here: what was measured after it had begun all the same."""
    today = workspace.day_by_the_clock()
    if experiment.started_on is not None and experiment.started_on > today:
        detail = f"A day up to today, {today}: an experiment runs from its first day on."
        yield Complaint("started_on", "in_the_future", detail)


class _LaterComplaints:
    """The complaints about an experiment as it stands when they are read: after the changes were applied."""

    def __init__(
        self,
        workspace: Workspace,
        experiment: Experiment,
        guardrails: Sequence[Metric],
        before: Sequence[Metric] = (),
    ) -> None:
        self._about = (workspace, experiment, guardrails, before)

    def __iter__(self) -> Any:
        return iter(_complaints(*self._about))


def _settled(
    experiment: Experiment, changes: Mapping[str, Any], guardrails: Iterable[Metric]
) -> list[Complaint]:
    held = {name: getattr(experiment, name) for name in _SETTLED if name != "guardrails"}
    held["guardrails"] = sorted(metric.pk for metric in guardrails)
    said = dict(changes)
    if "guardrails" in said:
        said["guardrails"] = sorted(metric.pk for metric in said["guardrails"])
    detail = "It has been decided on this; clone it to try something else."
    return [
        Complaint(name, "decided", detail) for name in _SETTLED if name in said and said[name] != held[name]
    ]


def _in(workspace: Workspace) -> Any:
    return Experiment.objects.in_workspace(workspace.pk)
