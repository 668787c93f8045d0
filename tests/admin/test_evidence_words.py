"""A flag says in sentences what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from outcomes.admin.evidence_words import evidence_of, sentences_of
from outcomes.models import Flag
from tests.admin.furnishing import Furniture
from tests.admin.test_pages import list_of, page_of

USAGE = {
    "window_days": 28,
    "active": 1240,
    "eligible": 9800,
    "share": 0.1265,
    "low": 0.12,
    "high": 0.133,
    "ratio_to_window_before": 0.54,
    "frequency": 1.0,
    "mrr_share": None,
    "newest_on": "2026-05-01",
    "days_since": 40,
}


def flag(reason: str, evidence: dict[str, Any]) -> Flag:
    return Flag(reason=reason, evidence=evidence)


def test_how_few_use_it_is_said_with_how_sure_that_is() -> None:
    first, *rest = sentences_of(flag("under_used", USAGE))
    assert first == "1,240 of the 9,800 it is for used it in the last 28 days: 12.7% (between 12% and 13.3%)."
    assert rest == [
        "That is 54% of the share in the window before.",
        "Who uses it does so on 1 day of its period.",
        "The newest data is of 2026-05-01.",
        "It has been so for 40 days.",
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"active": 0, "eligible": 400, "share": 0.0}, "Nobody of the 400 it is for used it."),
        ({"active": 12, "window_days": 7}, "12 used it in the last 7 days."),
        ({"share": 0.031, "window_days": 7}, "3.1% of the people it is for used it in the last 7 days."),
        ({}, ""),
    ],
)
def test_what_is_not_known_of_its_use_is_left_out(told: dict[str, Any], said: str) -> None:
    assert evidence_of(flag("never_adopted", told)) == said


def test_a_missed_target_is_said_as_a_way_that_was_not_gone() -> None:
    told = {
        "metric": "sign-ups",
        "baseline": 100.0,
        "target": 150.0,
        "current": 112.5,
        "attainment": 0.25,
        "due_on": "2026-04-30",
        "days_since": 1,
        "grade": "measured",
    }
    first, second, third = sentences_of(flag("missed_target", told))
    assert (
        first == "sign-ups: the target was 150 by 2026-04-30, from 100; it stands at 112.5, 25% of the way."
    )
    assert (second, third) == ("That day was 1 day ago.", "Grade of the evidence: measured.")


def test_a_target_that_moved_away_is_not_said_as_a_negative_share() -> None:
    told = {"metric": "sign-ups", "target": 150, "current": 90, "attainment": -0.2, "due_on": "2026-04-30"}
    assert evidence_of(flag("missed_target", told)) == (
        "sign-ups: the target was 150 by 2026-04-30; it stands at 90, further off than at the start."
    )


def test_a_regression_is_said_with_the_comparison_that_found_it() -> None:
    effect = {
        "design": "before_after",
        "estimate": -3.2,
        "low": -5,
        "high": -1.4,
        "decided_on": "2026-04-30",
    }
    told = {"metric": "retention", "effect": effect, "shared_with": ["saved-carts"]}
    assert evidence_of(flag("regression", told)) == (
        "retention: moved by -3.2 (between -5 and -1.4) after the release, which is the wrong way. "
        "Compared before with after, decided on 2026-04-30. 1 other item was released close to it."
    )


def test_a_silent_source_is_said_with_the_last_that_was_heard() -> None:
    told = {"days_since": 12, "newest_on": "2026-04-30", "cadence": "daily"}
    assert evidence_of(flag("stale_source", told)) == (
        "It has covered no day for 12 days; the newest is 2026-04-30. It should send every day."
    )


@pytest.mark.django_db
def test_the_list_gives_the_main_point_and_the_page_all_of_it(eve: Client, own: Furniture) -> None:
    own.flag.evidence = USAGE
    own.flag.save(update_fields=["evidence"])
    point, last = "1,240 of the 9,800 it is for used it", "It has been so for 40 days."
    page = eve.get(list_of(Flag)).content.decode()
    assert point in page
    assert last not in page
    for address in (page_of(own.flag), page_of(own.item)):
        page = eve.get(address).content.decode()
        assert point in page, address
        assert last in page, address
