"""Recurring work of the ground floor. Names are wire format: they never change."""

from __future__ import annotations

from celery import shared_task

from productops.workspaces.answers import forget_answers


@shared_task(name="workspaces.forget_answers")
def forget_kept_answers() -> None:
    """Forget the answers to requests with an Idempotency-Key that have expired."""
    forget_answers()
