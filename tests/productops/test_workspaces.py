from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.signals import workspace_changed
from productops.workspaces.versions import NotHere, StaleEdit, guarded_delete, guarded_update
from roadmap.models import Item
from tests.callers import Caller, SignedIn, pointers
from tests.factories import a_member, a_workspace, an_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """What was told about changed workspaces."""
    told = []

    def listen(sender, **message) -> None:
        told.append(message)

    workspace_changed.connect(listen)
    yield told
    workspace_changed.disconnect(listen)


def test_a_viewer_reads_the_workspace_in_hand() -> None:
    workspace = a_workspace(pinned_on=date(2026, 5, 1))
    body = SignedIn(a_member(workspace, "viewer").user).get("workspace/").json()
    assert (body["key"], body["today"]) == (workspace.key, "2026-05-01")
    assert "actor_key" not in body


def test_an_administrator_sets_pin_and_thresholds_and_the_storeys_above_hear_it(heard) -> None:
    workspace = a_workspace()
    answer = Caller(workspace).patch("workspace/", {"pinned_on": "2026-07-24", "under_used_below": 0.0001})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert heard[0]["changed"] == ["pinned_on", "under_used_below"]
    assert heard[0]["before"] == {"pinned_on": None, "under_used_below": 0.05}


def test_a_listener_can_forbid_the_change() -> None:
    def forbid(sender, changed, **message) -> None:
        raise Refused([Complaint("time_zone", "has_facts", "Days have been counted in this zone.")])

    workspace_changed.connect(forbid)
    try:
        workspace = a_workspace()
        answer = Caller(workspace).patch("workspace/", {"time_zone": "Europe/Berlin"})
    finally:
        workspace_changed.disconnect(forbid)
    assert (answer.status_code, pointers(answer)) == (400, {"/time_zone"})
    assert Workspace.objects.get(pk=workspace.pk).time_zone == "UTC"


def test_an_editor_cannot_change_the_workspace() -> None:
    caller = Caller(a_workspace(), ["roadmap:read", "roadmap:write"])
    assert caller.patch("workspace/", {"name": "Mine"}).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Base"),
        ("window_days", 0),
        ("under_used_below", 2),
        ("target_adoption", 0),
        ("name", ""),
    ],
)
def test_a_value_that_makes_no_sense_is_400(field: str, value: object) -> None:
    assert Caller(a_workspace()).patch("workspace/", {field: value}).status_code == 400


def test_the_workspace_needs_if_match_too() -> None:
    caller = Caller(a_workspace())
    assert caller.send("patch", "workspace/", {"name": "x"}).status_code == 428
    assert caller.patch("workspace/", {"name": "x"}, match='"9"').status_code == 412


def test_a_put_says_the_workspace_whole_and_leaves_the_rest_at_its_default() -> None:
    workspace = a_workspace(window_days=14, pinned_on=date(2026, 5, 1))
    caller = Caller(workspace)
    etag = caller.get("workspace/")["ETag"]
    assert pointers(caller.put("workspace/", {"window_days": 30}, etag)) == {"/name"}
    answer = caller.put("workspace/", {"name": "Acme", "grace_days": 7}, etag)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["grace_days"], told["window_days"], told["pinned_on"]) == (7, 28, None)
    assert (told["key"], told["version"]) == (workspace.key, 2)


def test_members_are_listed_by_name() -> None:
    workspace = a_workspace()
    member = a_member(workspace, "admin")
    body = Caller(workspace).get("members/").json()["results"]
    assert [(row["name"], row["role"]) for row in body] == [(member.display_name, "admin")]


def test_a_guarded_update_raises_the_version() -> None:
    item = an_item(a_workspace())
    guarded_update(Item.objects.in_workspace(item.workspace_id), item.pk, 1, {"title": "New"})
    item.refresh_from_db()
    assert (item.title, item.version) == ("New", 2)


def test_a_guarded_update_tells_a_stale_edit_from_a_missing_row() -> None:
    item = an_item(a_workspace())
    items = Item.objects.in_workspace(item.workspace_id)
    with pytest.raises(StaleEdit):
        guarded_update(items, item.pk, 2, {"title": "New"})
    with pytest.raises(NotHere):
        guarded_update(Item.objects.in_workspace(a_workspace().pk), item.pk, 1, {"title": "New"})
    with pytest.raises(StaleEdit):
        guarded_delete(items, item.pk, 7)
    assert items.get().title == item.title


@pytest.mark.parametrize("day", ["0001-01-01", "1989-12-31", "2126-11-26", "3000-01-01", "9999-12-31"])
def test_a_pin_outside_the_days_that_there_are_facts_of_is_refused_with_the_range(day: str) -> None:
    caller = Caller(a_workspace())
    answer = caller.patch("workspace/", {"pinned_on": day})
    assert (answer.status_code, pointers(answer)) == (400, {"/pinned_on"})
    assert "between 1990-01-01 and today" in answer.json()["errors"][0]["detail"]
    assert Workspace.objects.get().pinned_on is None


def test_a_pin_is_at_most_today_in_the_workspaces_zone() -> None:
    workspace = a_workspace(time_zone="Pacific/Kiritimati")
    caller, today = Caller(workspace), workspace.today()
    answer = caller.patch("workspace/", {"pinned_on": (today + timedelta(days=1)).isoformat()})
    assert (answer.status_code, pointers(answer)) == (400, {"/pinned_on"})
    assert f"between 1990-01-01 and today, {today}." in answer.json()["errors"][0]["detail"]
    assert caller.patch("workspace/", {"pinned_on": today.isoformat()}).status_code == 200


def test_the_database_holds_no_pin_outside_the_calendar_either() -> None:
    workspace = a_workspace()
    for day in (date.min, date(1989, 12, 31), date.max):
        with pytest.raises(IntegrityError, match="workspace_pin_is_a_day_of_facts"), transaction.atomic():
            Workspace.objects.filter(pk=workspace.pk).update(pinned_on=day)


@pytest.mark.parametrize(("number", "status"), [(1e308, 400), (-1.1e100, 400), (10**400, 400), (0.5, 200)])
def test_a_number_that_could_overflow_is_400(number: float, status: int) -> None:
    assert Caller(a_workspace()).patch("workspace/", {"under_used_below": number}).status_code == status
