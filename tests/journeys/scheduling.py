"""A pytest plugin: the tests of a file stay on one of xdist's processes, and all journeys do; fuzzed operations do not.

A module's fixtures are then made once, and the machine carries one whole system beside the tests. (xdist's
own `loadgroup` loses its groups on pytest 9, which no longer reads the private attribute it writes them to.)
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling


class FilesTogether(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/journeys/"):
            return "journeys"
        # One file that is a quarter of all the work: whoever is free takes the next of its tests.
        return nodeid if nodeid.startswith("tests/fuzz/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)
