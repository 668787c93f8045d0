"""Plain functions that make what a test is about; everything that is not said has a harmless default."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from outcomes.models import (
    Delivery,
    Effect,
    Endpoint,
    EndpointSecret,
    Experiment,
    Flag,
    ItemUsage,
    ItemValue,
    Metric,
    MetricDay,
    Notice,
    Occurrence,
    Outcome,
    Source,
)
from productops.workspaces.keys import issue_key
from productops.workspaces.models import ApiKey, Member, User, Workspace
from productops.workspaces.models.keys import SCOPES
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Survey

_numbers = count(1)


def a_workspace(**fields: Any) -> Workspace:
    return Workspace.objects.create(**{"key": f"workspace-{next(_numbers)}", "name": "Acme", **fields})


def an_item(workspace: Workspace, **fields: Any) -> Item:
    number = next(_numbers)
    return Item.objects.create(
        workspace=workspace, **{"key": f"item-{number}", "title": f"Item {number}", **fields}
    )


def a_metric(workspace: Workspace, **fields: Any) -> Metric:
    number = next(_numbers)
    return Metric.objects.create(
        workspace=workspace, **{"key": f"metric.{number}", "name": f"Metric {number}", **fields}
    )


def a_source(workspace: Workspace, **fields: Any) -> Source:
    number = next(_numbers)
    return Source.objects.create(
        workspace=workspace, **{"key": f"source-{number}", "name": f"Source {number}", **fields}
    )


def a_flag(subject: Item | Source, **fields: Any) -> Flag:
    """A flag on an item or a source, open since New Year."""
    named = {"item": subject} if isinstance(subject, Item) else {"source": subject}
    defaults = {"reason": "under_used", "opened_on": date(2026, 1, 2), "holding_since": date(2026, 1, 1)}
    return Flag.objects.create(workspace=subject.workspace, **{**defaults, **named, **fields})


def a_delivery(source: Source | None = None, **fields: Any) -> Delivery:
    """A delivery of a source (a new one if none is named), as the door stored it."""
    source = source or a_source(a_workspace())
    defaults = {
        "external_id": f"msg_{next(_numbers)}",
        "body": b"{}",
        "body_sha256": bytes(32),
        "body_bytes": 2,
        "content_type": "application/json",
        "signed_at": datetime(2026, 5, 1, tzinfo=UTC),
        "received_at": datetime(2026, 5, 1, tzinfo=UTC),
    }
    return Delivery.objects.create(workspace=source.workspace, source=source, **{**defaults, **fields})


def an_endpoint(workspace: Workspace, **fields: Any) -> Endpoint:
    """A webhook that hears of everything, and its secret."""
    number = next(_numbers)
    url = f"https://hooks.example.com/{number}"
    said = {"name": f"Endpoint {number}", "url": url, "host": "hooks.example.com", **fields}
    endpoint = Endpoint.objects.create(workspace=workspace, **said)
    EndpointSecret.objects.create(
        workspace=workspace, endpoint=endpoint, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )
    return endpoint


def a_notice(endpoint: Endpoint, **fields: Any) -> Notice:
    """A test that was delivered to an endpoint."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    workspace, event = endpoint.workspace, fields.pop("event", "endpoint.test")
    data = {"endpoint": {"id": endpoint.pk, "name": endpoint.name}, "by": "Ada"}
    payload = {"type": event, "timestamp": "2026-05-01T00:00:00Z", "workspace": workspace.key, "data": data}
    occurrence = Occurrence.objects.create(
        workspace=workspace, event=event, identity=f"test:{next(_numbers)}", payload=payload, occurred_at=at
    )
    state = {"state": "delivered", "due_at": at, "created_at": at, "finished_at": at, "attempts": 1}
    return Notice.objects.create(
        workspace=workspace, occurrence=occurrence, endpoint=endpoint, **{**state, **fields}
    )


def a_person(**fields: Any) -> User:
    """Somebody who can sign in, with the password `open sesame`."""
    number = next(_numbers)
    person = User(
        **{"username": f"person-{number}", "first_name": "Pat", "last_name": f"No{number}", **fields}
    )
    # One round of hashing instead of a second's worth.
    person.password = PBKDF2PasswordHasher().encode("open sesame", "salt", iterations=1)
    person.save()
    return person


