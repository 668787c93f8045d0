"""Evidence: who struggles with a problem, and how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, guarded_delete
from roadmap.models import Evidence, EvidenceRoute
from roadmap.rules import Complaint, problems_with_evidence
from roadmap.services.rows import check, edit, find, tell
from roadmap.signals import problems_changed


@transaction.atomic
def create_evidence(*, workspace: Workspace, by: Actor, **fields: Any) -> Evidence:
    evidence = Evidence(workspace=workspace, **fields)
    check(evidence, problems_with_the_piece(evidence))
    evidence.save(force_insert=True)
    tell(problems_changed, workspace, [evidence.problem_id], by)
    return evidence


@transaction.atomic
def edit_evidence(
    *, workspace: Workspace, by: Actor, evidence_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    evidence = _standing(workspace, evidence_id)
    before_id = evidence.problem_id
    if edit(evidence, version, changes, problems_with_the_piece(evidence)):
        if evidence.problem_id != before_id and evidence.external_id:
            route_evidence(workspace, evidence.external_id, before_id, evidence.problem_id)
        tell(problems_changed, workspace, [before_id, evidence.problem_id], by)


def route_evidence(workspace: Workspace, external_id: str, before_id: int, into_id: int) -> None:
    """Have what a source or a file repeats of a piece follow it to the problem that a person moved it to."""
    routes = EvidenceRoute.objects.in_workspace(workspace.pk).filter(external_id=external_id)
    came_here = routes.filter(into_id=before_id)
    if came_here.exists():
        came_here.filter(problem_id=into_id).delete()
        came_here.update(into_id=into_id)
    else:
        EvidenceRoute.objects.update_or_create(
            problem_id=before_id,
            external_id=external_id,
            defaults={"workspace": workspace, "into_id": into_id},
        )


@transaction.atomic
def remove_evidence(*, workspace: Workspace, by: Actor, evidence_id: int, version: int | None) -> bool:
    evidence = _standing(workspace, evidence_id)
    guarded_delete(Evidence.objects.in_workspace(workspace.pk), evidence_id, version)
    tell(problems_changed, workspace, [evidence.problem_id], by)
    return True


def _standing(workspace: Workspace, evidence_id: int) -> Evidence:
    """A piece that was not retracted: a tombstone is nothing that people see or edit."""
    evidence = find(Evidence, workspace, evidence_id)
    if evidence.is_retracted:
        raise NotHere
    return evidence


def problems_with_the_piece(evidence: Evidence) -> Iterator[Complaint]:
    """What is wrong with a piece of evidence as it is to be."""
    yield from problems_with_evidence(kind=evidence.kind, importance=evidence.importance)
