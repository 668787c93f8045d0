"""What holds for every test."""

from __future__ import annotations

import os
import tempfile
from collections import Counter

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, settings

# In CI the same change is always tried on the same examples, so that a failure is the change's own and can be
# repeated; at a desk every run looks at new ones.
# A machine that is busy is no error of an example's.
PATIENT = [HealthCheck.too_slow]
settings.register_profile("desk", suppress_health_check=PATIENT)
settings.register_profile("ci", derandomize=True, print_blob=True, suppress_health_check=PATIENT)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_configure(config: pytest.Config) -> None:
    # Every client that a test makes reads the whole folder of collected files, and a server that ran here filled it.
    # A test that wants files gets them from where they lie.
    empty = tempfile.TemporaryDirectory()
    config.add_cleanup(empty.cleanup)
    django_settings.STATIC_ROOT = empty.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Of tests that share an id, a run that is spread over processes keeps one and says nothing of the others.
    shared = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if shared:
        raise pytest.UsageError(f"{len(shared)} ids belong to several tests, the first is {shared[0]}")
