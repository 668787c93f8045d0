"""Claim a name that a source spoke of: it becomes an item, a metric or an experiment, and what was said is taken."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F

from outcomes.models import Candidate, Experiment, Metric, Rule
from outcomes.services.deliveries import replay_source
from outcomes.services.experiments import create_experiment, primary_metric
from outcomes.services.metrics import create_metric
from outcomes.services.refusals import ImpossibleMove
from outcomes.services.rules import add_rule
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import (
    Complaint,
    Refused,
    complaint_if_archived,
    refuse_if_any,
)
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_update
from roadmap.likeness import Like, problems_like
from roadmap.models import Evidence, Item, Problem
from roadmap.rules import is_key
from roadmap.services import rows
from roadmap.services.items import create_item, release_item

_NOT_KEY = re.compile(r"[^a-z0-9_-]+")
_NOT_METRIC_KEY = re.compile(r"[^a-z0-9_.-]+")


@transaction.atomic
def accept_candidate(
    *,
    workspace: Workspace,
    by: Actor,
    candidate_id: int,
    version: int | None = None,
    to: str = "",
    key: str = "",
    title: str = "",
    value: str = "",
    aggregation: str = "",
    item: Item | None = None,
    problem: Problem | None = None,
    metric: Metric | None = None,
    released_on: date | None = None,
) -> dict[str, Any]:
    """Make the item, metric or experiment of a candidate (and the rule, for an event) and replay what named it.

    An event becomes usage of an item, or with `to="observation"` the observations of a metric, whose `value` is an
    expression over the event (1 each if there is none). `key` names the item or metric, an existing one too; left
    out it is made from the name. `item` is an existing one that an event is a use of, or that an experiment is on;
    a new experiment needs it, and a metric that it is decided on: that of the item's primary outcome, else the one
    that is reported, unless `metric` is another. With `released_on` an item is released on that day, unless it is out
    already. An issue becomes evidence for `problem`. Returns {"item", "metric", "rule", "experiment"} as rows or None
    and "replays", one for every source that spoke of it. Raises Refused, StaleEdit, NotHere, or ImpossibleMove when
    it was settled before, or the issue is evidence for another problem.
    """
    candidate = rows.find(Candidate, workspace, candidate_id)
    guarded_update(Candidate.objects.in_workspace(workspace.pk), candidate_id, version, {})
    if Candidate.objects.get(pk=candidate_id).state == "accepted":
        raise ImpossibleMove("This candidate was accepted before.")
    acting: dict[str, Any] = {"workspace": workspace, "by": by}
    _check_problem(candidate, problem)
    rule, experiment = None, None
    is_used = candidate.kind == "event" and to != "observation"
    _check_asked_for(candidate, is_used, item=item, metric=metric, released_on=released_on)
    if candidate.kind == "evidence":
        _check_free(candidate, problem)
    elif candidate.kind == "experiment":
        experiment = _experiment(acting, candidate, key, item, metric)
        item = metric = None
    elif is_used or candidate.kind == "item":
        item = item or _item(acting, candidate, key, title)
        if released_on is not None and item.released_on is None:
            release_item(**acting, item_id=item.pk, on=released_on)
    else:
        metric = _metric(acting, candidate, key, title, aggregation)
    if candidate.kind == "event":
        rule = _rule(acting, candidate, item, metric, value)
    elif candidate.kind != "evidence" and (experiment or item or metric).key != candidate.name:  # type: ignore[union-attr]
        detail = f"What this source calls {candidate.name!r} must have that key here, too."
        raise Refused([Complaint("key", "invalid", detail)])
    replays = [
        replay_source(**acting, source=spoken.source, candidate=spoken)
        for spoken in _claimed_with(candidate, problem)
    ]
    made = {"item": item, "metric": metric, "rule": rule, "experiment": experiment}
    return {**made, "replays": replays}


def _check_asked_for(
    candidate: Candidate, is_used: bool, *, item: Item | None, metric: Metric | None, released_on: date | None
) -> None:
    """Refuse what says something of a thing that the candidate does not become."""
    if item is not None and not is_used and candidate.kind != "experiment":
        raise Refused([Complaint("item", "not_asked_for", "What this becomes is on no item.")])
    if metric is not None and candidate.kind != "experiment":
        raise Refused([Complaint("metric", "not_asked_for", "What this becomes is decided on no metric.")])
    if released_on is not None and not is_used and candidate.kind != "item":
        raise Refused([Complaint("released_on", "not_asked_for", "What this becomes is never released.")])


def _claimed_with(candidate: Candidate, problem: Problem | None) -> list[Candidate]:
    """The candidate and, of anything but an event, what other sources said by the same name: all accepted now."""
    named = Candidate.objects.filter(pk=candidate.pk)
    if candidate.kind != "event":
        named |= Candidate.objects.filter(
            workspace=candidate.workspace_id, kind=candidate.kind, name=candidate.name
        ).exclude(state="accepted")
    found = list(named.select_related("source").select_for_update(of=("self",)).order_by("source_id"))
    Candidate.objects.filter(pk__in=[one.pk for one in found]).update(
        state="accepted", problem=problem, version=F("version") + 1
    )
    return found


def _check_problem(candidate: Candidate, problem: Problem | None) -> None:
    """Raises Refused unless there is a problem, a current one, exactly where it is asked for."""
    if candidate.kind != "evidence" and problem is not None:
        raise Refused([Complaint("problem", "not_asked_for", "What this becomes is for no problem.")])
    if candidate.kind == "evidence" and problem is None:
        raise Refused([Complaint("problem", "required", "Say which problem it is evidence for.")])
    refuse_if_any(complaint_if_archived(problem, "problem"))


def _check_free(candidate: Candidate, problem: Problem | None) -> None:
    """An issue that got its label, or was written down, in the meantime would count for two problems."""
    held = Evidence.objects.in_workspace(candidate.workspace_id).filter(external_id=candidate.name)
    other = held.filter(is_retracted=False).exclude(problem=problem).select_related("problem").first()
    if other is not None:
        raise ImpossibleMove(f"It is evidence for {other.problem.key} already; move that instead.")


def suggested_problems(candidate: Candidate) -> list[Like]:
    """The problems that say what an issue says, likest first; none for any other candidate."""
    if candidate.kind != "evidence":
        return []
    said = candidate.sample
    return problems_like(candidate.workspace_id, said.get("title") or "", said.get("text") or "")


@transaction.atomic
def dismiss_candidate(
    *, workspace: Workspace, by: Actor, candidate_id: int, version: int | None = None
) -> None:
    """Say that a name is of no interest; it goes on being counted. Raises StaleEdit, NotHere, ImpossibleMove."""
    candidate = rows.find(Candidate, workspace, candidate_id)
    if candidate.state == "accepted":
        raise ImpossibleMove("This candidate was accepted before.")
    candidates = Candidate.objects.in_workspace(workspace.pk)
    guarded_update(candidates, candidate_id, version, {"state": "dismissed"})


def _otherwise(candidate: Candidate) -> str:
    """What to do about a name that can be no key: an event's rule names another, all else goes by its own."""
    return "give another one" if candidate.kind == "event" else "have its sender call it otherwise"


