"""What the pipeline makes of the story, against what the story intends."""

from __future__ import annotations

from collections import Counter

import pytest

from outcomes.demo import story
from outcomes.demo.customers import customers
from outcomes.demo.items import PRODUCTS
from outcomes.demo.metrics import METRICS
from outcomes.demo.voices import evidence, surveys
from outcomes.models import Delivery, Flag, ItemValue, Metric, Outcome, UsageEvent
from productops.workspaces.models import Member, Workspace
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Survey

pytestmark = pytest.mark.django_db


def test_every_item_has_the_verdict_that_the_story_intends(demo: Workspace) -> None:
    items = Item.objects.in_workspace(demo.id).select_related("usage")
    assert {item.key: item.usage.verdict for item in items} == {
        item.key: item.verdict for item in story.ITEMS
    }


def test_the_silent_source_is_why_there_is_a_gap(demo: Workspace) -> None:
    usage = Item.objects.in_workspace(demo.id).get(key="receipt-camera").usage
    assert (usage.verdict, usage.reason) == ("data_gap", "silent")


def test_nothing_of_the_history_was_refused(demo: Workspace) -> None:
    states = Delivery.objects.in_workspace(demo.id).values_list("state", "refused", "duplicates")
    assert set(states) == {("done", 0, 0)}


def test_everything_of_the_roadmap_is_there(demo: Workspace) -> None:
    def count(model: type) -> int:
        return model.objects.in_workspace(demo.id).count()

    assert demo.is_generated
    assert demo.pinned_on is None
    assert "generated" in demo.name
    assert count(Product) == len(PRODUCTS)
    assert count(Customer) == len(customers())
    assert count(Problem) == 12
    assert count(Item) == len(story.ITEMS)
    assert count(Link) == sum(len(item.links) for item in story.ITEMS)
    assert count(Evidence) == len(evidence(customers()))
    assert count(Survey) == len(surveys())
    assert count(Metric) == len(METRICS)
    assert count(Outcome) == sum(len(item.goals) for item in story.ITEMS)
    assert count(UsageEvent) > 50_000


def test_items_ahead_have_an_expected_value_or_say_what_is_missing(demo: Workspace) -> None:
    ahead = ItemValue.objects.in_workspace(demo.id).exclude(item__status__in=("released", "sunset"))
    named = [value for value in ahead if value.expected is None]
    assert 0 < len(named) < len(ahead)
    assert all(value.missing for value in named)
    assert all(value.realised is None for value in ahead)


def test_released_items_have_a_realised_and_a_proven_value(demo: Workspace) -> None:
    released = ItemValue.objects.in_workspace(demo.id).filter(item__status="released")
    known = [value for value in released if value.realised is not None]
    assert len(known) >= 20
    assert all(value.proven is not None and value.proven <= value.realised for value in known)
    assert len({round(value.proven) for value in known}) >= 8


def test_outcomes_went_the_way_the_story_says(demo: Workspace) -> None:
    values = {
        value.item.key: value for value in ItemValue.objects.in_workspace(demo.id).select_related("item")
    }
    reached = {item.key: [goal.intended for goal in item.goals] for item in story.ITEMS}
    for key, intended in reached.items():
        if intended == ["met"]:
            # By where the metric went, and by what of it was the release's doing.
            (told,) = values[key].explanation["outcomes"]
            assert (told["current"] - told["baseline"]) / (told["target"] - told["baseline"]) >= 0.9, key
            assert told["attainment"] >= 0.9, (key, told["attainment"])
        if intended and set(intended) == {"unmeasured"}:
            assert values[key].outcome_term is None, key
    assert values["one-page-checkout"].outcome_term == 0


def test_what_nobody_uses_and_what_missed_its_target_is_flagged(demo: Workspace) -> None:
    flagged = Flag.objects.in_workspace(demo.id).filter(state="open")
    by_reason = Counter(flagged.values_list("reason", flat=True))
    for reason in ("never_adopted", "abandoned", "under_used", "declining"):
        assert by_reason[reason] == sum(item.verdict == reason for item in story.ITEMS)
    assert by_reason["missed_target"] >= 4
    assert by_reason["stale_source"] == 1


def test_items_have_owners_who_cannot_sign_in(demo: Workspace) -> None:
    owners = [member.user for member in Member.objects.in_workspace(demo.id)]
    assert {user.get_full_name() for user in owners} == {"Mara Lindqvist", "Jonas Abel", "Priya Raman"}
    assert not any(user.has_usable_password() for user in owners)
