"""Scoring models in the admin: a draft is a form, what it would change stands beside it, switching is a button."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import ItemValue, Mark, ScoringModel
from productops.workspaces.models import Workspace
from tests.admin.furnishing import Furniture
from tests.admin.test_editing import errors_of, save
from tests.admin.test_pages import add_of, page_of

pytestmark = pytest.mark.django_db


def a_draft(ada: Client, **numbers: str) -> ScoringModel:
    answer = save(ada, add_of(ScoringModel), **{"outcome": "0.4", "adoption": "0.4", **numbers})
    assert answer.status_code == 302, errors_of(answer)
    return ScoringModel.objects.latest("id")


def test_an_admin_drafts_a_model_from_the_one_in_force(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada, grade_observed="0.5", note="People count more.")
    expected = default_numbers()
    expected |= {"outcome": 0.4, "adoption": 0.4, "grades": {**expected["grades"], "observed": 0.5}}
    assert (draft.version, draft.is_active, draft.weights, draft.note) == (
        2,
        False,
        expected,
        "People count more.",
    )


def test_numbers_that_make_no_model_are_refused_beside_the_form(ada: Client, own: Furniture) -> None:
    answer = save(ada, add_of(ScoringModel), outcome="0.9")
    assert "must sum to 1" in errors_of(answer)
    assert ScoringModel.objects.filter(workspace=own.workspace).count() == 1


def test_a_draft_is_edited_and_a_stale_edit_is_refused(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada)
    page = page_of(draft)
    assert save(ada, page, target_adoption="0.6", seen_version="1").status_code == 302
    draft.refresh_from_db()
    assert (draft.weights["target_adoption"], draft.revision) == (0.6, 2)
    assert "Somebody else changed this" in errors_of(save(ada, page, target_adoption="0.7", seen_version="1"))


def test_a_button_switches_and_the_former_becomes_the_way_back(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada)
    former = ScoringModel.objects.get(workspace=own.workspace, version=1)
    Mark.objects.all().delete()
    ada.post(page_of(draft).replace("change/", "act/activate/"))
    draft.refresh_from_db()
    former.refresh_from_db()
    assert (draft.is_active, former.is_active, former.is_used) == (True, False, True)
    assert Mark.objects.filter(kind="item", subject_id=own.item.pk).exists()
    ada.post(page_of(former).replace("change/", "act/activate/"))
    former.refresh_from_db()
    assert former.is_active


def preview_of(model: ScoringModel) -> str:
    return reverse("admin:outcomes_scoringmodel_preview", args=[model.pk])


def test_a_preview_lists_what_would_move_and_writes_nothing(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada, outcome="0", adoption="1", retention="0")
    explanation = {
        "is_released": True,
        "outcomes": [],
        "adoption": {"is_counted": True, "eligible": 100, "share": 1.0},
        "retention": {"previous": None, "still": None},
        "is_any_effect_worse": False,
    }
    ItemValue.objects.filter(item=own.item).update(proven=10.0, realised=20.0, explanation=explanation)
    Mark.objects.all().delete()
    shown = ada.get(preview_of(draft)).content.decode()
    assert f'<a href="{page_of(own.item)}">Ours item</a>' in shown
    assert "<strong>1</strong> of 1 item would move by more than 5 points, 1 up and 0 down" in shown
    assert "Switch to this model" in shown
    assert ">90<" in shown or "+90" in shown
    assert not Mark.objects.exists()
    assert "more than 20 points" in ada.get(f"{preview_of(draft)}?points=20").content.decode()
    assert "more than 5 points" in ada.get(f"{preview_of(draft)}?points=-1").content.decode()


def test_a_draft_that_was_edited_after_the_preview_is_not_switched_to(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada)
    assert 'name="revision" value="1"' in ada.get(preview_of(draft)).content.decode()
    ScoringModel.objects.filter(pk=draft.pk).update(revision=2)
    answer = ada.post(page_of(draft).replace("change/", "act/activate/"), {"revision": "1"}, follow=True)
    assert "Somebody else changed it" in answer.content.decode()
    draft.refresh_from_db()
    assert not draft.is_active


def test_a_switch_is_undone_by_one_button(ada: Client, own: Furniture) -> None:
    draft = a_draft(ada)
    former = ScoringModel.objects.get(workspace=own.workspace, version=1)
    assert "Undo" not in ada.get(page_of(former)).content.decode()
    ada.post(page_of(draft).replace("change/", "act/activate/"), {"revision": "1"})
    assert "Undo: back to version 1" in ada.get(page_of(draft)).content.decode()
    ada.post(page_of(draft).replace("change/", "act/undo/"))
    former.refresh_from_db()
    assert former.is_active
    answer = ada.post(page_of(draft).replace("change/", "act/undo/"), follow=True)
    assert "there is nothing to undo" in answer.content.decode()


def test_every_number_says_what_it_means_in_the_form_and_where_it_is_only_looked_at(
    ada: Client, eve: Client, own: Furniture
) -> None:
    former = ScoringModel.objects.get(workspace=own.workspace, version=1)
    for shown in (ada.get(add_of(ScoringModel)), eve.get(page_of(former))):
        assert "Held against controls that the release did not touch." in shown.content.decode()
    assert "&quot;grades&quot;" not in eve.get(page_of(former)).content.decode()


def test_an_editor_reads_a_preview_without_the_button_and_a_stranger_reads_none(
    ada: Client, eve: Client, olga: Client, own: Furniture
) -> None:
    draft = a_draft(ada)
    shown = eve.get(preview_of(draft))
    assert shown.status_code == 200
    assert "Switch to this model" not in shown.content.decode()
    assert olga.get(preview_of(draft)).status_code == 404
    assert ada.post(preview_of(draft)).status_code == 405


def test_what_was_used_is_looked_at_and_not_edited(ada: Client, own: Furniture) -> None:
    former = ScoringModel.objects.get(workspace=own.workspace, version=1)
    shown = ada.get(page_of(former)).content.decode()
    assert "in force" in shown
    assert 'name="_save"' not in shown
    assert ada.post(page_of(former).replace("change/", "delete/"), {"post": "yes"}).status_code == 403


def test_an_editor_only_looks(eve: Client, own: Furniture, workspace: Workspace) -> None:
    former = ScoringModel.objects.get(workspace=workspace, version=1)
    assert eve.get(page_of(former)).status_code == 200
    assert eve.get(add_of(ScoringModel)).status_code == 403
    assert eve.post(page_of(former).replace("change/", "act/activate/")).status_code == 403
