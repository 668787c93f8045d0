from __future__ import annotations

import pytest

from productops.workspaces.models import Workspace
from roadmap.models import Evidence, Problem
from tests.callers import Caller, pointers
from tests.factories import a_problem, a_workspace, evidence

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def test_a_pm_merges_a_problem_into_another_and_takes_it_back(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost"), a_problem(workspace, key="gone")
    merged = paula.post("problems/gone/merge/", {"into": "lost"})
    assert (merged.status_code, merged.json()["key"]) == (200, "lost")
    assert [row["key"] for row in paula.get("problems/").json()["results"]] == ["lost"]
    back = paula.post("problems/gone/unmerge/")
    assert (back.status_code, back.json()["key"], back.json()["archived_at"]) == (200, "gone", None)
    assert paula.post("problems/gone/unmerge/").status_code == 409


def test_a_merge_into_itself_or_into_nothing_is_refused(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost")
    theirs = a_problem(a_workspace())
    for into in ("lost", "nowhere", theirs.pk, None):
        response = paula.post("problems/lost/merge/", {"into": into})
        assert (response.status_code, pointers(response)) == (400, {"/into"})


def test_evidence_moves_to_another_problem(workspace: Workspace, paula: Caller) -> None:
    lost, slow = a_problem(workspace), a_problem(workspace, key="slow")
    piece = evidence(lost)
    moved = paula.post(f"evidence/{piece.pk}/move/", {"problem": "slow"})
    assert (moved.status_code, moved.json()["problem"]) == (200, "slow")
    assert Evidence.objects.get().problem == slow
    assert paula.post(f"evidence/{piece.pk}/move/", {"problem": "nowhere"}).status_code == 400


def test_evidence_the_other_problem_has_already_is_409(workspace: Workspace, paula: Caller) -> None:
    lost, slow = a_problem(workspace), a_problem(workspace)
    piece = evidence(lost, external_id="zd-1")
    evidence(slow, external_id="zd-1")
    assert paula.post(f"evidence/{piece.pk}/move/", {"problem": slow.pk}).status_code == 409


def test_the_tree_of_a_problem_names_each_with_its_depth(workspace: Workspace, paula: Caller) -> None:
    top = a_problem(workspace, key="top")
    a_problem(workspace, key="below", parent=top)
    told = paula.get("problems/top/tree/").json()["results"]
    assert [(one["key"], one["depth"], one["parent"]) for one in told] == [
        ("top", 0, None),
        ("below", 1, "top"),
    ]
    roots = paula.get("problems/?is_root=true").json()["results"]
    assert [row["key"] for row in roots] == ["top"]


def test_a_new_problem_is_answered_with_those_said_in_like_words(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost", title="Baskets are lost between devices")
    a_problem(workspace, key="slow", title="Search takes too long")
    answer = paula.post("problems/", {"key": "again", "title": "Lost baskets"})
    assert answer.status_code == 201
    assert [(one["key"], one["likeness"] > 0.25) for one in answer.json()["similar"]] == [("lost", True)]
    assert answer["ETag"] == paula.get("problems/again/")["ETag"]
    assert paula.post("problems/", {"key": "own", "title": "Invoices unreadable"}).json()["similar"] == []
    assert "similar" not in paula.get("problems/again/").json()


def test_problems_like_one_or_like_a_text_are_suggested(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost", title="Baskets are lost between devices")
    a_problem(workspace, key="again", title="Lost baskets")
    told = paula.get("problems/lost/similar/").json()["results"]
    assert [one["key"] for one in told] == ["again"]
    told = paula.get("problems/similar/?text=my+basket+is+lost").json()["results"]
    assert told[0]["key"] == "again"
    assert paula.get("problems/similar/").json()["results"] == []
    assert pointers(paula.get("problems/similar/?text=%00")) == {"/text"}
    assert Problem.objects.count() == 2
