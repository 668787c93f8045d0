"""Problems and their tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from roadmap.models import Link, Problem
from roadmap.services import rows
from roadmap.services.history import has_past
from roadmap.signals import items_changed, problems_changed


@transaction.atomic
def create_problem(*, workspace: Workspace, by: Actor, key: str = "", **fields: Any) -> Problem:
    problem = Problem(workspace=workspace, key=key, **fields)
    rows.check(problem)
    rows.insert_named(problem, problem.title)
    rows.tell(problems_changed, workspace, [problem.pk, problem.parent_id], by)
    return problem


@transaction.atomic
def edit_problem(
    *, workspace: Workspace, by: Actor, problem_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    problem = rows.find(Problem, workspace, problem_id)
    if changes.get("parent") is not None:
        _refuse_circle(workspace, problem, changes["parent"])
    before = rows.edit(problem, version, changes)
    if "parent" in before:
        old = before["parent"].pk if before["parent"] else None
        rows.tell(problems_changed, workspace, [problem.pk, problem.parent_id, old], by)


@transaction.atomic
def remove_problem(*, workspace: Workspace, by: Actor, problem_id: int, version: int | None) -> bool:
    problem = rows.find(Problem, workspace, problem_id)
    linked = _items_of(problem)
    is_gone = rows.archive_or_delete(problem, version, bool(linked) or has_past(problem))
    _tell_about(problem, linked, by, is_gone=is_gone)
    return is_gone


@transaction.atomic
def restore_problem(*, workspace: Workspace, by: Actor, problem_id: int, version: int | None) -> None:
    problem = rows.find(Problem, workspace, problem_id)
    rows.restore(problem, version)
    _tell_about(problem, _items_of(problem), by, is_gone=False)


def _tell_about(problem: Problem, item_ids: list[int], by: Actor, is_gone: bool) -> None:
    touched = [problem.parent_id] if is_gone else [problem.pk, problem.parent_id]
    rows.tell(problems_changed, problem.workspace, touched, by)
    rows.tell(items_changed, problem.workspace, item_ids, by)


def _items_of(problem: Problem) -> list[int]:
    links = Link.objects.in_workspace(problem.workspace_id).filter(problem_id=problem.pk)
    return list(links.values_list("item_id", flat=True))


def _refuse_circle(workspace: Workspace, problem: Problem, parent: Problem) -> None:
    """Raise Refused when the problem would become its own ancestor."""
    # One change of the tree at a time: two that are each fine could close a circle together.
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if closes_circle(parents_of(workspace), problem.pk, parent.pk):
        raise Refused([CIRCLE])


CIRCLE = Complaint("parent", "circle", "The problem would be beneath itself.")


def parents_of(workspace: Workspace) -> dict[int, int | None]:
    """The parent of every problem that has one, by id."""
    tree = Problem.objects.in_workspace(workspace.pk).exclude(parent=None)
    return dict(tree.values_list("pk", "parent_id"))


def closes_circle(parents: Mapping[int, int | None], problem_id: int, parent_id: int | None) -> bool:
    """Whether the problem would be its own ancestor under this parent."""
    above = parent_id
    walked: set[int] = set()
    while above is not None and above not in walked:
        if above == problem_id:
            return True
        walked.add(above)
        above = parents.get(above)
    return False
