"""The expected value of items: from people's estimates, measured reach and the evidence behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from outcomes.pipeline.days import Span
from outcomes.pipeline.gather import gather
from outcomes.pipeline.judge import Judged
from productops.workspaces.models import Workspace
from roadmap import standing
from roadmap.formulas import Expected, confidence_cap, expected_value
from roadmap.models import Item

INPUTS = ("reach", "impact", "confidence", "effort")


def expectations(
    workspace: Workspace, items: Sequence[Item], judged: Mapping[int, Judged], today: date
) -> dict[int, Expected]:
    """The expected value of each item; of a released one frozen at its release, facts dated up to then."""
    frozen_on = {item.pk: on for item in items if (on := frozen_at_release(item, today)) is not None}
    backing = standing.backing({item.pk: frozen_on.get(item.pk, today) for item in items})
    eligible = _eligible_at_release(workspace, items, judged, frozen_on)
    nobody = standing.Backing()
    result = {}
    for item in items:
        inputs = item.inputs_at_release or {name: getattr(item, name) for name in INPUTS}
        measured = eligible.get(item.pk) if item.pk in frozen_on else judged[item.pk].today.eligible
        behind = backing.get(item.pk, nobody)
        result[item.pk] = expected_value(
            reach=inputs["reach"],
            eligible=None if measured is None else int(measured),
            evidence_customers=behind.customer_count,
            impact=inputs["impact"],
            confidence=inputs["confidence"],
            confidence_cap=confidence_cap(behind.kinds, behind.respondents),
            effort=inputs["effort"],
        )
    return result


def frozen_at_release(item: Item, day: date) -> date | None:
    """The day on which the item's expectation was frozen; None where, as of `day`, it was not."""
    if item.inputs_at_release is None or item.released_on is None or item.released_on > day:
        return None
    return item.released_on


def _eligible_at_release(
    workspace: Workspace,
    items: Sequence[Item],
    judged: Mapping[int, Judged],
    frozen_on: Mapping[int, date],
) -> dict[int, float | None]:
    """Measured eligible users on the day of release, where nobody had estimated the reach."""
    asked = []
    for item in items:
        first_used_on = judged[item.pk].facts.first_used_on
        if (
            item.pk in frozen_on
            and (item.inputs_at_release or {}).get("reach") is None
            and first_used_on is not None
            and first_used_on <= frozen_on[item.pk]
        ):
            asked.append(item)
    if not asked:
        return {}
    spans = {item.pk: Span(frozen_on[item.pk], frozen_on[item.pk]) for item in asked}
    found = gather(workspace, asked, spans)
    return {id_: facts.on(frozen_on[id_]).eligible for id_, facts in found.items()}
