"""Nothing crosses a workspace: every route of the roadmap and of the frame, own, foreign and missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from productops.api.workspaces import ROUTES as FRAME_ROUTES
from productops.workspaces.actors import CLOCK
from productops.workspaces.models import Workspace
from productops.workspaces.people import invite
from roadmap.api.urls import ROUTES
from tests.callers import Caller
from tests.factories import (
    a_customer,
    a_key,
    a_link,
    a_member,
    a_problem,
    a_product,
    a_survey,
    a_workspace,
    an_item,
    evidence,
)

pytestmark = pytest.mark.django_db

MAKERS: dict[str, Callable[[Workspace], Any]] = {
    "products": a_product,
    "customers": a_customer,
    "problems": a_problem,
    "evidence": lambda workspace: evidence(a_problem(workspace)),
    "surveys": lambda workspace: a_survey(a_problem(workspace)),
    "items": an_item,
    "links": lambda workspace: a_link(an_item(workspace), a_problem(workspace)),
    "members": a_member,
    "invitations": lambda workspace: invite(workspace=workspace, by=CLOCK, email="zoe@example.com")[0],
    "api-keys": lambda workspace: a_key(workspace)[0],
}
EDITS: dict[str, dict[str, Any]] = {
    "products": {"name": "Mine"},
    "customers": {"name": "Mine"},
    "problems": {"title": "Mine"},
    "evidence": {"quote": "Mine"},
    "surveys": {"segment": "mine"},
    "items": {"title": "Mine"},
    "links": {"weight": 0.1},
}
ACTIONS = {
    "customers": ["restore"],
    "problems": ["restore"],
    "items": ["restore", "release"],
    "api-keys": ["revoke"],
}
MISSING = 987_654_321


def test_every_route_is_in_this_matrix() -> None:
    # Changes are seen once their transaction has ended; tests/productops/test_history.py keeps them apart.
    assert set(MAKERS) | {"changes"} == {prefix for prefix, _ in [*ROUTES, *FRAME_ROUTES]}


@pytest.mark.parametrize("prefix", MAKERS)
def test_one_s_own_is_seen_and_others_are_in_no_list(prefix: str) -> None:
    own, foreign = a_workspace(), a_workspace()
    mine, theirs = MAKERS[prefix](own), MAKERS[prefix](foreign)
    caller = Caller(own)
    ids = {row["id"] for row in caller.get(f"{prefix}/?page_size=200").json()["results"]}
    assert mine.pk in ids
    assert theirs.pk not in ids
    assert caller.get(f"{prefix}/{mine.pk}/").status_code == 200


@pytest.mark.parametrize("prefix", MAKERS)
def test_nobody_and_a_key_without_the_scope_get_nothing(prefix: str) -> None:
    own = a_workspace()
    mine = MAKERS[prefix](own)
    for caller, status in ((Caller(), 401), (Caller(own, ["ingest"]), 403)):
        assert caller.get(f"{prefix}/").status_code == status
        assert caller.get(f"{prefix}/{mine.pk}/").status_code == status
        if prefix in EDITS:
            assert caller.post(f"{prefix}/", EDITS[prefix]).status_code == status
            assert caller.patch(f"{prefix}/{mine.pk}/", EDITS[prefix], match="*").status_code == status
            assert caller.delete(f"{prefix}/{mine.pk}/", match="*").status_code == status


@pytest.mark.parametrize("prefix", MAKERS)
def test_a_foreign_object_is_answered_like_a_missing_one(prefix: str) -> None:
    own, foreign = a_workspace(), a_workspace()
    theirs = MAKERS[prefix](foreign)
    caller = Caller(own)
    refs = [str(theirs.pk), *([theirs.key] if hasattr(theirs, "key") else [])]
    calls: list[Callable[[str], Any]] = [lambda ref: caller.get(f"{prefix}/{ref}/")]
    if prefix in EDITS:
        calls += [
            lambda ref: caller.patch(f"{prefix}/{ref}/", EDITS[prefix], match='"1"'),
            lambda ref: caller.put(f"{prefix}/{ref}/", EDITS[prefix], match="*"),
            lambda ref: caller.delete(f"{prefix}/{ref}/", match="*"),
        ]
    for action in ACTIONS.get(prefix, []):
        calls.append(lambda ref, action=action: caller.post(f"{prefix}/{ref}/{action}/"))
    for call in calls:
        missing = call(str(MISSING))
        assert missing.status_code == 404
        for ref in refs:
            answer = call(ref)
            assert (answer.status_code, _told(answer)) == (404, _told(missing))
    assert type(theirs).objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize(
    ("prefix", "body"),
    [
        ("items", {"title": "x", "product": "products"}),
        ("items", {"title": "x", "owner": "members"}),
        ("items", {"title": "x", "links": [{"problem": "problems"}]}),
        ("problems", {"title": "x", "parent": "problems"}),
        ("evidence", {"kind": "call", "problem": "problems"}),
        ("links", {"item": "items", "problem": "problems"}),
        (
            "surveys",
            {
                "problem": "problems",
                "segment": "s",
                "on": "2026-01-01",
                "respondents": 1,
                "importance_top2": 1,
                "satisfaction_top2": 1,
            },
        ),
    ],
)
def test_a_reference_to_others_is_refused_like_one_to_nothing(prefix: str, body: dict[str, Any]) -> None:
    own, foreign = a_workspace(), a_workspace()
    theirs = {name: MAKERS[name](foreign) for name in ("products", "members", "problems", "items")}
    caller = Caller(own)

    def filled(value: Any, ids: dict[str, int]) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner, ids) for name, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner, ids) for inner in value]
        return ids.get(value, value) if isinstance(value, str) else value

    foreign_answer = caller.post(f"{prefix}/", filled(body, {name: row.pk for name, row in theirs.items()}))
    missing_answer = caller.post(f"{prefix}/", filled(body, dict.fromkeys(theirs, MISSING)))
    assert foreign_answer.status_code == 400
    assert _told(foreign_answer) == _told(missing_answer)


@pytest.mark.parametrize(
    ("path", "maker"),
    [
        ("items/?problem=", "problems"),
        ("items/?product=", "products"),
        ("items/?owner=", "members"),
        ("problems/?parent=", "problems"),
        ("problems/?item=", "items"),
        ("problems/?customer=", "customers"),
        ("evidence/?problem=", "problems"),
        ("evidence/?customer=", "customers"),
        ("surveys/?problem=", "problems"),
        ("links/?item=", "items"),
        ("links/?problem=", "problems"),
    ],
)
def test_a_filter_by_others_is_refused_like_one_by_nothing(path: str, maker: str) -> None:
    own, foreign = a_workspace(), a_workspace()
    theirs, caller = MAKERS[maker](foreign), Caller(own)
    foreign_answer, missing_answer = caller.get(f"{path}{theirs.pk}"), caller.get(f"{path}{MISSING}")
    assert foreign_answer.status_code == 400
    assert _told(foreign_answer) == _told(missing_answer)


def _told(answer: Any) -> dict[str, Any]:
    """The body but for what names the request itself."""
    return {name: value for name, value in answer.json().items() if name not in ("instance", "request_id")}
