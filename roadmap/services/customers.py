"""Customers: accounts, whose revenue gives weight to what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.models import Customer, Evidence
from roadmap.services import rows
from roadmap.services.history import has_past
from roadmap.signals import problems_changed


@transaction.atomic
def create_customer(*, workspace: Workspace, by: Actor, key: str = "", **fields: Any) -> Customer:
    customer = Customer(workspace=workspace, key=key, **fields)
    rows.check(customer)
    return rows.insert_named(customer, customer.name)


@transaction.atomic
def edit_customer(
    *, workspace: Workspace, by: Actor, customer_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    customer = rows.find(Customer, workspace, customer_id)
    before = rows.edit(customer, version, changes)
    if "mrr" in before:
        rows.tell(problems_changed, workspace, _problems_with(customer), by)


@transaction.atomic
def remove_customer(*, workspace: Workspace, by: Actor, customer_id: int, version: int | None) -> bool:
    customer = rows.find(Customer, workspace, customer_id)
    touched = _problems_with(customer)
    is_gone = rows.archive_or_delete(customer, version, has_past(customer))
    rows.tell(problems_changed, workspace, touched, by)
    return is_gone


@transaction.atomic
def restore_customer(*, workspace: Workspace, by: Actor, customer_id: int, version: int | None) -> None:
    customer = rows.find(Customer, workspace, customer_id)
    rows.restore(customer, version)
    rows.tell(problems_changed, workspace, _problems_with(customer), by)


def _problems_with(customer: Customer) -> list[int]:
    """The problems that this customer's evidence is for."""
    evidence = Evidence.objects.in_workspace(customer.workspace_id).filter(customer_id=customer.pk)
    return list(evidence.values_list("problem_id", flat=True).distinct())
