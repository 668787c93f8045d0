from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outcomes.demo.loading import CannotLoad, load


class Command(BaseCommand):
    help = (
        "Load the generated demo through the webhook of the running server; print the way in, once. "
        "A load that was interrupted is finished."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            access = load(say=self._say)
        except CannotLoad as reason:
            raise CommandError(str(reason)) from reason
        for line in access.lines():
            self.stdout.write(line)

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)
