from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outcomes.models import Flag, QuietRun
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller, SignedIn, pointers
from tests.factories import (
    a_flag,
    a_member,
    a_metric,
    a_product,
    a_source,
    a_workspace,
    an_item,
    an_outcome,
)

pytestmark = pytest.mark.django_db

MOVES = ("acknowledge", "snooze", "dismiss", "accept", "reopen", "undo")


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


@pytest.fixture
def item(workspace: Workspace) -> Item:
    return an_item(workspace, key="saved-carts", status="released", released_on=date(2026, 1, 5))


@pytest.fixture
def flag(item: Item) -> Flag:
    return a_flag(item, recommendation="sunset", evidence={"active": 3, "eligible": 900})


def body_of(move: str) -> dict[str, str]:
    until = (timezone.now() + timedelta(days=30)).date().isoformat()
    return {"until": until} if move == "snooze" else {}


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_a_flag_shows_its_subject_its_numbers_and_what_to_do(flag: Flag, paula: Caller) -> None:
    told = paula.get(f"flags/{flag.pk}/").json()
    assert (told["item"]["key"], told["source"], told["outcome"]) == ("saved-carts", None, None)
    assert told["evidence"] == {"active": 3, "eligible": 900}
    assert (told["recommendation"], told["actions"]) == ("sunset", [])


def test_a_flag_about_an_outcome_names_its_metric(item: Item, paula: Caller) -> None:
    outcome = an_outcome(item, a_metric(item.workspace, key="checkout.conversion"))
    flag = a_flag(item, reason="missed_target", outcome=outcome)
    told = paula.get(f"flags/{flag.pk}/").json()
    assert (told["outcome"], told["metric"]) == (outcome.pk, "checkout.conversion")


def test_what_was_done_to_a_flag_is_told_with_who_did_it(flag: Flag, workspace: Workspace) -> None:
    member = a_member(workspace, "editor")
    erin = SignedIn(member.user)
    erin.client.cookies["csrftoken"] = "x" * 32
    erin.headers["X-CSRFToken"] = "x" * 32
    response = erin.post(f"flags/{flag.pk}/acknowledge/", {"note": "on it"})
    assert response.status_code == 200, response.content
    action = response.json()["actions"][0]
    assert (action["action"], action["by"], action["note"]) == ("acknowledge", member.display_name, "on it")
    assert Flag.objects.get().actions.get().user_id == member.user_id


def test_a_flag_is_snoozed_until_a_day_to_come(flag: Flag, paula: Caller) -> None:
    until = body_of("snooze")["until"]
    told = paula.post(f"flags/{flag.pk}/snooze/", {"until": until}).json()
    assert (told["state"], told["snoozed_until"]) == ("snoozed", until)


@pytest.mark.parametrize("until", ["2020-01-01", "tomorrow", None, 7])
def test_a_snooze_without_a_day_to_come_is_400(flag: Flag, paula: Caller, until: object) -> None:
    response = paula.post(f"flags/{flag.pk}/snooze/", {"until": until})
    assert (response.status_code, pointers(response)) == (400, {"/until"})


def test_a_flag_is_dismissed_with_a_reason_and_reopened(flag: Flag, paula: Caller) -> None:
    dismissed = paula.post(f"flags/{flag.pk}/dismiss/", {"reason": "By design."}).json()
    assert (dismissed["state"], dismissed["dismiss_reason"]) == ("dismissed", "By design.")
    assert paula.post(f"flags/{flag.pk}/reopen/").json()["state"] == "open"


def test_accepting_a_flag_sunsets_the_item_and_undo_releases_it_again(
    item: Item, flag: Flag, paula: Caller
) -> None:
    assert paula.post(f"flags/{flag.pk}/accept/").json()["state"] == "accepted"
    assert paula.get("items/saved-carts/").json()["status"] == "sunset"
    assert paula.post(f"flags/{flag.pk}/undo/").json()["state"] == "open"
    assert paula.get("items/saved-carts/").json()["status"] == "released"


