"""Scoring models in the admin: a draft is a form, what it would change stands beside it, switching is a button."""

from __future__ import annotations

import pytest
from django.test import Client

from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import Mark, ScoringModel
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
    assert "items would move by more than" in ada.get(page).content.decode()
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
