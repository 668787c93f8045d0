"""Every operation, with what the document allows and what it does not: as owner, as nobody, from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from productops.local.places import CHECKOUT
from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_workspace
from tests.fuzz import checks
from tests.tenants.routes import Operation, operations
from tests.tenants.rows import OPEN
from tests.tenants.test_matrix import ids, objects_of

assert checks

pytestmark = pytest.mark.django_db

CONFIG = schemathesis.Config.from_path(CHECKOUT / "tests" / "fuzz" / "schemathesis.toml")
schema: Any = schemathesis.openapi.from_path(CHECKOUT / "docs" / "openapi.json", config=CONFIG)
schema.app = get_wsgi_application()
# In the suite a bounded number of drawn examples; every boundary value is benchmarks/fuzz_api.py's to try.
OPERATIONS = {one.label: one for one in (found.ok() for found in schema.get_all_operations())}
every_operation = pytest.mark.parametrize("label", OPERATIONS)


def drawn(label: str, count: int, ask: Callable[[Any], None]) -> None:
    """Ask with `count` cases that the document allows and, where any can be made, as many that it does not.

    (Not Schemathesis' own `parametrize`: on pytest 9.2 all its tests of a function have one id, and of those
    that share an id xdist runs one.)
    """
    strategies = [OPERATIONS[label].as_strategy(generation_mode=mode) for mode in GenerationMode]
    for strategy in strategies:
        asked = given(case=strategy)(ask)
        bounded = settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        try:
            bounded(asked)()
        except Unsatisfiable:
            assert strategy is not strategies[0], f"no good request can be made of {label}"


# The application is called without a client that would unpack what is compressed.
AS_IT_IS = {"Accept-Encoding": "identity"}


class Room:
    """A workspace, somebody outside of it, and its objects for the paths of an operation."""

    def __init__(self) -> None:
        self.workspace: Workspace = a_workspace()
        self.owner = Caller(self.workspace).headers
        self.outsider = Caller(a_workspace()).headers
        self.found: dict[str, dict[str, Any]] = {}

    def refs(self, path: str) -> dict[str, Any]:
        path = path.removeprefix("/api/")
        if path not in self.found:
            operation: Operation = next(one for one in operations() if one.path == path)
            self.found[path] = {} if path in OPEN else ids(objects_of(operation, self.workspace))
        return self.found[path]


@pytest.fixture
def room(db: None) -> Iterator[Room]:
    # As Django's own test client does: the application would close the test's connection after each request.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield Room()
    for signal in signals:
        signal.connect(close_old_connections)


def aim(case: Any, room: Room) -> Any:
    """Point a good request at an object that is there: one of nothing tells little."""
    if case.meta is not None and case.meta.generation.mode.is_positive and case.path_parameters:
        refs = room.refs(case.operation.path)
        case.path_parameters.update({name: str(refs[name]) for name in case.path_parameters if name in refs})
    return case


@every_operation
def test_the_owner_gets_what_the_document_says(label, room) -> None:
    def ask(case: Any) -> None:
        aim(case, room).call_and_validate(headers={**room.owner, **AS_IT_IS})

    drawn(label, 4, ask)


@every_operation
def test_nobody_gets_what_the_document_says(label, room) -> None:
    def ask(case: Any) -> None:
        answer = aim(case, room).call_and_validate(headers=AS_IT_IS)
        assert answer.status_code >= 400 or case.operation.path.removeprefix("/api/") in OPEN

    drawn(label, 2, ask)


@every_operation
def test_an_outsider_gets_what_the_document_says_and_no_object_of_ours(label, room) -> None:
    def ask(case: Any) -> None:
        is_aimed = bool(case.path_parameters) and case.meta.generation.mode.is_positive
        answer = aim(case, room).call_and_validate(headers={**room.outsider, **AS_IT_IS})
        assert not is_aimed or answer.status_code >= 400

    drawn(label, 2, ask)
