from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError

from outcomes.models import Mark, Metric, MetricDay, Outcome
from outcomes.services import metrics, outcomes
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap.models import Item
from tests.factories import a_metric, a_workspace, an_item

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def item(workspace: Workspace) -> Item:
    return an_item(workspace)


@pytest.fixture
def conversion(workspace: Workspace) -> Metric:
    return a_metric(workspace, key="checkout.conversion")


def set_outcome(item: Item, metric: Metric, **fields: object) -> Outcome:
    return outcomes.set_outcome(
        workspace=item.workspace, by=PAULA, item_id=item.pk, metric_id=metric.pk, **fields
    )


def marked_items() -> list[int]:
    return list(Mark.objects.filter(kind="item").values_list("subject_id", flat=True))


def test_a_metric_key_may_hold_dots(workspace: Workspace) -> None:
    made = metrics.create_metric(workspace=workspace, by=PAULA, key="checkout.conversion", unit="%")
    assert (made.name, made.direction, made.aggregation) == ("checkout.conversion", "increase", "mean")


@pytest.mark.parametrize(
    ("field", "value"),
    [("key", "7"), ("key", "a..b"), ("direction", "up"), ("aggregation", "median"), ("cadence", "yearly")],
)
def test_a_bad_metric_is_refused_by_field(workspace: Workspace, field: str, value: str) -> None:
    with pytest.raises(Refused) as refusal:
        metrics.create_metric(workspace=workspace, by=PAULA, **{"key": "ok", field: value})
    assert [complaint.field for complaint in refusal.value.complaints] == [field]


def test_another_direction_has_the_items_of_the_metric_scored_again(item: Item, conversion: Metric) -> None:
    set_outcome(item, conversion)
    Mark.objects.all().delete()
    metrics.edit_metric(
        workspace=item.workspace,
        by=PAULA,
        metric_id=conversion.pk,
        version=1,
        changes={"direction": "decrease"},
    )
    assert marked_items() == [item.pk]


def test_another_name_of_a_metric_has_nothing_scored_again(item: Item, conversion: Metric) -> None:
    set_outcome(item, conversion)
    Mark.objects.all().delete()
    metrics.edit_metric(
        workspace=item.workspace, by=PAULA, metric_id=conversion.pk, version=1, changes={"name": "Conversion"}
    )
    assert marked_items() == []


def test_a_metric_without_history_is_deleted(workspace: Workspace, conversion: Metric) -> None:
    is_gone = metrics.remove_metric(workspace=workspace, by=PAULA, metric_id=conversion.pk, version=1)
    assert is_gone
    assert not Metric.objects.exists()


def test_a_metric_that_was_measured_is_archived_and_can_be_restored(
    workspace: Workspace, conversion: Metric
) -> None:
    MetricDay.objects.create(
        workspace=workspace,
        metric=conversion,
        on=date(2026, 5, 1),
        count=1,
        total=2,
        low=2,
        high=2,
        last=2,
        last_at=datetime(2026, 5, 1, tzinfo=UTC),
    )
    is_gone = metrics.remove_metric(workspace=workspace, by=PAULA, metric_id=conversion.pk, version=1)
    assert not is_gone
    assert list(Metric.objects.archived()) == [conversion]
    restored = metrics.restore_metric(workspace=workspace, by=PAULA, metric_id=conversion.pk, version=2)
    assert restored.archived_at is None


