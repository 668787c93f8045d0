"""Compute everything again from facts and say what was not as they say."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outcomes.pipeline.reconcile import reconcile
from productops.workspaces.models import Workspace

_SLICE_SECONDS = 60.0


class Command(BaseCommand):
    help = "Compute everything again from facts, say what was stored otherwise, have it mended. Exit 1 if anything was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="one workspace; all of them, if not said")

    def handle(self, *args: Any, **options: Any) -> None:
        workspaces = Workspace.objects.order_by("key")
        if options["workspace"]:
            workspaces = workspaces.filter(key=options["workspace"])
            if not workspaces:
                raise CommandError(f"There is no workspace {options['workspace']!r}.")
        drifted = sum(self._reconcile(workspace) for workspace in workspaces)
        if drifted:
            sys.exit(1)

    def _reconcile(self, workspace: Workspace) -> int:
        run = reconcile(workspace, max_seconds=_SLICE_SECONDS)
        while run is not None and run.stage != "done":
            run = reconcile(workspace, max_seconds=_SLICE_SECONDS)
        if run is None:
            self.stderr.write(f"{workspace.key}: another worker is at it")
            return 0
        told = f"{run.checked} items checked, {run.waiting} waiting, {run.drifted} not as the facts say"
        self.stdout.write(f"{workspace.key}: {told}")
        for one in run.drift:
            name = f"{one['kind']} {one['key'] or one['id']}: {one['name']}"
            self.stdout.write(f"  {name} was {one['stored']}, is {one['computed']}")
        return run.drifted
