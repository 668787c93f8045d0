"""Whose workspace it is: members see theirs, a superuser who is nobody's member sees all and edits in one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from productops.workspaces.models import Member, User, Workspace
from roadmap.models import Item
from tests.admin.conftest import person_in, signed_in
from tests.admin.furnishing import Furniture
from tests.admin.test_editing import save
from tests.admin.test_pages import MODELS, add_of, list_of, page_of
from tests.factories import a_member, a_person

pytestmark = pytest.mark.django_db


def take_up(client: Client, workspace: Workspace | None) -> None:
    client.post(reverse("admin:switch_workspace"), {"workspace": workspace.pk if workspace else ""})


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_person_of_two_workspaces_sees_one_at_a_time(own: Furniture, foreign: Furniture) -> None:
    person = person_in(own.workspace, "editor", "eve")
    a_member(foreign.workspace, "viewer", person)
    eve = signed_in(person)
    assert "Theirs" not in text_of(eve, list_of(Item))
    assert eve.get(page_of(foreign.item)).status_code == 404
    take_up(eve, foreign.workspace)
    assert "Ours" not in text_of(eve, list_of(Item))
    assert eve.get(page_of(own.item)).status_code == 404
    # And there she is only a viewer.
    assert eve.get(add_of(Item)).status_code == 403


def test_nobody_takes_up_a_workspace_that_is_not_theirs(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    take_up(eve, foreign.workspace)
    take_up(eve, None)
    assert "Theirs" not in text_of(eve, list_of(Item))
    assert eve.get(page_of(foreign.item)).status_code == 404


def test_a_membership_that_ended_ends_at_once(own: Furniture) -> None:
    person = person_in(own.workspace, "editor", "eve")
    eve = signed_in(person)
    take_up(eve, own.workspace)
    person.memberships.all().delete()
    assert eve.get(page_of(own.item)).status_code == 404
    assert eve.get(list_of(Item)).status_code == 403
    assert "not a member of any workspace" in text_of(eve, reverse("admin:index"))


def test_somebody_who_is_not_staff_does_not_come_in(own: Furniture) -> None:
    person = a_person(username="cleo")
    a_member(own.workspace, "admin", person)
    answer = signed_in(person).get(list_of(Item))
    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


def test_a_superuser_who_is_nobodys_member_looks_at_all_and_edits_in_one(
    root: Client, own: Furniture, foreign: Furniture
) -> None:
    text = text_of(root, list_of(Item))
    assert "Ours item" in text
    assert "Theirs item" in text
    assert "Globex" in text
    assert 'name="_save"' not in text_of(root, page_of(own.item))
    assert root.get(add_of(Item)).status_code == 403
    take_up(root, own.workspace)
    assert "Theirs" not in text_of(root, list_of(Item))
    assert save(root, page_of(own.item), title="Renamed").status_code == 302


def test_every_list_opens_over_all_workspaces(root: Client, own: Furniture, foreign: Furniture) -> None:
    for model in MODELS:
        assert root.get(list_of(model)).status_code == 200


def test_a_superuser_who_is_a_member_sees_only_where_they_belong(own: Furniture, foreign: Furniture) -> None:
    person = a_person(username="sue", is_staff=True, is_superuser=True)
    a_member(own.workspace, "admin", person)
    sue = signed_in(person)
    assert "Theirs" not in text_of(sue, list_of(Item))
    assert sue.get(page_of(foreign.item)).status_code == 404
    assert "Globex" not in text_of(sue, list_of(Workspace))


def test_an_admin_sees_their_people_and_cannot_change_accounts(ada: Client, own: Furniture) -> None:
    stranger = person_in(Workspace.objects.create(key="far", name="Far"), "viewer", "stranger")
    text = text_of(ada, list_of(User))
    assert "ada" in text
    assert "stranger" not in text
    assert ada.get(page_of(stranger)).status_code == 404
    own_page = text_of(ada, page_of(User.objects.get(username="ada")))
    assert 'name="_save"' not in own_page
    assert "pbkdf2" not in own_page
    assert ada.get(add_of(User)).status_code == 403


def test_only_a_superuser_makes_a_workspace(ada: Client, root: Client, workspace: Workspace) -> None:
    assert ada.get(add_of(Workspace)).status_code == 403
    assert save(root, add_of(Workspace), key="new", name="New").status_code == 302
    assert Workspace.objects.filter(key="new").exists()
    assert not Member.objects.filter(workspace__key="new").exists()
