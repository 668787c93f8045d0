"""An experiment's page: set up, read, and moved by those who may."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from outcomes.admin.difference_chart import chart_of
from outcomes.models import Experiment, ExperimentTotal
from productops.workspaces.models import User, Workspace
from roadmap.models import Item
from tests.admin.furnishing import NOON, Furniture
from tests.admin.test_editing import errors_of, save
from tests.admin.test_pages import add_of, list_of, page_of
from tests.factories import an_outcome

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pinned(workspace: Workspace) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(pinned_on=date(2026, 5, 1))


def press(client: Client, experiment: Experiment, button: str, **said: object) -> str:
    address = reverse("admin:outcomes_experiment_act", args=[experiment.pk, button])
    answer = client.post(address, {"version": experiment.version, **said}, follow=True)
    experiment.refresh_from_db()
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def test_an_experiment_is_added_with_its_item_alone(eve: Client, own: Furniture) -> None:
    answer = save(eve, add_of(Experiment), item=own.item.pk, key="")
    assert answer.status_code == 302, errors_of(answer)
    new = Experiment.objects.latest("pk")
    assert (new.item, new.metric, new.state) == (own.item, own.metric, "draft")
    assert [variant["key"] for variant in new.variants] == ["control", "treatment"]


def test_variants_are_written_one_a_line(eve: Client, own: Furniture) -> None:
    lines = "control 90\r\nbig button 10\r\n"
    assert save(eve, page_of(own.experiment), variants=lines).status_code == 302
    own.experiment.refresh_from_db()
    assert own.experiment.variants == [
        {"key": "control", "split": 90.0}, {"key": "big button", "split": 10.0},
    ]  # fmt: skip


def test_variants_that_cannot_be_are_told_beside_the_form(eve: Client, own: Furniture) -> None:
    assert "at least two" in errors_of(save(eve, page_of(own.experiment), variants="alone"))
    assert "above 0" in errors_of(save(eve, page_of(own.experiment), variants="a 0\nb nan"))


def test_saving_without_a_change_changes_nothing(eve: Client, own: Furniture) -> None:
    assert save(eve, page_of(own.experiment)).status_code == 302
    own.experiment.refresh_from_db()
    assert own.experiment.version == 1


def test_guardrails_are_chosen_from_the_workspaces_metrics_alone(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    answer = save(eve, page_of(own.experiment), guardrails=[foreign.metric.pk])
    assert "not one of the available choices" in errors_of(answer)
    assert save(eve, page_of(own.experiment), guardrails=[]).status_code == 302
    own.experiment.refresh_from_db()
    assert own.experiment.guardrails == []


def test_the_page_shows_what_it_reads(vic: Client, own: Furniture) -> None:
    text = vic.get(page_of(own.experiment)).content.decode()
    assert "treatment against control" in text
    assert "<svg" in text
    assert "It still runs." in text
    assert "style=" not in text[text.index('id="po-results"') : text.index("Guardrails")]


def test_the_items_page_leads_to_its_experiments(eve: Client, vic: Client, own: Furniture) -> None:
    text = eve.get(page_of(own.item)).content.decode()
    assert page_of(own.experiment) in text
    assert f"{add_of(Experiment)}?item={own.item.pk}" in text
    assert add_of(Experiment) not in vic.get(page_of(own.item)).content.decode()


def test_it_is_ended_decided_and_cloned_by_buttons(eve: Client, own: Furniture) -> None:
    assert "has ended" in press(eve, own.experiment, "end")
    assert own.experiment.state == "ended"
    assert "Must be one of ship" in press(eve, own.experiment, "decide", decision="perhaps")
    press(eve, own.experiment, "decide", decision="ship", note="Clear.")
    assert own.experiment.decision == "ship"
    assert own.experiment.decided_by == User.objects.get(username="eve").get_full_name()
    assert "Cloned: this is" in press(eve, own.experiment, "clone")
    assert Experiment.objects.in_workspace(own.workspace.pk).count() == 2


def test_the_page_says_that_what_was_decided_on_has_changed(eve: Client, own: Furniture) -> None:
    press(eve, own.experiment, "decide", decision="ship")
    assert own.experiment.decided_reading["variant"] == "treatment"
    page = page_of(own.experiment)
    assert "changed since" not in eve.get(page).content.decode()
    totals = ExperimentTotal.objects.filter(experiment=own.experiment, variant="treatment")
    totals.update(sum=F("sum") / 2, sum_squares=F("sum_squares") / 2)
    text = eve.get(page).content.decode()
    assert "changed since</span>" in text
    assert "has changed since the decision" in text


def test_a_viewer_presses_nothing(vic: Client, own: Furniture) -> None:
    assert press(vic, own.experiment, "end") == "403"
    assert own.experiment.state == "running"


def test_a_button_on_a_page_that_is_out_of_date_does_nothing(eve: Client, own: Furniture) -> None:
    assert "Somebody else changed it" in press(eve, own.experiment, "end", version=99)
    assert own.experiment.state == "running"


def test_the_list_is_filtered_by_the_state_as_of_today(root: Client, eve: Client, own: Furniture) -> None:
    Experiment.objects.update(ended_on=date(2026, 4, 30))
    for client in (root, eve):
        assert client.get(list_of(Experiment), {"state": "ended"}).context["cl"].result_count == 1
        assert client.get(list_of(Experiment), {"state": "running"}).context["cl"].result_count == 0


def test_a_chart_needs_two_instants_and_holds_zero() -> None:
    point = {"at": NOON, "estimate": 2.0, "low": 1.0, "high": 3.0}
    assert chart_of([point]) is None
    chart = chart_of([point, {**point, "at": NOON + timedelta(days=1)}])
    assert chart is not None
    assert [value for _, value in chart.marks] == [0.0, 3.0]


def test_an_experiment_set_up_from_an_item_s_page_needs_no_typing(eve: Client, own: Furniture) -> None:
    Item.objects.filter(pk=own.item.pk).update(hypothesis="Fewer baskets are lost.")
    guardrail = an_outcome(own.item, role="guardrail").metric
    form = eve.get(f"{add_of(Experiment)}?item={own.item.pk}").context["adminform"].form
    assert form["variants"].value() == "control 50\ntreatment 50"
    assert (form["hypothesis"].value(), form["metric"].value()) == ("Fewer baskets are lost.", own.metric.pk)
    assert form["guardrails"].value() == [guardrail.pk]
    answer = save(eve, f"{add_of(Experiment)}?item={own.item.pk}", _save="Save")
    new = Experiment.objects.latest("pk")
    assert answer["Location"] == page_of(new)
    assert (new.item, new.metric, new.guardrails) == (own.item, own.metric, [guardrail])
    assert [(one["key"], one["split"]) for one in new.variants] == [("control", 50.0), ("treatment", 50.0)]


def test_nothing_is_suggested_of_an_item_that_is_not_here(
    eve: Client, own: Furniture, foreign: Furniture
) -> None:
    for item in (foreign.item.pk, "x", "9" * 30, ""):
        form = eve.get(f"{add_of(Experiment)}?item={item}").context["adminform"].form
        assert not form["metric"].value()
        assert not form["hypothesis"].value()


def test_a_clone_is_the_page_one_comes_to(eve: Client, own: Furniture) -> None:
    address = reverse("admin:outcomes_experiment_act", args=[own.experiment.pk, "clone"])
    answer = eve.post(address, {"next": page_of(own.item)})
    assert answer["Location"] == page_of(Experiment.objects.latest("pk"))
