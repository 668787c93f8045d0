"""The checks catch what they are for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.fuzz.checks import TookMoreThanBadRows, is_beyond_words, nothing_but_a_row_is_refused_for_itself
from tests.fuzz.rooms import OPERATIONS

FACTS, BATCH = "POST /api/v1/observations/", "POST /api/v1/items/bulk/"


def look_at(label: str, body: Any, status: int = 200) -> bool:
    """Raise what the check raises of a body that was answered so; True when it finds nothing."""
    case = SimpleNamespace(
        operation=OPERATIONS[label], body=body, media_type="application/json", meta=object()
    )
    nothing_but_a_row_is_refused_for_itself(None, SimpleNamespace(status_code=status), case)
    return True


@pytest.mark.parametrize(
    ("label", "body"),
    [
        (FACTS, {"observations": [7, None, {"metric": 3}], "usage": None, "covers": ["never"]}),
        (BATCH, {"rows": [7, {"title": 3}]}),
    ],
)
def test_a_row_may_be_anything(label: str, body: Any) -> None:
    assert look_at(label, body)


@pytest.mark.parametrize(
    ("label", "body"),
    [
        (FACTS, {"releases": 3}),
        (FACTS, {"observation": []}),
        (FACTS, [1]),
        (FACTS, {"sent_at": 7}),
        (BATCH, {"rows": 7}),
        (BATCH, {"rows": []}),
        (BATCH, {"rows": [{}], "partial": True}),
        (BATCH, {}),
    ],
)
def test_a_body_that_is_wrong_around_its_rows_is_not_to_be_taken(label: str, body: Any) -> None:
    assert look_at(label, body, status=400)
    with pytest.raises(TookMoreThanBadRows):
        look_at(label, body)


@pytest.mark.parametrize(
    ("pointer", "code", "is_beyond"),
    [
        ("/rows/0/title", "blank", True),
        ("/rows/1/title", "blank", False),
        ("/rows/7/title", "blank", False),
        ("/rows/0/horizon", "invalid_choice", False),
    ],
)
def test_white_space_alone_is_blank_wherever_it_stands(pointer: str, code: str, is_beyond: bool) -> None:
    body = {"rows": [{"title": "\x1c\u2003"}, {"title": ""}]}
    assert is_beyond_words(BATCH, {"pointer": pointer, "code": code}, body) is is_beyond
