"""The Celery app. Messages are hints; what is to be done stands in PostgreSQL."""

from __future__ import annotations

import os

os.environ.setdefault("PRODUCTOPS_ROLE", "worker")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")

from celery import Celery

from productops.schedule import SCHEDULE

app = Celery("productops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = SCHEDULE
