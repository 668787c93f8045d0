from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from productops.api.examples import EXAMPLES
from productops.api.views import StrictView
from productops.local.places import CHECKOUT
from tests.callers import Caller
from tests.factories import a_metric, a_problem, a_workspace, an_item
from tests.tenants.routes import described, described_of
from tests.tenants.routes import operations as api_operations

# Where a person acts in no workspace yet, or in none any more.
SIGNING_IN = ("/api/v1/session/", "/api/v1/workspaces/", "/api/v1/invitations/accept/")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True)))


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_document_is_openapi_3_1_and_was_made_without_a_warning(capsys) -> None:
    reset_generator_stats()
    made = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(made)
    assert made["openapi"].startswith("3.1")
    assert not GENERATOR_STATS, capsys.readouterr().err


def test_every_operation_says_which_scope_it_needs(document) -> None:
    scopes = set(document["components"]["securitySchemes"])
    assert scopes == {"ApiKey", "Session", "Person"}
    for path, method, operation in operations(document):
        if path in SIGNING_IN:
            assert [*operation["security"][0]] == ["Person"], (path, method)
        else:
            assert operation["security"][0]["ApiKey"], (path, method)


def test_every_operation_says_which_errors_can_occur(document) -> None:
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        assert {"400", "401", "403", "503"} <= statuses, (path, method)
        if "{" in path:
            assert "404" in statuses, (path, method)
        if method in ("post", "put", "patch"):
            assert {"411", "413", "415"} <= statuses, (path, method)
        if method in ("put", "patch", "delete") and path not in SIGNING_IN:
            assert {"412", "428"} <= statuses, (path, method)
        for status, answer in operation["responses"].items():
            if status >= "400":
                shared = document["components"]["responses"].get(answer.get("$ref", "").rpartition("/")[2])
                assert list((shared or answer)["content"]) == ["application/problem+json"], (
                    path,
                    method,
                    status,
                )


def test_writes_by_version_ask_for_if_match(document) -> None:
    for path, method, operation in operations(document):
        needed = {
            parameter["name"] for parameter in operation.get("parameters", []) if parameter.get("required")
        }
        is_by_version = method in ("put", "patch", "delete") and path not in SIGNING_IN
        assert ("If-Match" in needed) == is_by_version, (path, method)


def test_an_action_that_may_be_based_on_what_was_read_says_that_it_can_be_stale(document) -> None:
    for action in ("items/{id}/restore/", "items/{id}/release/", "metrics/{id}/restore/"):
        operation = document["paths"][f"/api/v1/{action}"]["post"]
        assert "If-Match" in {parameter["name"] for parameter in operation["parameters"]}
        assert "412" in operation["responses"]


def test_a_batch_says_that_its_rows_can_be_missing_or_stale(document) -> None:
    batches = [operation for path, _, operation in operations(document) if path.endswith("/bulk/")]
    assert len(batches) == 8
    for operation in batches:
        assert {"404", "409", "412", "500"} <= set(operation["responses"])


def test_a_blank_address_is_one_of_the_addresses_that_are_taken(document) -> None:
    schemas = document["components"]["schemas"]
    for body, name in (("ItemCard", "url"), ("ItemCardRequest", "url"), ("EvidenceRequest", "source_url")):
        validator = Draft202012Validator(schemas[body]["properties"][name])
        assert validator.is_valid("")
        assert validator.is_valid("https://example.com/")


def test_a_list_says_its_filters_and_orderings(document) -> None:
    told = {
        parameter["name"]: parameter for parameter in document["paths"]["/api/v1/items/"]["get"]["parameters"]
    }
    assert {"cursor", "page_size", "count", "ordering", "search", "problem", "released_after"} <= set(told)
    assert "released_on" in told["ordering"]["description"]


@pytest.mark.django_db
def test_the_document_is_public_as_json_and_yaml() -> None:
    as_json = Client().get("/api/schema/?format=json")
    assert (as_json.status_code, as_json["Content-Type"]) == (200, "application/json")
    assert json.loads(as_json.content)["openapi"].startswith("3.1")
    assert Client().get("/api/schema/").content.startswith(b"openapi: 3.1")


@pytest.mark.django_db
def test_the_document_refuses_a_parameter_that_means_nothing() -> None:
    answer = Client().get("/api/schema/?x=1")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/x")


