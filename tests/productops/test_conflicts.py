"""A write that lost against another one is done again before anybody hears of it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, transaction

from productops.api.conflicts import again_after_conflict


def conflict(error: type[psycopg.Error]) -> OperationalError:
    raised = OperationalError("met another one")
    raised.__cause__ = error()
    return raised


class Handler:
    """Fails as often as it has errors, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, request: Any) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.mark.parametrize(
    "error",
    [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable],
)
def test_a_write_that_lost_twice_is_done_at_the_third_try(error: type[psycopg.Error]) -> None:
    handler = Handler(conflict(error), conflict(error))
    assert again_after_conflict(handler, None) == "done"  # type: ignore[arg-type]
    assert handler.calls == 3


def test_after_three_tries_the_caller_hears_of_it() -> None:
    handler = Handler(*(conflict(psycopg.errors.DeadlockDetected) for _ in range(3)))
    with pytest.raises(OperationalError):
        again_after_conflict(handler, None)  # type: ignore[arg-type]
    assert handler.calls == 3


def test_what_would_fail_again_is_not_tried_again() -> None:
    handler = Handler(conflict(psycopg.errors.AdminShutdown))
    with pytest.raises(OperationalError):
        again_after_conflict(handler, None)  # type: ignore[arg-type]
    assert handler.calls == 1


@pytest.mark.django_db
def test_within_somebody_else_s_transaction_nothing_is_tried_again() -> None:
    handler = Handler(conflict(psycopg.errors.DeadlockDetected))
    with transaction.atomic(), pytest.raises(OperationalError):
        again_after_conflict(handler, None)  # type: ignore[arg-type]
    assert handler.calls == 1
