"""Items of a file: releasing, freezing what was expected, and saying why nobody is to use one."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping

from roadmap.imports.staging import Import, Written
from roadmap.models import Item, Product
from roadmap.rules import EXEMPTION_REASONS
from roadmap.signals import items_changed, items_created, products_changed

_PAST_RELEASE = "('released', 'sunset', 'archived')"
_FROZEN = ("reach", "impact", "confidence", "effort")


def settle_items(run: Import) -> list[int]:
    """Refuse exemptions without a reason. Returns the products that lose or gain an item, and its audience."""
    _refuse_unexplained_exemptions(run)
    new = run.value("product_id")
    moves = run.rows(
        f"SELECT DISTINCT t.product_id, {new} FROM {run.standing} WHERE t.product_id IS DISTINCT FROM {new}"
    )
    return sorted({pk for move in moves for pk in move if pk is not None})


def item_expressions(run: Import) -> Mapping[str, str]:
    """What a release means: it has a day, and the estimates stay as they stood when it came.

    A day in the file is a statement; without one, becoming released means today and a released item keeps
    the day it has. Going back before release clears the day and what was frozen; sunset keeps both.
    """
    status = run.value("status")
    stated = run.cell("released_on")
    run.params["today"] = run.workspace.today()
    is_past_release = f"{status} IN {_PAST_RELEASE}"
    has_gone_back = f"t.status IN {_PAST_RELEASE} AND NOT {is_past_release}"
    released_on = (
        f"COALESCE({stated}, CASE WHEN {status} = 'released' THEN COALESCE(t.released_on, %(today)s::date)"
        f" WHEN {is_past_release} THEN t.released_on WHEN {has_gone_back} THEN NULL"
        f" ELSE {run.value('released_on')} END)"
    )
    estimates = ", ".join(f"'{name}', {run.value(name)}" for name in _FROZEN)
    return {
        "released_on": released_on,
        "is_release_stated": (
            f"CASE WHEN {stated} IS NOT NULL THEN true WHEN ({released_on}) IS NULL THEN false"
            " ELSE COALESCE(t.is_release_stated, false) END"
        ),
        "inputs_at_release": (
            f"CASE WHEN {status} = 'released'"
            f" THEN COALESCE(t.inputs_at_release, jsonb_build_object({estimates}))"
            f" WHEN {is_past_release} THEN t.inputs_at_release END"
        ),
        "exemption_reason": _exemption_reason(run),
    }


def announce_items(run: Import, written: Written, products_touched: list[int]) -> None:
    workspace_id, cause = run.workspace.pk, run.cause
    if written.created_ids:
        items_created.send(Item, workspace_id=workspace_id, ids=written.created_ids, cause=cause)
    if written.updated_ids:
        items_changed.send(Item, workspace_id=workspace_id, ids=written.updated_ids, cause=cause)
    if products_touched:
        products_changed.send(Product, workspace_id=workspace_id, ids=products_touched, cause=cause)


def _exemption_reason(run: Import) -> str:
    """A reason stands as long as the item is exempt, unless the file gives another."""
    given = run.cell("exemption_reason")
    return (
        f"CASE WHEN {run.value('usage_policy')} = 'exempt'"
        f" THEN COALESCE({given}, t.exemption_reason, '') ELSE '' END"
    )


def _refuse_unexplained_exemptions(run: Import) -> None:
    if "usage_policy" not in run.cells:
        return
    lines = run.rows(
        f"SELECT s.line FROM {run.standing}"
        f" WHERE s.usage_policy = 'exempt' AND ({_exemption_reason(run)}) = ''"
    )
    if lines:
        allowed = ", ".join(f"exempt:{reason}" for reason in EXEMPTION_REASONS)
        detail = f"Say why nobody is expected to use the item: {allowed}."
        run.refuse("usage_policy", "required", {line: detail for (line,) in lines})
