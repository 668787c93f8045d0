"""Problems of a file: the tree they make, and its parents resolved to ids."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping

from productops.workspaces.complaints import ARCHIVED
from roadmap.imports.parents import WantedProblem, refuse_parents
from roadmap.imports.staging import STAGING, Import, Written
from roadmap.models import Problem
from roadmap.signals import problems_changed


def settle_problems(run: Import) -> list[int]:
    """Refuse parents that cannot be, give new problems their ids and every row its parent's.

    A parent may come later in the file, so ids are given before anything is written. Returns the parents
    that lose a child.
    """
    if "parent" not in run.cells:
        return []
    _refuse_impossible_parents(run)
    run.run(f"ALTER TABLE {STAGING} ADD COLUMN id bigint, ADD COLUMN parent_id bigint")
    run.run(
        f"UPDATE {STAGING} staged SET id = COALESCE(t.id, nextval(pg_get_serial_sequence(%(name)s, 'id')))"
        f" FROM {run.standing} WHERE staged.line = s.line",
        name=run.table,
    )
    # A parent is a problem of the file, or one that stands, by its key or its id; each is a join of its own,
    # because PostgreSQL cannot hash an OR.
    run.run(f"UPDATE {STAGING} s SET parent_id = up.id FROM {STAGING} up WHERE up.key = s.parent")
    for name in ("p.key", "p.id::text"):
        run.run(
            f"UPDATE {STAGING} s SET parent_id = p.id FROM {run.table} p"
            f" WHERE s.parent_id IS NULL AND p.workspace_id = %(workspace)s AND {name} = s.parent"
        )
    lost = run.rows(
        f"SELECT DISTINCT t.parent_id FROM {run.standing}"
        " WHERE t.parent_id IS NOT NULL AND t.parent_id IS DISTINCT FROM s.parent_id"
    )
    return [pk for (pk,) in lost]


def problem_expressions(run: Import) -> Mapping[str, str]:
    return {"id": "s.id", "parent_id": "s.parent_id"} if "parent" in run.cells else {}


def announce_problems(run: Import, written: Written, lost_a_child: list[int]) -> None:
    """Numbers roll up along the tree: the written problems, their parents and those that lost a child."""
    parents = Problem.objects.filter(pk__in=written.ids).exclude(parent=None)
    ids = {*written.ids, *lost_a_child, *parents.values_list("parent_id", flat=True)}
    problems_changed.send(Problem, workspace_id=run.workspace.pk, ids=sorted(ids), cause=run.cause)


def _refuse_impossible_parents(run: Import) -> None:
    problems = run.rows(
        f"SELECT p.id, p.key, parent.key, p.archived_at IS NOT NULL FROM {run.table} p"
        f" LEFT JOIN {run.table} parent ON parent.id = p.parent_id"
        " WHERE p.workspace_id = %(workspace)s"
    )
    keys_by_id = {str(pk): key for pk, key, *_ in problems}
    standing = {key: parent for _, key, parent, _ in problems}
    archived = {key for _, key, _, is_archived in problems if is_archived}
    wanted = [
        WantedProblem(line, key, keys_by_id.get(parent, parent))
        for line, key, parent in run.rows(f"SELECT line, key, parent FROM {STAGING} ORDER BY line")
    ]
    put_away = {
        problem.line: "The problem is archived; restore it first."
        for problem in wanted
        if problem.parent in archived and standing.get(problem.key) != problem.parent
    }
    run.refuse("parent", ARCHIVED, put_away)
    kept = [problem for problem in wanted if problem.line not in put_away]
    run.refuse("parent", "invalid_parent", refuse_parents(kept, standing))
