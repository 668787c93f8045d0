from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from productops.workspaces.models import Workspace
from roadmap.models import Problem
from tests.callers import Caller
from tests.factories import a_link, a_problem, a_workspace, an_item, evidence

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)
RELEASED = TODAY - timedelta(days=60)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=TODAY)


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def spoken_of(problem: Problem, first: date, days: int, every: int) -> None:
    for day in range(0, days, every):
        evidence(problem, observed_on=first + timedelta(days=day))


def test_a_problem_spoken_of_far_less_after_a_release_is_relieved(
    workspace: Workspace, paula: Caller
) -> None:
    top = a_problem(workspace, key="top")
    below = a_problem(workspace, parent=top)
    a_link(an_item(workspace, key="cart", status="released", released_on=RELEASED), below)
    spoken_of(below, RELEASED - timedelta(days=120), 120, 3)
    spoken_of(top, RELEASED, 61, 20)
    evidence(below, observed_on=RELEASED, is_retracted=True), evidence(below)
    evidence(below, observed_on=TODAY + timedelta(days=1))
    (told,) = paula.get("problems/top/relief/").json()["results"]
    assert (told["item"], told["released_on"], told["before_from"], told["after_until"]) == (
        "cart", "2026-03-02", "2025-11-02", "2026-05-01",
    )  # fmt: skip
    assert (told["before"], told["after"], told["verdict"]) == (40, 4, "relieved")
    assert told["before_rate"] == pytest.approx(28 / 3)
    assert told["ratio"] == pytest.approx((4 / 61) / (40 / 120))
    assert 0 < told["low"] < told["ratio"] < told["high"] < 1


def test_without_a_release_there_is_no_relief_to_tell(workspace: Workspace, paula: Caller) -> None:
    problem = a_problem(workspace, key="lost")
    a_link(an_item(workspace), problem)
    a_link(an_item(workspace, released_on=TODAY + timedelta(days=1)), problem)
    evidence(problem, observed_on=TODAY)
    assert paula.get("problems/lost/relief/").json() == {"results": []}


@pytest.mark.parametrize(
    ("released_on", "first", "verdict"),
    [
        (TODAY - timedelta(days=5), TODAY - timedelta(days=90), "too_early"),
        (TODAY - timedelta(days=60), TODAY - timedelta(days=61), "no_history"),
        (TODAY - timedelta(days=60), TODAY, "no_history"),
    ],
)
def test_too_little_time_on_either_side_has_no_ratio(
    workspace: Workspace, paula: Caller, released_on: date, first: date, verdict: str
) -> None:
    problem = a_problem(workspace, key="lost")
    a_link(an_item(workspace, released_on=released_on), problem)
    evidence(problem, observed_on=first)
    (told,) = paula.get("problems/lost/relief/").json()["results"]
    assert (told["verdict"], told["ratio"], told["low"], told["high"]) == (verdict, None, None, None)


def test_releases_that_share_their_days_name_each_other(workspace: Workspace, paula: Caller) -> None:
    problem = a_problem(workspace, key="lost")
    for key, days in (("old", 400), ("cart", 60), ("list", 30)):
        a_link(an_item(workspace, key=key, released_on=TODAY - timedelta(days=days)), problem, 0.5)
    spoken_of(problem, TODAY - timedelta(days=700), 700, 50)
    told = paula.get("problems/lost/relief/").json()["results"]
    assert [(one["item"], one["also_released"]) for one in told] == [
        ("list", ["cart"]),
        ("cart", ["list"]),
        ("old", []),
    ]


def test_the_problems_page_says_what_the_last_release_brought(
    workspace: Workspace, admin_client: Client
) -> None:
    problem = a_problem(workspace)
    a_link(an_item(workspace, title="Saved carts", released_on=RELEASED), problem)
    spoken_of(problem, RELEASED - timedelta(days=120), 120, 3)
    page = admin_client.get(reverse("admin:roadmap_problem_change", args=[problem.pk])).content.decode()
    assert "spoken of less: 9.3 per 28 days before, 0 since" in page
