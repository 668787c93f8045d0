"""Every page of every model opens, and says only what is the workspace's own."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from outcomes.models import Observation, UsageDay, UsageEvent, UsageSnapshot
from productops.workspaces.models import User, Workspace
from productops.workspaces.models.sessions import Session
from tests.admin.furnishing import Furniture

pytestmark = pytest.mark.django_db

# Whoever reads the key of a session is the person who signed in: it stands on no page.
UNSEEN = (Session,)
MODELS = [
    model
    for label in ("workspaces", "roadmap", "outcomes")
    for model in apps.get_app_config(label).get_models()
    if model not in UNSEEN
]
FACTS = (Observation, UsageEvent, UsageSnapshot, UsageDay)
ADDED_BY_PEOPLE = [
    "product",
    "customer",
    "problem",
    "evidence",
    "survey",
    "item",
    "link",
    "metric",
    "outcome",
    "experiment",
    "source",
    "endpoint",
    "apikey",
    "member",
]


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def add_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def test_every_model_is_registered() -> None:
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []
    assert [model for model in UNSEEN if admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_shows_what_is_ours_and_nothing_of_theirs(
    ada: Client, own: Furniture, foreign: Furniture, model: type[Model]
) -> None:
    answer = ada.get(list_of(model))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Theirs" not in text
    assert "Globex" not in text
    assert answer.context["cl"].result_count >= 1


@pytest.mark.parametrize(
    "model", [model for model in MODELS if model not in FACTS], ids=lambda model: model.__name__
)
def test_a_page_opens_for_ours_and_is_404_for_theirs(
    ada: Client, own: Furniture, foreign: Furniture, model: type[Model]
) -> None:
    scope = "pk" if model is Workspace else "workspace"
    if model is User:
        assert ada.get(page_of(User.objects.get(username="ada"))).status_code == 200
        return
    ours = model._default_manager.filter(**{scope: own.workspace.pk}).first()
    theirs = model._default_manager.filter(**{scope: foreign.workspace.pk}).first()
    assert ours is not None
    answer = ada.get(page_of(ours))
    assert answer.status_code == 200
    assert "Theirs" not in answer.content.decode()
    if theirs is not None:
        for address in (page_of(theirs), page_of(theirs).replace("change", "history")):
            assert ada.get(address).status_code == 404
        delete = page_of(theirs).replace("change", "delete")
        assert ada.get(delete).status_code == 404
        assert ada.post(delete, {"post": "yes"}).status_code in (403, 404)
        assert model._default_manager.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
def test_a_fact_has_no_page_of_its_own(ada: Client, own: Furniture, model: type[Model]) -> None:
    row = model._default_manager.first()
    assert row is not None
    assert ada.get(f"{list_of(model)}{row.pk}/change/").status_code == 404


@pytest.mark.parametrize("name", ADDED_BY_PEOPLE)
def test_an_add_page_offers_nothing_of_theirs(
    ada: Client, own: Furniture, foreign: Furniture, name: str
) -> None:
    model = next(model for model in MODELS if model._meta.model_name == name)
    answer = ada.get(add_of(model))
    assert answer.status_code == 200
    assert "Theirs" not in answer.content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_somebody_of_another_workspace_finds_every_list_empty_of_ours(
    olga: Client, own: Furniture, model: type[Model]
) -> None:
    answer = olga.get(list_of(model))
    assert answer.status_code == 200
    assert "Ours" not in answer.content.decode()


def test_a_viewer_opens_pages_without_a_way_to_save(vic: Client, own: Furniture) -> None:
    for row in (own.item, own.problem, own.product, own.metric, own.outcome, own.source, own.flag):
        answer = vic.get(page_of(row))
        assert answer.status_code == 200
        assert 'name="_save"' not in answer.content.decode()
        assert "/act/" not in answer.content.decode()


def test_a_viewer_and_an_editor_see_neither_keys_nor_addresses(
    vic: Client, eve: Client, own: Furniture
) -> None:
    for client in (vic, eve):
        assert client.get(list_of(type(own.key))).status_code == 403
        assert own.source.token not in client.get(page_of(own.source)).content.decode()


def test_a_secret_is_on_no_page(ada: Client, own: Furniture) -> None:
    secret = own.source.secrets.get()
    for address in (page_of(own.source), page_of(secret), list_of(type(secret))):
        assert "whsec_never_shown" not in ada.get(address).content.decode()


def test_the_first_page_lists_flags_problems_and_deliveries(
    ada: Client, own: Furniture, foreign: Furniture
) -> None:
    text = ada.get(reverse("admin:index")).content.decode()
    assert "Ours item" in text
    assert "Ours problem" in text
    assert "Ours source" in text
    assert "Theirs" not in text


def test_a_filter_offers_nothing_of_theirs(ada: Client, own: Furniture, foreign: Furniture) -> None:
    text = ada.get(list_of(type(own.item)), {"product__id__exact": foreign.product.pk}).content.decode()
    assert "Ours product" in text
    assert "Theirs" not in text


def test_a_filter_cannot_probe_what_it_does_not_offer(ada: Client, own: Furniture) -> None:
    source_list, key_list = list_of(type(own.source)), list_of(type(own.key))
    assert ada.get(source_list, {"token__startswith": "a"}).status_code == 400
    assert ada.get(key_list, {"secret_hash__startswith": "a"}).status_code == 400
    assert ada.get(list_of(type(own.delivery)), {"source__token__startswith": "a"}).status_code == 400
    assert ada.get(list_of(User), {"password__startswith": "a"}).status_code == 400


def test_an_autocomplete_offers_nothing_of_theirs(ada: Client, own: Furniture, foreign: Furniture) -> None:
    asked = {"app_label": "roadmap", "model_name": "evidence", "field_name": "customer", "term": "customer"}
    names = [row["text"] for row in ada.get(reverse("admin:autocomplete"), asked).json()["results"]]
    assert names == ["Ours customer"]


def test_there_is_no_way_to_look_up_any_object_by_its_id(ada: Client) -> None:
    assert ada.get("/admin/r/1/1/").status_code == 404
