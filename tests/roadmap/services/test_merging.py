"""Problems that turn out to be one, and evidence that belongs elsewhere."""

from __future__ import annotations

from datetime import date

import pytest

from outcomes.models import ItemValue
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import InUse, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap import services
from roadmap.likeness import problems_like
from roadmap.models import Evidence, EvidenceRoute, Item, Link, Problem, ProblemMerge, ProblemStanding, Survey
from roadmap.signals import items_created
from roadmap.tree import subtree
from tests.factories import a_customer, a_link, a_problem, a_survey, a_workspace, an_item, evidence
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")


@pytest.fixture
def team() -> Team:
    return Team()


@pytest.fixture
def workspace(team: Team) -> Workspace:
    return team.workspace


def merge(problem: Problem, into: Problem, **more: object) -> ProblemMerge:
    return services.merge_problem(
        workspace=problem.workspace, by=PAULA, problem_id=problem.pk, into=into, **more
    )


def unmerge(problem: Problem) -> None:
    services.unmerge_problem(workspace=problem.workspace, by=PAULA, problem_id=problem.pk)


def weights(problem: Problem) -> dict[str, float]:
    links = Link.objects.filter(problem=problem).order_by("item__key")
    return dict(links.values_list("item__key", "weight"))


def demand(problem: Problem) -> float:
    return ProblemStanding.objects.get(problem=problem).demand


