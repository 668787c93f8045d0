"""The buttons of a flag do what they say, for those who may press them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from outcomes.models import Flag, FlagAction
from tests.admin.furnishing import Furniture
from tests.admin.test_pages import list_of, page_of
from tests.factories import a_flag, an_item

pytestmark = pytest.mark.django_db


def press(client: Client, flag: Flag, button: str, **said: object) -> str:
    """Press a button of the flag on its item's page; return the page that follows."""
    address = reverse("admin:outcomes_flag_act", args=[flag.pk, button])
    said = {"version": flag.version, "next": page_of(flag.item), **said}
    answer = client.post(address, said, follow=True)
    flag.refresh_from_db()
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def test_a_flag_is_acknowledged_from_its_items_page(eve: Client, own: Furniture) -> None:
    assert "Acknowledged: under used, Ours item." in press(eve, own.flag, "acknowledge")
    assert own.flag.state == "acknowledged"
    assert FlagAction.objects.filter(flag=own.flag, action="acknowledge", user__username="eve").exists()


def test_a_flag_is_snoozed_until_a_day_to_come(eve: Client, own: Furniture) -> None:
    assert "a day yet to come" in press(eve, own.flag, "snooze", until="2020-01-01")
    assert "Say until which day" in press(eve, own.flag, "snooze", until="soon")
    assert own.flag.state == "open"
    until = date.today() + timedelta(days=30)
    press(eve, own.flag, "snooze", until=until.isoformat())
    assert (own.flag.state, own.flag.snoozed_until) == ("snoozed", until)


def test_a_flag_is_dismissed_with_a_reason_and_the_step_undone(eve: Client, own: Furniture) -> None:
    press(eve, own.flag, "dismiss", reason="It is for auditors.")
    assert (own.flag.state, own.flag.dismiss_reason) == ("dismissed", "It is for auditors.")
    press(eve, own.flag, "undo")
    assert own.flag.state == "open"


def test_accepting_a_flag_moves_its_item_to_sunset(eve: Client, own: Furniture) -> None:
    press(eve, own.flag, "accept")
    own.item.refresh_from_db()
    assert (own.flag.state, own.item.status) == ("accepted", "sunset")


def test_a_button_pressed_on_a_page_that_is_out_of_date_does_nothing(eve: Client, own: Furniture) -> None:
    assert "Somebody else changed it" in press(eve, own.flag, "dismiss", version=99)
    assert own.flag.state == "open"


def test_a_viewer_and_somebody_from_elsewhere_can_press_nothing(
    vic: Client, olga: Client, own: Furniture
) -> None:
    assert press(vic, own.flag, "acknowledge") == "403"
    assert press(olga, own.flag, "acknowledge") == "404"
    assert own.flag.state == "open"


def test_a_button_needs_a_post_with_a_token(own: Furniture, eve: Client) -> None:
    address = reverse("admin:outcomes_flag_act", args=[own.flag.pk, "acknowledge"])
    assert eve.get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = eve.cookies
    assert strict.post(address).status_code == 403
    assert eve.post(reverse("admin:outcomes_flag_act", args=[own.flag.pk, "explode"])).status_code == 404


def test_a_button_never_leads_to_another_site(eve: Client, own: Furniture) -> None:
    address = reverse("admin:outcomes_flag_act", args=[own.flag.pk, "acknowledge"])
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"):
        answer = eve.post(address, {"next": elsewhere})
        assert answer.headers["Location"] == page_of(own.flag)


def test_selected_flags_are_acknowledged_and_dismissed_together(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    other = a_flag(an_item(own.workspace))
    chosen = [own.flag.pk, other.pk, foreign.flag.pk]
    for action, state in (("acknowledge_selected", "acknowledged"), ("dismiss_selected", "dismissed")):
        answer = eve.post(list_of(Flag), {"action": action, "_selected_action": chosen}, follow=True)
        assert f"2 flags {state}." in answer.content.decode()
    assert set(Flag.objects.filter(pk__in=chosen).values_list("state", flat=True)) == {"dismissed", "open"}
    foreign.flag.refresh_from_db()
    assert foreign.flag.state == "open"


def test_a_viewer_is_offered_no_bulk_actions(vic: Client, own: Furniture) -> None:
    vic.post(list_of(Flag), {"action": "dismiss_selected", "_selected_action": [own.flag.pk]})
    own.flag.refresh_from_db()
    assert own.flag.state == "open"
