"""Problems that turn out to be one, and evidence that belongs to another problem.

Nothing is lost: a merged problem is archived, what moved is written down, and both can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import (
    Complaint,
    InUse,
    Refused,
    complaint_if_archived,
    refuse_if_any,
)
from productops.workspaces.models import Versioned, Workspace
from productops.workspaces.versions import NotHere, guarded_update
from roadmap.models import Evidence, EvidenceRoute, Item, Link, Problem, ProblemMerge, Survey
from roadmap.services import rows
from roadmap.services.evidence import edit_evidence
from roadmap.services.links import tell_links
from roadmap.services.problems import closes_circle, parents_of
from roadmap.signals import problems_changed


@transaction.atomic
def merge_problem(
    *, workspace: Workspace, by: Actor, problem_id: int, into: Problem, version: int | None = None
) -> ProblemMerge:
    """Make a problem part of another: its evidence, surveys, links and children go there, and it is archived.

    An item that was for both is for the other with both weights together. What the other has already (evidence
    of the same external id, the survey of a segment and day) stays behind. Raises Refused, StaleEdit, NotHere.
    """
    problem, target = _both(workspace, problem_id, into)
    guarded_update(_problems(workspace), problem.pk, version, {"archived_at": timezone.now()})
    items = _items_of(workspace, (problem, target))
    moved = {
        "evidence": _move_rows(Evidence, problem, target, _same_evidence(target)),
        "surveys": _move_rows(Survey, problem, target, _same_surveys(problem, target)),
        "links": _move_links(problem, target),
        "parents": _move_children(workspace, problem, target),
    }
    EvidenceRoute.objects.filter(into=problem).exclude(problem=target).update(into=target)
    EvidenceRoute.objects.filter(problem=target, into=problem).delete()
    EvidenceRoute.objects.update_or_create(
        problem=problem, external_id="", defaults={"workspace": workspace, "into": target}
    )
    merge = ProblemMerge.objects.create(
        workspace=workspace, problem=problem, into=target, moved=moved, by=by.name
    )
    _tell(workspace, (problem, target), items, by)
    return merge


@transaction.atomic
def unmerge_problem(*, workspace: Workspace, by: Actor, problem_id: int, version: int | None = None) -> None:
    """Take a merge back: what moved and is still there returns. Raises InUse when it was not merged or
    the tree has changed too much since, StaleEdit, NotHere."""
    merges = ProblemMerge.objects.in_workspace(workspace.pk)
    merge = merges.filter(problem_id=problem_id, undone_at=None).first()
    if merge is None:
        rows.find(Problem, workspace, problem_id)
        raise InUse([Complaint("", "not_merged", "The problem was not merged into another.")])
    problem, target = _lock(workspace, problem_id, merge.into_id)
    guarded_update(_problems(workspace), problem.pk, version, {"archived_at": None})
    items = _items_of(workspace, (problem, target))
    for model, ids in ((Evidence, merge.moved["evidence"]), (Survey, merge.moved["surveys"])):
        _write_problem(model, list(model.objects.filter(problem=target, pk__in=ids).order_by("pk")), problem)
    _return_links(problem, target, merge.moved["links"])
    _return_children(workspace, problem, target, merge.moved["parents"])
    EvidenceRoute.objects.filter(problem=problem, external_id="", into=target).delete()
    merges.filter(pk=merge.pk).update(undone_at=Now(), undone_by=by.name)
    _tell(workspace, (problem, target), items, by)


@transaction.atomic
def move_evidence(
    *, workspace: Workspace, by: Actor, evidence_id: int, problem: Problem, version: int | None = None
) -> None:
    """Say that a piece of evidence is for another problem; its source's repetitions follow it there.

    Raises Refused, StaleEdit, NotHere, and IntegrityError when the problem has evidence of its external id.
    """
    edit_evidence(
        workspace=workspace, by=by, evidence_id=evidence_id, version=version, changes={"problem": problem}
    )


def _both(workspace: Workspace, problem_id: int, into: Problem) -> tuple[Problem, Problem]:
    if into.pk == problem_id:
        raise Refused([Complaint("into", "same", "A problem cannot be merged into itself.")])
    problem, target = _lock(workspace, problem_id, into.pk)
    if ProblemMerge.objects.filter(problem=problem, undone_at=None).exists():
        raise InUse([Complaint("", "merged", "The problem was merged before.")])
    refuse_if_any(complaint_if_archived(target, "into"))
    return problem, target


def _lock(workspace: Workspace, problem_id: int, into_id: int) -> tuple[Problem, Problem]:
    # One change of the tree at a time, as where a parent is set.
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    held = _problems(workspace).filter(pk__in=(problem_id, into_id)).order_by("pk").select_for_update()
    found = {problem.pk: problem for problem in held}
    if problem_id not in found or into_id not in found:
        raise NotHere
    return found[problem_id], found[into_id]


def _problems(workspace: Workspace) -> Any:
    return Problem.objects.in_workspace(workspace.pk)


def _items_of(workspace: Workspace, problems: Sequence[Problem]) -> set[int]:
    links = Link.objects.in_workspace(workspace.pk).filter(problem__in=problems)
    return set(links.values_list("item_id", flat=True))


def _same_evidence(target: Problem) -> Q:
    ids = Evidence.objects.filter(problem=target).exclude(external_id="").values("external_id")
    return Q(external_id__in=ids)


def _same_surveys(problem: Problem, target: Problem) -> Q:
    held = set(Survey.objects.filter(problem=target).values_list("segment", "on"))
    ours = Survey.objects.filter(problem=problem)
    return Q(pk__in=[survey.pk for survey in ours if (survey.segment, survey.on) in held])


def _move_rows(model: Any, problem: Problem, target: Problem, stays: Q) -> list[int]:
    """Move rows of the problem to the target, but for those that `stays`; returns the ids that moved."""
    held = list(model.objects.filter(problem=problem).exclude(stays).order_by("pk").select_for_update())
    _write_problem(model, held, target)
    return [row.pk for row in held]


def _write_problem(model: Any, held: Sequence[Versioned], problem: Problem) -> None:
    for row in held:
        row.problem = problem  # type: ignore[attr-defined]
    rows.write_many(model, held, ["problem"])


def _move_links(problem: Problem, target: Problem) -> list[list[float]]:
    """Give the target's items the problem's links: no item's weights sum to more than they did."""
    links = Link.objects.filter(problem__in=(problem, target)).order_by("pk").select_for_update()
    ours = {link.item_id: link for link in links if link.problem_id == problem.pk}
    theirs = {link.item_id: link for link in links if link.problem_id == target.pk}
    shared = [link for item_id, link in theirs.items() if item_id in ours]
    for link in shared:
        link.weight = min(1.0, link.weight + ours[link.item_id].weight)
    Link.objects.filter(pk__in=[ours[link.item_id].pk for link in shared]).delete()
    rows.write_many(Link, shared, ["weight"])
    _write_problem(Link, [link for item_id, link in ours.items() if item_id not in theirs], target)
    return [[item_id, link.weight] for item_id, link in sorted(ours.items())]


