"""A pytest plugin: the tests of a file stay on one of xdist's processes, of fuzzed ones those of an operation.

A module's fixtures are then made once. (xdist's own `loadgroup` loses its groups on pytest 9, which no longer reads
the private attribute it writes them to.)
"""

from __future__ import annotations

from collections import OrderedDict

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# What takes longer than its number of tests says, in seconds. It need not be exact: what is long goes first, so that
# at the end nobody waits for the last one.
_SECONDS = {
    "tests/tenants/test_matrix.py": 120,
    "tests/productops/test_nasty_values.py": 110,
    "tests/tenants/test_references.py": 60,
    "tests/demo/test_loading.py": 50,
    "tests/admin/test_browser.py": 50,
    "tests/outcomes/pipeline/test_order.py": 35,
    "tests/outcomes/pipeline/test_flag_detours.py": 30,
    "tests/admin/test_browser_keyboard.py": 30,
    "tests/demo/test_workspace.py": 25,
    "tests/outcomes/pipeline/test_order_across_kinds.py": 25,
    "tests/outcomes/pipeline/test_properties.py": 20,
    "tests/admin/test_browser_sources.py": 20,
    "tests/outcomes/api/test_file_imports.py": 20,
    "tests/productops/test_docs_in_a_browser.py": 15,
}
_USUAL = 0.1


def seconds_of(scope: str, tests: int) -> float:
    """How long the tests of a scope take, about."""
    return _SECONDS.get(scope, tests * _USUAL)


class _LongestFirst(OrderedDict[str, dict[str, bool]]):
    """The scopes that nobody has begun: whoever is free takes the one that takes longest."""

    def popitem(self, last: bool = True) -> tuple[str, dict[str, bool]]:
        scope = max(self, key=lambda scope: seconds_of(scope, len(self[scope])))
        return scope, self.pop(scope)


class FilesTogether(LoadScopeScheduling):
    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.workqueue = _LongestFirst()

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.startswith("tests/fuzz/"):
            return file
        # A quarter of all the work: whoever is free takes the next operation. What can be asked of one takes long to
        # work out, and a process does that once.
        operation = test.partition("[")[2]
        return f"{file}::{operation}" if operation else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)
