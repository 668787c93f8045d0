"""The demo's workspace: its roadmap, metrics, sources and people, made in one transaction."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from outcomes.demo.items import PRODUCTS, DemoItem
from outcomes.demo.metrics import METRICS
from outcomes.demo.released import OWNERS
from outcomes.demo.story import ITEMS, SOURCES, WORKSPACE_KEY, WORKSPACE_NAME
from outcomes.demo.tables import roadmap_tables
from outcomes.demo.trials import TRIALS
from outcomes.imports import import_file
from outcomes.models import Source, SourceSecret
from outcomes.services.experiments import create_experiment, decide_experiment
from outcomes.services.metrics import create_metric
from outcomes.services.outcomes import set_outcome
from outcomes.services.sources import create_source, rotate_secret
from productops.workspaces.actors import Actor
from productops.workspaces.keys import issue_key
from productops.workspaces.models import ApiKey, Role, User, Workspace
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.people import add_member
from productops.workspaces.services import create_workspace
from roadmap.models import Item
from roadmap.services import create_product, edit_item

ADMIN = "demo"
KEY_NAME = "demo"
BY = Actor(name="demo", user_id=None, via="import")


class StoryRefused(Exception):
    """The importer refused a row of the story's own files."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way in: what `script/server` and a shell read."""

    api_key: str
    source_url: str
    source_secret: str
    admin_user: str
    admin_password: str

    def lines(self) -> list[str]:
        """Shell-sourceable; every value is made of letters, digits and `_-+/=:.`."""
        return [
            f"PRODUCTOPS_API_KEY={self.api_key}",
            f"PRODUCTOPS_SOURCE_URL={self.source_url}",
            f"PRODUCTOPS_SOURCE_SECRET={self.source_secret}",
            f"PRODUCTOPS_ADMIN_USER={self.admin_user}",
            f"PRODUCTOPS_ADMIN_PASSWORD={self.admin_password}",
        ]


def find_workspace() -> Workspace | None:
    """The demo's workspace; one of the same key that is not generated is somebody's own."""
    return Workspace.objects.filter(key=WORKSPACE_KEY, is_generated=True).first()


def loaded_on(workspace: Workspace) -> date:
    """The day from which the story counts."""
    return workspace.created_at.astimezone(workspace.zone).date()


def is_loaded(workspace: Workspace) -> bool:
    """Whether a load came to its end: the key is issued last, and its row stays when it is revoked."""
    return ApiKey.objects.in_workspace(workspace.id).filter(name=KEY_NAME).exists()


@transaction.atomic
def make_workspace() -> Workspace:
    """Everything but what happened: that comes through the webhook."""
    workspace = create_workspace(key=WORKSPACE_KEY, name=WORKSPACE_NAME, by=BY, is_generated=True)
    day = loaded_on(workspace)
    for username, (first, last) in OWNERS.items():
        user, _ = User.objects.get_or_create(
            username=username, defaults={"first_name": first, "last_name": last, "password": "!"}
        )
        add_member(workspace=workspace, user=user, role=Role.EDITOR)
    for product in PRODUCTS:
        create_product(
            workspace=workspace,
            by=BY,
            key=product.key,
            name=product.name,
            unit=product.unit,
            eligible_count=product.eligible,
        )
    for kind, content in roadmap_tables(day):
        report = import_file(kind=kind, stream=io.BytesIO(content), workspace=workspace, by=BY)
        if report.refused:
            raise StoryRefused(f"{kind}: {report.complaints[0]}")
    _measure(workspace, day)
    _try(workspace, day)
    for source in SOURCES:
        create_source(workspace=workspace, by=BY, key=source.key, name=source.name)
    return workspace


def _measure(workspace: Workspace, day: date) -> None:
    metrics = {
        metric.key: create_metric(
            workspace=workspace,
            by=BY,
            key=metric.key,
            name=metric.name,
            unit=metric.unit,
            direction=metric.direction,
            aggregation=metric.aggregation,
            cadence=metric.cadence,
        )
        for metric in METRICS
    }
    items = {item.key: item for item in Item.objects.in_workspace(workspace.id)}
    for told in ITEMS:
        item = items[told.key]
        if own := _own_thresholds(told):
            edit_item(workspace=workspace, by=BY, item_id=item.pk, version=None, changes=own)
        for goal in told.goals:
            set_outcome(
                workspace=workspace,
                by=BY,
                item_id=item.pk,
                metric_id=metrics[goal.metric].pk,
                series=goal.series,
                role=goal.role,
                baseline=goal.baseline,
                target=goal.target,
                due_on=None if goal.due is None else day + timedelta(days=goal.due),
                weight=goal.weight,
            )


def _try(workspace: Workspace, day: date) -> None:
    items = {item.key: item for item in Item.objects.in_workspace(workspace.id)}
    for told in TRIALS:
        experiment = create_experiment(
            workspace=workspace,
            by=BY,
            item=items[told.item],
            key=told.key,
            hypothesis=told.hypothesis,
            started_on=day + timedelta(days=told.first),
            ended_on=day + timedelta(days=told.last),
        )
        if told.decision:
            decide_experiment(
                workspace=workspace,
                by=Actor(name=told.by, user_id=None, via="import"),
                experiment_id=experiment.pk,
                decision=told.decision,
                note=told.note,
            )


def _own_thresholds(told: DemoItem) -> dict[str, object]:
    own = {"natural_period_days": told.natural_period_days, "under_used_below": told.under_used_below}
    return {name: value for name, value in own.items() if value is not None}


@transaction.atomic
def give_access(workspace: Workspace) -> Access:
    """A new key with every scope and a new password: neither can be read again once it was shown."""
    user, _ = User.objects.get_or_create(username=ADMIN)
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.is_active = user.is_staff = user.is_superuser = True
    user.save()
    add_member(workspace=workspace, user=user, role=Role.ADMIN)
    url, secret = address_of(workspace, SOURCES[0].key)
    _, key = issue_key(workspace, KEY_NAME, SCOPES)
    return Access(key, url, secret, ADMIN, password)


def address_of(workspace: Workspace, source_key: str) -> tuple[str, str]:
    """URL and a secret in force of a source, at the address of the server that runs now."""
    source = Source.objects.in_workspace(workspace.id).get(key=source_key)
    in_force = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    secrets_ = SourceSecret.objects.in_workspace(workspace.id).filter(in_force, source=source)
    held = secrets_.order_by("-created_at").first()
    secret = held.secret if held else rotate_secret(workspace=workspace, by=BY, source_id=source.pk)[1]
    return f"{settings.PUBLIC_URL}/in/{source.token}", secret