def test_an_outcome_asks_for_nothing_but_item_and_metric(item: Item, conversion: Metric) -> None:
    made = set_outcome(item, conversion)
    assert (made.role, made.weight, made.baseline, made.target) == ("primary", 1, None, None)
    assert marked_items() == [item.pk]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", "hero"),
        ("weight", 0),
        ("weight", None),
        ("target", float("nan")),
        ("baseline", float("inf")),
        ("margin", -1),
        ("washout_days", -1),
        ("washout_days", 40_000),
        ("after_periods", 0),
        ("controls", ["nobody.knows"]),
        ("controls", "checkout"),
        ("controls", [{"metric": "checkout.conversion", "colour": "red"}]),
        ("controls", [7]),
    ],
)
def test_a_bad_outcome_is_refused_by_field(item: Item, conversion: Metric, field: str, value: object) -> None:
    with pytest.raises(Refused) as refusal:
        set_outcome(item, conversion, **{field: value})
    assert [complaint.field for complaint in refusal.value.complaints] == [field]
    assert not Outcome.objects.exists()


@pytest.mark.parametrize(
    ("series", "control"),
    [
        (None, "checkout.conversion"),
        ("", {"metric": "checkout.conversion", "series": ""}),
        ("eu", {"metric": "checkout.conversion", "series": "eu"}),
    ],
)
def test_an_outcome_is_not_its_own_control(
    item: Item, conversion: Metric, series: str | None, control: object
) -> None:
    a_metric(item.workspace, key="sessions")
    with pytest.raises(Refused) as refusal:
        set_outcome(item, conversion, series=series, controls=["sessions", control])
    assert [(said.field, said.code) for said in refusal.value.complaints] == [("controls/1", "itself")]


def test_another_series_of_its_metric_may_be_its_control_until_it_is_its_own(
    item: Item, conversion: Metric
) -> None:
    us = {"metric": "checkout.conversion", "series": "us"}
    outcome = set_outcome(item, conversion, series="eu", controls=[us])
    with pytest.raises(Refused) as refusal:
        outcomes.edit_outcome(
            workspace=item.workspace, by=PAULA, outcome_id=outcome.pk, version=None, changes={"series": "us"}
        )
    assert refusal.value.complaints[0].field == "controls/0"


def test_controls_name_metrics_with_or_without_a_series(item: Item, conversion: Metric) -> None:
    a_metric(item.workspace, key="sessions")
    controls = ["sessions", {"metric": "sessions", "series": "eu"}]
    assert set_outcome(item, conversion, controls=controls).controls == controls


def test_an_item_has_one_outcome_per_metric_and_series(item: Item, conversion: Metric) -> None:
    set_outcome(item, conversion)
    set_outcome(item, conversion, series="eu")
    with pytest.raises(IntegrityError):
        set_outcome(item, conversion)


def test_an_outcome_cannot_reach_into_another_workspace(item: Item, conversion: Metric) -> None:
    outside = a_workspace()
    with pytest.raises(NotHere):
        set_outcome(item, a_metric(outside))
    with pytest.raises(NotHere):
        outcomes.set_outcome(workspace=outside, by=PAULA, item_id=item.pk, metric_id=conversion.pk)
    assert not Outcome.objects.exists()


def test_a_new_target_has_the_item_scored_again(item: Item, conversion: Metric) -> None:
    made = set_outcome(item, conversion)
    Mark.objects.all().delete()
    edited = outcomes.edit_outcome(
        workspace=item.workspace, by=PAULA, outcome_id=made.pk, version=1, changes={"target": 2.6}
    )
    assert (edited.target, edited.version) == (2.6, 2)
    assert marked_items() == [item.pk]


def test_removing_an_outcome_has_the_item_scored_again(item: Item, conversion: Metric) -> None:
    made = set_outcome(item, conversion)
    Mark.objects.all().delete()
    outcomes.remove_outcome(workspace=item.workspace, by=PAULA, outcome_id=made.pk, version=1)
    assert not Outcome.objects.exists()
    assert marked_items() == [item.pk]


def test_removing_an_outcome_that_was_edited_since_is_stale(item: Item, conversion: Metric) -> None:
    made = set_outcome(item, conversion)
    with pytest.raises(StaleEdit):
        outcomes.remove_outcome(workspace=item.workspace, by=PAULA, outcome_id=made.pk, version=2)
    assert Outcome.objects.exists()
