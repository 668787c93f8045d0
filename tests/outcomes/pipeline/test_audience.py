"""Who could have used an item is counted for the days that it is judged by."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from outcomes.models import ProductAudience
from tests.factories import a_product
from tests.outcomes.pipeline.stating import LONG_AGO, Team, days_before, used

pytestmark = pytest.mark.django_db

MOONLIGHT = date(1970, 1, 2)
# A release is judged against windows before it, and against those of a year before.
FURTHEST = LONG_AGO - timedelta(days=366 + 2 * 28 + 7)


@pytest.fixture
def team() -> Team:
    team = Team()
    product = a_product(team.workspace)
    for key in ("saved-carts", "guest-checkout"):
        team.item(key, product=product, is_release_stated=False)
        team.state({"usage": used(key, [f"{key}-{n}" for n in range(9)], days_before(team.pin, 40))})
    return team


def test_use_dated_decades_before_the_release_counts_no_audience_for_those_days(team: Team) -> None:
    team.settle()
    before = team.usage()
    team.state({"usage": used("saved-carts", ["u_1970"], [MOONLIGHT])})
    team.settle()
    after = team.usage()
    assert ProductAudience.objects.earliest("on").on >= FURTHEST
    assert (after.verdict, after.active, after.eligible) == (before.verdict, before.active, before.eligible)


def test_a_release_that_moves_back_brings_the_audience_of_its_days(team: Team) -> None:
    team.state({"usage": used("saved-carts", ["u_early"], [date(2022, 3, 1)])})
    team.settle()
    assert ProductAudience.objects.earliest("on").on >= FURTHEST
    team.state({"releases": [{"item": "guest-checkout", "at": "2022-02-01T10:00:00Z"}]})
    team.settle()
    assert ProductAudience.objects.earliest("on").on == date(2022, 3, 1)
