"""Every operation, with what the document allows and what it does not: as owner, as nobody, from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.fuzz.rooms import AS_IT_IS, OPERATIONS, Room
from tests.tenants.rows import OPEN

pytestmark = pytest.mark.django_db

# In the suite a bounded number of drawn examples; every boundary value is benchmarks/fuzz_api.py's to try.
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
