"""What people write goes through the services; what is stale, foreign or wrong is told beside the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from outcomes.models import Mark, Outcome, Source
from productops.workspaces.keys import find_key
from productops.workspaces.models import ApiKey, Member, User, Workspace
from roadmap.models import Customer, Evidence, Item, Link, Problem
from tests.admin.furnishing import Furniture
from tests.admin.test_pages import add_of, list_of, page_of
from tests.factories import a_problem, an_item

pytestmark = pytest.mark.django_db


def filled(answer: Any) -> dict[str, Any]:
    """What a browser would send back of the page's form, untouched."""
    sent: dict[str, Any] = {}
    forms = [answer.context["adminform"].form]
    for inline in answer.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            sent[field.html_name] = "" if value is None else value
    return {name: value for name, value in sent.items() if value is not False}


def save(client: Client, address: str, **said: Any) -> Any:
    return client.post(address, {**filled(client.get(address)), **said})


def errors_of(answer: Any) -> str:
    assert answer.status_code == 200, "the form was taken"
    return " ".join(str(error) for error in answer.context["errors"])


def test_an_editor_renames_an_item_and_its_value_is_to_be_computed_again(eve: Client, own: Furniture) -> None:
    Mark.objects.all().delete()
    assert save(eve, page_of(own.item), title="Carts that stay").status_code == 302
    own.item.refresh_from_db()
    assert (own.item.title, own.item.version) == ("Carts that stay", 2)
    assert Mark.objects.filter(kind="item", subject_id=own.item.pk).exists()


def test_saving_without_a_change_changes_nothing(eve: Client, own: Furniture) -> None:
    assert save(eve, page_of(own.item)).status_code == 302
    own.item.refresh_from_db()
    assert own.item.version == 1


def test_a_stale_edit_is_refused_and_overwrites_nothing(eve: Client, own: Furniture) -> None:
    opened = filled(eve.get(page_of(own.item)))
    save(eve, page_of(own.item), title="First")
    answer = eve.post(page_of(own.item), {**opened, "title": "Second"})
    assert "Somebody else changed this" in errors_of(answer)
    own.item.refresh_from_db()
    assert own.item.title == "First"


def test_an_edit_that_turns_stale_while_it_is_saved_is_refused(
    eve: Client, own: Furniture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both people passed the form's own check; the update in the database lets one through."""
    from roadmap import services

    def overtaken(**asked: Any) -> None:
        Item.objects.filter(pk=own.item.pk).update(version=9)
        genuine(**asked)

    genuine = services.edit_item
    monkeypatch.setattr(services, "edit_item", overtaken)
    answer = save(eve, page_of(own.item), title="Late")
    assert "Somebody else changed this" in errors_of(answer)
    own.item.refresh_from_db()
    assert own.item.title == "Ours item"


def test_a_viewer_cannot_save_add_or_delete(vic: Client, eve: Client, own: Furniture) -> None:
    sent = {**filled(eve.get(page_of(own.item))), "title": "Mine"}
    assert vic.post(page_of(own.item), sent).status_code == 403
    assert vic.get(add_of(Item)).status_code == 403
    assert vic.post(page_of(own.item).replace("change", "delete"), {"post": "yes"}).status_code == 403
    own.item.refresh_from_db()
    assert own.item.title == "Ours item"


def test_an_editor_cannot_touch_sources_keys_members_or_settings(eve: Client, own: Furniture) -> None:
    assert eve.get(add_of(Source)).status_code == 403
    assert eve.get(add_of(ApiKey)).status_code == 403
    assert eve.get(add_of(Member)).status_code == 403
    assert 'name="_save"' not in eve.get(page_of(own.workspace)).content.decode()


def test_somebody_of_another_workspace_cannot_save_ours(olga: Client, eve: Client, own: Furniture) -> None:
    sent = {**filled(eve.get(page_of(own.item))), "title": "Hers"}
    assert olga.post(page_of(own.item), sent).status_code == 404
    own.item.refresh_from_db()
    assert own.item.title == "Ours item"


def test_a_new_item_belongs_to_the_workspace_and_gets_a_key(eve: Client, workspace: Workspace) -> None:
    assert save(eve, add_of(Item), title="Guest checkout").status_code == 302
    item = Item.objects.get()
    assert (item.workspace, item.key) == (workspace, "guest-checkout")
    assert item.value.proven is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "has spaces"),
        ("key", "123"),
        ("confidence", "7"),
        ("confidence", "nan"),
        ("effort", "0"),
        ("effort", "inf"),
        ("window_days", "9000"),
        ("usage_policy", "exempt"),
        ("released_on", "the day after"),
    ],
)
def test_a_bad_value_is_said_beside_the_form(eve: Client, own: Furniture, field: str, value: str) -> None:
    answer = save(eve, page_of(own.item), **{field: value})
    assert errors_of(answer)
    own.item.refresh_from_db()
    assert own.item.version == 1


