from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone

from outcomes.models import Flag, FlagAction, Mark
from outcomes.services import flags
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap.models import Item
from tests.factories import a_flag, a_source, a_workspace, an_item

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")
SOON = timedelta(days=30)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def item(workspace: Workspace) -> Item:
    return an_item(workspace, status="released", released_on=date(2026, 1, 5))


@pytest.fixture
def flag(item: Item) -> Flag:
    return a_flag(item, reason="under_used")


def in_thirty_days() -> date:
    return timezone.now().date() + SOON


def snooze(flag: Flag, until: date) -> Flag:
    return flags.snooze_flag(workspace=flag.workspace, by=PAULA, flag_id=flag.pk, until=until)


def do(move: str, flag: Flag, **more: object) -> Flag:
    service = getattr(flags, f"{move}_flag")
    return service(workspace=flag.workspace, by=PAULA, flag_id=flag.pk, **more)


def test_paula_acknowledges_a_flag_and_her_name_is_written_down(flag: Flag) -> None:
    acknowledged = do("acknowledge", flag, note="on it")
    action = FlagAction.objects.get(flag=flag)
    assert acknowledged.state == "acknowledged"
    assert acknowledged.version == flag.version + 1
    assert (action.by, action.action, action.note) == ("Paula", "acknowledge", "on it")
    assert (action.from_state, action.to_state) == ("open", "acknowledged")


def test_a_snooze_has_an_end_in_the_future(flag: Flag) -> None:
    assert snooze(flag, in_thirty_days()).snoozed_until == in_thirty_days()


def test_a_snooze_cannot_end_today_or_earlier(flag: Flag) -> None:
    with pytest.raises(Refused) as refusal:
        snooze(flag, timezone.now().date())
    assert [complaint.field for complaint in refusal.value.complaints] == ["until"]
    assert Flag.objects.get().state == "open"


def test_a_snooze_follows_the_wall_clock_and_not_the_pin(item: Item, flag: Flag) -> None:
    Workspace.objects.filter(pk=item.workspace_id).update(pinned_on=date(2099, 1, 1))
    flag = Flag.objects.get()
    assert snooze(flag, in_thirty_days()).state == "snoozed"


@time_machine.travel("2026-05-01T23:30:00Z", tick=False)
def test_a_snooze_ends_in_the_days_of_the_workspace(flag: Flag) -> None:
    Workspace.objects.filter(pk=flag.workspace_id).update(time_zone="Asia/Tokyo")
    with pytest.raises(Refused):
        snooze(Flag.objects.get(), date(2026, 5, 2))


def test_a_dismissed_flag_keeps_its_class_quiet(flag: Flag) -> None:
    dismissed = do("dismiss", flag, reason="Only accountants need it, once a year.")
    assert dismissed.state == "dismissed"
    assert dismissed.is_suppressing
    assert dismissed.dismiss_reason == "Only accountants need it, once a year."


def test_a_flag_is_dismissed_without_a_reason(flag: Flag) -> None:
    assert do("dismiss", flag).state == "dismissed"


def test_accepting_a_flag_sunsets_its_item(item: Item, flag: Flag) -> None:
    accepted = do("accept", flag)
    item.refresh_from_db()
    assert accepted.state == "accepted"
    assert accepted.is_suppressing
    assert item.status == "sunset"
    assert item.released_on == date(2026, 1, 5)


def test_accepting_a_second_flag_of_an_item_that_is_sunset_already_is_fine(item: Item, flag: Flag) -> None:
    other = a_flag(item, reason="declining")
    do("accept", flag)
    assert do("accept", other).state == "accepted"


def test_a_flag_of_a_source_cannot_be_accepted(workspace: Workspace) -> None:
    flag = a_flag(a_source(workspace), reason="stale_source")
    with pytest.raises(ImpossibleMove):
        do("accept", flag)


def test_a_flag_of_an_item_that_was_never_released_cannot_be_accepted(workspace: Workspace) -> None:
    flag = a_flag(an_item(workspace, status="delivery"), reason="missed_target")
    with pytest.raises(ImpossibleMove):
        do("accept", flag)
    assert Flag.objects.get().state == "open"
    assert not FlagAction.objects.exists()


@pytest.mark.parametrize(
    ("move", "state"),
    [
        ("acknowledge", "acknowledged"),
        ("acknowledge", "resolved"),
        ("acknowledge", "dismissed"),
        ("dismiss", "resolved"),
        ("dismiss", "dismissed"),
        ("accept", "resolved"),
        ("accept", "dismissed"),
        ("reopen", "open"),
        ("reopen", "resolved"),
        ("undo", "open"),
        ("undo", "resolved"),
    ],
)
def test_a_move_that_does_not_fit_the_state_is_impossible_and_leaves_no_trace(
    item: Item, move: str, state: str
) -> None:
    flag = a_flag(item, reason="under_used", state=state)
    with pytest.raises(ImpossibleMove):
        do(move, flag)
    assert Flag.objects.get().state == state
    assert Flag.objects.get().version == flag.version
    assert not FlagAction.objects.exists()


