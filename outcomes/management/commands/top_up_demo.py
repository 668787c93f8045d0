from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outcomes.demo.loading import CannotLoad, post_missing_days


class Command(BaseCommand):
    help = "Post the demo's days since the last one through the webhook; without a demo do nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            posted = post_missing_days()
        except CannotLoad as reason:
            raise CommandError(str(reason)) from reason
        self.stderr.write(f"Posted {posted} days", style_func=str)
