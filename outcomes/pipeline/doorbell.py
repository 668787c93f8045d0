"""Hints to the worker. Losing one costs seconds, never work: the rows are the queue.

A ring is sent after the commit, from a background thread, coalesced: a burst of deliveries makes a handful
of messages. With Redis away nothing waits and nothing fails; it is counted and logged.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from django.conf import settings
from django.db import transaction

from outcomes.instruments import RINGS

logger = logging.getLogger(__name__)

TASKS = {
    "interpret": "outcomes.interpret",
    "settle": "outcomes.settle",
    "files": "outcomes.take_files",
    "notices": "outcomes.send_notices",
}
# Work that takes minutes, or waits for others, has a queue of its own, as CELERY_TASK_ROUTES says.
_QUEUES = {"files": "files", "notices": "notices"}
# Rings within this time of the last message become one. A worker that is at work finds new rows without a ring,
# and a message costs a web process as much as several deliveries.
COALESCE_SECONDS = 0.2
EXPIRES_SECONDS = 10


class _Bell:
    """One thread per process that turns rings into messages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self.sent_count = 0
        self.failed_count = 0

    def ring(self, name: str) -> None:
        with self._lock:
            self._wanted.add(name)
            if self._thread is None or self._pid != os.getpid() or not self._thread.is_alive():
                # After a fork the parent's thread is not ours.
                self._pid = os.getpid()
                self._wake = threading.Event()
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        app = _sending_app()
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                names, self._wanted = self._wanted, set()
            for name in sorted(names):
                self._send(app, name)
            time.sleep(COALESCE_SECONDS)

    def _send(self, app: Any, name: str) -> None:
        try:
            app.send_task(TASKS[name], queue=_QUEUES.get(name), expires=EXPIRES_SECONDS, retry=False)
            self.sent_count += 1
            RINGS.labels("sent").inc()
        except Exception as error:
            # Any failure of the broker means the same: the sweep will find the row.
            self.failed_count += 1
            RINGS.labels("lost").inc()
            if self.failed_count == 1 or self.failed_count % 100 == 0:
                logger.warning("doorbell not heard (%s times): %s", self.failed_count, error)


def _sending_app() -> Any:
    """A Celery app of our own whose connection gives up at once, so a frozen Redis holds up nobody."""
    from celery import Celery

    app = Celery("doorbell", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_timeout=0.5,
        broker_transport_options={
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
            "max_retries": 0,
            "retry_on_timeout": False,
        },
    )
    return app


_bell = _Bell()


def ring(name: str) -> None:
    """Ask the worker, soon, to `interpret` deliveries or to `settle` marks."""
    _bell.ring(name)


def ring_after_commit(name: str) -> None:
    """Ring when the running transaction has committed; many rings of one name soon make one message."""
    transaction.on_commit(lambda: ring(name))


def counts() -> dict[str, int]:
    """How many rings of this process were sent and how many were lost."""
    return {"sent": _bell.sent_count, "failed": _bell.failed_count}
