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
    _take_a_redis_of_our_own()
    # Every client that a test makes reads the whole folder of collected files, and a server that ran here filled it.
    # A test that wants files gets them from where they lie.
    empty = tempfile.TemporaryDirectory()
    config.add_cleanup(empty.cleanup)
    django_settings.STATIC_ROOT = empty.name


def _take_a_redis_of_our_own() -> None:
    # Processes that test beside each other would count, and forget, each other's attempts to sign in. As with the
    # database each has its own; the first of Redis' is left to whoever tests alone.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        own = f"{django_settings.REDIS_URL.rpartition('/')[0]}/{int(worker.removeprefix('gw')) + 1}"
        django_settings.REDIS_URL = django_settings.CELERY_BROKER_URL = own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Of tests that share an id, a run that is spread over processes keeps one and says nothing of the others.
    shared = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if shared:
        raise pytest.UsageError(f"{len(shared)} ids belong to several tests, the first is {shared[0]}")
