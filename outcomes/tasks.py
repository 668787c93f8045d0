"""Thin, in pipeline order. Names are wire format: they never change."""

from __future__ import annotations

from celery import shared_task

from outcomes.pipeline import clock, doorbell, partitions, reconcile, retention, sending, work
from outcomes.services import waiting_files

# Well under the soft time limit, so that a task ends by itself and the next one goes on.
SLICE_SECONDS = 8.0


@shared_task(name="outcomes.interpret")
def interpret_pending() -> None:
    """Interpret pending deliveries and settle what they marked; rings again while any is left."""
    if work.work(max_seconds=SLICE_SECONDS):
        doorbell.ring("interpret")


@shared_task(name="outcomes.settle")
def settle_marks() -> None:
    """Settle marks that an edit left. Deliveries come first, as whoever edits waits for both."""
    if work.work(max_seconds=SLICE_SECONDS):
        doorbell.ring("settle")


@shared_task(name="outcomes.sweep")
def sweep() -> None:
    """Find by state what a lost hint missed."""
    work.work(max_seconds=SLICE_SECONDS)


# A file may take minutes; its queue is its own.
@shared_task(name="outcomes.take_files", soft_time_limit=600, time_limit=630)
def take_files() -> None:
    """Take the files that wait for a worker."""
    waiting_files.take_waiting(max_seconds=SLICE_SECONDS)


# What is on its way when the slice is over may still take as long as an attempt may.
@shared_task(name="outcomes.send_notices", soft_time_limit=60, time_limit=75)
def send_notices() -> None:
    """Send the notices that are due. Its queue is its own: receivers may be slow."""
    sending.send_waiting(max_seconds=SLICE_SECONDS)


@shared_task(name="outcomes.tick")
def tick() -> None:
    """Judge workspaces anew whose day has turned."""
    clock.tick()


@shared_task(name="outcomes.reconcile")
def reconcile_due() -> None:
    """Go on with the night's comparison of what is stored with what the facts say."""
    reconcile.reconcile_due(max_seconds=SLICE_SECONDS)


@shared_task(name="outcomes.make_partitions")
def make_partitions() -> None:
    """Make the coming months' partitions."""
    partitions.make_ahead()


@shared_task(name="outcomes.forget")
def forget() -> None:
    """Let go of what is older than the settings keep."""
    retention.forget_bodies(max_seconds=SLICE_SECONDS)
    retention.drop_old_facts()
    retention.forget_notices(max_seconds=SLICE_SECONDS)


@shared_task(name="outcomes.top_up_demo")
def top_up_demo() -> None:
    """Post the demo's last days through the webhook, if there is a demo."""
    from outcomes.demo.loading import top_up

    top_up()
