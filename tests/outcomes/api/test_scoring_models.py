"""Scoring models: drafted, looked at, switched on, and switched back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from outcomes.models import Flag, Mark, ScoringModel, ValueRecord
from outcomes.services import previews
from productops.workspaces.models import Change, Workspace
from tests.callers import Caller, codes, pointers
from tests.factories import a_workspace, an_outcome
from tests.outcomes.pipeline.stating import Team, days_before, dump
from tests.outcomes.pipeline.test_values_and_flags import observed
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

ALL_ADOPTION = {"outcome": 0.1, "adoption": 0.8, "retention": 0.1}


@pytest.fixture
def team() -> Team:
    """Carts: all of its outcome, few of its people. Wishlist: nothing but people. An idea beside them."""
    team = Team()
    carts = team.item("carts")
    an_outcome(carts, baseline=10, target=20)
    metric = carts.outcomes.get().metric
    metric.key = "m"
    metric.save()
    team.item("wishlist")
    team.item("idea", status="idea", released_on=None, is_release_stated=False)
    team.state({**observed({team.pin: 20}), **counted("carts", days_before(team.pin, 60), 60)})
    team.state(counted("wishlist", days_before(team.pin, 60), 300))
    team.settle()
    return team


@pytest.fixture
def paula(team: Team) -> Caller:
    return Caller(team.workspace)


def a_draft(caller: Caller, **weights: Any) -> dict[str, Any]:
    answer = caller.post("scoring-models/", {"weights": weights})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


@contextmanager
def as_committed() -> Iterator[None]:
    """What is checked when a transaction ends is checked at the end of this block."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_new_model_is_a_draft_of_the_one_in_force_with_some_numbers_changed(paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION, grades={"observed": 0.5})
    assert (draft["version"], draft["is_active"], draft["is_used"]) == (2, False, False)
    assert draft["weights"]["grades"] == {
        "experiment": 1.0,
        "comparison": 0.8,
        "before_after": 0.6,
        "observed": 0.5,
    }
    assert draft["weights"]["target_retention"] == 0.5


@pytest.mark.parametrize(
    ("weights", "pointer", "code"),
    [
        ({"outcome": 0.9}, "/weights/outcome", "sum"),
        ({"outcome": -0.5, "adoption": 1.3}, "/weights/outcome", "out_of_range"),
        ({"target_adoption": 0}, "/weights/target_adoption", "out_of_range"),
        ({"minimum_people": 0}, "/weights/minimum_people", "out_of_range"),
        ({"minimum_people": 2.5}, "/weights/minimum_people", "invalid"),
        ({"worse_multiplier": "half"}, "/weights/worse_multiplier", "invalid"),
        ({"grades": {"observed": 2}}, "/weights/grades/observed", "out_of_range"),
        ({"grades": {"guessed": 0.1}}, "/weights/grades/guessed", "unknown"),
        ({"luck": 1}, "/weights/luck", "unknown"),
    ],
)
def test_numbers_that_make_no_model_are_refused_where_they_stand(
    paula: Caller, weights: dict[str, Any], pointer: str, code: str
) -> None:
    answer = paula.post("scoring-models/", {"weights": weights})
    assert answer.status_code == 400
    assert (pointer in pointers(answer), code in codes(answer)) == (True, True), answer.json()


