"""The Celery app. Messages are hints; what is to be done stands in PostgreSQL."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("PRODUCTOPS_ROLE", "worker")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")

from celery import Celery
from celery.signals import worker_process_init
from django.conf import settings

from productops.schedule import SCHEDULE

app = Celery("productops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = SCHEDULE


@worker_process_init.connect
def give_way(**_: Any) -> None:
    """Where both are short of time, requests are answered first: what they bring can wait, they cannot."""
    os.nice(settings.WORKER_NICENESS)
