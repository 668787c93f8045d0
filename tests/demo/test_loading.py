"""Loading through the door of a running server, with a small story in place of the long one."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from outcomes.demo import loading, posting, story, workspace
from outcomes.models import Delivery, Source
from outcomes.pipeline import settle
from productops.workspaces.keys import find_key
from productops.workspaces.models import ApiKey, User, Workspace
from productops.workspaces.models.keys import SCOPES

NAMES = [
    "PRODUCTOPS_API_KEY",
    "PRODUCTOPS_SOURCE_URL",
    "PRODUCTOPS_SOURCE_SECRET",
    "PRODUCTOPS_ADMIN_USER",
    "PRODUCTOPS_ADMIN_PASSWORD",
]
SHORT = 20


@pytest.fixture
def server(django_db_setup: None, live_server: Any, settings: Any) -> str:
    settings.PUBLIC_URL = live_server.url
    return live_server.url


@pytest.fixture(autouse=True)
def short_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty days instead of eighteen months: these tests are about the posting, not about the story."""

    def history(loaded_on: Any) -> Iterator[story.Delivery]:
        for source in story.SOURCES:
            told = story.days(source.key, loaded_on, -30, -30 + SHORT)
            yield from (story._delivery(source.key, [day]) for day in told)

    monkeypatch.setattr(story, "history", history)


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the loader waits, the worker of this test works."""
    monkeypatch.setattr(loading, "sleep", lambda seconds: settle.settle_all(max_seconds=120))
    monkeypatch.setattr(posting, "sleep", lambda seconds: None)


def load_demo() -> tuple[dict[str, str], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("load_demo", stdout=out, stderr=err)
    return dict(line.split("=", 1) for line in out.getvalue().splitlines()), err.getvalue()


@pytest.mark.django_db(transaction=True)
class TestLoading:
    def test_the_demo_is_posted_and_the_way_in_is_printed(self, server: str) -> None:
        access, told = load_demo()
        assert list(access) == NAMES
        assert access["PRODUCTOPS_SOURCE_URL"].startswith(f"{server}/in/")
        assert set(find_key(access["PRODUCTOPS_API_KEY"]).scopes) == set(SCOPES)
        admin = User.objects.get(username=access["PRODUCTOPS_ADMIN_USER"])
        assert admin.is_superuser
        assert admin.check_password(access["PRODUCTOPS_ADMIN_PASSWORD"])
        assert admin.memberships.get().role == "admin"
        assert "Posting" in told
        assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}

    def test_a_second_load_is_refused_in_one_line(self, server: str) -> None:
        load_demo()
        with pytest.raises(CommandError, match="loaded already") as refused:
            load_demo()
        assert "\n" not in str(refused.value)

    def test_a_load_that_was_interrupted_is_finished(
        self, server: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = list(story.history(timezone.now().date()))
        with monkeypatch.context() as interrupted:
            interrupted.setattr(loading, "wait_until_settled", _killed)
            interrupted.setattr(story, "history", lambda loaded_on: iter(whole[:7]))
            with pytest.raises(KeyboardInterrupt):
                load_demo()
        assert Delivery.objects.count() == 7
        assert not ApiKey.objects.exists()
        with pytest.raises(CommandError, match="half loaded"):
            call_command("demo_access")
        access, _ = load_demo()
        assert list(access) == NAMES
        assert Delivery.objects.count() == len(whole)

    def test_a_workspace_of_the_same_name_that_is_real_is_left_alone(self) -> None:
        Workspace.objects.create(key=story.WORKSPACE_KEY, name="Our own demo")
        with pytest.raises(CommandError, match="of your own"):
            load_demo()

    def test_the_load_says_so_when_the_server_is_away(self, settings: Any) -> None:
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        with pytest.raises(CommandError, match="does not take deliveries"):
            load_demo()

    def test_the_load_says_so_when_no_worker_takes_anything(
        self, server: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading, "sleep", time.sleep)
        made = workspace.make_workspace()
        with pytest.raises(loading.CannotLoad, match="is the worker running"):
            loading.wait_until_settled(made, lambda text: None, stuck_after=0.6)


@pytest.mark.django_db(transaction=True)
class TestToppingUp:
    def test_the_days_since_the_load_are_posted_once(self, server: str) -> None:
        load_demo()
        _age(5)
        before = Delivery.objects.count()
        assert loading.post_missing_days() == 5
        assert loading.post_missing_days() == 0
        assert Delivery.objects.count() == before + 5
        settle.settle_all(max_seconds=60)
        assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}

    def test_only_the_source_that_still_reports_is_topped_up(self, server: str) -> None:
        load_demo()
        _age(3)
        loading.post_missing_days()
        days = [story.id_of_day(timezone.now().date() - timedelta(days=n)) for n in (1, 2, 3)]
        posted = Delivery.objects.filter(external_id__in=days)
        assert {delivery.source.key for delivery in posted} == {story.SOURCES[0].key}
        assert posted.count() == 3

    def test_without_a_demo_nothing_happens(self) -> None:
        call_command("top_up_demo", stderr=io.StringIO())
        assert not Source.objects.exists()

    def test_the_command_fails_and_the_clock_does_not_when_the_server_is_away(
        self, server: str, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        load_demo()
        _age(2)
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        with pytest.raises(CommandError, match="does not take deliveries"):
            call_command("top_up_demo")
        loading.top_up()
        assert "not topped up" in caplog.text

    def test_access_that_was_lost_is_given_anew(self, server: str) -> None:
        first, _ = load_demo()
        out = io.StringIO()
        call_command("demo_access", stdout=out)
        second = dict(line.split("=", 1) for line in out.getvalue().splitlines())
        assert list(second) == NAMES
        assert second["PRODUCTOPS_API_KEY"] != first["PRODUCTOPS_API_KEY"]
        assert second["PRODUCTOPS_SOURCE_SECRET"] == first["PRODUCTOPS_SOURCE_SECRET"]
        admin = User.objects.get(username=second["PRODUCTOPS_ADMIN_USER"])
        assert admin.check_password(second["PRODUCTOPS_ADMIN_PASSWORD"])


def _age(days: int) -> None:
    """The demo was loaded that many days ago."""
    Workspace.objects.update(created_at=timezone.now() - timedelta(days=days))


def _killed(*args: Any) -> None:
    raise KeyboardInterrupt
