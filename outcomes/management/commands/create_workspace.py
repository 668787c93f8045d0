"""`manage.py create_workspace SLUG --name NAME`: a workspace, a key that may do everything, and a source."""

from __future__ import annotations

import shlex
from argparse import ArgumentTypeError
from datetime import date
from math import isfinite
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from outcomes.services.sources import create_source
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Refused
from productops.workspaces.keys import issue_key
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.models.workspace import Workspace
from productops.workspaces.services import create_workspace

BY = Actor(name="create_workspace", user_id=None, via="import")
SOURCE_KEY = "productops"
# The options that are settings of the workspace, by the field each sets.
_SETTINGS = {
    "time_zone": "time_zone",
    "pin": "pinned_on",
    "grace_days": "grace_days",
    "window_days": "window_days",
    "under_used_below": "under_used_below",
}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-03-02") from None


def _share(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ArgumentTypeError(f"{text!r} is not a share between 0 and 1")
    return value


class Command(BaseCommand):
    help = (
        "Create a workspace with an API key (all scopes) and a daily productops source. Prints the three"
        " secrets on standard output for a shell to source; they are shown this once and not kept."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its key: lower-case letters, digits, - and _")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", metavar="TZ", help="such as Europe/Berlin; UTC by default")
        parser.add_argument("--pin", type=_day, metavar="YYYY-MM-DD", help="judge everything as of this day")
        parser.add_argument(
            "--grace-days", type=int, metavar="N", help="days after release without a verdict"
        )
        parser.add_argument("--window-days", type=int, metavar="N", help="days that a verdict looks back")
        parser.add_argument("--under-used-below", type=_share, metavar="X", help="a share of 1, such as 0.05")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = {field: options[name] for name, field in _SETTINGS.items() if options[name] is not None}
        try:
            lines = self._create(options["slug"], options["name"], settings)
        except Refused as refused:
            raise CommandError(_told(options["slug"], refused)) from None
        except IntegrityError:
            # Somebody else took the slug between our look and our insert.
            raise CommandError(f"There is a workspace {options['slug']!r} already.") from None
        for name, value in lines.items():
            self.stdout.write(f"{name}={shlex.quote(value)}")
        self.stderr.write(f"Created the workspace {options['slug']}. Keep these: they are not shown again.")

    @transaction.atomic
    def _create(self, slug: str, name: str, settings: dict[str, Any]) -> dict[str, str]:
        workspace = create_workspace(key=slug, name=name, by=BY, **settings)
        _, key = issue_key(workspace, "Made with the workspace", SCOPES, by=BY)
        source, secret = create_source(
            workspace=workspace, by=BY, key=SOURCE_KEY, kind="productops", cadence="daily"
        )
        return {
            "PRODUCTOPS_API_KEY": key,
            "PRODUCTOPS_SOURCE_URL": source.url,
            "PRODUCTOPS_SOURCE_SECRET": secret,
        }


def _told(slug: str, refused: Refused) -> str:
    if Workspace.objects.filter(key=slug).exists():
        return f"There is a workspace {slug!r} already."
    return " ".join(f"{said.field.replace('_', '-')}: {said.detail}" for said in refused.complaints)
