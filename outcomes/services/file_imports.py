"""Take a CSV file in: at once when it is small, by a worker when it is not."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import asdict

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from outcomes.imports import Report, RowComplaint, import_file
from outcomes.models import FileImport
from outcomes.pipeline import doorbell
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace

_GZIP_MAGIC = b"\x1f\x8b"


@transaction.atomic
def take_file(
    *, workspace: Workspace, by: Actor, kind: str, body: bytes, name: str = "", is_dry_run: bool = False
) -> FileImport:
    """Take a file of a kind in `outcomes.imports.KINDS`, and say what became of its rows.

    A small file is taken now, and raises FileRefused when it cannot be read as a whole. A large one is stored
    with state pending: a worker takes it.
    """
    row = FileImport(
        workspace=workspace,
        kind=kind,
        name=name,
        is_dry_run=is_dry_run,
        body_bytes=len(body),
        user_id=by.user_id,
        by=by.name,
        via=by.via,
    )
    if is_small(body):
        stream = io.BytesIO(body)
        report = import_file(kind=kind, stream=stream, workspace=workspace, by=by, is_dry_run=is_dry_run)
        for field, value in told_by(report).items():
            setattr(row, field, value)
        row.read_bytes = len(body)
    else:
        row.state, row.body = "pending", body
        doorbell.ring_after_commit("files")
    row.save(force_insert=True)
    return row


def told_by(report: Report) -> dict[str, object]:
    """What a finished import keeps of its report."""
    return {
        "state": "done",
        "finished_at": timezone.now(),
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "complaints": as_told(report.complaints),
        "complaints_left_out": report.complaints_left_out,
    }


def as_told(complaints: list[RowComplaint]) -> list[dict[str, object]]:
    return [asdict(complaint) for complaint in complaints]


def is_small(body: bytes) -> bool:
    """Whether a file is taken while its sender waits: by what it holds once unpacked."""
    limit = settings.IMPORT_AT_ONCE_BYTES
    if len(body) > limit or not body.startswith(_GZIP_MAGIC):
        return len(body) <= limit
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            return len(packed.read(limit + 1)) <= limit
    except (OSError, EOFError, zlib.error):
        # It is broken, which does not take long to say.
        return True
