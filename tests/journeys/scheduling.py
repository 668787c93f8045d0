"""A pytest plugin: the tests of a file stay on one of xdist's processes, and all journeys do; of fuzzed ones those of
an operation.

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
        file, _, test = nodeid.partition("::")
        if not file.startswith("tests/fuzz/"):
            return file
        # A quarter of all the work: whoever is free takes the next operation. What can be asked of one takes long to
        # work out, and a process does that once.
        operation = test.partition("[")[2]
        return f"{file}::{operation}" if operation else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)