@pytest.mark.parametrize("move", MOVES)
def test_no_move_fits_a_flag_that_resolved_itself(item: Item, paula: Caller, move: str) -> None:
    flag = a_flag(item, state="resolved")
    response = paula.post(f"flags/{flag.pk}/{move}/", body_of(move))
    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["type"].endswith("impossible_move")
    assert Flag.objects.get().state == "resolved"


def test_a_source_cannot_be_sunset(workspace: Workspace, paula: Caller) -> None:
    flag = a_flag(a_source(workspace), reason="stale_source")
    assert paula.post(f"flags/{flag.pk}/accept/").status_code == 409


@pytest.mark.parametrize("move", MOVES)
def test_a_move_refuses_fields_it_does_not_know(flag: Flag, paula: Caller, move: str) -> None:
    response = paula.post(f"flags/{flag.pk}/{move}/", {**body_of(move), "colour": "red"})
    assert (response.status_code, pointers(response)) == (400, {"/colour"})


def test_a_move_based_on_an_old_version_is_412(flag: Flag, paula: Caller) -> None:
    etag = paula.get(f"flags/{flag.pk}/")["ETag"]
    paula.post(f"flags/{flag.pk}/acknowledge/")
    response = paula.post(f"flags/{flag.pk}/dismiss/", {}, **{"If-Match": etag})
    assert response.status_code == 412
    assert Flag.objects.get().state == "acknowledged"


@pytest.mark.parametrize("move", MOVES)
def test_an_outsider_cannot_move_a_flag(flag: Flag, move: str) -> None:
    olga = Caller(a_workspace())
    foreign = olga.post(f"flags/{flag.pk}/{move}/", body_of(move))
    missing = olga.post(f"flags/{flag.pk + 999}/{move}/", body_of(move))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert Flag.objects.get().state == "open"


@pytest.mark.parametrize("move", MOVES)
def test_victor_who_may_only_read_cannot_move_a_flag(flag: Flag, workspace: Workspace, move: str) -> None:
    victor = Caller(workspace, ["roadmap:read", "outcomes:read"])
    assert victor.get(f"flags/{flag.pk}/").status_code == 200
    assert victor.post(f"flags/{flag.pk}/{move}/", body_of(move)).status_code == 403
    assert Flag.objects.get().state == "open"


def test_flags_cannot_be_made_edited_or_deleted_by_hand(flag: Flag, paula: Caller) -> None:
    assert paula.post("flags/", {"reason": "declining"}).status_code == 405
    assert paula.patch(f"flags/{flag.pk}/", {"state": "open"}, match="*").status_code == 405
    assert paula.delete(f"flags/{flag.pk}/", match="*").status_code == 405


def test_flags_of_every_state_are_listed_newest_first(item: Item, paula: Caller) -> None:
    old = a_flag(item, reason="declining", state="resolved", opened_on=date(2026, 1, 1))
    new = a_flag(item, reason="under_used", opened_on=date(2026, 5, 1))
    assert ids(paula.get("flags/")) == [new.pk, old.pk]
    assert ids(paula.get("flags/?ordering=opened_on")) == [old.pk, new.pk]


def test_flags_are_filtered_by_state_reason_and_subject(workspace: Workspace, paula: Caller) -> None:
    product = a_product(workspace, key="shop")
    item = an_item(workspace, key="carts", product=product)
    source = a_source(workspace, key="warehouse")
    wanted = a_flag(item, reason="declining", state="acknowledged", opened_on=date(2026, 5, 1))
    stale = a_flag(source, reason="stale_source", opened_on=date(2026, 4, 1))
    for query in (
        "state=acknowledged",
        "state=acknowledged,snoozed",
        "reason=declining",
        "item=carts",
        f"item={item.pk}",
        "product=shop",
        "opened_after=2026-04-02",
    ):
        assert ids(paula.get(f"flags/?{query}")) == [wanted.pk], query
    assert ids(paula.get("flags/?source=warehouse")) == [stale.pk]


@pytest.mark.parametrize("query", ["state=fine", "reason=boring", "item=nobody", "source=nobody", "x=1"])
def test_a_filter_of_flags_that_means_nothing_is_refused(paula: Caller, query: str) -> None:
    assert paula.get(f"flags/?{query}").status_code == 400