@pytest.mark.django_db
def test_the_docs_are_served_by_ourselves_without_anything_inline() -> None:
    page = Client().get("/api/docs/", headers={"Accept": "application/json"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in text
    assert "https://" not in text
    assert "<script>" not in text
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]
    script = Client().get("/api/docs/?script=")
    assert (script.status_code, script["Content-Type"]) == (200, "application/javascript")
    assert b"/api/schema/" in script.content


def test_the_query_parameters_of_the_document_are_those_that_are_taken() -> None:
    for operation in api_operations():
        is_described = (re.sub(r"\{\w+\}", "{}", operation.path), operation.method) in described()
        if not (is_described and issubclass(operation.view, StrictView)):
            continue
        view = operation.view(request=None, action=operation.action, kwargs={})
        assert set(described_of(operation).queries) == set(view.parameters()), str(operation)


def test_what_an_answer_shows_is_all_there(document) -> None:
    card = document["components"]["schemas"]["ItemCard"]
    assert set(card["required"]) == set(card["properties"])


def test_unknown_fields_are_ruled_out_of_every_body_that_refuses_them(document) -> None:
    body = document["components"]["schemas"]["ItemCardRequest"]
    assert body["additionalProperties"] is False


def test_the_committed_document_is_the_one_that_the_code_makes(document) -> None:
    committed = json.loads((CHECKOUT / "docs" / "openapi.json").read_text())
    assert committed == document, "docs/openapi.json is another: renew it with script/openapi"


def test_every_example_is_one(document) -> None:
    body = document["components"]["schemas"]["ErrorBody"]
    defined = {"$defs": document["components"]["schemas"]}
    text = json.dumps({**body, **defined}).replace("#/components/schemas/", "#/$defs/")
    validator = Draft202012Validator(json.loads(text))
    for name, answer in document["components"]["responses"].items():
        for content in answer["content"].values():
            assert validator.is_valid(content["example"]), name


@pytest.mark.django_db
def test_the_examples_of_the_document_can_be_posted_as_they_stand_one_after_another(document) -> None:
    caller = Caller(a_workspace())
    shown = {
        path.split("/")[-2]: told["post"]["requestBody"]["content"]["application/json"]["example"]
        for path, told in document["paths"].items()
        if "example"
        in told.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
    }
    assert shown == EXAMPLES
    for resource, body in EXAMPLES.items():
        answer = caller.post(f"{resource}/", body)
        assert answer.status_code in (200, 201), (resource, answer.content)
        if resource == "observations":
            assert (answer.json()["taken"], answer.json()["refused"]) == (3, 0), answer.content


@pytest.mark.django_db
def test_lines_are_told_as_the_text_that_they_are(document) -> None:
    """Not as the JSON body: a client made from that would send what is refused."""
    told = document["paths"]["/api/v1/observations/"]["post"]["requestBody"]["content"]
    lines = told["application/x-ndjson"]
    (example,) = lines["examples"].values()
    assert isinstance(example["value"], str)
    Draft202012Validator(lines["schema"]).validate(example["value"])
    row = {**lines["schema"]["contentSchema"]["items"], "components": document["components"]}
    rows = [json.loads(line) for line in example["value"].split("\n")]
    for said in rows:
        Draft202012Validator(row).validate(said)
    assert not Draft202012Validator(row).is_valid(EXAMPLES["observations"])
    assert len(row["anyOf"]) == len(rows) == 3

    caller = Caller(a_workspace())
    for resource in ("products", "customers", "problems", "metrics", "items"):
        assert caller.post(f"{resource}/", EXAMPLES[resource]).status_code == 201
    answer = caller.send(
        "post", "observations/", example["value"].encode(), content_type="application/x-ndjson"
    )
    assert (answer.json()["taken"], answer.json()["refused"]) == (3, 0), answer.content


# What else each body needs, so that a number alone can be what is wrong with it.
BESIDE: dict[str, dict] = {
    "items": {"title": "x"},
    "evidence": {"problem": "lost", "kind": "call"},
    "links": {"item": "carts", "problem": "lost"},
    "outcomes": {"item": "carts", "metric": "sales"},
    "customers": {"name": "x"},
    "products": {"name": "x"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("resource", [*BESIDE, "workspace"])
def test_numbers_are_refused_exactly_where_the_document_says_so(document, resource) -> None:
    """A form made from the document would otherwise let people type what is refused."""
    workspace = a_workspace()
    an_item(workspace, key="carts")
    a_problem(workspace, key="lost")
    a_metric(workspace, key="sales")
    caller = Caller(workspace)
    method = "patch" if resource == "workspace" else "post"
    told = document["paths"][f"/api/v1/{resource}/"][method]["requestBody"]["content"]["application/json"]
    shape = document["components"]["schemas"][told["schema"]["$ref"].rpartition("/")[2]]
    for name, field in shape["properties"].items():
        step = 1 if "integer" in field.get("type", ()) else 0.001
        ends = {"minimum": -step, "exclusiveMinimum": 0, "maximum": step}
        for end, beyond in ends.items():
            if end in field:
                assert _is_refused(caller, resource, name, field[end] + beyond), (name, end)
                within = field[end] + (step if end == "exclusiveMinimum" else 0)
                assert not _is_refused(caller, resource, name, within), (name, end)


def _is_refused(caller: Caller, resource: str, name: str, number: float) -> bool:
    body = {**BESIDE.get(resource, {}), name: number}
    if resource == "workspace":
        answer = caller.patch("workspace/", body)
    else:
        answer = caller.post(f"{resource}/bulk/?dry_run=true", {"rows": [body]})
        if answer.status_code == 405:
            answer = caller.post(f"{resource}/", body)
    return f"/{name}" in answer.content.decode()
