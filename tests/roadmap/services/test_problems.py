from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import InUse, Refused
from productops.workspaces.versions import NotHere
from roadmap import services
from roadmap.models import Evidence, Problem
from tests.factories import (
    a_customer,
    a_link,
    a_problem,
    a_product,
    a_survey,
    a_workspace,
    an_item,
    evidence,
)
from tests.roadmap.hearing import listening

pytestmark = pytest.mark.django_db

PM = Actor(name="Pat", user_id=None, via="api")


@pytest.fixture
def workspace():
    return a_workspace()


def test_a_problem_beneath_itself_is_refused_however_far(workspace) -> None:
    top = a_problem(workspace)
    middle = a_problem(workspace, parent=top)
    bottom = a_problem(workspace, parent=middle)
    for parent in (top, middle, bottom):
        with pytest.raises(Refused, match="beneath itself"):
            services.edit_problem(
                workspace=workspace, by=PM, problem_id=top.pk, version=1, changes={"parent": parent}
            )
    assert Problem.objects.get(pk=top.pk).parent is None


def test_moving_a_problem_tells_both_parents(workspace) -> None:
    old, new = a_problem(workspace), a_problem(workspace)
    problem = a_problem(workspace, parent=old)
    with listening() as told:
        services.edit_problem(
            workspace=workspace, by=PM, problem_id=problem.pk, version=1, changes={"parent": new}
        )
    assert told == [("problems_changed", sorted([problem.pk, old.pk, new.pk]))]


def test_a_problem_with_evidence_is_archived_and_a_bare_one_deleted(workspace) -> None:
    bare, proven, linked = a_problem(workspace), a_problem(workspace), a_problem(workspace)
    evidence(proven)
    a_link(an_item(workspace), linked)
    gone = [
        services.remove_problem(workspace=workspace, by=PM, problem_id=problem.pk, version=1)
        for problem in (bare, proven, linked)
    ]
    assert gone == [True, False, False]


def test_revenue_of_a_customer_tells_every_problem_with_their_evidence(workspace) -> None:
    customer, touched, other = a_customer(workspace), a_problem(workspace), a_problem(workspace)
    evidence(touched, customer=customer)
    evidence(touched, customer=customer)
    evidence(other)
    with listening() as told:
        services.edit_customer(
            workspace=workspace, by=PM, customer_id=customer.pk, version=1, changes={"mrr": Decimal("5.00")}
        )
        services.edit_customer(
            workspace=workspace, by=PM, customer_id=customer.pk, version=2, changes={"name": "Renamed"}
        )
    assert told == [("problems_changed", [touched.pk])]


def test_a_customer_who_said_something_is_archived(workspace) -> None:
    customer = a_customer(workspace)
    evidence(a_problem(workspace), customer=customer)
    assert not services.remove_customer(workspace=workspace, by=PM, customer_id=customer.pk, version=1)
    services.restore_customer(workspace=workspace, by=PM, customer_id=customer.pk, version=2)
    customer.refresh_from_db()
    assert customer.archived_at is None


def test_evidence_and_surveys_come_and_go_and_are_told(workspace) -> None:
    problem = a_problem(workspace)
    with listening() as told:
        piece = services.create_evidence(
            workspace=workspace, by=PM, problem=problem, kind="call", importance=3
        )
        services.remove_evidence(workspace=workspace, by=PM, evidence_id=piece.pk, version=1)
        survey = services.create_survey(
            workspace=workspace,
            by=PM,
            problem=problem,
            segment="smb",
            on=date(2026, 1, 1),
            respondents=40,
            importance_top2=30,
            satisfaction_top2=8,
        )
        services.remove_survey(workspace=workspace, by=PM, survey_id=survey.pk, version=1)
    assert told == [("problems_changed", [problem.pk])] * 4


def test_a_survey_cannot_count_more_than_answered(workspace) -> None:
    survey = a_survey(a_problem(workspace))
    with pytest.raises(Refused) as refused:
        services.edit_survey(
            workspace=workspace, by=PM, survey_id=survey.pk, version=1, changes={"respondents": 20}
        )
    assert [complaint.field for complaint in refused.value.complaints] == ["importance_top2"]


def test_evidence_that_was_taken_back_is_gone_for_people(workspace) -> None:
    tombstone = evidence(a_problem(workspace), external_id="zd-1", is_retracted=True)
    with pytest.raises(NotHere):
        services.remove_evidence(workspace=workspace, by=PM, evidence_id=tombstone.pk, version=1)
    assert Evidence.objects.count() == 1


def test_a_product_with_items_stays(workspace) -> None:
    product = a_product(workspace)
    an_item(workspace, product=product)
    with pytest.raises(InUse):
        services.remove_product(workspace=workspace, by=PM, product_id=product.pk, version=1)


def test_link_weights_of_an_item_sum_to_at_most_one(workspace) -> None:
    item, first, second = an_item(workspace), a_problem(workspace), a_problem(workspace)
    a_link(item, first, 0.7)
    with pytest.raises(Refused):
        services.create_link(workspace=workspace, by=PM, item=item, problem=second, weight=0.4)
    link = services.create_link(workspace=workspace, by=PM, item=item, problem=second, weight=0.3)
    with pytest.raises(Refused):
        services.edit_link(workspace=workspace, by=PM, link_id=link.pk, version=1, changes={"weight": 0.31})
