"""Questions about the whole workspace: each answered with what it comes to and the rows that weigh most."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outcomes.api.insights import INSIGHTS
from outcomes.models import (
    Exposure,
    FlagAction,
    MetricSource,
    SourceDay,
    UsageDay,
    ValueRecord,
    VerdictSpan,
)
from outcomes.pipeline import partitions
from productops.workspaces.models import Change, Workspace
from roadmap.models import Customer, Item, Problem, ProblemStanding
from tests.admin.furnishing import furnish
from tests.callers import Caller, pointers
from tests.factories import (
    a_customer,
    a_flag,
    a_link,
    a_metric,
    a_metric_day,
    a_problem,
    a_product,
    a_source,
    a_value,
    a_verdict,
    a_workspace,
    an_item,
    an_outcome,
    evidence,
)
from tests.plans import rows_handled

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)
NAMES = [insight.name for insight in INSIGHTS]
BY_PRODUCT = [insight.name for insight in INSIGHTS if insight.is_by_product]


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=TODAY)


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def asked(caller: Caller, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    answer = caller.get(f"insights/{name}")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["as_of"] == TODAY.isoformat()
    return told["summary"], told["results"]


def released(workspace: Workspace, **fields: Any) -> Item:
    return an_item(workspace, **{"status": "released", "released_on": date(2026, 1, 1), **fields})


@pytest.mark.parametrize("name", NAMES)
def test_a_new_workspace_gets_an_empty_answer(paula: Caller, name: str) -> None:
    _, rows = asked(paula, f"{name}/")
    assert rows == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_others_is_in_an_answer_or_a_file(paula: Caller, name: str) -> None:
    furnish(a_workspace(pinned_on=TODAY), "Theirs")
    summary, rows = asked(paula, f"{name}/")
    assert rows == []
    assert not any(value for value in summary.values() if isinstance(value, int | float))
    assert len(b"".join(paula.get(f"insights/{name}.csv").streaming_content).splitlines()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_file_has_the_rows_of_the_answer(workspace: Workspace, paula: Caller, name: str) -> None:
    furnish(workspace, "Ours")
    _, rows = asked(paula, f"{name}/")
    text = b"".join(paula.get(f"insights/{name}.csv").streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == len(rows)
    assert not rows or list(lines[0]) == list(rows[0])


@pytest.mark.parametrize("name", NAMES)
def test_what_makes_no_sense_is_refused_by_name(paula: Caller, name: str) -> None:
    for query, named in (("limit=0", "/limit"), ("limit=201", "/limit"), ("since=2026", "/since")):
        answer = paula.get(f"insights/{name}/?{query}")
        assert (answer.status_code, pointers(answer)) == (400, {named})
    assert paula.get(f"insights/{name}.csv?limit=5").status_code == 400


@pytest.mark.parametrize("name", BY_PRODUCT)
def test_a_product_of_others_is_refused_like_none(paula: Caller, name: str) -> None:
    theirs = a_product(a_workspace())
    foreign, missing = (paula.get(f"insights/{name}/?product={ref}") for ref in (theirs.pk, 987_654_321))
    assert (foreign.status_code, pointers(foreign)) == (400, {"/product"})
    assert foreign.json()["errors"] == missing.json()["errors"]


@pytest.mark.parametrize("name", NAMES)
def test_a_key_without_the_scope_gets_nothing(workspace: Workspace, name: str) -> None:
    assert Caller(workspace, ["ingest"]).get(f"insights/{name}/").status_code == 403
    assert Caller().get(f"insights/{name}.csv").status_code == 401


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_costs_the_same_queries_for_one_row_and_for_many(name: str) -> None:
    spent = []
    for number in (1, 4):
        workspace = a_workspace(pinned_on=TODAY)
        for index in range(number):
            furnish_again(workspace, index)
        caller = Caller(workspace)
        caller.get(f"insights/{name}/")  # the key's first use is written down
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(f"insights/{name}/").status_code == 200
        spent.append(len(queries))
    assert spent[0] == spent[1] <= 6


def furnish_again(workspace: Workspace, index: int) -> None:
    """A released item with a problem, an outcome, a verdict, a flag and a source."""
    item = released(workspace)
    problem = a_problem(workspace)
    evidence(problem, customer=a_customer(workspace), observed_on=TODAY)
    if index:
        a_link(item, problem)
    an_outcome(item)
    a_verdict(item, "abandoned")
    a_value(item, expected=index, realised=index)
    a_flag(item)
    a_source(workspace)


# --- Problems and wishes ---------------------------------------------------------------------------------


def test_problems_are_ranked_and_say_how_much_nobody_works_on(workspace: Workspace, paula: Caller) -> None:
    for key, demand in (("loud", 9.0), ("quiet", 3.0)):
        ProblemStanding.objects.create(
            workspace=workspace, problem=a_problem(workspace, key=key), demand=demand, own_demand=demand
        )
    a_link(released(workspace), a_problem(workspace, key="worked-on"))
    summary, rows = asked(paula, "problems/")
    assert [(row["key"], row["items"], row["released_items"]) for row in rows] == [
        ("loud", 0, 0), ("quiet", 0, 0), ("worked-on", 1, 1),
    ]  # fmt: skip
    assert (summary["problems"], summary["without_items"], summary["demand_without_items"]) == (3, 2, 12)


def test_who_asked_for_several_parts_of_a_problem_is_counted_once_in_the_totals(
    workspace: Workspace, paula: Caller
) -> None:
    top = a_problem(workspace, key="top")
    parts = [a_problem(workspace, key=key, parent=top) for key in ("part", "other-part")]
    for problem in (top, *parts):
        ProblemStanding.objects.create(
            workspace=workspace, problem=problem, demand=5, own_demand=5, revenue_at_stake=70
        )
    summary, _ = asked(paula, "problems/")
    assert summary["demand"] == summary["demand_without_items"] == 5
    assert summary["revenue_without_items"] == 70
    a_link(released(workspace), parts[0])
    summary, _ = asked(paula, "problems/")
    assert (summary["without_items"], summary["demand"], summary["demand_without_items"]) == (1, 5, 5)


def test_a_problem_has_an_item_when_one_is_for_it_or_beneath_it_wherever_that_is_asked(
    workspace: Workspace, paula: Caller
) -> None:
    top = a_problem(workspace, key="top")
    middle = a_problem(workspace, key="middle", parent=top)
    parts = {key: a_problem(workspace, key=key, parent=middle) for key in ("worked-on", "bare", "barer")}
    gone = a_problem(workspace, key="gone", parent=parts["bare"], archived_at=timezone.now())
    alone = a_problem(workspace, key="alone")
    for problem, demand in ((top, 4), (middle, 4), *((part, 3) for part in parts.values()), (alone, 1)):
        ProblemStanding.objects.create(workspace=workspace, problem=problem, demand=demand, own_demand=0)
    item = released(workspace, key="the-item")
    a_link(item, parts["worked-on"], 0.5)
    a_link(item, gone, 0.5)

    summary, rows = asked(paula, "problems/")
    having, lacking = {"top", "middle", "worked-on"}, {"bare", "barer", "alone"}
    counted = {row["key"]: row["items"] for row in rows}
    assert counted == dict.fromkeys(having, 1) | dict.fromkeys(lacking, 0)
    for answer, keys in (("true", having), ("false", lacking)):
        found = paula.get(f"problems/?has_items={answer}").json()["results"]
        assert {row["key"] for row in found} == keys
        sheet = paula.get(f"problems.csv?has_items={answer}&fields=key,items").streaming_content
        lines = csv.reader(io.StringIO(b"".join(sheet).decode()))
        assert dict(list(lines)[1:]) == dict.fromkeys(keys, "the-item" if answer == "true" else "")
    # Two parts that nobody works on make no more than the whole tree.
    assert (summary["without_items"], summary["demand"], summary["demand_without_items"]) == (3, 5, 5)
    for problem in (parts["bare"], parts["barer"], alone):
        a_link(released(workspace), problem)
    summary, _ = asked(paula, "problems/")
    assert (summary["without_items"], summary["demand"], summary["demand_without_items"]) == (0, 5, 0)


def test_ranking_problems_takes_work_by_their_number_and_not_by_its_square(
    workspace: Workspace, paula: Caller
) -> None:
    """Also before the database has counted them: a workspace of thousands was answered 503."""
    count = 400
    Problem.objects.bulk_create(
        Problem(workspace=workspace, key=f"p{number}", title="Much") for number in range(count)
    )
    with rows_handled() as handled:
        summary, _ = asked(paula, "problems/")
    assert summary["without_items"] == count
    assert max(handled) < 100 * count


def test_a_wish_is_an_item_without_a_problem_or_an_outcome(workspace: Workspace, paula: Caller) -> None:
    whole = an_item(workspace, key="whole")
    a_link(whole, a_problem(workspace))
    an_outcome(whole)
    an_outcome(an_item(workspace, key="half"))
    an_item(workspace, key="bare")
    an_item(workspace, key="gone", status="sunset", released_on=date(2025, 1, 1))
    summary, rows = asked(paula, "wish-list/")
    assert [(row["key"], row["lacks_problem"], row["lacks_outcome"]) for row in rows] == [
        ("bare", True, True),
        ("half", True, False),
    ]
    assert (summary["items"], summary["wishes"], summary["ratio"]) == (3, 2, pytest.approx(2 / 3))


def test_a_wish_is_told_the_problems_that_share_its_words(workspace: Workspace, paula: Caller) -> None:
    a_problem(workspace, key="lost-baskets", title="Baskets are lost between devices")
    a_problem(workspace, key="slow-invoices", title="Invoices take days")
    a_problem(a_workspace(), key="theirs", title="Baskets are lost")
    an_item(workspace, title="Keep the basket on every device")
    _, ((wish),) = asked(paula, "wish-list/")
    assert [found["key"] for found in wish["suggestions"]] == ["lost-baskets"]
    assert wish["suggestions"][0]["rank"] > 0


@pytest.mark.parametrize(
    "title", ["the of and", "a'b\\c & | ! ( ) :* <->", "'", "\\", "¿?", "it's O'Reilly's"]
)
def test_no_title_is_taken_for_an_operator(workspace: Workspace, paula: Caller, title: str) -> None:
    a_problem(workspace, title=title)
    an_item(workspace, title=title)
    assert paula.get("insights/wish-list/").status_code == 200
    a_verdict(released(workspace, title=title), "abandoned")
    assert paula.get("insights/unused/").status_code == 200


# --- Use -------------------------------------------------------------------------------------------------


def test_unused_features_are_told_with_the_tickets_that_name_them(
    workspace: Workspace, paula: Caller
) -> None:
    carts = released(workspace, key="saved-carts", title="Saved carts", effort=2)
    a_verdict(carts, "abandoned", active=0, eligible=100)
    VerdictSpan.objects.create(
        workspace=workspace, item=carts, from_on=TODAY - timedelta(days=10), verdict="abandoned"
    )
    a_verdict(released(workspace, key="lists", title="Wish lists"), "under_used")
    a_verdict(released(workspace, key="fine"), "healthy")
    problem = a_problem(workspace)
    for quote, days in (("My SAVED CARTS vanish", 3), ("about saved carts", 200), ("carts that I saved", 1)):
        evidence(problem, quote=quote, observed_on=TODAY - timedelta(days=days))
    evidence(problem, kind="call", quote="saved carts", observed_on=TODAY)
    summary, rows = asked(paula, "unused/")
    assert [(row["key"], row["tickets"], row["days"]) for row in rows] == [
        ("saved-carts", 1, 10),
        ("lists", 0, None),
    ]
    assert rows[0]["last_ticket_on"] == "2026-04-28"
    assert (summary["abandoned"], summary["under_used"], summary["effort"], summary["tickets"]) == (
        1,
        1,
        2,
        1,
    )


def test_a_product_narrows_the_answer(workspace: Workspace, paula: Caller) -> None:
    a_verdict(released(workspace, key="here", product=a_product(workspace, key="shop")), "abandoned")
    a_verdict(released(workspace, key="there"), "abandoned")
    summary, rows = asked(paula, "unused/?product=shop")
    assert ([row["key"] for row in rows], summary["abandoned"]) == (["here"], 1)


def test_what_a_flag_shows_and_nobody_uses_is_named(workspace: Workspace, paula: Caller) -> None:
    shown, used, hidden = (released(workspace, key=key) for key in ("shown", "used", "hidden"))
    a_verdict(used, active=5)
    for item, on in ((shown, 40), (used, 90), (hidden, 0)):
        Exposure.objects.create(workspace=workspace, item=item, on_date=TODAY, on_count=on, off_count=7)
    Exposure.objects.create(
        workspace=workspace, item=hidden, on_date=TODAY - timedelta(days=28), on_count=5, off_count=0
    )
    summary, rows = asked(paula, "exposure-without-use/")
    assert [(row["key"], row["on"], row["off"], row["last_on"]) for row in rows] == [
        ("shown", 40, 7, "2026-05-01")
    ]
    assert summary == {"exposed": 2, "without_use": 1}


def test_sources_that_fell_silent_come_first(workspace: Workspace, paula: Caller) -> None:
    for key, days in (("fresh", 1), ("silent", 9)):
        SourceDay.objects.create(
            workspace=workspace,
            source=a_source(workspace, key=key),
            on=TODAY - timedelta(days=days),
            has_usage=True,
        )
    a_source(workspace, key="new")
    summary, rows = asked(paula, "sources/")
    assert [(row["key"], row["state"], row["days_behind"]) for row in rows] == [
        ("silent", "silent", 9), ("new", "never_seen", None), ("fresh", "fresh", 1),
    ]  # fmt: skip
    assert summary == {"sources": 3, "never_seen": 1, "fresh": 1, "silent": 1}


def uses(item: Item, customer: Customer, on: date) -> None:
    partitions.make("outcomes_usageday", partitions.missing("outcomes_usageday", [on]))
    UsageDay.objects.create(
        workspace=item.workspace, item=item, on=on, actor=b"0" * 16, customer=customer, count=1
    )


def test_customers_who_asked_and_do_not_use_it_are_named(workspace: Workspace, paula: Caller) -> None:
    item, problem = released(workspace, key="carts"), a_problem(workspace, key="lost")
    a_link(item, problem)
    acme, bolt, core = (
        a_customer(workspace, key=key, mrr=mrr) for key, mrr in (("acme", 100), ("bolt", 300), ("core", 50))
    )
    for customer in (acme, bolt, core):
        evidence(problem, customer=customer, importance=3, observed_on=date(2025, 12, 1))
    evidence(problem, customer=acme, importance=1, observed_on=date(2026, 1, 1))
    uses(item, core, TODAY)
    uses(item, acme, TODAY - timedelta(days=28))
    unknown = released(workspace, key="unmeasured")
    a_link(unknown, problem)
    summary, rows = asked(paula, "asked-but-not-using/")
    assert [(row["item"], row["customer"], row["importance"], row["last_used_on"]) for row in rows] == [
        ("carts", "bolt", 3, None),
        ("carts", "acme", 3, "2026-04-03"),
    ]
    assert summary == {
        "asked": 3,
        "not_using": 2,
        "customers_not_using": 2,
        "mrr_not_using": 400,
        "items_without_customers": 1,
    }


def test_a_problem_tells_who_asked_for_it_or_a_part_of_it_and_does_not_use_what_was_released(
    workspace: Workspace, paula: Caller
) -> None:
    top = a_problem(workspace, key="top")
    part, other = a_problem(workspace, key="part", parent=top), a_problem(workspace, key="other")
    cart, list_, seen = (released(workspace, key=key) for key in ("cart", "list", "seen"))
    a_link(cart, top), a_link(list_, part), a_link(seen, other)
    acme, bolt = (a_customer(workspace, key=key, mrr=mrr) for key, mrr in (("acme", 100), ("bolt", 50)))
    evidence(part, customer=acme), evidence(top, customer=bolt), evidence(other, customer=bolt)
    for item in (cart, list_, seen):
        uses(item, a_customer(workspace), TODAY)
    # What was released for a part of the problem is not what bolt asked for.
    told = paula.get("problems/top/asked-not-using/").json()
    pairs = {(row["item"], row["customer"], row["problem"]) for row in told["results"]}
    assert pairs == {("cart", "acme", "part"), ("cart", "bolt", "top"), ("list", "acme", "part")}
    assert (told["summary"]["not_using"], told["summary"]["mrr_not_using"]) == (3, 150)
    (row,) = paula.get("problems/part/asked-not-using/").json()["results"]
    assert (row["item"], row["customer"]) == ("list", "acme")
    assert len(asked(paula, "asked-but-not-using/")[1]) == 4


def test_the_askers_of_no_problem_or_of_somebody_elses_are_not_found(
    workspace: Workspace, paula: Caller
) -> None:
    theirs = a_problem(a_workspace())
    for ref in ("nowhere", str(theirs.pk), "%00"):
        assert paula.get(f"problems/{ref}/asked-not-using/").status_code == 404


# --- Bets, flags, removals -------------------------------------------------------------------------------


def an_outcome_read(
    item: Item, attainment: float | None, more: dict[str, Any] | None = None, **fields: Any
) -> None:
    outcome = an_outcome(item, target=10, **fields)
    reading = {"id": outcome.pk, "attainment": attainment, "pace": attainment, **(more or {})}
    a_value(item, explanation={"outcomes": [reading]})


def test_outcomes_are_hit_missed_or_on_their_way(workspace: Workspace, paula: Caller) -> None:
    for key, attainment, due_on in (
        ("hit", 0.95, None),
        ("missed", 0.5, date(2026, 4, 30)),
        ("behind", 0.4, date(2026, 6, 1)),
        ("early", 0.95, date(2026, 6, 1)),
        ("kept", 1.0, date(2026, 4, 30)),
        ("unknown", None, None),
    ):
        an_outcome_read(released(workspace, key=key), attainment, due_on=due_on)
    an_outcome_read(released(workspace, key="guard"), 1.0, role="guardrail")
    an_outcome_read(an_item(workspace, key="not-released"), 1.0)
    summary, rows = asked(paula, "outcomes/")
    assert [(row["item"], row["state"]) for row in rows] == [
        ("missed", "missed"), ("behind", "behind"), ("kept", "hit"), ("early", "hit"), ("hit", "hit"),
        ("unknown", "unknown"),
    ]  # fmt: skip
    states = ("hit", "missed", "on_pace", "behind", "unknown")
    assert summary["outcomes"] == sum(summary[state] for state in states) == 6
    assert (summary["due_or_decided"], summary["hits"], summary["hit_rate"]) == (2, 1, 0.5)
    assert summary["low"] < 0.5 < summary["high"]
    assert summary["median_pace"] == 0.95


def test_an_outcome_whose_effect_is_decided_counts_in_the_hit_rate_before_it_is_due(
    workspace: Workspace, paula: Caller
) -> None:
    effect = {"decided_on": "2026-04-20"}
    an_outcome_read(released(workspace, key="tried"), 1.0, {"effect": effect}, due_on=date(2026, 6, 1))
    an_outcome_read(released(workspace, key="open"), 0.2, due_on=date(2026, 6, 1))
    summary, _ = asked(paula, "outcomes/")
    assert (summary["due_or_decided"], summary["hits"], summary["hit_rate"]) == (1, 1, 1)


def test_bets_are_compared_by_their_ranks(workspace: Workspace, paula: Caller) -> None:
    for key, expected, realised in (("overrated", 900, 10), ("fair", 500, 50), ("underrated", 100, 90)):
        a_value(released(workspace, key=key), expected=expected, realised=realised, coverage=0.7)
    a_value(released(workspace, key="unmeasured"), expected=5)
    summary, rows = asked(paula, "expected-against-realised/")
    assert [(row["key"], row["rank_difference"]) for row in rows] == [
        ("overrated", -2), ("fair", 0), ("underrated", 2),
    ]  # fmt: skip
    assert summary == {"released": 4, "compared": 3, "rank_correlation": None}


def test_a_flag_is_regretted_when_its_item_came_back(workspace: Workspace, paula: Caller) -> None:
    back, false_alarm, open_ = (released(workspace, key=key) for key in ("back", "late-data", "open"))
    closed = {"state": "resolved", "resolved_on": date(2026, 1, 12)}
    a_flag(back, resolved_cause="recovered", recommendation="sunset", **closed)
    a_flag(false_alarm, resolved_cause="corrected", **closed)
    a_flag(released(workspace), resolved_cause="edited", **closed)
    a_flag(open_)
    a_flag(released(workspace), reason="missed_target", resolved_cause="recovered", **closed)
    # Raised in the middle of a load and taken back by the rest of it; the second was answered first.
    a_flag(released(workspace), resolved_cause="corrected", version=2, reason="declining", **closed)
    answered = a_flag(released(workspace, key="answered"), resolved_cause="corrected", version=3, **closed)
    summary, rows = asked(paula, "flag-regret/")
    assert answered.pk in {row["id"] for row in rows}
    rows = [row for row in rows if row["id"] != answered.pk]
    assert {(row["item"], row["cause"], row["days_open"]) for row in rows} == {
        ("back", "recovered", 10),
        ("late-data", "corrected", 10),
    }
    assert (summary["flags"], summary["closed"], summary["sunset_was_advised"]) == (5, 4, 1)
    assert summary["rate"] == pytest.approx(3 / 4)


def sunset(workspace: Workspace, on: date, **fields: Any) -> Item:
    """An item that a person moved to sunset on a day."""
    item = released(workspace, **fields)
    Item.objects.filter(pk=item.pk).update(status="sunset")
    change = Change.objects.filter(type="item", object_id=item.pk, action="edited")
    change.update(at=datetime(on.year, on.month, on.day, 12, tzinfo=UTC))
    return item


def test_what_worsened_after_a_removal_is_told_with_both_levels(workspace: Workspace, paula: Caller) -> None:
    gone_on = date(2026, 4, 1)
    item = sunset(workspace, gone_on, key="old-export")
    for key, after in (("orders", 8.0), ("visits", 9.9)):
        metric = a_metric(workspace, key=key)
        an_outcome(item, metric)
        for back in range(28):
            a_metric_day(metric, gone_on - timedelta(days=back + 1), 10.0)
            a_metric_day(metric, gone_on + timedelta(days=back), after)
    an_outcome(item, a_metric(workspace, key="unmeasured"))
    summary, rows = asked(paula, "sunset-check/")
    assert [(row["metric"], row["before"], row["after"], row["has_worsened"]) for row in rows] == [
        ("orders", 10, 8, True), ("visits", 10, pytest.approx(9.9), False), ("unmeasured", None, None, None),
    ]  # fmt: skip
    assert rows[0]["sunset_on"] == "2026-04-01"
    assert rows[0]["relative"] == pytest.approx(-0.2)
    assert summary == {"items": 1, "metrics": 3, "worsened": 1, "held": 1, "unknown": 1}


def test_a_metric_that_began_shortly_before_a_removal_has_no_zeros_before_it(
    workspace: Workspace, paula: Caller
) -> None:
    gone_on = date(2026, 4, 1)
    metric = a_metric(workspace, key="orders", aggregation="sum")
    an_outcome(sunset(workspace, gone_on, key="old-export"), metric)
    source = a_source(workspace)
    MetricSource.objects.create(workspace=workspace, metric=metric, source=source)
    for back in range(-27, 29):
        on = gone_on - timedelta(days=back)
        SourceDay.objects.create(workspace=workspace, source=source, on=on, has_observations=True)
        if back <= 7:
            a_metric_day(metric, on, 10.0)
    _, (row,) = asked(paula, "sunset-check/")
    # A level of 2.5 before would make it seem to have quadrupled since.
    assert (row["before"], row["after"], row["has_worsened"]) == (None, 10, None)


def test_of_an_item_that_came_as_sunset_nobody_knows_the_day(workspace: Workspace, paula: Caller) -> None:
    an_outcome(an_item(workspace, status="sunset", released_on=date(2025, 1, 1)))
    assert asked(paula, "sunset-check/")[1] == []


def test_the_week_is_told_by_what_happened_in_it(workspace: Workspace, paula: Caller) -> None:
    fresh = released(workspace, key="fresh", released_on=TODAY)
    released(workspace, key="last-week", released_on=TODAY - timedelta(days=7))
    for days, verdict in ((40, "healthy"), (6, "declining")):
        VerdictSpan.objects.create(
            workspace=workspace, item=fresh, from_on=TODAY - timedelta(days=days), verdict=verdict
        )
    a_flag(fresh, opened_on=TODAY - timedelta(days=2))
    a_value(fresh, proven=40, judged_on=TODAY)
    ValueRecord.objects.create(
        workspace=workspace,
        item=fresh,
        proven=30,
        judged_on=TODAY - timedelta(days=10),
        as_of=datetime(2026, 4, 21, tzinfo=UTC),
    )
    for _ in range(2):
        evidence(a_problem(workspace), observed_on=TODAY)
    summary, rows = asked(paula, "this-week/")
    assert {(row["kind"], row["before"], row["after"]) for row in rows if row["subject"] == "fresh"} == {
        ("released", None, "released"),
        ("flag_opened", None, "under_used"),
        ("verdict", "healthy", "declining"),
        ("value", "30", "40"),
    }
    assert summary == {
        "first_on": "2026-04-25",
        "last_on": "2026-05-01",
        "released": 1,
        "flags_opened": 1,
        "flags_closed": 0,
        "verdicts": 1,
        "values": 1,
        "evidence": 2,
    }


def test_a_value_that_is_known_for_the_first_time_is_news_of_that_day(
    workspace: Workspace, paula: Caller
) -> None:
    first_known = {"new": (None, 3), "found": (20, 2), "old": (None, 8), "still-unknown": (None, None)}
    for key, (unknown_for, known_for) in first_known.items():
        item = released(workspace, key=key)
        a_value(item, proven=None if key == "still-unknown" else 0.25, judged_on=TODAY)
        for days, proven in ((unknown_for, None), (known_for, 0.25)):
            if days is not None:
                on = TODAY - timedelta(days=days)
                ValueRecord.objects.create(
                    workspace=workspace, item=item, proven=proven, judged_on=on,
                    as_of=datetime(on.year, on.month, on.day, 12, tzinfo=UTC),
                )  # fmt: skip
    summary, rows = asked(paula, "this-week/")
    told = {
        (row["subject"], row["on"], row["before"], row["after"]) for row in rows if row["kind"] == "value"
    }
    assert told == {("new", "2026-04-28", None, "0.25"), ("found", "2026-04-29", None, "0.25")}
    assert summary["values"] == 2


def test_a_flag_that_a_person_answered_this_week_is_told_as_closed() -> None:
    workspace = a_workspace()
    paula, item = Caller(workspace), released(workspace, key="carts")
    raised = {"opened_on": workspace.today() - timedelta(days=30)}
    dismissed, old = a_flag(item, **raised), a_flag(item, reason="declining", **raised)
    for flag in (dismissed, old):
        assert paula.post(f"flags/{flag.pk}/dismiss/", {"reason": "Known."}).status_code == 200
    FlagAction.objects.filter(flag=old).update(at=timezone.now() - timedelta(days=9))
    told = paula.get("insights/this-week/").json()
    closed = [row for row in told["results"] if row["kind"] == "flag_closed"]
    assert [(row["subject"], row["before"], row["after"]) for row in closed] == [
        ("carts", "under_used", "dismissed")
    ]
    assert told["summary"]["flags_closed"] == 1