def test_a_list_of_flags_takes_as_many_queries_for_one_as_for_many(item: Item, paula: Caller) -> None:
    counts = []
    for reason in ("under_used", "declining", "regression", "missed_target"):
        flag = a_flag(item, reason=reason, outcome=an_outcome(item))
        paula.post(f"flags/{flag.pk}/acknowledge/")
        with CaptureQueriesContext(connection) as queries:
            paula.get("flags/")
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_flags_are_exported_with_the_same_filters(item: Item, flag: Flag, paula: Caller) -> None:
    a_flag(item, reason="declining", state="dismissed", dismiss_reason="+1 from me")
    response = paula.get("flags.csv?state=dismissed&fields=reason,item,dismiss_reason")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert rows == [{"reason": "declining", "item": "saved-carts", "dismiss_reason": "'+1 from me"}]


def moves(paula: Caller, rows: list[Any], query: str = "") -> Any:
    return paula.post(f"flags/bulk/{query}", {"rows": rows})


def test_many_flags_are_moved_at_once_each_answered_for(workspace: Workspace, paula: Caller) -> None:
    held = [a_flag(an_item(workspace, status="released", released_on=date(2026, 1, 5))) for _ in range(5)]
    until = body_of("snooze")["until"]
    rows = [
        {"id": held[0].pk, "action": "acknowledge", "note": "seen"},
        {"id": held[1].pk, "action": "snooze", "until": until},
        {"id": held[2].pk, "action": "dismiss", "reason": "By design."},
        {"id": held[3].pk, "action": "accept"},
    ]
    told = moves(paula, rows).json()
    assert (told["updated"], told["refused"]) == (4, 0)
    assert [row["version"] for row in told["results"]] == [2, 2, 2, 2]
    states = ["acknowledged", "snoozed", "dismissed", "accepted", "open"]
    assert [Flag.objects.get(pk=flag.pk).state for flag in held] == states
    assert Item.objects.get(pk=held[3].item_id).status == "sunset"
    back = moves(paula, [{"id": flag.pk, "action": "undo"} for flag in held[:4]])
    assert back.status_code == 200, back.content
    assert set(Flag.objects.values_list("state", flat=True)) == {"open"}
    assert Item.objects.get(pk=held[3].item_id).status == "released"


def test_one_flag_that_cannot_be_moved_holds_up_all_unless_partial_was_said(
    item: Item, flag: Flag, paula: Caller
) -> None:
    over = a_flag(item, reason="declining", state="resolved")
    rows = [{"id": flag.pk, "action": "dismiss"}, {"id": over.pk, "action": "dismiss"}]
    refused = moves(paula, rows)
    assert (refused.status_code, pointers(refused)) == (409, {"/rows/1/action"})
    told = [(row["status"], row["version"]) for row in refused.json()["results"]]
    assert told == [("not_written", None), ("refused", None)]
    assert Flag.objects.get(pk=flag.pk).state == "open"
    told = moves(paula, rows, "?partial=true").json()
    assert (told["updated"], told["refused"]) == (1, 1)
    assert Flag.objects.get(pk=flag.pk).state == "dismissed"


def test_a_dry_run_moves_nothing(flag: Flag, paula: Caller) -> None:
    told = moves(paula, [{"id": flag.pk, "action": "accept"}], "?dry_run=true").json()
    assert (told["updated"], told["is_dry_run"]) == (1, True)
    assert Flag.objects.get().state == "open"
    assert not Flag.objects.get().actions.exists()


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        ({"action": "dismiss"}, "/rows/0/id"),
        ({"id": 987654, "action": "dismiss"}, "/rows/0/id"),
        ({"id": "7", "action": "dismiss"}, "/rows/0/id"),
        ({"id": True, "action": "dismiss"}, "/rows/0/id"),
        ({"action": "explode"}, "/rows/0/action"),
        ({"action": "snooze"}, "/rows/0/until"),
        ({"action": "snooze", "until": "2020-01-01"}, "/rows/0/until"),
        ({"action": "dismiss", "until": "2030-01-01"}, "/rows/0/until"),
        ({"action": "dismiss", "version": 9}, "/rows/0/version"),
        ({"action": "dismiss", "reason": 7}, "/rows/0/reason"),
        ("dismiss", "/rows/0"),
    ],
)
def test_a_row_says_where_it_is_wrong(flag: Flag, paula: Caller, row: Any, pointer: str) -> None:
    said = {"id": flag.pk, **row} if isinstance(row, dict) and pointer != "/rows/0/id" else row
    response = moves(paula, [said])
    assert response.status_code in (400, 404, 412), response.content
    assert pointers(response) == {pointer}
    assert Flag.objects.get().state == "open"


