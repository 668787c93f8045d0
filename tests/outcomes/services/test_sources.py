from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from outcomes.models import Mark, Source, SourceDay, SourceSecret
from outcomes.services import sources
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit
from tests.factories import a_workspace

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


def warehouse(workspace: Workspace) -> tuple[Source, str]:
    return sources.create_source(workspace=workspace, by=PAULA, key="warehouse")


def test_a_source_gets_a_standard_webhooks_secret(workspace: Workspace) -> None:
    _, secret = warehouse(workspace)
    prefix, _, encoded = secret.partition("_")
    assert prefix == "whsec"
    assert 24 <= len(base64.b64decode(encoded, validate=True)) <= 64


def test_a_source_without_a_name_is_called_by_its_key(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    assert (source.name, source.kind, source.cadence) == ("warehouse", "productops", "daily")


def test_two_sources_cannot_have_one_key(workspace: Workspace) -> None:
    warehouse(workspace)
    with pytest.raises(IntegrityError):
        warehouse(workspace)


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "telepathy"), ("cadence", "yearly"), ("key", "42"), ("key", "a b")]
)
def test_a_bad_source_is_refused_by_field(workspace: Workspace, field: str, value: str) -> None:
    with pytest.raises(Refused) as refusal:
        sources.create_source(workspace=workspace, by=PAULA, **{"key": "warehouse", field: value})
    assert [complaint.field for complaint in refusal.value.complaints] == [field]


def test_the_old_secret_holds_for_the_overlap_after_a_rotation(workspace: Workspace) -> None:
    source, first = warehouse(workspace)
    _, second = sources.rotate_secret(workspace=workspace, by=PAULA, source_id=source.pk)
    assert second != first
    ends = dict(SourceSecret.objects.values_list("secret", "expires_at"))
    assert ends[second] is None
    assert abs(ends[first] - timezone.now() - timedelta(hours=24)) < timedelta(minutes=1)


def test_a_second_rotation_does_not_prolong_the_first_secret(workspace: Workspace) -> None:
    source, first = warehouse(workspace)
    sources.rotate_secret(workspace=workspace, by=PAULA, source_id=source.pk, overlap=timedelta(hours=1))
    end = SourceSecret.objects.get(secret=first).expires_at
    sources.rotate_secret(workspace=workspace, by=PAULA, source_id=source.pk)
    assert SourceSecret.objects.get(secret=first).expires_at == end


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(workspace: Workspace) -> None:
    source, first = warehouse(workspace)
    sources.rotate_secret(workspace=workspace, by=PAULA, source_id=source.pk, overlap=timedelta(0))
    end = SourceSecret.objects.get(secret=first).expires_at
    assert end is not None
    assert end <= timezone.now()


def test_a_new_cadence_has_the_source_judged_again(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    sources.edit_source(
        workspace=workspace, by=PAULA, source_id=source.pk, version=1, changes={"cadence": "weekly"}
    )
    assert Mark.objects.filter(kind="source", subject_id=source.pk).exists()


def test_an_edit_of_an_old_version_is_stale(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    for expected in (None, StaleEdit):
        if expected is None:
            _rename(workspace, source)
            continue
        with pytest.raises(expected):
            _rename(workspace, source)


def test_a_source_nothing_came_from_is_deleted(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    sources.remove_source(workspace=workspace, by=PAULA, source_id=source.pk, version=1)
    assert not Source.objects.exists()
    assert not SourceSecret.objects.exists()


def test_a_source_that_reported_stays(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    SourceDay.objects.create(workspace=workspace, source=source, on=timezone.now().date())
    with pytest.raises(ImpossibleMove):
        sources.remove_source(workspace=workspace, by=PAULA, source_id=source.pk, version=1)
    assert Source.objects.get().version == 1


def test_an_outsider_cannot_rotate_the_secret_of_another_workspace(workspace: Workspace) -> None:
    source, _ = warehouse(workspace)
    with pytest.raises(NotHere):
        sources.rotate_secret(workspace=a_workspace(), by=PAULA, source_id=source.pk)
    assert SourceSecret.objects.count() == 1


def _rename(workspace: Workspace, source: Source) -> None:
    sources.edit_source(
        workspace=workspace, by=PAULA, source_id=source.pk, version=1, changes={"name": "Warehouse"}
    )