def test_two_problems_become_one_and_each_customer_counts_once(team: Team, workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    acme, beta = a_customer(workspace), a_customer(workspace)
    evidence(lost, customer=acme, importance=3, observed_on=date(2026, 1, 1))
    evidence(gone, customer=acme, importance=2, observed_on=date(2026, 2, 1))
    evidence(gone, customer=beta, importance=1)
    merge(gone, lost)
    team.settle()
    assert demand(lost) == 3
    assert Evidence.objects.filter(problem=lost).count() == 3
    gone.refresh_from_db()
    assert gone.archived_at is not None
    unmerge(gone)
    team.settle()
    assert (demand(lost), demand(gone)) == (3, 3)
    gone.refresh_from_db()
    assert gone.archived_at is None


def test_an_item_for_both_is_for_the_one_with_both_weights(workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    both, other = an_item(workspace, key="both"), an_item(workspace, key="other")
    a_link(both, lost, 0.6)
    a_link(both, gone, 0.4)
    a_link(other, gone, 0.5)
    merge(gone, lost)
    assert weights(lost) == {"both": pytest.approx(1.0), "other": 0.5}
    unmerge(gone)
    assert weights(lost) == {"both": pytest.approx(0.6)}
    assert weights(gone) == {"both": pytest.approx(0.4), "other": 0.5}


def test_what_the_other_has_already_stays_behind(workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    evidence(lost, external_id="zd-1")
    evidence(gone, external_id="zd-1")
    a_survey(lost)
    a_survey(gone)
    merge(gone, lost)
    assert Evidence.objects.filter(problem=lost).count() == 1
    assert Survey.objects.filter(problem=gone).count() == 1


def test_children_follow_and_a_problem_merged_into_its_own_child_closes_no_circle(
    workspace: Workspace,
) -> None:
    top = a_problem(workspace)
    above = a_problem(workspace, parent=top)
    child = a_problem(workspace, parent=above)
    sibling = a_problem(workspace, parent=above)
    merge(above, child)
    child.refresh_from_db()
    sibling.refresh_from_db()
    assert (child.parent_id, sibling.parent_id) == (top.pk, child.pk)
    unmerge(above)
    child.refresh_from_db()
    sibling.refresh_from_db()
    assert (child.parent_id, sibling.parent_id) == (above.pk, above.pk)


def test_a_problem_is_not_merged_into_itself_nor_twice_nor_into_an_archived_one(workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    with pytest.raises(Refused):
        merge(lost, lost)
    merge(gone, lost)
    with pytest.raises(InUse):
        merge(gone, lost)
    with pytest.raises(Refused):
        merge(a_problem(workspace), Problem.objects.get(pk=gone.pk))
    with pytest.raises(InUse):
        unmerge(lost)


def test_a_merge_based_on_an_old_version_is_stale_and_does_nothing(workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    evidence(gone)
    with pytest.raises(StaleEdit):
        merge(gone, lost, version=9)
    assert Evidence.objects.get().problem_id == gone.pk


def test_an_outsider_s_problem_does_not_exist(workspace: Workspace) -> None:
    theirs = a_problem(a_workspace())
    with pytest.raises(NotHere):
        merge(a_problem(workspace), theirs)
    assert not ProblemMerge.objects.exists()


def test_what_a_source_repeats_of_moved_evidence_follows_it(team: Team, workspace: Workspace) -> None:
    lost, slow = a_problem(workspace, key="lost"), a_problem(workspace, key="slow")
    row = {"problem": "lost", "kind": "ticket", "id": "zd-1", "importance": 2}
    team.state({"evidence": [row]})
    team.settle()
    piece = Evidence.objects.get()
    move = {"workspace": workspace, "by": PAULA, "evidence_id": piece.pk}
    services.move_evidence(**move, problem=slow)
    team.state({"evidence": [{**row, "importance": 3}]})
    team.settle()
    assert [(one.problem_id, one.importance) for one in Evidence.objects.all()] == [(slow.pk, 3)]
    assert (demand(lost), demand(slow)) == (0, 3)

    services.move_evidence(**move, problem=lost)
    assert not EvidenceRoute.objects.exists()
    team.state(
        {"retract": [{"kind": "evidence", "problem": "lost", "id": "zd-1", "at": "2026-04-01T00:00:00Z"}]}
    )
    team.settle()
    assert Evidence.objects.get().is_retracted


def test_what_a_source_states_of_a_merged_problem_is_of_the_other(team: Team, workspace: Workspace) -> None:
    lost, gone = a_problem(workspace, key="lost"), a_problem(workspace, key="gone")
    last = a_problem(workspace, key="last")
    merge(gone, lost)
    merge(lost, last)
    team.state({"evidence": [{"problem": "gone", "kind": "ticket", "id": "zd-2", "importance": 3}]})
    team.settle()
    assert Evidence.objects.get().problem_id == last.pk


def test_a_merge_moves_the_credit_of_the_items(team: Team, workspace: Workspace) -> None:
    lost, gone = a_problem(workspace), a_problem(workspace)
    item = an_item(workspace)
    items_created.send(None, workspace_id=workspace.pk, ids=[item.pk], cause={})
    a_link(item, lost)
    evidence(gone, importance=3)
    merge(gone, lost)
    team.settle()
    assert ItemValue.objects.get(item=item).demand == 3


def test_problems_said_in_like_words_are_found_likest_first(workspace: Workspace) -> None:
    lost = a_problem(workspace, title="Baskets are lost between devices")
    near = a_problem(workspace, title="A basket gets lost when people change the device")
    a_problem(workspace, title="Invoices arrive late")
    a_problem(a_workspace(), title="Baskets are lost between devices")
    found = problems_like(workspace.pk, "Lost baskets between devices")
    assert [like.problem_id for like in found] == [lost.pk, near.pk]
    assert found[0].likeness == 1
    assert problems_like(workspace.pk, lost.title, but=lost.pk)[0].problem_id == near.pk


@pytest.mark.parametrize("text", ["", "the of and", "'\\ | & ! :* <->", "日本語", "%s %(x)s"])
def test_a_text_without_words_is_like_nothing(workspace: Workspace, text: str) -> None:
    a_problem(workspace, title="Baskets are lost")
    assert problems_like(workspace.pk, text) == []


def test_a_long_complaint_finds_the_short_title_it_is_about(workspace: Workspace) -> None:
    lost = a_problem(workspace, title="Baskets are lost between devices")
    text = "Every morning I fill my baskets at home, go to the office, and there on my other devices all is lost."
    assert [like.problem_id for like in problems_like(workspace.pk, "Hello", text)] == [lost.pk]


def test_a_tree_is_read_top_down_in_as_many_queries_for_deep_as_for_flat(
    workspace: Workspace, django_assert_num_queries: object
) -> None:
    top = a_problem(workspace)
    parent = top
    for _ in range(60):
        parent = a_problem(workspace, parent=parent)
    a_link(an_item(workspace), parent)
    with django_assert_num_queries(3):  # type: ignore[operator]
        found = [(depth, [link.item for link in one.links.all()]) for depth, one in subtree(top)]
    assert [depth for depth, _ in found] == list(range(61))
    assert found[-1][1] == [Item.objects.get()]
