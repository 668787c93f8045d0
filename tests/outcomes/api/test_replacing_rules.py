from __future__ import annotations

import pytest

from tests.callers import Caller
from tests.factories import a_source, a_workspace, an_item


@pytest.mark.django_db
def test_a_rule_that_is_replaced_keeps_the_source_that_was_not_said() -> None:
    workspace = a_workspace()
    paula, source = Caller(workspace), a_source(workspace, kind="custom")
    an_item(workspace, key="saved-carts")
    said = {"match": "name == 'x'", "to": "usage", "item": "saved-carts"}
    rule = paula.post("rules/", {**said, "source": source.key}).json()
    answer = paula.put(f"rules/{rule['id']}/", {**said, "match": "name == 'y'"}, "*")
    assert (answer.status_code, answer.json()["source"]) == (200, rule["source"])
