"""A body is corrected in one go: what its shapes and what the rules say against it come together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.callers import Caller, pointers
from tests.factories import a_metric, a_problem, a_source, a_workspace, an_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Caller:
    workspace = a_workspace()
    an_item(workspace, key="carts")
    a_problem(workspace, key="lost")
    a_problem(workspace, key="gone", archived_at="2026-05-01T00:00:00Z")
    a_metric(workspace, key="sales")
    a_source(workspace, key="own", kind="productops")
    a_source(workspace, key="tool", kind="custom")
    return Caller(workspace)


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("evidence/", {"problem": "lost", "kind": "call", "customer": "nobody", "importance": 7},
         {"/customer", "/importance"}),
        ("evidence/", {"problem": "gone", "kind": "call", "importance": True}, {"/problem", "/importance"}),
        ("surveys/", {"problem": "lost", "segment": 3, "on": "2026-05-01", "respondents": 3, "importance_top2": 4,
                      "satisfaction_top2": 0}, {"/segment", "/importance_top2"}),
        ("outcomes/", {"item": "carts", "metric": "sales", "baseline": "low", "weight": -1, "controls": ["nothing"]},
         {"/baseline", "/weight", "/controls"}),
        ("outcomes/", {"item": "carts", "metric": "nothing", "washout_days": -1}, {"/metric", "/washout_days"}),
        ("items/", {"title": "x", "effort": -1, "reach": "many", "grace_days": 100000, "spice": 1},
         {"/effort", "/reach", "/grace_days", "/spice"}),
        ("invitations/", {"email": "nowhere", "role": "king"}, {"/email", "/role"}),
        ("api-keys/", {"name": "x", "scopes": ["everything"], "expires_at": "2020-01-01T00:00:00Z"},
         {"/scopes/0", "/expires_at"}),
        ("experiments/", {"item": "nothing", "variants": [{"key": "a"}]}, {"/item", "/variants"}),
        ("items/", {"title": 7, "usage_policy": "exempt"}, {"/title", "/exemption_reason"}),
        ("endpoints/", {"name": "", "url": "http://127.0.0.1/x", "events": ["none"], "value_threshold": 101},
         {"/name", "/url", "/events/0", "/value_threshold"}),
        ("endpoints/", {"name": "x", "channel": "daily_digest", "url": "https://example.com/", "owner": "nobody"},
         {"/url", "/email", "/owner"}),
        ("rules/", {"match": "((", "to": "usage", "item": "nothing", "value": "x", "at": "[", "spice": 1},
         {"/source", "/match", "/item", "/value", "/at", "/spice"}),
        ("rules/", {"match": "((", "to": "usage", "item": "carts"}, {"/source", "/match"}),
        ("rules/", {"source": "own", "match": "((", "to": "observation"}, {"/source", "/match", "/metric"}),
        ("rules/", {"source": "tool", "match": "x", "to": "observation", "item": "carts", "actor": 7},
         {"/metric", "/item", "/actor"}),
        ("sources/tool/rules/", {"match": "((", "to": "usage", "metric": "nothing"}, {"/match", "/item", "/metric"}),
    ],
)  # fmt: skip
def test_rules_speak_beside_shapes(ann: Caller, path: str, body: dict[str, Any], wrong: set[str]) -> None:
    response = ann.post(path, body)
    assert (response.status_code, pointers(response)) == (400, wrong)


def test_a_workspace_s_pin_and_thresholds_are_looked_at_beside_a_zone_that_is_none(ann: Caller) -> None:
    body = {"time_zone": "Mars/Base", "pinned_on": "1950-01-01", "window_days": 0, "under_used_below": 7}
    response = ann.patch("workspace/", body)
    assert response.status_code == 400
    assert pointers(response) == {"/time_zone", "/pinned_on", "/window_days", "/under_used_below"}


def test_a_row_of_a_batch_hears_all_of_it_too(ann: Caller) -> None:
    response = ann.post("outcomes/bulk/", {"rows": [{"item": "carts", "metric": "nothing", "weight": -1}]})
    assert pointers(response) == {"/rows/0/metric", "/rows/0/weight"}


def test_nothing_is_said_against_what_only_lacks_a_field_that_was_refused(ann: Caller) -> None:
    survey = {
        "problem": "lost",
        "segment": "all",
        "on": "2026-05-01",
        "importance_top2": 4,
        "satisfaction_top2": 1,
    }
    assert pointers(ann.post("surveys/", {**survey, "respondents": "many"})) == {"/respondents"}
    exempt = {"title": "x", "usage_policy": "exempt", "exemption_reason": 7}
    assert pointers(ann.post("items/", exempt)) == {"/exemption_reason"}
    digest = {"name": 7, "channel": "pigeon", "email": "ann@example.com"}
    assert pointers(ann.post("endpoints/", digest)) == {"/name", "/channel"}
    rule = {"source": "tool", "match": "x", "to": "usage", "item_key": 7}
    assert pointers(ann.post("rules/", rule)) == {"/item_key"}


def test_an_edit_hears_all_of_it_and_nothing_of_what_it_left_out(ann: Caller) -> None:
    hook = ann.post("endpoints/", {"name": "Ours", "url": "https://example.com/"}).json()
    response = ann.patch(
        f"endpoints/{hook['id']}/", {"channel": "slack", "email": "ann@example.com", "name": 7}
    )
    assert pointers(response) == {"/channel", "/email", "/name"}
    rule = ann.post("rules/", {"source": "tool", "match": "x", "to": "usage", "item_key": "name"}).json()
    response = ann.patch(
        f"rules/{rule['id']}/", {"source": "own", "item": "carts", "series": "y", "actor": 7}
    )
    assert pointers(response) == {"/source", "/series", "/actor"}
    response = ann.patch(f"rules/{rule['id']}/", {"source": "own", "match": "(("})
    assert pointers(response) == {"/source", "/match"}


def test_what_was_tied_before_it_was_put_away_may_stay_beside_another_mistake(ann: Caller) -> None:
    piece = ann.post("evidence/", {"problem": "lost", "kind": "call"}).json()
    problem = ann.get("problems/lost/")
    ann.delete("problems/lost/", match=problem["ETag"])
    response = ann.patch(f"evidence/{piece['id']}/", {"problem": "lost", "importance": "much"})
    assert pointers(response) == {"/importance"}