def _return_links(problem: Problem, target: Problem, moved: Sequence[Sequence[float]]) -> None:
    weights = {int(item_id): weight for item_id, weight in moved}
    items = Item.objects.filter(pk__in=weights).values_list("pk", flat=True)
    links = Link.objects.filter(problem=target, item_id__in=weights).order_by("pk").select_for_update()
    held = {link.item_id: link for link in links}
    whole, parts, new = [], [], []
    for item_id in sorted(items):
        link = held.get(item_id)
        if link is None:
            # Somebody has taken the item off the problem since: their decision stays.
            continue
        rest = link.weight - weights[item_id]
        if rest > 1e-9:
            link.weight = rest
            parts.append(link)
            new.append(
                Link(
                    workspace_id=problem.workspace_id,
                    item_id=item_id,
                    problem=problem,
                    weight=weights[item_id],
                )
            )
        else:
            whole.append(link)
    rows.write_many(Link, parts, ["weight"])
    _write_problem(Link, whole, problem)
    Link.objects.bulk_create(new)


def _move_children(workspace: Workspace, problem: Problem, target: Problem) -> dict[str, int | None]:
    """Put the problem's children beneath the target; returns the parents that changed, as they were."""
    before: dict[str, int | None] = {}
    if _is_beneath(workspace, target, problem):
        # It takes the place of the problem that it stood beneath.
        before[str(target.pk)] = target.parent_id
        target.parent_id = problem.parent_id
        rows.write_many(Problem, [target], ["parent"])
    children = list(_problems(workspace).filter(parent=problem).exclude(pk=target.pk).order_by("pk"))
    for child in children:
        before[str(child.pk)] = problem.pk
        child.parent = target
    rows.write_many(Problem, children, ["parent"])
    return before


def _return_children(
    workspace: Workspace, problem: Problem, target: Problem, before: Mapping[str, int | None]
) -> None:
    """Put back those whose place nobody has changed since."""
    if problem.parent_id == target.pk or _is_beneath(workspace, problem, target):
        # The target's children would otherwise be beneath themselves.
        problem.parent_id = target.parent_id
        rows.write_many(Problem, [problem], ["parent"])
    ids = [int(pk) for pk in before]
    back = []
    for child in _problems(workspace).filter(pk__in=ids).order_by("pk"):
        is_ours = child.pk == target.pk and child.parent_id == problem.parent_id
        if is_ours or (child.pk != target.pk and child.parent_id == target.pk):
            child.parent_id = before[str(child.pk)]
            back.append(child)
    rows.write_many(Problem, back, ["parent"])
    parents = parents_of(workspace)
    if any(closes_circle(parents, moved.pk, moved.parent_id) for moved in (problem, *back)):
        detail = "The tree has changed since; put the problems where they belong by hand."
        raise InUse([Complaint("", "circle", detail)])


def _is_beneath(workspace: Workspace, problem: Problem, above: Problem) -> bool:
    return closes_circle(parents_of(workspace), above.pk, problem.parent_id)


def _tell(workspace: Workspace, problems: Sequence[Problem], items: set[int], by: Actor) -> None:
    ids = [problem.pk for problem in problems]
    above = _problems(workspace).filter(pk__in=ids).values_list("parent_id", flat=True)
    rows.tell(problems_changed, workspace, [*ids, *above], by)
    tell_links(workspace, items, ids, by)
