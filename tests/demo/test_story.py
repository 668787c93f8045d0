from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from outcomes.demo import story
from outcomes.demo.customers import HISTORY_DAYS, customers, people
from outcomes.demo.items import PRODUCTS, SILENT_SINCE, App, Phone
from outcomes.demo.metrics import METRICS
from outcomes.demo.problems import PROBLEMS
from outcomes.demo.voices import evidence, surveys
from outcomes.formulas.verdicts import Verdict
from outcomes.sources import native
from roadmap.rules import EVIDENCE_KINDS, HORIZONS, IMPACTS, STATUSES, USAGE_POLICIES, is_key

LOADED_ON = date(2026, 5, 4)


@pytest.fixture(scope="module")
def history() -> list[story.Delivery]:
    return list(story.history(LOADED_ON))


def rows_of(history: list[story.Delivery], section: str) -> list[dict]:
    return [row for delivery in history for row in json.loads(delivery.body)[section]]


def test_the_roadmap_has_the_size_of_a_real_one() -> None:
    assert len(story.ITEMS) == 40
    assert len(PROBLEMS) == 12
    assert len(customers()) == 60
    assert len(PRODUCTS) == 2
    assert {product.unit for product in PRODUCTS} == {"people", "customers"}
    assert 240 <= len(evidence(customers())) <= 270
    assert 400 <= len(people(customers())) <= 700


def test_every_verdict_is_intended_for_some_item() -> None:
    assert {item.verdict for item in story.ITEMS} == {verdict.value for verdict in Verdict}


def test_only_released_items_that_people_are_to_use_await_a_verdict() -> None:
    for item in story.ITEMS:
        is_judged = item.status == "released" and item.usage_policy == "normal"
        assert (item.verdict == "exempt") is not is_judged, item.key


def test_the_story_refers_only_to_what_is_in_it() -> None:
    problems = {problem.key for problem in PROBLEMS}
    metrics = {metric.key: {label for label, _ in metric.series} for metric in METRICS}
    products = {product.key for product in PRODUCTS}
    for item in story.ITEMS:
        assert is_key(item.key)
        assert item.product in products
        assert {problem for problem, _ in item.links} <= problems
        assert sum(weight for _, weight in item.links) <= 1 + 1e-9
        for goal in item.goals:
            assert goal.metric in metrics
            assert goal.series is None or goal.series in metrics[goal.metric]
    assert {problem.parent for problem in PROBLEMS} - {""} <= problems
    assert {shift.because for metric in METRICS for shift in metric.shifts} <= {
        item.key for item in story.ITEMS
    }


def test_the_story_uses_the_words_of_the_roadmap() -> None:
    for item in story.ITEMS:
        assert item.status in STATUSES
        assert item.horizon in ("", *HORIZONS)
        assert item.impact is None or item.impact in IMPACTS
        assert item.usage_policy in USAGE_POLICIES
        assert (item.usage_policy == "exempt") == bool(item.exemption_reason)
        assert (item.released is not None) == (item.status in ("released", "sunset"))
    assert {piece.kind for piece in evidence(customers())} == set(EVIDENCE_KINDS)


def test_some_unreleased_items_lack_an_input_and_some_lack_a_problem() -> None:
    ahead = [item for item in story.ITEMS if item.status not in ("released", "sunset")]
    assert {item.horizon for item in ahead} == set(HORIZONS)
    assert any(item.effort is None for item in ahead)
    assert any(item.confidence is None for item in ahead)
    assert any(not item.links and item.reach is None for item in ahead)


def test_evidence_comes_from_customers_of_its_day_and_nobody_repeats_themselves() -> None:
    by_key = {customer.key: customer for customer in customers()}
    pieces = evidence(customers())
    said = Counter(
        (piece.problem, piece.quote) for piece in pieces if piece.kind not in ("vote", "opinion", "survey")
    )
    assert max(said.values()) == 1
    assert len({piece.id for piece in pieces}) == len(pieces)
    for piece in pieces:
        assert piece.on < 0
        assert 0 <= piece.importance <= 3
        if piece.customer:
            assert by_key[piece.customer].since <= piece.on < by_key[piece.customer].until


