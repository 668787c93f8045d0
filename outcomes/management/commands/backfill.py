"""`manage.py backfill FILE --url URL --secret SECRET`: post a file's history through the webhook."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outcomes.backfill.posting import AddressRefused, NotAccepted, Poster, Tally, post_all
from outcomes.backfill.rows import MAX_ROWS, BodyRow, OpenHistory, make_batches, open_history
from roadmap.imports.complaints import MAX_COMPLAINTS, FileRefused

_TELL_EVERY = 1.0


class Command(BaseCommand):
    help = (
        "Post observations, usage or snapshots from a file (CSV or NDJSON, plain or gzip; - reads standard"
        " input) to a productops source, signed, in batches. A client: it needs no database. Running it again"
        " sends the same bytes under the same ids, which are answered as duplicates. Exits 0 when all were"
        " accepted."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument("--url", required=True, help="the source's address")
        parser.add_argument("--secret", required=True, help="the source's secret (whsec_...)")
        parser.add_argument(
            "--batch", type=int, default=MAX_ROWS, metavar="N", help=f"rows in a delivery, 1 to {MAX_ROWS}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["batch"] <= MAX_ROWS:
            raise CommandError(f"--batch must lie between 1 and {MAX_ROWS}.")
        try:
            poster = Poster(options["url"], options["secret"], say=self.stderr.write)
            with self._opened(options["file"]) as file:
                self._post(poster, open_history(file), options["batch"])
        except AddressRefused as refused:
            raise CommandError(str(refused)) from None
        except FileRefused as refused:
            for complaint in refused.complaints[:MAX_COMPLAINTS]:
                self.stderr.write(str(complaint))
            raise CommandError(f"{options['file']} cannot be read to its end.") from None

    def _opened(self, path: str) -> Any:
        if path == "-":
            return nullcontext(sys.stdin.buffer)
        try:
            file: BinaryIO = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None
        return file

    def _post(self, poster: Poster, history: OpenHistory, size: int) -> None:
        tally, progress = Tally(), Progress(self.stderr.write)
        unreadable = Unreadable(self.stderr.write)
        batches = make_batches(history.section, unreadable.leave_out(history), size)
        failure = ""
        try:
            post_all(poster, batches, tally, progress.tell)
        except NotAccepted as refused:
            failure = str(refused)
        finally:
            self.stdout.write(progress.line(tally))
        if unreadable.count:
            self.stderr.write(f"{unreadable.count:,} rows could not be read and were not sent.")
        if failure:
            raise CommandError(f"Not accepted: {failure}")
        if unreadable.count:
            sys.exit(1)


class Unreadable:
    """The rows of a file that cannot be stated: told, counted and left out."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self.count = 0

    def leave_out(self, history: OpenHistory) -> Iterator[BodyRow]:
        for row in history.rows:
            if isinstance(row, BodyRow):
                yield row
                continue
            self.count += 1
            if self.count <= MAX_COMPLAINTS:
                self._say(str(row))


class Progress:
    """Says how far it has come, once a second."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self._began = time.monotonic()
        self._told = self._began

    def tell(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            self._say(self.line(tally))

    def line(self, tally: Tally) -> str:
        rate = tally.rows / max(time.monotonic() - self._began, 0.001)
        return (
            f"{tally.rows:,} rows, {rate:,.0f} rows/s; deliveries: {tally.accepted:,} accepted,"
            f" {tally.duplicate:,} duplicate, {tally.refused:,} refused"
        )
