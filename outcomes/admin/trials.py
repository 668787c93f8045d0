"""The page that shows what a sample or a stored delivery of a source would become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from outcomes.models import Candidate, Delivery, Metric, Rule, Source
from outcomes.services.refusals import ImpossibleMove
from outcomes.services.rules import try_rules
from outcomes.sources.rules import EXPRESSIONS
from productops.workspaces.complaints import Refused
from productops.workspaces.versions import NotHere
from roadmap.models import Item

_CHOICES = 20
_SAMPLE = {
    "name": "Cart Saved",
    "actor": "u_123",
    "at": "2026-05-01T10:00:00Z",
    "id": "evt_1",
    "properties": {"feature": "saved-carts", "revenue": 12.5},
}
_LABELS = {
    "match": "Which events are meant",
    "item_key": "Item, found in the event",
    "metric_key": "Metric, found in the event",
    "value": "Value; 1 if nothing is said",
    "actor": "Who it was",
    "customer": "Whose user that is",
    "series": "Series label",
    "at": "When it was",
    "id": "Its id",
}


def page(source: Source, said: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows: the form as it was filled in, and what came of it."""
    sample = said.get("sample") or json.dumps(_usual_sample(source), indent=2)
    told: dict[str, Any] = {
        "deliveries": _newest(source),
        "sample": sample,
        "chosen": said.get("delivery", ""),
        "to": said.get("to", ""),
        "key": said.get("key", ""),
        "expressions": [(name, _LABELS[name], said.get(name, "")) for name in EXPRESSIONS],
        "rules": list(Rule.objects.filter(source=source).select_related("item", "metric").order_by("id")),
    }
    return {**told, **_tried(source, said, sample)} if said else told


def _newest(source: Source) -> list[Delivery]:
    kept = Delivery.objects.filter(source=source).exclude(body=None).defer("body", "body_sha256", "outcome")
    return list(kept.order_by("-received_at", "-id")[:_CHOICES])


def _usual_sample(source: Source) -> Any:
    """The event that most often had no meaning, else one that was made up."""
    candidate = Candidate.objects.filter(source=source, kind="event", state="open").order_by("-count").first()
    return candidate.sample if candidate and candidate.sample.get("name") else _SAMPLE


def _tried(source: Source, said: Mapping[str, str], sample: str) -> dict[str, Any]:
    delivery = said.get("delivery", "")
    try:
        rule = _rule(source, said) if said.get("match") else None
        if delivery.isascii() and delivery.isdigit() and len(delivery) < 19:
            given: dict[str, Any] = {"delivery_id": int(delivery)}
        else:
            given = {"sample": json.loads(sample)}
        answer = try_rules(workspace=source.workspace, source=source, rule=rule, **given)
    except Refused as refused:
        return {"wrong": [f"{_LABELS.get(one.field, one.field)}: {one.detail}" for one in refused.complaints]}
    except (ValueError, RecursionError):
        return {"wrong": ["The sample is not JSON."]}
    except NotHere:
        return {"wrong": ["There is no such delivery."]}
    except ImpossibleMove as impossible:
        return {"wrong": [str(impossible)]}
    return {"answer": _shown(answer)}


def _rule(source: Source, said: Mapping[str, str]) -> Rule:
    """The rule that was filled in; it is never saved."""
    fields = {name: said.get(name, "") for name in EXPRESSIONS if name != "id"}
    rule = Rule(
        workspace=source.workspace,
        source=source,
        to=said.get("to", ""),
        event_id=said.get("id", ""),
        **fields,
    )
    key = said.get("key", "").strip()
    if key:
        model, name = (Metric, "metric") if rule.to == "observation" else (Item, "item")
        held: Any = model.objects.in_workspace(source.workspace_id).filter(key=key).first()
        # One that is not there yet can be tried as well.
        setattr(rule, name, held or model(workspace=source.workspace, key=key, pk=-1))
    return rule


def _shown(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of each section as a table of words."""
    tables = []
    for name, rows in answer["rows"].items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        tables.append((name, columns, [[row.get(column, "") for column in columns] for row in rows]))
    events = [
        {**event, "properties": json.dumps(event["properties"], indent=1)} for event in answer["events"]
    ]
    return {"tables": tables, "refused": answer["refused"], "events": events[:20]}