def a_member(workspace: Workspace, role: str = "editor", user: User | None = None) -> Member:
    return Member.objects.create(workspace=workspace, user=user or a_person(), role=role)


def a_key(workspace: Workspace, scopes: Iterable[str] = SCOPES, **fields: Any) -> tuple[ApiKey, str]:
    """A key with all scopes unless they are named, and its plain text."""
    return issue_key(workspace, fields.pop("name", f"Key {next(_numbers)}"), scopes, **fields)


def a_product(workspace: Workspace, **fields: Any) -> Product:
    number = next(_numbers)
    return Product.objects.create(
        workspace=workspace, **{"key": f"product-{number}", "name": f"Product {number}", **fields}
    )


def a_customer(workspace: Workspace, **fields: Any) -> Customer:
    number = next(_numbers)
    return Customer.objects.create(
        workspace=workspace, **{"key": f"customer-{number}", "name": f"Customer {number}", **fields}
    )


def a_problem(workspace: Workspace, **fields: Any) -> Problem:
    number = next(_numbers)
    return Problem.objects.create(
        workspace=workspace, **{"key": f"problem-{number}", "title": f"Problem {number}", **fields}
    )


def evidence(problem: Problem, **fields: Any) -> Evidence:
    """A ticket of nobody in particular."""
    return Evidence.objects.create(
        workspace=problem.workspace, problem=problem, **{"kind": "ticket", **fields}
    )


def a_survey(problem: Problem, **fields: Any) -> Survey:
    counts = {"respondents": 40, "importance_top2": 30, "satisfaction_top2": 10}
    defaults = {"segment": "smb", "on": date(2026, 1, 1), **counts}
    return Survey.objects.create(workspace=problem.workspace, problem=problem, **{**defaults, **fields})


def a_link(item: Item, problem: Problem, weight: float = 1.0) -> Link:
    return Link.objects.create(workspace=item.workspace, item=item, problem=problem, weight=weight)


def an_outcome(item: Item, metric: Metric | None = None, **fields: Any) -> Outcome:
    return Outcome.objects.create(
        workspace=item.workspace, item=item, metric=metric or a_metric(item.workspace), **fields
    )


def an_effect(outcome: Outcome, **fields: Any) -> Effect:
    """A decided effect of 1 to 3 in the metric's unit, by comparing before and after."""
    defaults: dict[str, Any] = {
        "design": "before_after",
        "estimate": 2.0,
        "low": 1.0,
        "high": 3.0,
        "verdict": "better",
        "decided_on": date(2026, 3, 30),
        "n_before": 182,
        "n_after": 28,
        "from_on": date(2025, 9, 1),
        "to_on": date(2026, 3, 29),
        "method": "step, trend and season",
        "method_version": 1,
        "as_of": datetime(2026, 3, 30, tzinfo=UTC),
    }
    return Effect.objects.create(workspace=outcome.workspace, outcome=outcome, **{**defaults, **fields})


def an_experiment(item: Item, **fields: Any) -> Experiment:
    """A draft of control against treatment; `metric` is what it is decided on, if anything."""
    number = next(_numbers)
    split = [{"key": "control", "split": 0.5}, {"key": "treatment", "split": 0.5}]
    return Experiment.objects.create(
        workspace=item.workspace, item=item, **{"key": f"experiment-{number}", "variants": split, **fields}
    )


def a_value(item: Item, **fields: Any) -> ItemValue:
    """What a worker found the item to be worth."""
    value, _ = ItemValue.objects.update_or_create(item=item, defaults={"workspace": item.workspace, **fields})
    return value


def a_verdict(item: Item, verdict: str = "healthy", **fields: Any) -> ItemUsage:
    """What a worker found the item's usage to be."""
    usage, _ = ItemUsage.objects.update_or_create(
        item=item, defaults={"workspace": item.workspace, "verdict": verdict, **fields}
    )
    return usage


def a_metric_day(metric: Metric, on: date, value: float, **fields: Any) -> MetricDay:
    """A day on which one observation of this value was made at noon."""
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    numbers = {"count": 1, "total": value, "low": value, "high": value, "last": value, "last_at": at}
    return MetricDay.objects.create(workspace=metric.workspace, metric=metric, on=on, **{**numbers, **fields})
