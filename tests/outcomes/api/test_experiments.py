"""Experiments over the API: set up in one call, read, ended, decided, repeated."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import Candidate, Experiment
from outcomes.pipeline import settle
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.signals import items_created
from tests.callers import Caller, codes, pointers
from tests.factories import a_metric, a_workspace, an_experiment, an_item, an_outcome

pytestmark = pytest.mark.django_db

AT = "2026-05-01T00:00:00Z"


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=date(2026, 5, 1))


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


@pytest.fixture
def item(workspace: Workspace) -> Item:
    """A released item that was to move conversion from 10% to 12% and not to slow pages down."""
    item = an_item(
        workspace,
        key="carts",
        hypothesis="Carts that stay sell.",
        status="released",
        released_on=date(2026, 3, 2),
    )
    items_created.send(None, workspace_id=workspace.pk, ids=[item.pk], cause={"kind": "edit"})
    conversion = a_metric(workspace, key="conversion", unit="%")
    an_outcome(item, conversion, baseline=10, target=12)
    an_outcome(item, a_metric(workspace, key="load.time", direction="decrease"), role="guardrail")
    return item


def totals(variant: str, n: int, yes: float, metric: str = "conversion", **fields: Any) -> dict[str, Any]:
    row = {"key": "carts-experiment", "variant": variant, "metric": metric, "at": AT, "n": n}
    return {**row, "sum": yes, "sum_squares": yes, **fields}


def measured(paula: Caller, control: int = 1_000, treatment: int = 1_200, people: int = 10_000) -> None:
    rows = [totals("control", people, control), totals("treatment", people, treatment)]
    answer = paula.post("observations/", {"experiments": rows}).json()
    assert answer["taken"] == 2, answer
    settle.settle_all(120)


def test_one_call_sets_up_an_experiment_from_its_item(paula: Caller, item: Item) -> None:
    made = paula.post("experiments/", {"item": "carts"})
    assert made.status_code == 201, made.content
    assert made["Location"].endswith("/api/v1/experiments/carts-experiment/")
    told = made.json()
    assert {name: told[name] for name in ("key", "item", "hypothesis", "metric", "guardrails", "state")} == {
        "key": "carts-experiment",
        "item": "carts",
        "hypothesis": "Carts that stay sell.",
        "metric": "conversion",
        "guardrails": ["load.time"],
        "state": "draft",
    }
    assert told["variants"] == [{"key": "control", "split": 0.5}, {"key": "treatment", "split": 0.5}]
    assert told["decision"] is None


def test_an_item_s_page_sets_one_up_with_an_empty_body(paula: Caller, item: Item) -> None:
    assert paula.post("items/carts/experiments/").json()["item"] == "carts"
    assert [row["key"] for row in paula.get("items/carts/experiments/").json()["results"]] == [
        "carts-experiment"
    ]
    assert paula.get("items/nobody/experiments/").status_code == 404
    assert pointers(paula.post("items/carts/experiments/", {"item": "carts"})) == {"/item"}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/item", "required"),
        ({"item": "nobody"}, "/item", "does_not_exist"),
        ({"item": "carts", "metric": "nobody"}, "/metric", "does_not_exist"),
        ({"item": "carts", "guardrails": ["nobody"]}, "/guardrails/0", "does_not_exist"),
        ({"item": "carts", "guardrails": ["conversion"]}, "/guardrails/0", "repeated"),
        ({"item": "carts", "variants": ["a", "b"]}, "/variants/0", "invalid"),
        ({"item": "carts", "variants": [{"key": "a"}]}, "/variants", "too_few"),
        ({"item": "carts", "variants": [{"key": "a"}, {"key": "a"}]}, "/variants/1/key", "repeated"),
        (
            {"item": "carts", "variants": [{"key": "a", "split": 0}, {"key": "b"}]},
            "/variants/0/split",
            "out_of_range",
        ),
        ({"item": "carts", "variants": [{"key": n} for n in "abc"] * 9}, "/variants", "max_length"),
        ({"item": "carts", "control": "blue"}, "/control", "invalid_choice"),
        (
            {"item": "carts", "started_on": "2026-05-02", "ended_on": "2026-05-01"},
            "/ended_on",
            "out_of_range",
        ),
        ({"item": "carts", "state": "running"}, "/state", "read_only"),
        ({"item": "carts", "key": "42"}, "/key", "invalid"),
    ],
)
def test_a_bad_experiment_is_refused_by_field(
    paula: Caller, item: Item, body: dict[str, Any], pointer: str, code: str
) -> None:
    response = paula.post("experiments/", body)
    assert response.status_code == 400
    assert pointer in pointers(response)
    assert code in codes(response)
    assert not Experiment.objects.exists()


def test_a_metric_of_another_workspace_does_not_exist_here(paula: Caller, item: Item) -> None:
    foreign = a_metric(a_workspace(), key="theirs")
    for said in ({"metric": foreign.pk}, {"guardrails": [foreign.pk]}):
        assert codes(paula.post("experiments/", {"item": "carts", **said})) == {"does_not_exist"}


def test_a_key_that_is_taken_is_409_and_one_that_is_made_is_numbered(paula: Caller, item: Item) -> None:
    for key in ("carts-experiment", "carts-experiment-2"):
        assert paula.post("experiments/", {"item": "carts"}).json()["key"] == key
    taken = paula.post("experiments/", {"item": "carts", "key": "carts-experiment"})
    assert (taken.status_code, pointers(taken)) == (409, {"/key"})


def test_the_same_idempotency_key_sets_up_one(paula: Caller, item: Item) -> None:
    answers = [paula.post("experiments/", {"item": "carts"}, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Experiment.objects.count() == 1


def test_an_edit_needs_the_version_and_an_item_stays(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    assert paula.send("patch", "experiments/carts-experiment/", {"control": "treatment"}).status_code == 428
    changed = paula.patch(
        "experiments/carts-experiment/", {"guardrails": [], "ended_on": "2026-05-09"}
    ).json()
    assert (changed["guardrails"], changed["ended_on"], changed["version"]) == ([], "2026-05-09", 2)
    other = an_item(item.workspace)
    refused = paula.patch("experiments/carts-experiment/", {"item": other.key})
    assert (refused.status_code, pointers(refused)) == (400, {"/item"})


def test_replacing_guardrails_alone_raises_the_version(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    assert paula.patch("experiments/carts-experiment/", {"guardrails": []}).json()["version"] == 2
    assert paula.patch("experiments/carts-experiment/", {"guardrails": []}).json()["version"] == 2


def test_results_say_what_is_measured_and_that_it_is_a_reading(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts", "started_on": "2026-04-01"})
    empty = paula.get("experiments/carts-experiment/results/").json()
    assert (empty["verdict"], empty["differences"], empty["series"]) == ("no_data", [], [])
    measured(paula)
    told = paula.get("experiments/carts-experiment/results/").json()
    assert (told["verdict"], told["variant"], told["is_reading"], told["unit"]) == (
        "better",
        "treatment",
        True,
        "%",
    )
    found = told["differences"][0]
    assert found["estimate"] == pytest.approx(2.0)
    assert found["relative"] == pytest.approx(0.2)
    assert found["low"] < 2 < found["high"]
    assert [one["mean"] for one in told["variants"]] == [pytest.approx(10.0), pytest.approx(12.0)]
    assert told["sample_ratio"] == {"p": 1.0, "is_mismatch": False}
    assert [one["code"] for one in told["warnings"]] == ["peeking"]
    assert len(told["series"]) == 1
    assert told["guardrails"][0]["verdict"] == "no_data"


def test_results_say_when_a_guardrail_was_harmed(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    slow = [
        totals(variant, 1_000, 1_000 * seconds, "load.time", sum_squares=1_000 * (seconds**2 + 0.25))
        for variant, seconds in (("control", 2.0), ("treatment", 2.2))
    ]
    paula.post("observations/", {"experiments": slow})
    measured(paula)
    told = paula.get("experiments/carts-experiment/results/").json()
    assert told["guardrails"][0]["verdict"] == "worse"
    assert "guardrail_worse" in {one["code"] for one in told["warnings"]}


def test_a_small_difference_says_how_many_more_people_it_takes(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    measured(paula, control=1_000, treatment=1_020)
    told = paula.get("experiments/carts-experiment/results/").json()
    assert told["verdict"] == "inconclusive"
    assert told["people_needed"] > 20_000


def test_a_broken_split_has_no_verdict(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    rows = [totals("control", 10_000, 1_000), totals("treatment", 11_000, 1_500)]
    paula.post("observations/", {"experiments": rows})
    told = paula.get("experiments/carts-experiment/results/?fields=verdict,sample_ratio").json()
    assert told["verdict"] == "void"
    assert told["sample_ratio"]["is_mismatch"]


def test_a_decision_is_kept_with_who_made_it(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    measured(paula)
    decided = paula.post("experiments/carts-experiment/decide/", {"decision": "ship", "note": "Clear."})
    assert decided.status_code == 200, decided.content
    told = decided.json()
    assert (told["state"], told["decision"], told["decision_note"]) == ("decided", "ship", "Clear.")
    assert (told["started_on"], told["ended_on"]) == ("2026-04-30", "2026-05-01")
    assert told["decided_by"].startswith("Key")


def test_a_draft_that_nothing_was_measured_of_has_no_end(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    refused = paula.post("experiments/carts-experiment/end/")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:productops:problem:impossible_move")
    assert paula.get("experiments/carts-experiment/").json()["state"] == "draft"


def test_a_result_raises_the_grade_of_the_outcome_and_moves_the_value(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    measured(paula, treatment=1_100)
    before = paula.get("items/carts/").json()
    assert before["outcomes"][0]["grade"] != "experiment"
    paula.post("experiments/carts-experiment/end/")
    settle.settle_all(120)
    after = paula.get("items/carts/").json()
    assert after["outcomes"][0]["grade"] == "experiment"
    assert after["outcomes"][0]["attainment"] == pytest.approx(0.5)
    assert after["value"]["proven"] != before["value"]["proven"]


def test_a_result_that_is_worse_halves_what_is_realised(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    measured(paula, treatment=800)
    paula.post("experiments/carts-experiment/decide/", {"decision": "revert"})
    settle.settle_all(120)
    assert paula.get("items/carts/value/").json()["explanation"]["multiplier"] == 0.5
    flags = paula.get("flags/?item=carts&reason=regression").json()["results"]
    assert [flag["metric"] for flag in flags] == ["conversion"]


def test_what_was_decided_on_stands_beside_a_result_that_a_late_correction_turned(
    paula: Caller, item: Item
) -> None:
    paula.post("experiments/", {"item": "carts", "started_on": "2026-04-01"})
    measured(paula)
    before = paula.get("experiments/carts-experiment/results/").json()
    assert (before["decided_reading"], before["has_changed_since_decision"]) == (None, None)
    decided = paula.post("experiments/carts-experiment/decide/", {"decision": "ship"}).json()[
        "decided_reading"
    ]
    (shown,) = before["differences"]
    assert decided == {
        "metric": "conversion",
        "unit": "%",
        "variant": "treatment",
        "verdict": "better",
        "at": AT,
        **{name: pytest.approx(shown[name]) for name in ("estimate", "low", "high")},
    }
    still = paula.get("experiments/carts-experiment/results/").json()
    assert still["has_changed_since_decision"] is False
    assert "changed_since_decision" not in codes_of(still)
    measured(paula, control=1_001, treatment=900)
    after = paula.get("experiments/carts-experiment/results/").json()
    assert (after["verdict"], after["has_changed_since_decision"]) == ("worse", True)
    assert after["decided_reading"] == decided
    told = next(one["detail"] for one in after["warnings"] if one["code"] == "changed_since_decision")
    assert "which was better and is worse now" in told
    # A later decision is made on what it reads then.
    again = paula.post("experiments/carts-experiment/decide/", {"decision": "revert"}).json()
    assert again["decided_reading"]["verdict"] == "worse"
    assert paula.get("experiments/carts-experiment/results/").json()["has_changed_since_decision"] is False


def test_a_decision_without_a_reading_says_so(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts", "started_on": "2026-04-01"})
    assert (
        paula.post("experiments/carts-experiment/decide/", {"decision": "hold"}).json()["decided_reading"]
        is None
    )


def codes_of(results: dict[str, Any]) -> set[str]:
    return {one["code"] for one in results["warnings"]}


def test_what_was_decided_on_does_not_change_behind_the_decision(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    paula.post("experiments/carts-experiment/decide/", {"decision": "revert"})
    refused = paula.patch("experiments/carts-experiment/", {"metric": "load.time", "guardrails": []})
    assert (refused.status_code, codes(refused)) == (400, {"decided"})
    assert paula.patch("experiments/carts-experiment/", {"hypothesis": "Clearer."}).status_code == 200
    revised = paula.post("experiments/carts-experiment/decide/", {"decision": "hold"}).json()
    assert revised["decision"] == "hold"


@pytest.mark.parametrize(
    ("moves", "status"),
    [(["start", "start"], 409), (["end", "end"], 409), (["end", "start"], 200), (["start", "end"], 200)],
)
def test_moves_follow_each_other(paula: Caller, item: Item, moves: list[str], status: int) -> None:
    paula.post("experiments/", {"item": "carts"})
    answers = [paula.post(f"experiments/carts-experiment/{move}/") for move in moves]
    assert answers[-1].status_code == status


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("end", {"on": "2026-05-02"}),
        ("end", {"on": "yesterday"}),
        ("end", {"when": "2026-05-01"}),
        ("decide", {}),
        ("decide", {"decision": "perhaps"}),
        ("decide", {"decision": "ship", "variant": "control"}),
        ("decide", {"decision": "ship", "note": "\u0000"}),
    ],
)
def test_a_move_that_makes_no_sense_is_400(
    paula: Caller, item: Item, move: str, body: dict[str, Any]
) -> None:
    paula.post("experiments/", {"item": "carts"})
    assert paula.post(f"experiments/carts-experiment/{move}/", body).status_code == 400
    assert Experiment.objects.get().state == "draft"


def test_a_move_based_on_an_older_version_is_412(paula: Caller, item: Item) -> None:
    etag = paula.post("experiments/", {"item": "carts"})["ETag"]
    paula.patch("experiments/carts-experiment/", {"hypothesis": "x"})
    stale = paula.post("experiments/carts-experiment/start/", {}, **{"If-Match": etag})
    assert stale.status_code == 412


def test_an_experiment_that_was_planned_to_end_has_ended(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts", "started_on": "2026-04-01", "ended_on": "2026-04-30"})
    assert paula.get("experiments/carts-experiment/").json()["state"] == "ended"
    for state, number in (("ended", 1), ("running", 0), ("running,ended", 1)):
        assert len(paula.get(f"experiments/?state={state}").json()["results"]) == number
    assert paula.post("experiments/carts-experiment/start/").json()["ended_on"] is None


def test_a_clone_is_the_same_again_without_data(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts", "variants": [{"key": "a"}, {"key": "b"}], "control": "b"})
    clone = paula.post("experiments/carts-experiment/clone/", {"key": "again"})
    assert clone.status_code == 201
    assert clone["Location"].endswith("/api/v1/experiments/again/")
    told = clone.json()
    assert (told["state"], told["control"], told["guardrails"]) == ("draft", "b", ["load.time"])
    other = an_item(item.workspace, key="gifts")
    elsewhere = paula.post("experiments/again/clone/", {"item": other.key}).json()
    assert (elsewhere["item"], elsewhere["key"]) == ("gifts", "gifts-experiment")
    assert paula.post("experiments/again/clone/").json()["key"] == "again-2"


def test_a_clone_of_a_clone_is_numbered_like_a_clone(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts", "key": "checkout-2026"})
    assert paula.post("experiments/checkout-2026/clone/").json()["key"] == "checkout-2026-2"
    assert paula.post("experiments/checkout-2026-2/clone/").json()["key"] == "checkout-2026-3"


def test_lists_are_filtered_and_refuse_what_they_do_not_know(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    queries = ("item=carts", "metric=conversion", "guardrail=load.time", "state=draft", "search=carts")
    for query in queries:
        assert len(paula.get(f"experiments/?{query}").json()["results"]) == 1, query
    assert paula.get("experiments/?metric=load.time").json()["results"] == []
    for query in ("colour=red", "state=asleep", "item=nobody", "decision=perhaps"):
        assert paula.get(f"experiments/?{query}").status_code == 400, query


def test_an_experiment_with_totals_is_archived_and_one_without_is_deleted(paula: Caller, item: Item) -> None:
    paula.post("experiments/", {"item": "carts"})
    measured(paula)
    paula.post("experiments/carts-experiment/clone/", {"key": "again"})
    assert paula.delete("experiments/again/").status_code == 204
    assert paula.delete("experiments/carts-experiment/").status_code == 204
    assert paula.get("experiments/").json()["results"] == []
    assert len(paula.get("experiments/?archived=true").json()["results"]) == 1
    assert paula.get("experiments/again/").status_code == 404
    assert paula.post("experiments/carts-experiment/restore/").status_code == 200


def test_a_list_asks_the_database_as_often_for_many_as_for_one(paula: Caller, item: Item) -> None:
    paula.get("experiments/")
    counts = set()
    for _ in range(3):
        an_experiment(item, metric=a_metric(item.workspace))
        with CaptureQueriesContext(connection) as seen:
            assert paula.get("experiments/").status_code == 200
        counts.add(len(seen))
    assert len(counts) == 1


def test_a_candidate_becomes_an_experiment_only_with_a_metric_that_it_is_decided_on(
    paula: Caller, item: Item
) -> None:
    item.outcomes.all().delete()
    row = {**totals("a", 5_000, 950), "key": "gates"}
    paula.post("observations/", {"experiments": [{**row, "metric": "unheard-of"}]})
    candidate = Candidate.objects.get(kind="experiment")
    address = f"candidates/{candidate.pk}/accept/"
    assert pointers(paula.post(address, {"item": "carts"})) == {"/metric"}
    paula.post("observations/", {"experiments": [{**row, "at": "2026-01-01T00:00:00Z"}]})
    assert pointers(paula.post(address, {"item": "carts", "metric": "nowhere"})) == {"/metric"}
    accepted = paula.post(address, {"item": "carts", "metric": row["metric"]})
    assert accepted.status_code == 200, accepted.content
    assert paula.get("experiments/gates/").json()["metric"] == row["metric"]


def test_an_accepted_experiment_on_an_item_without_outcome_is_decided_on_what_it_reports(
    paula: Caller, item: Item
) -> None:
    item.outcomes.all().delete()
    row = {**totals("a", 5_000, 950), "key": "gates"}
    paula.post("observations/", {"experiments": [row]})
    paula.post(f"candidates/{Candidate.objects.get().pk}/accept/", {"item": "carts"})
    assert paula.get("experiments/gates/").json()["metric"] == row["metric"]


def test_a_candidate_becomes_an_experiment_with_the_variants_that_report(paula: Caller, item: Item) -> None:
    rows = [
        {**totals(name, 5_000, yes), "key": "gates"} for name, yes in (("gate_30", 950), ("gate_40", 850))
    ]
    answer = paula.post("observations/", {"experiments": rows}).json()
    assert answer["outcome"]["refused"][0]["code"] == "unknown_experiment"
    candidate = Candidate.objects.get()
    assert pointers(paula.post(f"candidates/{candidate.pk}/accept/")) == {"/item"}
    accepted = paula.post(f"candidates/{candidate.pk}/accept/", {"item": "carts"})
    assert accepted.status_code == 200, accepted.content
    assert (accepted.json()["experiment"], accepted.json()["replayed"]) == ("gates", 1)
    settle.settle_all(120)
    told = paula.get("experiments/gates/results/").json()
    assert (told["control"], told["variant"], told["verdict"]) == ("gate_30", "gate_40", "worse")