def _item(acting: dict[str, Any], candidate: Candidate, key: str, title: str) -> Item:
    workspace = acting["workspace"]
    wanted = key or (candidate.name if is_key(candidate.name) else "")
    if candidate.kind == "event":
        wanted = key or _NOT_KEY.sub("-", candidate.name.lower()).strip("-_")[:200]
    if not is_key(wanted):
        detail = f"{candidate.name!r} cannot be the key of an item; {_otherwise(candidate)}."
        raise Refused([Complaint("key", "invalid", detail)])
    held = Item.objects.in_workspace(workspace.pk).filter(key=wanted).first()
    refuse_if_any(complaint_if_archived(held, "key"))
    return held or create_item(**acting, key=wanted, title=title or candidate.name)


def _metric(acting: dict[str, Any], candidate: Candidate, key: str, title: str, aggregation: str) -> Metric:
    workspace = acting["workspace"]
    wanted = key or candidate.name
    if candidate.kind == "event" and not key:
        wanted = _NOT_METRIC_KEY.sub("-", candidate.name.lower()).strip("-_.")[:200]
    if not is_key(wanted, dotted=True):
        detail = f"{candidate.name!r} cannot be the key of a metric; {_otherwise(candidate)}."
        raise Refused([Complaint("key", "invalid", detail)])
    held = Metric.objects.in_workspace(workspace.pk).filter(key=wanted).first()
    refuse_if_any(complaint_if_archived(held, "key"))
    # Events add up; what a sender states as a metric is a level unless somebody says otherwise.
    usual = "sum" if candidate.kind == "event" else "mean"
    return held or create_metric(
        **acting, key=wanted, name=title or candidate.name, aggregation=aggregation or usual
    )


def _experiment(
    acting: dict[str, Any], candidate: Candidate, key: str, item: Item | None, metric: Metric | None
) -> Experiment:
    """The experiment of that key. A new one has the variants that report: nobody has said others."""
    wanted = key or candidate.name
    if not is_key(wanted):
        detail = f"{candidate.name!r} cannot be the key of an experiment."
        raise Refused([Complaint("key", "invalid", detail)])
    held = Experiment.objects.in_workspace(acting["workspace"].pk).filter(key=wanted).first()
    if held is not None:
        refuse_if_any(complaint_if_archived(held, "key"))
        return held
    if item is None:
        raise Refused([Complaint("item", "required", "Say which item the experiment is on.")])
    decided_on = metric or primary_metric(item) or _reported_metric(candidate)
    if decided_on is None:
        detail = "Say which metric it is decided on: its item has no primary outcome, and none is reported."
        raise Refused([Complaint("metric", "required", detail)])
    return create_experiment(**acting, item=item, key=wanted, metric=decided_on, variants=[])


def _reported_metric(candidate: Candidate) -> Metric | None:
    """The metric that the newest statement of an experiment is of, if there is one of that key."""
    reported = Metric.objects.in_workspace(candidate.workspace_id).filter(archived_at=None)
    return reported.filter(key=str(candidate.sample.get("metric", ""))).first()


def _rule(
    acting: dict[str, Any], candidate: Candidate, item: Item | None, metric: Metric | None, value: str
) -> Rule:
    if candidate.source.kind == "productops":
        raise ImpossibleMove("A source of kind productops has no events.")
    fields: dict[str, Any] = {"match": match_of(candidate), "item": item, "metric": metric}
    if metric is not None:
        return add_rule(**acting, source=candidate.source, to="observation", value=value, **fields)
    return add_rule(**acting, source=candidate.source, to="usage", **fields)


def match_of(candidate: Candidate) -> str:
    """What the rule of an accepted event matches: events of its name."""
    return f"name == {_literal(candidate.name)}"


def _literal(name: str) -> str:
    """The name as a JMESPath text: raw where that is plain, else JSON between backticks."""
    if "'" not in name and "\\" not in name:
        return f"'{name}'"
    return "`" + json.dumps(name).replace("`", "\\`") + "`"
