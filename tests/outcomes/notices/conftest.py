"""What the tests of notices share: a receiver on loopback, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.outcomes.channels.receiving import LOOPBACK, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as held:
        yield held


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = LOOPBACK


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outcomes.pipeline.claims.random.random", lambda: 0.0)
