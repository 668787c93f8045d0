"""Evidence of a file: it goes where a person moved it, and what is known already changes nothing."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from roadmap.imports.staging import STAGING, Import, Written
from roadmap.models import Evidence, Problem
from roadmap.signals import problems_changed


def settle_evidence(run: Import) -> None:
    _follow_routes(run)
    _leave_out_known_evidence(run)


def evidence_expressions(run: Import) -> dict[str, str]:
    # Whoever states it again takes it back from retraction.
    return {"is_retracted": "false"}


def announce_evidence(run: Import, written: Written, settled: object) -> None:
    stated = Evidence.objects.filter(pk__in=written.ids).order_by("problem_id")
    if ids := list(stated.values_list("problem_id", flat=True).distinct()):
        problems_changed.send(Problem, workspace_id=run.workspace.pk, ids=ids, cause=run.cause)


def _follow_routes(run: Import) -> None:
    """Put rows for a problem that was merged, or that a person moved them from, where they belong now.

    Of rows that come together so, the last one of the file says how it is, as if it were stated again.
    """
    moved = run.run(
        f"""
        UPDATE {STAGING} s SET problem_id = r.into_id
        FROM (SELECT DISTINCT ON (f.line) f.line, route.into_id
              FROM {STAGING} f JOIN roadmap_evidenceroute route ON route.workspace_id = %(workspace)s
                   AND route.problem_id = f.problem_id
                   AND route.external_id IN ('', coalesce(f.external_id, ''))
              ORDER BY f.line, route.external_id DESC) AS r
        WHERE r.line = s.line
        """
    )
    if moved:
        run.report.unchanged += run.run(
            f"""
            DELETE FROM {STAGING} s USING {STAGING} later
            WHERE s.external_id <> '' AND later.external_id = s.external_id
              AND later.problem_id = s.problem_id AND later.line > s.line
            """
        )
        run.run(f"SELECT t.id FROM {run.standing} WHERE t.id IS NOT NULL ORDER BY t.id FOR UPDATE OF t")


def _leave_out_known_evidence(run: Import) -> None:
    """Rows without an external id that say what stands already, in every column, change nothing."""
    names = ("problem_id", "customer_id", "kind", "quote", "source_url", "observed_on", "importance")
    # Unknowns are alike here. They are given a value that no row has, because PostgreSQL can hash a plain
    # comparison but would try every pair of rows with IS NOT DISTINCT FROM.
    unknown = {"customer_id": "0", "observed_on": "DATE '-infinity'"}
    same = " AND ".join(
        f"COALESCE(e.{name}, {unknown[name]}) = COALESCE({run.fresh(name)}, {unknown[name]})"
        if name in unknown
        else f"e.{name} = {run.fresh(name)}"
        for name in names
    )
    run.report.unchanged += run.run(
        f"DELETE FROM {STAGING} s WHERE {run.fresh('external_id')} = '' AND EXISTS ("
        f"SELECT 1 FROM roadmap_evidence e WHERE e.workspace_id = %(workspace)s"
        f" AND e.external_id = '' AND NOT e.is_retracted AND {same})"
    )
