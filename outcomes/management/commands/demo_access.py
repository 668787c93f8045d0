from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outcomes.demo.loading import CannotLoad, access_again


class Command(BaseCommand):
    help = "Issue a new API key and password for the demo and print the way in, once."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            access = access_again()
        except CannotLoad as reason:
            raise CommandError(str(reason)) from reason
        for line in access.lines():
            self.stdout.write(line)
