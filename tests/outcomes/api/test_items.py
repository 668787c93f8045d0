from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import Exposure, Outcome, ValueRecord, VerdictSpan
from productops.workspaces.models import ApiKey, Member, Workspace
from roadmap.models import Item, Link
from tests.callers import Caller, codes, pointers
from tests.factories import (
    a_flag,
    a_link,
    a_member,
    a_metric,
    a_problem,
    a_product,
    a_value,
    a_verdict,
    a_workspace,
    an_item,
    an_outcome,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def keys(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["key"] for row in response.json()["results"]]


def a_full_item(workspace: Workspace, key: str) -> Item:
    """An item with everything its card can show."""
    item = an_item(
        workspace,
        key=key,
        title="Saved carts",
        status="released",
        released_on=date(2026, 3, 2),
        product=a_product(workspace),
        owner=Member.objects.in_workspace(workspace.pk).first() or a_member(workspace),
    )
    a_link(item, a_problem(workspace), weight=0.5)
    a_link(item, a_problem(workspace), weight=0.5)
    outcome = an_outcome(item, baseline=2.1, target=2.6, due_on=date(2026, 6, 30))
    a_value(
        item,
        expected=750.0,
        realised=58.9,
        coverage=0.7,
        proven=41.2,
        trend=3.1,
        model_version=1,
        as_of=datetime(2026, 5, 1, 9, 12, 44, tzinfo=UTC),
        explanation={
            "outcomes": [
                {
                    "id": outcome.pk,
                    "metric": outcome.metric.key,
                    "role": "primary",
                    "baseline": 2.1,
                    "baseline_from": "typed",
                    "target": 2.6,
                    "current": 2.4,
                    "attainment": 0.6,
                    "pace": 1.2,
                    "grade": "observed",
                    "due_on": "2026-06-30",
                    "missing": [],
                }
            ]
        },
    )
    a_verdict(
        item,
        last_known="healthy",
        active=1240,
        eligible=9800,
        eligible_from="snapshot",
        share=0.1265,
        low=0.1201,
        high=0.1332,
        window_days=28,
        judged_on=date(2026, 5, 1),
    )
    a_flag(item, reason="regression", opened_on=date(2026, 4, 28))
    a_flag(item, reason="declining", state="resolved")
    return item


def test_a_card_shows_both_halves_of_an_item(workspace: Workspace, paula: Caller) -> None:
    item = a_full_item(workspace, "saved-carts")
    card = paula.get("items/saved-carts/").json()
    assert card["product"]["key"] == item.product.key
    assert card["owner"] == {"id": item.owner_id, "name": item.owner.display_name}
    assert [problem["weight"] for problem in card["problems"]] == [0.5, 0.5]
    assert card["outcomes"] == [
        {
            "id": item.outcomes.get().pk,
            "metric": item.outcomes.get().metric.key,
            "series": None,
            "role": "primary",
            "baseline": 2.1,
            "baseline_from": "typed",
            "target": 2.6,
            "current": 2.4,
            "attainment": 0.6,
            "due_on": "2026-06-30",
            "pace": 1.2,
            "grade": "observed",
            "shared_with": [],
            "missing": [],
        }
    ]
    assert card["usage"] == {
        "verdict": "healthy",
        "last_known": "healthy",
        "reason": None,
        "active": 1240,
        "eligible": 9800,
        "eligible_from": "snapshot",
        "share": 0.1265,
        "low": 0.1201,
        "high": 0.1332,
        "window_days": 28,
        "as_of": "2026-05-01",
    }
    assert card["value"] == {
        "expected": 750.0,
        "realised": 58.9,
        "coverage": 0.7,
        "proven": 41.2,
        "trend": 3.1,
        "missing": [],
        "model_version": 1,
        "as_of": "2026-05-01T09:12:44Z",
    }
    assert card["exposures"] == {"on": 0, "off": 0}
    assert [(flag["reason"], flag["state"], flag["opened_on"]) for flag in card["flags"]] == [
        ("regression", "open", "2026-04-28")
    ]


def test_a_card_is_the_same_in_a_list_and_alone(workspace: Workspace, paula: Caller) -> None:
    a_full_item(workspace, "saved-carts")
    assert paula.get("items/").json()["results"] == [paula.get("items/saved-carts/").json()]


def test_usage_and_value_are_objects_from_the_creation_on(paula: Caller) -> None:
    card = paula.post("items/", {"title": "Saved carts"}).json()
    assert card["usage"]["verdict"] is None or isinstance(card["usage"]["verdict"], str)
    assert card["value"]["proven"] is None
    assert card["value"]["coverage"] == 0
    assert card["outcomes"] == card["flags"] == []


def test_an_outcome_that_was_not_read_yet_says_so(workspace: Workspace, paula: Caller) -> None:
    item = an_item(workspace)
    an_outcome(item, baseline=2.0)
    shown = paula.get(f"items/{item.pk}/").json()["outcomes"][0]
    assert (shown["baseline"], shown["current"], shown["missing"]) == (2.0, None, ["not_read_yet"])


def test_an_item_is_created_with_its_links_and_outcomes(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost-baskets")
    conversion = a_metric(workspace, key="checkout.conversion")
    response = paula.post(
        "items/",
        {
            "title": "Saved carts",
            "links": [{"problem": "lost-baskets", "weight": 0.8}],
            "outcomes": [
                {"metric": "checkout.conversion", "baseline": 2.1, "target": 2.6, "due_on": "2026-06-30"},
                {
                    "metric": conversion.pk,
                    "series": "eu",
                    "role": "guardrail",
                    "controls": ["checkout.conversion"],
                },
            ],
        },
    )
    assert response.status_code == 201, response.content
    card = response.json()
    assert card["key"] == "saved-carts"
    assert [problem["key"] for problem in card["problems"]] == ["lost-baskets"]
    assert [(shown["metric"], shown["role"]) for shown in card["outcomes"]] == [
        ("checkout.conversion", "primary"),
        ("checkout.conversion", "guardrail"),
    ]


@pytest.mark.parametrize(
    ("outcome", "pointer"),
    [
        ({"metric": "nobody.knows"}, "/outcomes/0/metric"),
        ({"target": 3}, "/outcomes/0/metric"),
        ({"metric": "ok", "target": "three"}, "/outcomes/0/target"),
        ({"metric": "ok", "colour": "red"}, "/outcomes/0/colour"),
        ({"metric": "ok", "weight": 0}, "/outcomes/0/weight"),
        ({"metric": "ok", "controls": ["nobody.knows"]}, "/outcomes/0/controls"),
        ({"metric": "ok", "washout_days": 99_999}, "/outcomes/0/washout_days"),
    ],
)
def test_one_bad_outcome_creates_nothing_and_names_its_place(
    workspace: Workspace, paula: Caller, outcome: dict[str, Any], pointer: str
) -> None:
    a_metric(workspace, key="ok")
    response = paula.post("items/", {"title": "Saved carts", "outcomes": [outcome]})
    assert response.status_code == 400, response.content
    assert pointers(response) == {pointer}
    assert not Item.objects.exists()


def test_two_outcomes_on_one_metric_are_refused(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="ok")
    response = paula.post("items/", {"title": "Carts", "outcomes": [{"metric": "ok"}, {"metric": "ok"}]})
    assert (response.status_code, pointers(response)) == (400, {"/outcomes/1/metric"})


def test_a_metric_of_another_workspace_is_refused_like_a_missing_one(paula: Caller) -> None:
    foreign = a_metric(a_workspace(), key="theirs")
    for ref in (foreign.pk, "theirs", "nobody"):
        response = paula.post("items/", {"title": "Carts", "outcomes": [{"metric": ref}]})
        assert (response.status_code, codes(response)) == (400, {"does_not_exist"})
    assert not Outcome.objects.exists()


def test_outcomes_of_an_item_that_exists_are_not_changed_beneath_it(
    workspace: Workspace, paula: Caller
) -> None:
    item = an_item(workspace)
    a_metric(workspace, key="ok")
    response = paula.patch(f"items/{item.pk}/", {"outcomes": [{"metric": "ok"}]})
    assert (response.status_code, pointers(response)) == (400, {"/outcomes"})


def test_what_a_worker_computes_cannot_be_written(paula: Caller) -> None:
    response = paula.post("items/", {"title": "Carts", "value": {"proven": 100}, "flags": []})
    assert (response.status_code, pointers(response)) == (400, {"/value", "/flags"})


def test_items_are_listed_by_proven_value_unknown_last(workspace: Workspace, paula: Caller) -> None:
    for key, proven in (("low", 1.5), ("high", 80.0), ("unknown", None)):
        a_value(an_item(workspace, key=key), proven=proven)
    an_item(workspace, key="new")
    assert keys(paula.get("items/")) == ["high", "low", "unknown", "new"]


@pytest.mark.parametrize(
    ("ordering", "field"),
    [
        ("realised", "realised"),
        ("expected", "expected"),
        ("demand", "demand"),
        ("opportunity", "opportunity"),
        ("trend", "trend"),
        ("coverage", "coverage"),
        ("revenue_at_stake", "revenue_at_stake"),
    ],
)
def test_items_are_ordered_by_any_part_of_their_value(
    workspace: Workspace, paula: Caller, ordering: str, field: str
) -> None:
    for key, number in (("b", 2), ("a", 1), ("c", 3)):
        a_value(an_item(workspace, key=key), **{field: number})
    assert keys(paula.get(f"items/?ordering={ordering}")) == ["a", "b", "c"]
    assert keys(paula.get(f"items/?ordering=-{ordering}")) == ["c", "b", "a"]


def test_items_are_ordered_by_adoption_and_by_release(workspace: Workspace, paula: Caller) -> None:
    for key, share, day in (("wide", 0.5, 1), ("narrow", 0.1, 3)):
        a_verdict(an_item(workspace, key=key, released_on=date(2026, 3, day)), share=share)
    assert keys(paula.get("items/?ordering=-adoption")) == ["wide", "narrow"]
    assert keys(paula.get("items/?ordering=-released_on")) == ["narrow", "wide"]
    assert keys(paula.get("items/?ordering=title")) == ["wide", "narrow"]


def test_pages_by_value_show_every_item_once(workspace: Workspace, paula: Caller) -> None:
    for number in range(7):
        item = an_item(workspace, key=f"item-of-page-{number}")
        if number % 3:
            a_value(item, proven=float(number % 2))
    url: str | None = "/api/v1/items/?page_size=2"
    seen: list[str] = []
    for _ in range(10):
        if url is None:
            break
        page = paula.get(url).json()
        seen += [row["key"] for row in page["results"]]
        url = page["next"]
    assert url is None
    assert sorted(seen) == sorted({f"item-of-page-{number}" for number in range(7)})


def test_items_are_filtered_by_verdict_flag_metric_problem_and_product(
    workspace: Workspace, paula: Caller
) -> None:
    item = a_full_item(workspace, "saved-carts")
    other = an_item(workspace, key="other", status="idea")
    a_verdict(other, "exempt")
    metric, problem = item.outcomes.get().metric, item.links.first().problem
    for query in (
        "verdict=healthy",
        "verdict=healthy,declining",
        "flag=regression",
        f"metric={metric.key}",
        f"metric={metric.pk}",
        f"problem={problem.key}",
        f"product={item.product.key}",
        "status=released",
        "released_after=2026-03-01",
        "search=carts",
    ):
        assert keys(paula.get(f"items/?{query}")) == ["saved-carts"], query
    assert keys(paula.get("items/?flag=declining")) == []
    assert keys(paula.get("items/?verdict=exempt")) == ["other"]


@pytest.mark.parametrize(
    "query", ["verdict=great", "flag=boring", "metric=nobody.knows", "colour=red", "ordering=luck"]
)
def test_a_filter_that_means_nothing_is_refused_by_name(paula: Caller, query: str) -> None:
    response = paula.get(f"items/?{query}")
    assert response.status_code == 400
    assert pointers(response) == {f"/{query.partition('=')[0]}"}


def test_a_metric_with_several_outcomes_does_not_repeat_its_item(workspace: Workspace, paula: Caller) -> None:
    item, metric = an_item(workspace), a_metric(workspace)
    for series in (None, "eu", "us"):
        an_outcome(item, metric, series=series)
    assert keys(paula.get(f"items/?metric={metric.key}")) == [item.key]


def test_a_list_of_fifty_cards_takes_six_queries_at_most(workspace: Workspace, paula: Caller) -> None:
    for number in range(50):
        a_full_item(workspace, f"card-{number}")
    ApiKey.objects.update(last_used_at=datetime.now(UTC))
    with CaptureQueriesContext(connection) as queries:
        assert len(paula.get("items/?page_size=50").json()["results"]) == 50
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert len(asked) <= 6, asked


def test_value_is_fully_explained(workspace: Workspace, paula: Caller) -> None:
    item = a_full_item(workspace, "saved-carts")
    a_value(item, outcome_term=0.4, adoption=0.9, demand=12.0, revenue_at_stake=900.0, opportunity=14.5)
    told = paula.get("items/saved-carts/value/").json()
    assert told["item"] == "saved-carts"
    assert (told["outcome"], told["adoption"], told["retention"]) == (0.4, 0.9, None)
    assert (told["demand"], told["revenue_at_stake"], told["opportunity"]) == (12.0, 900.0, 14.5)
    assert told["explanation"]["outcomes"][0]["current"] == 2.4


def test_the_value_of_an_item_nobody_scored_yet_is_all_unknown(workspace: Workspace, paula: Caller) -> None:
    told = paula.get(f"items/{an_item(workspace).pk}/value/").json()
    assert (told["proven"], told["coverage"], told["explanation"]) == (None, 0, {})


def test_value_history_is_newest_first_with_its_causes(workspace: Workspace, paula: Caller) -> None:
    item = an_item(workspace, key="carts")
    for day in (1, 2, 3):
        ValueRecord.objects.create(
            workspace=workspace,
            item=item,
            proven=day * 10,
            cause={"kind": "clock"},
            as_of=datetime(2026, 5, day, tzinfo=UTC),
        )
    page = paula.get("items/carts/value/history/?page_size=2").json()
    assert [row["proven"] for row in page["results"]] == [30, 20]
    assert page["results"][0]["cause"] == {"kind": "clock"}
    assert [row["proven"] for row in paula.get(page["next"]).json()["results"]] == [10]


def test_usage_tells_the_verdicts_as_spans(workspace: Workspace, paula: Caller) -> None:
    item = a_full_item(workspace, "saved-carts")
    for day, verdict in ((1, "too_new"), (28, "healthy")):
        VerdictSpan.objects.create(
            workspace=workspace, item=item, from_on=date(2026, 4, day), verdict=verdict
        )
    told = paula.get("items/saved-carts/usage/").json()
    assert told["active"] == 1240
    assert told["verdicts"] == [
        {"from_on": "2026-04-01", "verdict": "too_new", "reason": None},
        {"from_on": "2026-04-28", "verdict": "healthy", "reason": None},
    ]


@pytest.mark.parametrize("page", ["", "value/", "usage/", "value/history/"])
def test_an_outsider_finds_nothing_of_an_item(workspace: Workspace, page: str) -> None:
    item = a_full_item(workspace, "saved-carts")
    olga = Caller(a_workspace())
    foreign, missing = olga.get(f"items/{item.pk}/{page}"), olga.get(f"items/{item.pk + 999}/{page}")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["detail"] == missing.json()["detail"]


def test_an_item_is_released_on_a_day(workspace: Workspace, paula: Caller) -> None:
    item = an_item(workspace, status="delivery")
    card = paula.post(f"items/{item.key}/release/", {"on": "2026-03-02"}).json()
    assert (card["status"], card["released_on"]) == ("released", "2026-03-02")


def test_exposures_are_those_of_the_window(workspace: Workspace, paula: Caller) -> None:
    Workspace.objects.update(pinned_on=date(2026, 5, 28))
    item = an_item(workspace)
    for day in (date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 28)):
        Exposure.objects.create(workspace=workspace, item=item, on_date=day, on_count=10, off_count=1)
    assert paula.get(f"items/{item.pk}/").json()["exposures"] == {"on": 20, "off": 2}


def rows_of(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_items_are_exported_with_the_same_filters_and_order(workspace: Workspace, paula: Caller) -> None:
    a_full_item(workspace, "saved-carts")
    a_value(an_item(workspace, key="winner", status="released", released_on=date(2026, 1, 1)), proven=99)
    an_item(workspace, key="an-idea")
    response = paula.get("items.csv?status=released")
    assert response["Content-Type"].startswith("text/csv")
    rows = rows_of(response)
    assert [row["key"] for row in rows] == ["winner", "saved-carts"]
    assert (rows[1]["verdict"], rows[1]["proven"], rows[1]["flags"]) == ("healthy", "41.2", "regression")


def test_an_export_of_many_items_takes_as_few_queries_as_of_one(workspace: Workspace, paula: Caller) -> None:
    counts = []
    for number in range(3):
        a_full_item(workspace, f"card-{number}")
        with CaptureQueriesContext(connection) as queries:
            rows_of(paula.get("items.csv"))
        counts.append(sum(query["sql"].startswith(("SELECT", "DECLARE")) for query in queries))
    assert len(set(counts[1:])) == 1


def test_an_export_cannot_smuggle_a_formula_into_a_spreadsheet(workspace: Workspace, paula: Caller) -> None:
    an_item(workspace, key="evil", title='=HYPERLINK("http://evil.test")')
    assert rows_of(paula.get("items.csv?fields=key,title")) == [
        {"key": "evil", "title": '\'=HYPERLINK("http://evil.test")'}
    ]


def test_an_export_refuses_what_it_does_not_know(paula: Caller) -> None:
    for query in ("fields=secret", "colour=red", "cursor=x", "page_size=2"):
        assert paula.get(f"items.csv?{query}").status_code == 400


def test_archived_links_do_not_count_and_the_roadmap_stays_whole(workspace: Workspace, paula: Caller) -> None:
    item = a_full_item(workspace, "saved-carts")
    problem = a_problem(workspace, key="new-problem")
    response = paula.patch("items/saved-carts/", {"links": [{"problem": "new-problem"}]})
    assert response.status_code == 200, response.content
    assert list(Link.objects.filter(item=item).values_list("problem", flat=True)) == [problem.pk]
    assert response.json()["value"]["expected"] == 750.0


def test_who_may_not_set_outcomes_makes_none_with_an_item_either() -> None:
    workspace = a_workspace()
    metric = a_metric(workspace)
    roadmapper = Caller(workspace, scopes=["roadmap:read", "roadmap:write"])
    body = {"title": "Sneaky", "outcomes": [{"metric": metric.key}]}
    for answer in (roadmapper.post("items/", body), roadmapper.post("items/bulk/", {"rows": [body]})):
        assert answer.status_code == 403
        assert "outcomes:write" in answer.json()["detail"]
    assert not Item.objects.in_workspace(workspace.pk).exists()
    assert roadmapper.post("items/", {"title": "Honest"}).status_code == 201