def test_a_resolved_flag_cannot_be_snoozed(item: Item) -> None:
    with pytest.raises(ImpossibleMove):
        snooze(a_flag(item, state="resolved"), in_thirty_days())


def test_reopening_a_dismissed_flag_lets_its_class_speak_again(flag: Flag) -> None:
    do("dismiss", flag, reason="No.")
    reopened = do("reopen", flag)
    assert (reopened.state, reopened.is_suppressing, reopened.dismiss_reason) == ("open", False, "")


def test_reopening_an_accepted_flag_releases_its_item_again(item: Item, flag: Flag) -> None:
    do("accept", flag)
    do("reopen", flag)
    item.refresh_from_db()
    assert (item.status, item.released_on) == ("released", date(2026, 1, 5))


def test_a_dismissed_flag_cannot_be_reopened_beside_its_successor(item: Item, flag: Flag) -> None:
    do("dismiss", flag)
    a_flag(item, reason="under_used")
    with pytest.raises(ImpossibleMove, match="since"):
        do("reopen", flag)


@pytest.mark.parametrize("move", ["acknowledge", "dismiss", "accept"])
def test_every_move_can_be_undone(item: Item, flag: Flag, move: str) -> None:
    do(move, flag)
    undone = do("undo", flag)
    item.refresh_from_db()
    assert (undone.state, undone.is_suppressing, undone.snoozed_until) == ("open", False, None)
    assert item.status == "released"
    assert list(FlagAction.objects.order_by("id").values_list("action", flat=True)) == [move, "undo"]


def test_undo_twice_takes_back_two_moves(flag: Flag) -> None:
    do("acknowledge", flag)
    do("dismiss", flag)
    assert do("undo", flag).state == "acknowledged"
    assert do("undo", flag).state == "open"
    with pytest.raises(ImpossibleMove):
        do("undo", flag)


def test_undoing_a_longer_snooze_restores_the_shorter_one(flag: Flag) -> None:
    snooze(flag, in_thirty_days())
    snooze(flag, in_thirty_days() + SOON)
    undone = do("undo", flag)
    assert (undone.state, undone.snoozed_until) == ("snoozed", in_thirty_days())


def test_undoing_a_dismissal_after_the_snooze_ended_opens_the_flag(flag: Flag) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        snooze(flag, in_thirty_days())
        do("dismiss", flag)
        clock.shift(SOON * 2)
        assert do("undo", flag).state == "open"


def test_undoing_a_reopening_dismisses_the_flag_again_with_its_reason(flag: Flag) -> None:
    do("dismiss", flag, reason="By design.")
    do("reopen", flag)
    undone = do("undo", flag)
    assert (undone.state, undone.dismiss_reason, undone.is_suppressing) == ("dismissed", "By design.", True)


def test_undoing_the_reopening_of_an_accepted_flag_sunsets_the_item_again(item: Item, flag: Flag) -> None:
    do("accept", flag)
    do("reopen", flag)
    do("undo", flag)
    item.refresh_from_db()
    assert item.status == "sunset"


def test_what_people_did_cannot_be_undone_once_the_clock_moved_the_flag(flag: Flag) -> None:
    do("acknowledge", flag)
    FlagAction.objects.create(
        workspace=flag.workspace, flag=flag, action="resolve", from_state="acknowledged", to_state="resolved"
    )
    Flag.objects.update(state="resolved")
    with pytest.raises(ImpossibleMove):
        do("undo", flag)


def test_undoing_an_acceptance_leaves_an_item_alone_that_has_moved_on(item: Item, flag: Flag) -> None:
    do("accept", flag)
    Item.objects.update(status="archived")
    do("undo", flag)
    item.refresh_from_db()
    assert item.status == "archived"


def test_a_move_based_on_an_old_version_is_stale(flag: Flag) -> None:
    do("acknowledge", flag)
    with pytest.raises(StaleEdit):
        do("dismiss", flag, version=flag.version)


def test_an_outsider_cannot_move_a_flag_of_another_workspace(flag: Flag) -> None:
    with pytest.raises(NotHere):
        flags.dismiss_flag(workspace=a_workspace(), by=PAULA, flag_id=flag.pk)
    assert Flag.objects.get().state == "open"


def test_a_dismissal_has_the_item_judged_again(item: Item, flag: Flag) -> None:
    Mark.objects.all().delete()
    do("dismiss", flag)
    mark = Mark.objects.get(kind="item", subject_id=item.pk)
    assert mark.cause == {"kind": "edit", "by": "Paula", "via": "api"}


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_dismiss_at_once_the_second_is_told(flag: Flag) -> None:
    with transaction.atomic():
        do("dismiss", flag)
    connections["default"].close()
    with pytest.raises(ImpossibleMove):
        do("dismiss", flag)
    assert FlagAction.objects.count() == 1
