"""Facts in, the verdict that the rules give them out: each of the nine, with its numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from outcomes.models import Flag, VerdictSpan
from outcomes.pipeline.clock import judge_anew
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.signals import items_changed
from tests.factories import a_product, a_source
from tests.outcomes.pipeline.stating import Team, days_before, people, used

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


def counted(
    item: str, on: list[date], active: float, eligible: float = 1000, days: int = 1
) -> dict[str, Any]:
    numbers = {"item": item, "active": active, "eligible": eligible, "days": days}
    return {"snapshots": [{**numbers, "on": day.isoformat()} for day in on]}


def shared(item: str, days: list[date], share: float) -> dict[str, Any]:
    return {"snapshots": [{"item": item, "on": day.isoformat(), "share": share} for day in days]}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "delivery", "released_on": None},
        {"status": "sunset"},
        {"usage_policy": "mandatory"},
        {"usage_policy": "exempt", "exemption_reason": "security"},
    ],
)
def test_whom_nobody_asks_is_exempt(team: Team, fields: dict[str, Any]) -> None:
    team.item(**fields)
    team.settle()
    assert team.usage().verdict == "exempt"


def test_an_item_is_too_new_until_grace_and_window_have_passed(team: Team) -> None:
    team.item("last-day", released_on=PIN - timedelta(days=27))
    team.item("first-day", released_on=PIN - timedelta(days=28))
    team.settle()
    assert team.usage("last-day").verdict == "too_new"
    assert team.usage("first-day").verdict == "not_instrumented"


def test_what_nobody_ever_reported_is_not_instrumented_and_never_unused(team: Team) -> None:
    team.item()
    team.state(counted("other", [PIN], 5))
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.active, usage.share) == ("not_instrumented", None, None)


def test_a_silent_source_is_a_gap_that_remembers_what_was_known(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN - timedelta(days=3), 60), 300))
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.reason, usage.last_known) == ("data_gap", "silent", "healthy")


def test_a_source_with_holes_is_a_gap(team: Team) -> None:
    team.item()
    days = [day for day in days_before(PIN, 120) if day not in days_before(PIN - timedelta(days=10), 8)]
    team.state(counted("saved-carts", days, 300))
    team.settle()
    assert (team.usage().verdict, team.usage().reason) == ("data_gap", "not_covered")


def test_days_that_a_delivery_covers_without_rows_are_zeros_and_no_hole(team: Team) -> None:
    team.item()
    days = days_before(PIN, 60)
    team.state({**counted("saved-carts", days[:20], 300), "covers": [day.isoformat() for day in days]})
    team.settle()
    assert team.usage().verdict == "abandoned"


def test_where_nobody_could_use_it_it_is_not_called_unused(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 0, eligible=0))
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.reason, usage.eligible) == ("data_gap", "no_audience", 0)
    assert not Flag.objects.exists()


def test_fewer_than_five_who_could_are_no_audience(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 1, eligible=4))
    team.settle()
    assert (team.usage().verdict, team.usage().reason) == ("data_gap", "no_audience")


def test_what_nobody_used_since_its_release_was_never_adopted(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 0))
    team.settle()
    assert team.usage().verdict == "never_adopted"


def test_use_before_the_release_does_not_count_as_adopted(team: Team) -> None:
    team.item(released_on=PIN - timedelta(days=40))
    team.state(counted("saved-carts", days_before(PIN - timedelta(days=41), 10), 300))
    team.state(counted("saved-carts", days_before(PIN, 40), 0))
    team.settle()
    assert team.usage().verdict == "never_adopted"


def test_what_was_used_and_is_not_any_more_is_abandoned(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN - timedelta(days=28), 60), 300))
    team.state(counted("saved-carts", days_before(PIN, 28), 0))
    team.settle()
    assert team.usage().verdict == "abandoned"


def test_even_the_upper_bound_below_the_threshold_is_under_used(team: Team) -> None:
    # 0 of 72 has an upper bound of 5.07%, 9 of 400 one of 4.22%.
    team.item("sure"), team.item("unsure")
    team.state(counted("sure", days_before(PIN, 60), 9, eligible=400, days=28))
    team.state(counted("unsure", days_before(PIN, 60), 1, eligible=72, days=28))
    team.settle()
    sure = team.usage("sure")
    assert (sure.verdict, sure.active, sure.eligible, sure.eligible_from) == (
        "under_used",
        9,
        400,
        "snapshot",
    )
    assert sure.high == pytest.approx(0.042203, abs=1e-6)
    assert team.usage("unsure").verdict == "healthy"


def test_short_snapshots_bound_the_reach_from_both_sides(team: Team) -> None:
    team.item()
    days = days_before(PIN, 60)
    team.state(counted("saved-carts", days, 0, eligible=4000))
    team.state(counted("saved-carts", days[-3:], 90, eligible=4000))
    team.settle()
    usage = team.usage()
    # At least the 90 of the best day; at most three times as many, 6.75%: that is not surely below 5%.
    assert usage.share == pytest.approx(0.0225)
    assert usage.verdict == "healthy"


def test_a_bare_share_is_compared_as_it_is_over_the_covered_days(team: Team) -> None:
    team.item("rare"), team.item("common")
    days = days_before(PIN, 60)
    team.state(shared("common", days, 0.3))
    team.state(shared("rare", days[-2:], 0.5))
    team.settle()
    rare = team.usage("rare")
    assert rare.share == pytest.approx(2 * 0.5 / 28)
    assert (rare.verdict, rare.low, rare.high) == ("under_used", None, None)
    assert team.usage("common").verdict == "healthy"


def test_half_of_the_people_before_is_declining(team: Team) -> None:
    product = a_product(team.workspace)
    team.item(product=product), team.item("editor", product=product)
    everybody = people(200)
    team.state({"usage": used("editor", everybody, days_before(PIN, 120)[::3])})
    team.state(
        {"usage": used("saved-carts", everybody[:120], days_before(PIN - timedelta(days=28), 80)[::3])}
    )
    team.state({"usage": used("saved-carts", everybody[:30], days_before(PIN, 28)[::3])})
    team.state({"covers": [day.isoformat() for day in days_before(PIN, 120)]})
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.active, usage.eligible, usage.eligible_from) == (
        "declining",
        30,
        200,
        "events",
    )
    assert usage.evidence["ratio_to_window_before"] == pytest.approx(30 / 120)


def test_people_are_counted_once_however_often_they_come(team: Team) -> None:
    product = a_product(team.workspace)
    team.item(product=product), team.item("editor", product=product)
    team.state({"usage": used("saved-carts", people(12), days_before(PIN, 60))})
    team.state({"usage": used("editor", people(40), days_before(PIN, 60))})
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.active, usage.eligible, usage.share) == ("healthy", 12, 40, 0.3)
    assert team.value().retention == 1
    assert team.value().adoption == 1


def test_a_product_of_customers_counts_customers(team: Team) -> None:
    product = a_product(team.workspace, unit="customers")
    team.item(product=product), team.item("editor", product=product)
    for customer in range(10):
        crowd, days = people(3, f"c{customer}-"), days_before(PIN, 40)
        team.state({"usage": used("editor", crowd, days, customer=f"customer-{customer}")})
        if customer < 6:
            team.state({"usage": used("saved-carts", crowd, days, customer=f"customer-{customer}")})
    team.settle()
    assert (team.usage().active, team.usage().eligible) == (6, 10)


def test_when_only_its_own_events_arrive_nobody_knows_who_could_use_it(team: Team) -> None:
    team.item(product=a_product(team.workspace))
    team.state({"usage": used("saved-carts", people(3), days_before(PIN, 60))})
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.reason, usage.eligible) == ("healthy", "eligible_unknown", None)


def test_the_products_declared_users_are_the_last_resort(team: Team) -> None:
    team.item(product=a_product(team.workspace, eligible_count=1000))
    team.state({"usage": used("saved-carts", people(3), days_before(PIN, 60))})
    team.settle()
    usage = team.usage()
    assert (usage.verdict, usage.eligible, usage.eligible_from) == ("under_used", 1000, "product")


def test_of_two_sources_of_snapshots_the_one_that_began_first_counts(team: Team) -> None:
    team.item()
    other = a_source(team.workspace, key="another")
    team.state(counted("saved-carts", days_before(PIN, 60), 900, days=28))
    team.state(counted("saved-carts", days_before(PIN, 61), 100, days=28), source=other)
    team.settle()
    assert team.usage().active == 100


def test_a_quarterly_feature_is_judged_over_half_a_year(team: Team) -> None:
    team.item(natural_period_days=90)
    team.state({"usage": used("saved-carts", people(9), [PIN - timedelta(days=150)])})
    team.state({"covers": [day.isoformat() for day in days_before(PIN, 200)]})
    team.settle()
    assert (team.usage().window_days, team.usage().active, team.usage().verdict) == (180, 9, "healthy")


def test_an_items_own_threshold_goes_over_the_workspaces(team: Team) -> None:
    team.item(under_used_below=0.5)
    team.state(counted("saved-carts", days_before(PIN, 60), 300, days=28))
    team.settle()
    assert team.usage().verdict == "under_used"


def test_an_item_that_moves_to_another_product_or_window_has_that_ones_audience(team: Team) -> None:
    shop, office = a_product(team.workspace), a_product(team.workspace)
    item, crowds = team.item(product=shop), {"editor": (shop, 40), "desk": (office, 20)}
    team.state({"usage": used("saved-carts", people(10), days_before(PIN, 60))})
    for key, (product, size) in crowds.items():
        team.item(key, product=product)
        team.state({"usage": used(key, people(size), days_before(PIN, 60))})
    team.settle()
    assert (team.usage().eligible, team.usage("desk").reason) == (40, "eligible_unknown")

    Item.objects.filter(pk=item.pk).update(product=office, window_days=14)
    items_changed.send(None, workspace_id=team.workspace.pk, ids=[item.pk], cause={"kind": "edit"})
    team.settle()

    assert (team.usage().eligible, team.usage().window_days) == (20, 14)
    assert team.usage("desk").eligible == 20
    assert team.usage("editor").reason == "eligible_unknown"


def test_a_late_fact_corrects_the_days_it_touches_and_no_others(team: Team) -> None:
    team.item()
    days = days_before(PIN, 90)
    team.state(counted("saved-carts", days[:30], 0))
    team.state(counted("saved-carts", days[31:], 0))
    team.settle()
    assert {span.verdict for span in spans(team)} >= {"never_adopted"}
    before = [span for span in spans(team) if span.from_on < days[30]]

    team.state(counted("saved-carts", [days[30]], 300))
    team.settle()

    after = spans(team)
    assert [span for span in after if span.from_on < days[30]] == before
    assert {span.from_on: span.verdict for span in after if span.from_on >= days[30]} == {
        days[30]: "healthy",
        days[30] + timedelta(days=28): "abandoned",
    }


def test_facts_after_the_pin_do_not_count_whenever_they_were_received(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 0))
    team.state(counted("saved-carts", days_before(PIN + timedelta(days=10), 10), 300))
    team.settle()
    assert team.usage().verdict == "never_adopted"


def test_a_moved_pin_judges_everything_as_of_the_new_day(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 300))
    team.settle()
    assert team.usage().verdict == "healthy"
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=PIN + timedelta(days=3))
    judge_anew(Workspace.objects.get(pk=team.workspace.pk), {"kind": "thresholds"})
    team.settle()
    assert (team.usage().verdict, team.usage().judged_on) == ("data_gap", PIN + timedelta(days=3))


def test_an_absent_item_on_a_day_its_source_reported_is_a_true_zero(team: Team) -> None:
    team.item(), team.item("other")
    days = days_before(PIN, 90)
    team.state(counted("saved-carts", days[:30], 300))
    team.state(counted("other", days, 300))
    team.settle()
    assert team.usage().verdict == "abandoned"


def spans(team: Team) -> list[VerdictSpan]:
    return list(VerdictSpan.objects.filter(item__key="saved-carts").order_by("from_on"))
