"""Files that wait for a worker: taken one at a time, each in one transaction, given up after some attempts."""

from __future__ import annotations

import io
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.models import Q
from django.utils import timezone

from outcomes.imports import FileRefused, import_file
from outcomes.models import FileImport
from outcomes.pipeline.alone import alone
from outcomes.services.file_imports import as_told, told_by
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(seconds=20)
# One file at a time, because a file keeps a worker for minutes, and others have to go on meanwhile.
_LOCK = 0x70_6F_66_69
_PROGRESS_SECONDS = 1.0
# One statement writes all rows of a file; the patience of a request, or of another task, is too short for it.
_STATEMENT_SECONDS = 480
_GIVEN_UP = f"It could not be taken in {MAX_ATTEMPTS} attempts."


def take_waiting(*, max_seconds: float) -> int:
    """Take waiting files, one after the other, until none is due or the time is up; return how many."""
    until = time.monotonic() + max_seconds
    taken = 0
    with alone(_LOCK) as is_alone:
        while is_alone and time.monotonic() < until and (row := _next()) is not None:
            _take(row)
            taken += 1
    return taken


def _next() -> FileImport | None:
    """The oldest file that is due. Its attempt is counted before the work, so that a killed worker's counts."""
    now = timezone.now()
    waiting = FileImport.objects.filter(Q(retry_at=None) | Q(retry_at__lte=now), state="pending")
    waiting.filter(attempts__gte=MAX_ATTEMPTS).update(
        state="failed",
        body=None,
        finished_at=now,
        complaints=[{"line": 0, "column": "", "code": "failed", "detail": _GIVEN_UP}],
    )
    row = waiting.select_related("workspace").order_by("id").first()
    if row is not None:
        row.attempts += 1
        row.retry_at = now + RETRY_AFTER
        row.save(update_fields=["attempts", "retry_at"])
    return row


def _take(row: FileImport) -> None:
    by = Actor(name=row.by, user_id=row.user_id, via=row.via)  # type: ignore[arg-type]  # as it was stored
    try:
        with acting(by), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
            with _Watched(row.pk, io.BytesIO(bytes(row.body or b""))) as stream:
                report = import_file(
                    kind=row.kind, stream=stream, workspace=row.workspace, by=by, is_dry_run=row.is_dry_run
                )
            _finish(row, **told_by(report), read_bytes=row.body_bytes)
    except FileRefused as refused:
        _finish(row, state="refused", finished_at=timezone.now(), complaints=as_told(refused.complaints))
    except (DatabaseError, ValueError, TypeError, ArithmeticError, LookupError):
        logger.exception("cannot take file %s, attempt %s", row.pk, row.attempts)


def _finish(row: FileImport, **fields: object) -> None:
    FileImport.objects.filter(pk=row.pk, state="pending").update(body=None, retry_at=None, **fields)


@dataclass(slots=True)
class _Watched:
    """A file that tells how much of it has been read, on a connection of its own: the import's commits last."""

    pk: int
    stream: io.BytesIO
    read_bytes: int = 0
    told_at: float = field(default_factory=time.monotonic)
    teller: Any = None

    def read(self, size: int, /) -> bytes:
        data = self.stream.read(size)
        self.read_bytes += len(data)
        if time.monotonic() - self.told_at >= _PROGRESS_SECONDS:
            self._tell()
        return data

    def _tell(self) -> None:
        self.told_at = time.monotonic()
        if self.teller is None:
            self.teller = connections.create_connection(DEFAULT_DB_ALIAS)
            self.teller.ensure_connection()
        # Past Django's own cursor: its hooks would begin a savepoint on the connection that is copying.
        with self.teller.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outcomes_fileimport SET read_bytes = %s WHERE id = %s", [self.read_bytes, self.pk]
            )

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *_: object) -> None:
        if self.teller is not None:
            self.teller.close()
