from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.fuzz.rooms import Room


@pytest.fixture
def room(db: None) -> Iterator[Room]:
    # As Django's own test client does: the application would close the test's connection after each request.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield Room()
    for signal in signals:
        signal.connect(close_old_connections)