def test_a_flag_is_moved_once_in_a_batch(flag: Flag, paula: Caller) -> None:
    response = moves(paula, [{"id": flag.pk, "action": "acknowledge"}, {"id": flag.pk, "action": "dismiss"}])
    assert (response.status_code, pointers(response)) == (400, {"/rows/1/id"})


def test_an_outsider_moves_no_flag_in_a_batch(flag: Flag) -> None:
    response = moves(Caller(a_workspace()), [{"id": flag.pk, "action": "dismiss"}])
    assert response.status_code == 404
    assert Flag.objects.get().state == "open"


def test_a_key_that_reads_moves_no_flag_in_a_batch(workspace: Workspace, flag: Flag) -> None:
    reader = Caller(workspace, ["outcomes:read"])
    assert moves(reader, [{"id": flag.pk, "action": "dismiss"}]).status_code == 403


def test_moving_many_flags_costs_as_many_queries_as_moving_few(workspace: Workspace, paula: Caller) -> None:
    asked = []
    paula.get("flags/")
    for number in (2, 40):
        rows = [{"id": a_flag(an_item(workspace)).pk, "action": "dismiss"} for _ in range(number)]
        with CaptureQueriesContext(connection) as captured:
            assert moves(paula, rows).status_code == 200
        asked.append(len(captured))
    assert asked[0] == asked[1]


def test_the_history_of_a_flag_says_who_did_what(flag: Flag, paula: Caller) -> None:
    paula.post(f"flags/{flag.pk}/acknowledge/", {"note": "seen"})
    paula.post(f"flags/{flag.pk}/undo/")
    told = paula.get(f"flags/{flag.pk}/history/").json()["results"]
    assert [(one["action"], one["to_state"]) for one in told] == [
        ("acknowledge", "acknowledged"),
        ("undo", "open"),
    ]
    assert Caller(a_workspace()).get(f"flags/{flag.pk}/history/").status_code == 404


def test_a_digest_is_listed_and_answered(workspace: Workspace, paula: Caller) -> None:
    now = timezone.now()
    counts = {"opened": {"under_used": 3, "abandoned": 1}, "resolved": {}}
    whole = {"started_at": now, "through_at": now, "ended_at": now, "counts": counts, "is_announced": True}
    run = QuietRun.objects.create(workspace=workspace, kind="thresholds", **whole)
    QuietRun.objects.create(workspace=a_workspace(), kind="thresholds", **whole)
    [told] = paula.get("insights/quiet-runs/?kind=thresholds&is_announced=true").json()["results"]
    assert (told["opened_count"], told["resolved_count"], told["opened"]["under_used"]) == (4, 0, 3)
    answered = paula.post(f"insights/quiet-runs/{run.pk}/answer/").json()
    assert answered["answered_at"] is not None
    assert Caller(a_workspace()).post(f"insights/quiet-runs/{run.pk}/answer/").status_code == 404
    assert (
        Caller(workspace, ["outcomes:read"]).post(f"insights/quiet-runs/{run.pk}/answer/").status_code == 403
    )


def test_a_row_of_many_moves_hears_all_that_is_wrong_with_it(flag: Flag, paula: Caller) -> None:
    rows = [
        {"id": "first", "action": "snooze", "reason": "no"},
        {"id": flag.pk, "action": "sleep", "until": "x"},
    ]
    assert pointers(paula.post("flags/bulk/", {"rows": rows})) == {
        "/rows/0/id",
        "/rows/0/until",
        "/rows/0/reason",
        "/rows/1/action",
    }
