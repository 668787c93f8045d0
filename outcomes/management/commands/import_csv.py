"""`manage.py import_csv KIND FILE --workspace SLUG [--dry-run]`."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outcomes.imports import KINDS, FileRefused, Report, RowComplaint, import_file
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace

BY = Actor(name="import_csv", user_id=None, via="import")


class Command(BaseCommand):
    help = (
        "Import a CSV file (UTF-8, header row, plain or gzip; - reads standard input). Rows are matched by"
        " key or external_id; importing a file again changes nothing. Valid rows are taken even when others"
        " are refused; refused rows are told on standard error by line and column, and the exit status is 1."
    )

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(KINDS))
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="validate and count, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(key=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        try:
            report = self._take(workspace, options["kind"], options["file"], options["dry_run"])
        except FileRefused as refused:
            self._complain(refused.complaints, 0)
            raise CommandError(f"Nothing of {options['file']} was taken.") from None
        self._complain(report.complaints, report.complaints_left_out)
        self.stdout.write(str(report) + (" (dry run: nothing was written)" if report.is_dry_run else ""))
        if report.refused:
            sys.exit(1)

    def _take(self, workspace: Workspace, kind: str, path: str, is_dry_run: bool) -> Report:
        try:
            file = sys.stdin.buffer if path == "-" else cast(BinaryIO, open(path, "rb"))  # noqa: SIM115
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None
        with file:
            return import_file(kind=kind, stream=file, workspace=workspace, by=BY, is_dry_run=is_dry_run)

    def _complain(self, complaints: list[RowComplaint], left_out: int) -> None:
        for complaint in complaints:
            self.stderr.write(str(complaint))
        if left_out:
            self.stderr.write(f"... and {left_out} more.")
