"""Effects over the API: the list, the chart behind each, and what an outcome could show at all."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.simulated import Cell, series_of
from outcomes.models import Outcome
from outcomes.pipeline.settle import settle_all
from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_metric, a_metric_day, a_workspace, an_effect, an_item, an_outcome

pytestmark = pytest.mark.django_db

RELEASED = date(2026, 3, 2)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=date(2026, 3, 30))


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def an_outcome_of(workspace: Workspace, key: str = "saved-carts", **fields: Any) -> Outcome:
    item = an_item(workspace, key=key, status="released", released_on=RELEASED)
    return an_outcome(item, a_metric(workspace, key=f"m.{key}"), **fields)


def test_an_effect_looks_as_promised(paula: Caller, workspace: Workspace) -> None:
    effect = an_effect(
        an_outcome_of(workspace),
        estimate=-2.1,
        low=-3.7,
        high=-0.5,
        relative=-0.1,
        relative_low=-0.18,
        relative_high=-0.02,
        caveats=[{"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}],
        chart={"on": ["2026-03-01"], "observed": [1.0]},
    )
    shown = paula.get(f"effects/{effect.pk}/").json()
    assert shown["outcome"] == effect.outcome_id
    assert (shown["item"], shown["metric"]) == ("saved-carts", "m.saved-carts")
    assert (shown["design"], shown["label"]) == ("before_after", "directional")
    assert (shown["estimate"], shown["low"], shown["high"]) == (-2.1, -3.7, -0.5)
    assert (shown["relative"], shown["relative_low"], shown["relative_high"]) == (-0.1, -0.18, -0.02)
    assert (shown["verdict"], shown["decided_on"]) == ("better", "2026-03-30")
    assert (shown["from"], shown["to"], shown["n_before"], shown["n_after"]) == (
        "2025-09-01", "2026-03-29", 182, 28,
    )  # fmt: skip
    assert shown["caveats"] == [{"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}]
    assert shown["placebo"] is None
    assert "chart" not in shown


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("item=saved-carts", {"saved-carts"}),
        ("metric=m.saved-carts", {"saved-carts"}),
        ("design=comparison", {"guest-checkout"}),
        ("verdict=worse", {"guest-checkout"}),
        ("decided=true", {"saved-carts"}),
        ("decided=false", {"guest-checkout"}),
        ("decided_after=2026-03-30", {"saved-carts"}),
        ("ordering=decided_on", {"saved-carts", "guest-checkout"}),
    ],
)
def test_effects_are_found_by(paula: Caller, workspace: Workspace, asked: str, found: set[str]) -> None:
    an_effect(an_outcome_of(workspace))
    other = an_outcome_of(workspace, "guest-checkout")
    an_effect(other, design="comparison", verdict="worse", decided_on=None)
    answer = paula.get(f"effects/?{asked}")
    assert answer.status_code == 200, answer.content
    assert {row["item"] for row in answer.json()["results"]} == found


def test_effects_of_one_outcome_come_strongest_first(paula: Caller, workspace: Workspace) -> None:
    outcome = an_outcome_of(workspace)
    for design in ("comparison", "before_after", "experiment"):
        an_effect(outcome, design=design)
    rows = paula.get(f"effects/?outcome={outcome.pk}").json()["results"]
    assert [row["design"] for row in rows] == ["experiment", "comparison", "before_after"]


def test_a_list_of_effects_takes_as_many_queries_as_a_list_of_one(
    paula: Caller, workspace: Workspace
) -> None:
    counts = []
    paula.get("effects/")  # The key notes that it was used, once a while.
    for number in range(2):
        for more in range(1 + 4 * number):
            an_effect(an_outcome_of(workspace, f"item-{number}-{more}"))
        with CaptureQueriesContext(connection) as captured:
            paula.get("effects/")
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("asked", ["design=magic", "decided=maybe", "color=red", "outcome=none"])
def test_what_cannot_be_asked_is_refused_by_name(paula: Caller, workspace: Workspace, asked: str) -> None:
    answer = paula.get(f"effects/?{asked}")
    assert answer.status_code == 400
    assert asked.split("=")[0] in str(answer.json())


def test_nobody_writes_an_effect(paula: Caller, workspace: Workspace) -> None:
    effect = an_effect(an_outcome_of(workspace))
    assert paula.post("effects/", {}).status_code == 405
    assert paula.patch(f"effects/{effect.pk}/", {"verdict": "better"}, match="*").status_code == 405


def observations(days: int, released: date, *, shift: float, seed: int) -> list[dict[str, Any]]:
    """AR(1) noise over a weekly season, up to four weeks after the release."""
    chance, error, rows = random.Random(seed), 0.0, []
    for number in range(days):
        on = released + timedelta(days=28 - days + number)
        error = 0.5 * error + chance.gauss(0, 3)
        value = 100 + 5 * math.sin(on.weekday()) + error + (shift if on >= released else 0)
        rows.append({"metric": "m.saved-carts", "at": f"{on}T12:00:00Z", "value": value})
    return rows


def test_a_series_posted_over_the_api_is_read_as_an_effect_with_its_chart(
    paula: Caller, workspace: Workspace
) -> None:
    outcome = an_outcome_of(workspace, baseline=100, target=110)
    posted = paula.post("observations/", {"observations": observations(210, RELEASED, shift=9, seed=1)})
    assert posted.status_code in (200, 202), posted.content
    settle_all(120)
    (effect,) = paula.get(f"effects/?outcome={outcome.pk}").json()["results"]
    assert (effect["verdict"], effect["decided_on"]) == ("better", "2026-03-30")
    assert effect["low"] < 9 < effect["high"]
    chart = paula.get(f"effects/{effect['id']}/series/").json()
    after = [point for point in chart["results"] if point["is_after"]]
    assert (len(chart["results"]), len(after)) == (210, 28)
    assert (after[0]["on"], chart["released_on"]) == ("2026-03-02", "2026-03-02")
    gap = sum(point["observed"] - point["counterfactual"] for point in after) / 28
    assert gap == pytest.approx(effect["estimate"], abs=1.5)
    card = paula.get("items/saved-carts/").json()["outcomes"][0]
    assert card["grade"] == "before_after"
    assert card["attainment"] == pytest.approx(effect["estimate"] / 10)


def test_what_an_outcome_could_show_is_told_before_anything_is_built(
    paula: Caller, workspace: Workspace
) -> None:
    item = an_item(workspace, key="dark-mode")
    metric = a_metric(workspace, key="m.saved-carts", unit="%")
    outcome = an_outcome(item, metric, target=101)
    paula.post("observations/", {"observations": observations(182, date(2026, 3, 2), shift=0, seed=2)})
    settle_all(120)
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert (told["metric"], told["unit"], told["power"], told["n_after"]) == ("m.saved-carts", "%", 0.8, 28)
    assert told["n_before"] == 182
    # Innovations of 3 that halve each day: about 4 can be told from nothing.
    assert 3 < told["effect"] < 6
    assert told["is_enough"] is False
    assert told["missing"] == []
    # A target that the level is past already asks for nothing that could be seen.
    outcome.target = outcome.baseline - 50 if outcome.baseline else -1000
    outcome.save()
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert (told["is_enough"], told["missing"]) == (None, ["already_met"])


def test_what_is_wanted_is_told_from_the_baseline_that_was_measured(
    paula: Caller, workspace: Workspace
) -> None:
    outcome = an_outcome(an_item(workspace), a_metric(workspace, key="m.saved-carts"), target=130)
    # Half a year of about 100, and four weeks of about 120.
    rows = observations(182, date(2026, 3, 2), shift=0, seed=2)
    for row in rows[-28:]:
        row["value"] += 20
    paula.post("observations/", {"observations": rows})
    settle_all(120)
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert told["level"] == pytest.approx(103, abs=3)
    assert told["baseline"] == pytest.approx(119, abs=3)
    assert told["wanted"] == pytest.approx(130 - told["baseline"])
    assert told["missing"] == []
    outcome.baseline = 90
    outcome.save()
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert (told["baseline"], told["wanted"]) == (90, 40)


def test_a_history_that_does_not_vary_says_that_it_tells_nothing(paula: Caller, workspace: Workspace) -> None:
    outcome = an_outcome(an_item(workspace), a_metric(workspace, key="m.saved-carts"), target=7)
    rows = [{**row, "value": 5.0} for row in observations(182, date(2026, 3, 2), shift=0, seed=2)]
    paula.post("observations/", {"observations": rows})
    settle_all(120)
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert (told["effect"], told["level"], told["is_enough"], told["missing"]) == (0, 5, None, ["no_noise"])


def test_without_a_history_nothing_can_be_told(paula: Caller, workspace: Workspace) -> None:
    outcome = an_outcome(an_item(workspace), a_metric(workspace))
    a_metric_day(outcome.metric, date(2026, 3, 1), 5)
    told = paula.get(f"outcomes/{outcome.pk}/detectable/").json()
    assert (told["effect"], told["is_enough"]) == (None, None)
    assert told["missing"] == ["history", "target", "baseline"]


def test_the_parts_of_an_answer_can_be_asked_for(paula: Caller, workspace: Workspace) -> None:
    effect = an_effect(an_outcome_of(workspace))
    assert paula.get(f"effects/{effect.pk}/?fields=from,verdict").json() == {
        "from": "2025-09-01",
        "verdict": "better",
    }
    assert paula.get(f"effects/{effect.pk}/series/?fields=results").json() == {"results": []}
    refused = paula.get(f"outcomes/{effect.outcome_id}/detectable/?color=red")
    assert refused.status_code == 400


def test_where_nothing_happened_the_api_seldom_says_otherwise(paula: Caller, workspace: Workspace) -> None:
    cell, count = Cell(56, 28, 0.8, growth=0.01), 40
    first = RELEASED - timedelta(days=cell.before)
    rows = []
    for number, values in enumerate(series_of(cell, count, seed=5)):
        an_outcome_of(workspace, f"item-{number}")
        rows += [
            {
                "metric": f"m.item-{number}",
                "at": f"{first + timedelta(days=day)}T12:00:00Z",
                "value": float(value),
            }
            for day, value in enumerate(values)
        ]
    posted = paula.post("observations/", {"observations": rows})
    assert posted.status_code in (200, 202), posted.content
    settle_all(120)
    effects = paula.get("effects/?decided=true&page_size=200").json()["results"]
    assert len(effects) == count
    assert {effect["n_before"] for effect in effects} == {56}
    # Of 40, 2.8 at the bar of 7%; 8 is beyond its 99.5th percentile.
    assert sum(effect["verdict"] != "inconclusive" for effect in effects) <= 7


def test_belts_saved_drivers_and_the_control_names_itself(paula: Caller, workspace: Workspace) -> None:
    """A monthly metric that falls by a fifth against a control that only has its season."""
    item = an_item(workspace, key="belts", status="released", released_on=date(2025, 2, 1))
    metric = a_metric(workspace, key="drivers", cadence="monthly", direction="decrease")
    a_metric(workspace, key="distance", cadence="monthly")
    outcome = an_outcome(item, metric, controls=["distance"])
    chance, rows = random.Random(3), []
    for number in range(72):
        on = date(2020 + number // 12, number % 12 + 1, 1)
        distance = 100 + 10 * math.sin(on.month) + chance.gauss(0, 2)
        drivers = 10 * distance + chance.gauss(0, 30) - (200 if on >= date(2025, 2, 1) else 0)
        rows += [
            {"metric": "distance", "at": f"{on}T12:00:00Z", "value": distance},
            {"metric": "drivers", "at": f"{on}T12:00:00Z", "value": drivers},
        ]
    assert paula.post("observations/", {"observations": rows}).status_code in (200, 202)
    settle_all(120)
    (effect,) = paula.get(f"effects/?outcome={outcome.pk}").json()["results"]
    assert (effect["design"], effect["label"], effect["verdict"]) == ("comparison", "controlled", "better")
    assert (effect["n_before"], effect["decided_on"]) == (61, "2026-02-01")
    assert effect["relative"] == pytest.approx(-0.2, abs=0.05)
    assert [run["metric"] for run in effect["placebo"]] == ["distance"]