def test_a_taken_key_is_a_field_error(eve: Client, own: Furniture) -> None:
    other = an_item(own.workspace)
    answer = save(eve, page_of(other), key=own.item.key)
    assert "key" in answer.context["adminform"].form.errors


def test_a_foreign_row_is_not_a_valid_choice(eve: Client, own: Furniture, foreign: Furniture) -> None:
    assert errors_of(save(eve, page_of(own.item), product=foreign.product.pk))
    assert errors_of(save(eve, add_of(Evidence), problem=foreign.problem.pk, kind="call", importance=1))
    assert errors_of(save(eve, page_of(own.problem), parent=foreign.problem.pk))
    said = {"item": own.item.pk, "metric": foreign.metric.pk, "role": "primary", "weight": 1}
    assert errors_of(save(eve, add_of(Outcome), **said))


def test_a_form_opened_in_another_workspace_is_not_taken(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    answer = save(eve, add_of(Item), title="Lost", seen_workspace=foreign.workspace.pk)
    assert "another workspace" in errors_of(answer)


def test_links_and_outcomes_are_edited_on_the_items_page(eve: Client, own: Furniture) -> None:
    second = a_problem(own.workspace)
    opened = filled(eve.get(page_of(own.item)))
    seen = {"seen_version": "", "seen_workspace": own.workspace.pk}
    added = {
        f"links-1-{name}": value for name, value in {"problem": second.pk, "weight": 0.4, **seen}.items()
    }
    sent = {**opened, "links-0-weight": 0.6, **added, "links-TOTAL_FORMS": 2, "outcomes-0-DELETE": "on"}
    assert eve.post(page_of(own.item), sent).status_code == 302
    weights = dict(Link.objects.filter(item=own.item).values_list("problem_id", "weight"))
    assert weights == {own.problem.pk: 0.6, second.pk: 0.4}
    assert not Outcome.objects.filter(item=own.item).exists()


def test_weights_above_one_are_refused_beside_the_link_and_nothing_is_saved(
    eve: Client, own: Furniture
) -> None:
    second = a_problem(own.workspace)
    opened = filled(eve.get(page_of(own.item)))
    added = {"links-1-problem": second.pk, "links-1-weight": 0.4, "links-1-seen_workspace": own.workspace.pk}
    sent = {**opened, **added, "links-TOTAL_FORMS": 2, "title": "Half done"}
    assert "sum to at most 1" in errors_of(eve.post(page_of(own.item), sent))
    own.item.refresh_from_db()
    assert own.item.title == "Ours item"


def test_a_foreign_link_cannot_be_edited_through_our_item(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    opened = filled(eve.get(page_of(own.item)))
    answer = eve.post(page_of(own.item), {**opened, "links-0-id": foreign.link.pk, "links-0-weight": 0.1})
    assert answer.status_code in (200, 404)
    foreign.link.refresh_from_db()
    own.link.refresh_from_db()
    assert (foreign.link.weight, own.link.weight) == (1, 1)


def test_deleting_an_item_with_a_past_archives_it_and_it_can_be_restored(eve: Client, own: Furniture) -> None:
    delete = page_of(own.item).replace("change", "delete")
    assert "Ours item" in eve.get(delete).content.decode()
    assert eve.post(delete, {"post": "yes"}).status_code == 302
    own.item.refresh_from_db()
    assert own.item.archived_at is not None
    assert "Ours item" not in eve.get(list_of(Item)).content.decode().partition('id="result_list"')[2]
    assert eve.post(page_of(own.item).replace("change", "act/restore")).status_code == 302
    own.item.refresh_from_db()
    assert own.item.archived_at is None


def test_several_customers_are_deleted_at_once(eve: Client, own: Furniture) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [own.customer.pk]}
    assert "Ours customer" in eve.post(list_of(Customer), chosen).content.decode()
    eve.post(list_of(Customer), {**chosen, "post": "yes"})
    assert not Customer.objects.current().filter(pk=own.customer.pk).exists()


def test_deleting_foreign_rows_in_bulk_deletes_nothing(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [foreign.customer.pk], "post": "yes"}
    eve.post(list_of(Customer), chosen)
    assert Customer.objects.current().filter(pk=foreign.customer.pk).exists()


def test_a_problem_cannot_become_its_own_ancestor(eve: Client, own: Furniture) -> None:
    child = a_problem(own.workspace, parent=own.problem)
    assert errors_of(save(eve, page_of(own.problem), parent=child.pk))
    assert Problem.objects.get(pk=own.problem.pk).parent is None


def test_a_new_source_tells_its_secret_once(ada: Client, workspace: Workspace) -> None:
    answer = ada.post(
        add_of(Source), {**filled(ada.get(add_of(Source))), "key": "web", "name": "Web"}, follow=True
    )
    source = Source.objects.get()
    secret = source.secrets.get().secret
    assert secret in answer.content.decode().replace("&#x2B;", "+")
    assert secret not in ada.get(page_of(source)).content.decode()
    assert source.url in ada.get(page_of(source)).content.decode()


def test_rotating_tells_the_new_secret_once_and_keeps_the_old_for_a_day(ada: Client, own: Furniture) -> None:
    answer = ada.post(page_of(own.source).replace("change", "act/rotate"), {"version": 1}, follow=True)
    newest = own.source.secrets.order_by("-pk").first()
    assert newest is not None
    assert newest.secret in answer.content.decode().replace("&#x2B;", "+")
    assert own.source.secrets.get(secret="whsec_never_shown").expires_at is not None


def test_a_source_that_facts_came_from_stays(ada: Client, own: Furniture) -> None:
    answer = ada.post(page_of(own.source).replace("change", "delete"), {"post": "yes"}, follow=True)
    assert "would lose where they are from" in answer.content.decode()
    assert Source.objects.filter(pk=own.source.pk).exists()


def test_a_new_key_is_told_once_and_revoked_at_once(ada: Client, workspace: Workspace) -> None:
    sent = {**filled(ada.get(add_of(ApiKey))), "name": "CI", "scopes": ["ingest"]}
    text = ada.post(add_of(ApiKey), sent, follow=True).content.decode()
    key = ApiKey.objects.get()
    plain_text = next(word for word in text.split() if word.startswith("po_")).partition("<")[0]
    assert find_key(plain_text) == key
    assert plain_text not in ada.get(page_of(key)).content.decode()
    ada.post(page_of(key).replace("change", "act/revoke"))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_an_admin_makes_an_account_for_a_new_member(ada: Client, workspace: Workspace) -> None:
    sent = {"username": "nora", "role": "editor", "password": "a long sentence"}
    assert save(ada, add_of(Member), **sent).status_code == 302
    nora = User.objects.get(username="nora")
    assert nora.is_staff
    assert not nora.is_superuser
    assert nora.memberships.get().role == "editor"


def test_a_new_member_without_a_password_must_exist(ada: Client, workspace: Workspace) -> None:
    assert "Nobody has this name" in errors_of(save(ada, add_of(Member), username="nora", role="editor"))
    assert "too common" in errors_of(
        save(ada, add_of(Member), username="nora", role="viewer", password="password")
    )


def test_the_last_admin_can_neither_step_down_nor_be_removed(ada: Client, workspace: Workspace) -> None:
    member = Member.objects.get(user__username="ada")
    assert "needs an admin" in errors_of(save(ada, page_of(member), role="viewer"))
    answer = ada.post(page_of(member).replace("change", "delete"), {"post": "yes"}, follow=True)
    assert "needs an admin" in answer.content.decode()
    member.refresh_from_db()
    assert member.role == "admin"


def test_an_admin_changes_the_workspaces_thresholds(ada: Client, workspace: Workspace) -> None:
    assert save(ada, page_of(workspace), window_days=14).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.window_days, workspace.version) == (14, 2)
    assert errors_of(save(ada, page_of(workspace), time_zone="Mars/Olympus"))
    assert errors_of(save(ada, page_of(workspace), under_used_below=2))


def test_an_item_is_released_by_a_button_on_the_day_that_is_said(
    eve: Client, vic: Client, own: Furniture
) -> None:
    item = an_item(own.workspace, status="delivery")
    act = page_of(item).replace("change/", "act/release/")
    assert vic.post(act, {"on": "2026-05-01"}).status_code == 403
    assert "Say on which day" in eve.post(act, {"on": "soon"}, follow=True).content.decode()
    eve.post(act, {"on": "2026-05-01", "version": item.version})
    item.refresh_from_db()
    assert (item.status, str(item.released_on)) == ("released", "2026-05-01")
    assert "act/release/" not in eve.get(page_of(item)).content.decode()
    answer = eve.post(act, {"on": "2026-05-02", "version": 1}, follow=True)
    assert "Somebody else changed it" in answer.content.decode()


def test_an_address_that_names_no_row_fills_in_nothing(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    for ref in ("x", "9" * 40, "", "-1", "٣"):
        assert eve.get(add_of(Evidence), {"problem": ref}).status_code == 200
    shown = eve.get(add_of(Evidence), {"problem": foreign.problem.pk}).content.decode()
    assert "Theirs problem" not in shown
