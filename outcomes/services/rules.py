"""Say what a source's events mean, and try it before it is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from outcomes.models import Delivery, Rule, Source
from outcomes.pipeline import meaning
from outcomes.services.refusals import ImpossibleMove
from outcomes.sources import rules as pure
from outcomes.sources.bodies import BodyRefused, NativeBody
from outcomes.sources.reading import Event, EventBody, instant, text_of, unstorable
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, guarded_delete
from roadmap.services import rows

# A source with more would cost more than its events are worth.
MOST_RULES = 200
_SHOWN_ROWS = 100
_EVENT_FIELDS = {"id", "name", "actor", "customer", "at", "properties"}
_FIELDS = ("match", "to", "item_key", "metric_key", "value", "actor", "customer", "series", "at", "event_id")


@transaction.atomic
def add_rule(*, workspace: Workspace, by: Actor, source: Source, **fields: Any) -> Rule:
    """Add a rule to a source. It is applied to what comes from now on, and to deliveries that are replayed.

    Raises Refused for a bad expression, or for a source whose deliveries are not events.
    """
    # Whoever adds one at the same moment waits, so that the limit holds.
    Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    rule = Rule(workspace=workspace, source=source, **fields)
    rows.check(rule, [*problems_with_source_of_rules(source), *problems_with_rule(rule)])
    rule.save(force_insert=True)
    return rule


@transaction.atomic
def edit_rule(
    *, workspace: Workspace, by: Actor, rule_id: int, version: int | None, changes: dict[str, Any]
) -> None:
    """Change a rule; its source stays. What was taken by it before does, too. Raises Refused, StaleEdit or NotHere."""
    rule = rows.find(Rule, workspace, rule_id)
    rows.edit(rule, version, changes, _problems_later(rule, rule.source_id))


@transaction.atomic
def remove_rule(*, workspace: Workspace, by: Actor, rule_id: int, version: int | None) -> None:
    """Delete a rule; what was taken by it stays. Raises StaleEdit or NotHere."""
    guarded_delete(Rule.objects.in_workspace(workspace.pk), rule_id, version)


def _problems_later(rule: Rule, source_id: int) -> Iterator[Complaint]:
    # A generator, so that the rule is read after the changes were applied to it.
    yield from problems_with_other_source(source_id, rule.source_id)
    yield from problems_with_rule(rule)


def problems_with_other_source(held: int, wanted: int) -> list[Complaint]:
    """What is wrong with another source than the one whose events a rule is about."""
    if held == wanted:
        return []
    detail = "A rule keeps its source; add it to the other one instead."
    return [Complaint("source", "cannot_change", detail)]


def problems_with_source_of_rules(source: Source) -> list[Complaint]:
    """What is to be said against one more rule of this source."""
    if source.kind == "productops":
        detail = "A source of kind productops states facts by itself; rules are for events."
        return [Complaint("source", "not_events", detail)]
    if Rule.objects.filter(source=source).count() >= MOST_RULES:
        return [Complaint("source", "too_many", f"A source may have {MOST_RULES} rules.")]
    return []


def problems_with_rule(rule: Rule) -> list[Complaint]:
    """Return the complaints about a rule as it stands."""
    fields = {name: getattr(rule, name) for name in _FIELDS}
    return problems_with_fields({**fields, "item": rule.item_id, "metric": rule.metric_id})


def problems_with_fields(fields: Mapping[str, Any]) -> list[Complaint]:
    """Return the complaints about the fields of a rule; one that is not there is blank."""
    return [
        Complaint({"id": "event_id"}.get(field, field), code, detail)
        for field, code, detail in pure.problems_with({**fields, "id": fields.get("event_id", "")})
    ]


def try_rules(
    *,
    workspace: Workspace,
    source: Source,
    rule: Rule | None = None,
    sample: Any = None,
    delivery_id: int | None = None,
) -> dict[str, Any]:
    """Say what a sample event or a stored delivery would become, by one rule or by the source's own.

    Writes nothing. Raises Refused for a bad rule or sample, NotHere, ImpossibleMove when the delivery's bytes are
    no longer kept.
    """
    if rule is not None and (complaints := problems_with_rule(rule)):
        raise Refused(complaints)
    told = [rule.pure()] if rule is not None else meaning.rules_of(source)
    if delivery_id is not None:
        read = _read_delivery(workspace, source, delivery_id, told)
    else:
        read = EventBody(events=[_sample_event(sample)])
        pure.apply(told, read, now=timezone.now())
    return _shown(read)


def _read_delivery(
    workspace: Workspace, source: Source, delivery_id: int, told: Sequence[pure.Rule]
) -> NativeBody:
    held = Delivery.objects.in_workspace(workspace.pk).filter(source=source, pk=delivery_id)
    delivery = held.select_related("source").first()
    if delivery is None:
        raise NotHere
    if delivery.body is None:
        raise ImpossibleMove("The bytes of this delivery are no longer kept.")
    try:
        return meaning.of(delivery, bytes(delivery.body), now=timezone.now(), also=told)
    except BodyRefused as refused:
        raise ImpossibleMove(str(refused)) from refused


def _sample_event(sample: Any) -> Event:
    if not isinstance(sample, Mapping):
        raise Refused([Complaint("sample", "required", "Give a sample event, or the id of a delivery.")])
    if unknown := sorted(set(sample) - _EVENT_FIELDS):
        detail = (
            f"An event has no {', '.join(map(repr, unknown))[:200]}. What a body would become is tried by the id"
            " of its delivery, or by a dry run at the source's address."
        )
        raise Refused([Complaint("sample", "unknown_field", detail)])
    properties = sample.get("properties", {})
    if not isinstance(properties, dict) or unstorable(dict(sample)):
        raise Refused(
            [Complaint("sample", "invalid", "An event's properties are an object of plain values.")]
        )
    at = instant(sample["at"]) if "at" in sample else timezone.now()
    if at is None:
        raise Refused([Complaint("sample", "invalid", "An event's at is an RFC 3339 instant.")])
    return Event(
        name=text_of(sample.get("name")),
        at=at,
        pointer="",
        id=text_of(sample.get("id")),
        actor=text_of(sample.get("actor")) or None,
        customer=text_of(sample.get("customer")) or None,
        properties=properties,
    )


def _shown(read: NativeBody) -> dict[str, Any]:
    """The rows by section and what was refused, as far as a person wants to see."""
    sections = {
        name: [
            {field: value for field, value in msgspec.to_builtins(numbered.row).items() if value is not None}
            for numbered in found[:_SHOWN_ROWS]
        ]
        for name, found in read.rows.items()
        if found
    }
    events = read.events if isinstance(read, EventBody) else []
    return {
        "events": [event.as_json() for event in events[:_SHOWN_ROWS]],
        "rows": sections,
        "refused": [refusal.as_json() for refusal in read.refusals[:_SHOWN_ROWS]],
    }