def test_a_draft_is_edited_by_version_and_keeps_its_number(paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    path = f"scoring-models/{draft['id']}/"
    etag = paula.get(path)["ETag"]
    edited = paula.patch(path, {"weights": {"target_adoption": 0.5}, "note": "Half is enough."}, etag)
    assert edited.status_code == 200
    assert (edited.json()["version"], edited.json()["weights"]["adoption"]) == (2, 0.8)
    assert paula.patch(path, {"note": "Too late."}, etag).status_code == 412
    assert paula.delete(path).status_code == 204


def test_a_full_replacement_of_a_draft_is_as_published_where_it_says_nothing(paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION, target_retention=0.9)
    path = f"scoring-models/{draft['id']}/"
    replaced = paula.put(path, {"weights": {"target_adoption": 0.2}}, paula.get(path)["ETag"]).json()
    weights = replaced["weights"]
    assert (weights["target_adoption"], weights["outcome"], weights["target_retention"]) == (0.2, 0.5, 0.5)


def test_a_preview_tells_what_would_move_and_writes_nothing(team: Team, paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    before, records = dump(team.workspace), ValueRecord.objects.count()

    answer = paula.post(f"scoring-models/{draft['id']}/preview/").json()

    assert (answer["items"], answer["moved"], answer["up"], answer["against_version"]) == (2, 2, 1, 1)
    assert answer["summary"] == "2 of 2 items would move by more than 5 points."
    assert [row["item"]["key"] for row in answer["results"]] == ["wishlist", "carts"]
    assert (dump(team.workspace), ValueRecord.objects.count()) == (before, records)
    assert not Mark.objects.exists()


def test_of_very_many_items_a_preview_values_an_even_part_and_says_so(
    paula: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    whole = paula.post(f"scoring-models/{draft['id']}/preview/").json()
    assert whole["released"] == whole["items"] == 2
    monkeypatch.setattr(previews, "MOST_VALUED", 1)
    part = paula.post(f"scoring-models/{draft['id']}/preview/").json()
    assert (part["released"], part["items"]) == (whole["released"], 1)
    assert part["summary"].endswith("These are an even part of 2 released ones.")


def test_a_preview_lists_as_many_as_asked_and_counts_all(paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    answer = paula.post(f"scoring-models/{draft['id']}/preview/", {"limit": 1, "points": 0}).json()
    assert (len(answer["results"]), answer["moved"]) == (1, 2)
    assert paula.post(f"scoring-models/{draft['id']}/preview/", {"limit": 1000}).status_code == 400


def test_a_switch_values_everything_as_previewed_and_history_keeps_the_old_version(
    team: Team, paula: Caller
) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    told = paula.post(f"scoring-models/{draft['id']}/preview/").json()
    flags = Flag.objects.count()

    answer = paula.post(f"scoring-models/{draft['id']}/activate/").json()
    team.settle()

    assert (answer["is_active"], answer["switched"]["moved"], answer["switched"]["from_version"]) == (
        True,
        2,
        1,
    )
    for row in told["results"]:
        value = team.value(row["item"]["key"])
        assert value.proven == pytest.approx(row["after"]["proven"])
        assert (value.model_version, value.explanation["model_version"]) == (2, 2)
        versions = ValueRecord.objects.filter(item_id=row["item"]["id"]).order_by("id")
        assert [record.model_version for record in versions][-2:] == [1, 2]
        assert versions.latest("id").cause["kind"] == "model"
    assert Flag.objects.count() == flags


def test_switching_back_is_the_undo(team: Team, paula: Caller) -> None:
    before = dump(team.workspace)
    draft = a_draft(paula, **ALL_ADOPTION)
    paula.post(f"scoring-models/{draft['id']}/activate/")
    team.settle()
    first = ScoringModel.objects.get(version=1)
    assert paula.post(f"scoring-models/{first.pk}/activate/").status_code == 200
    team.settle()
    assert dump(team.workspace) == before


def test_a_used_model_never_changes_at_any_door(team: Team, paula: Caller) -> None:
    first = ScoringModel.objects.get(version=1)
    path = f"scoring-models/{first.pk}/"
    assert paula.patch(path, {"weights": {"target_adoption": 0.9}}).status_code == 409
    assert paula.patch(path, {"note": "Another reason."}).status_code == 409
    assert paula.patch(path, {"note": first.note}).status_code == 200
    assert paula.delete(path).status_code == 409
    for changed in ({"weights": {}}, {"note": "Another reason."}):
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            ScoringModel.objects.filter(pk=first.pk).update(**changed)
    with pytest.raises(IntegrityError, match="is kept"), as_committed():
        first.delete()


def test_the_history_of_values_is_append_only(team: Team) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ValueRecord.objects.update(proven=100)
    with pytest.raises(IntegrityError, match="append-only"), as_committed():
        ValueRecord.objects.all().delete()


def test_history_and_models_go_with_their_workspace(team: Team) -> None:
    with as_committed():
        team.workspace.delete()
    assert not ValueRecord.objects.exists()
    assert not ScoringModel.objects.exists()


def test_the_workspace_s_target_share_is_that_of_the_model_in_force(team: Team, paula: Caller) -> None:
    assert paula.patch("workspace/", {"target_adoption": 0.6}).status_code == 200
    team.settle()
    assert team.value("wishlist").explanation["adoption"]["target"] == 0.6
    draft = a_draft(paula, target_adoption=0.4)
    paula.post(f"scoring-models/{draft['id']}/activate/")
    assert Workspace.objects.get(pk=team.workspace.pk).target_adoption == 0.4


def test_an_items_own_target_wins_over_the_model_s(team: Team, paula: Caller) -> None:
    paula.patch("items/wishlist/", {"target_adoption": 0.9})
    team.settle()
    assert team.value("wishlist").explanation["adoption"]["target"] == 0.9


def test_who_switched_is_written_down(team: Team, paula: Caller) -> None:
    draft = a_draft(paula, **ALL_ADOPTION)
    paula.post(f"scoring-models/{draft['id']}/activate/")
    switch = Change.objects.filter(type="scoringmodel", object_id=draft["id"]).latest("id")
    assert (switch.action, switch.values["is_active"], switch.via) == ("edited", [False, True], "api")


def test_models_of_others_are_not_here_and_a_viewer_only_looks(team: Team) -> None:
    first = ScoringModel.objects.get(workspace=team.workspace)
    olga, vera = Caller(a_workspace()), Caller(team.workspace, ["outcomes:read"])
    for verb in ("preview", "activate"):
        assert olga.post(f"scoring-models/{first.pk}/{verb}/").status_code == 404
        assert vera.post(f"scoring-models/{first.pk}/{verb}/").status_code == 403
    assert vera.get(f"scoring-models/{first.pk}/").status_code == 200
    assert olga.get(f"scoring-models/{first.pk}/").status_code == 404
