from __future__ import annotations

import pytest

from roadmap.models import Problem
from tests.callers import Caller, SignedIn
from tests.factories import a_member, a_person, a_problem, a_workspace

pytestmark = pytest.mark.django_db


def test_nobody_is_asked_for_a_key() -> None:
    answer = Caller().get("items/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "header", ["Basic dTpw", "Bearer", "Bearer nonsense", "po_a_b", "Bearer " + "x" * 5_000]
)
def test_a_bad_authorization_header_is_401(header: str) -> None:
    assert Caller(Authorization=header).get("items/").status_code == 401


def test_an_empty_authorization_header_counts_as_none() -> None:
    workspace = a_workspace()
    viewer = a_member(workspace, "viewer").user
    assert SignedIn(viewer, Authorization="").get("items/").status_code == 200


def test_a_viewer_reads_and_does_not_write() -> None:
    workspace = a_workspace()
    viewer = SignedIn(a_member(workspace, "viewer").user)
    assert viewer.get("problems/").status_code == 200
    csrf = {"X-CSRFToken": "x" * 32, "Cookie": "csrftoken=" + "x" * 32}
    viewer.client.cookies["csrftoken"] = "x" * 32
    refused = viewer.post("problems/", {"title": "Mine"}, **{"X-CSRFToken": csrf["X-CSRFToken"]})
    assert refused.status_code == 403
    assert "roadmap:write" in refused.json()["detail"]


def test_an_editor_writes_with_the_csrf_token_and_not_without() -> None:
    workspace = a_workspace()
    editor = SignedIn(a_member(workspace, "editor").user)
    refused = editor.post("problems/", {"title": "Slow"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:productops:problem:csrf")
    editor.client.cookies["csrftoken"] = "x" * 32
    assert editor.post("problems/", {"title": "Slow"}, **{"X-CSRFToken": "x" * 32}).status_code == 201


def test_a_person_of_two_workspaces_names_one() -> None:
    first, second, person = a_workspace(), a_workspace(key="second"), a_person()
    a_member(first, "viewer", person)
    a_member(second, "viewer", person)
    a_problem(second, key="here")
    assert SignedIn(person).get("problems/").status_code == 400
    for ref in ("second", str(second.pk)):
        chosen = SignedIn(person, **{"Productops-Workspace": ref}).get("problems/")
        assert [row["key"] for row in chosen.json()["results"]] == ["here"]


def test_a_workspace_of_others_is_refused_like_a_missing_one() -> None:
    a_workspace(key="theirs")
    person = a_member(a_workspace(), "admin").user
    answers = [
        SignedIn(person, **{"Productops-Workspace": ref}).get("problems/")
        for ref in ("theirs", "nowhere", "\x00")
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_an_outsider_without_a_workspace_sees_nothing() -> None:
    assert SignedIn(a_person()).get("items/").status_code == 403


def test_each_scope_opens_what_it_says() -> None:
    reader = Caller(a_workspace(), ["roadmap:read"])
    assert reader.get("items/").status_code == 200
    assert reader.post("items/", {"title": "No"}).status_code == 403
    assert Caller(a_workspace(), ["ingest"]).get("items/").status_code == 403


def test_a_key_acts_in_its_own_workspace_alone_whatever_the_header_names() -> None:
    own, theirs = a_workspace(key="own"), a_workspace(key="theirs")
    caller = Caller(own)
    for ref in ("own", str(own.pk), ""):
        assert caller.get("problems/", **{"Productops-Workspace": ref}).status_code == 200
    answers = [
        caller.post("problems/", {"title": "Slow"}, **{"Productops-Workspace": ref})
        for ref in ("theirs", str(theirs.pk), "nowhere")
    ]
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (403, "urn:productops:problem:other_workspace")
    }
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert not Problem.objects.exists()