def test_some_surveys_are_too_small_to_prove_anything() -> None:
    sizes = [survey.respondents for survey in surveys()]
    assert min(sizes) < 30 < max(sizes)
    for survey in surveys():
        assert survey.importance_top2 <= survey.respondents
        assert survey.satisfaction_top2 <= survey.respondents


def test_the_history_is_the_same_every_time(history: list[story.Delivery]) -> None:
    assert list(story.history(LOADED_ON)) == history


def test_the_history_is_bounded(history: list[story.Delivery]) -> None:
    assert 50_000 <= len(rows_of(history, "usage")) <= 90_000
    assert len(history) <= 120
    assert len({delivery.id for delivery in history}) == len(history)
    for delivery in history:
        assert delivery.rows <= story.ROWS_A_DELIVERY
        assert len(delivery.body) < 1024 * 1024


def test_the_history_lies_in_the_eighteen_months_before_the_load(history: list[story.Delivery]) -> None:
    first = LOADED_ON - timedelta(days=HISTORY_DAYS)
    days = [
        day for delivery in history if delivery.source == App for day in json.loads(delivery.body)["covers"]
    ]
    assert days == [(first + timedelta(days=n)).isoformat() for n in range(HISTORY_DAYS)]
    for row in (*rows_of(history, "usage"), *rows_of(history, "observations")):
        assert first.isoformat() <= row["at"] < LOADED_ON.isoformat()


def test_the_phone_app_fell_silent(history: list[story.Delivery]) -> None:
    last = max(delivery.last for delivery in history if delivery.source == Phone)
    assert last == LOADED_ON + timedelta(days=SILENT_SINCE - 1)


def test_no_two_facts_have_the_same_identity(history: list[story.Delivery]) -> None:
    observed = Counter(
        (row["metric"], row.get("series"), row["at"]) for row in rows_of(history, "observations")
    )
    used = Counter((row["item"], row["at"][:10], row["id"]) for row in rows_of(history, "usage"))
    snapped = Counter((row["item"], row["on"]) for row in rows_of(history, "snapshots"))
    assert {max(observed.values()), max(used.values()), max(snapped.values())} == {1}


def test_every_row_is_one_that_the_webhook_can_read(history: list[story.Delivery]) -> None:
    for delivery in history[::10]:
        taken = native.read(delivery.body, now=datetime(2026, 5, 4, tzinfo=UTC))
        assert taken.refusals == []
        assert taken.row_count >= delivery.rows


def test_a_day_is_the_same_whether_told_in_the_history_or_later(history: list[story.Delivery]) -> None:
    """Looking further never changes a day: 30 days after the load, today's story tells the same past."""
    for source in (App, Phone):
        early = dict(story.days(source, LOADED_ON, -40, -1))
        late = dict(story.days(source, LOADED_ON, -40, 30))
        assert {day: late[day] for day in early} == early


def test_days_after_the_load_come_one_by_one_under_their_own_name() -> None:
    told = list(story.later(LOADED_ON, LOADED_ON + timedelta(days=9)))
    assert [delivery.first for delivery in told] == [LOADED_ON + timedelta(days=n) for n in range(10)]
    assert all(delivery.first == delivery.last for delivery in told)
    assert all(0 < delivery.rows <= story.ROWS_A_DELIVERY for delivery in told)
    assert [delivery.id for delivery in told] == [story.id_of_day(delivery.first) for delivery in told]
    assert list(story.later(LOADED_ON, LOADED_ON + timedelta(days=4))) == told[:5]


def test_no_day_is_too_much_for_one_delivery_even_a_year_later() -> None:
    assert max(len(rows) for _, rows in story.days(App, LOADED_ON, 0, 400)) <= story.ROWS_A_DELIVERY
