"""What Prometheus is shown, and who else is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from outcomes.models import Delivery
from outcomes.pipeline.marks import mark
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db


def shown(**options: Any) -> Any:
    return Client().get("/metrics", **options)


def test_prometheus_is_told_what_waits() -> None:
    team = Team()
    mark("problem", team.workspace.pk, [1, 2])
    told = shown().content.decode()
    assert 'productops_marks_pending{kind="problem"} 2.0' in told
    assert "productops_deliveries_pending 0.0" in told


def test_a_pending_delivery_is_counted_with_its_age_and_a_failed_one_as_set_aside() -> None:
    team = Team()
    team.state({"covers": []})
    team.state({"covers": []})
    Delivery.objects.filter(pk=Delivery.objects.latest("id").pk).update(state="failed")
    told = shown().content.decode()
    assert "productops_deliveries_pending 1.0" in told
    assert "productops_deliveries_set_aside 1.0" in told
    age = next(line for line in told.splitlines() if line.startswith("productops_deliveries_oldest_pending"))
    assert float(age.split()[1]) > 0


def test_strangers_are_shown_nothing() -> None:
    assert shown(REMOTE_ADDR="192.0.2.7").status_code == 404
    assert shown(REMOTE_ADDR="").status_code == 404


def test_behind_a_proxy_an_address_proves_nothing(settings: Any) -> None:
    settings.USE_X_FORWARDED_HOST = True
    assert shown().status_code == 404


def test_with_a_token_it_is_the_token_that_counts(settings: Any) -> None:
    settings.METRICS_TOKEN = "s3cret"
    assert shown().status_code == 404
    assert shown(headers={"authorization": "Bearer s3cre"}).status_code == 404
    answer = shown(headers={"authorization": "Bearer s3cret"}, REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
