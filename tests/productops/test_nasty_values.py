"""Whatever is put into any field or parameter of any resource, nobody sees a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import get_resolver

from outcomes.models import FileImport
from productops.api.fields import KeyOrId
from productops.api_urls import router
from tests.callers import Caller
from tests.factories import (
    a_customer,
    a_member,
    a_metric,
    a_problem,
    a_product,
    a_source,
    a_workspace,
    an_item,
    evidence,
)

pytestmark = pytest.mark.django_db

NASTY: list[Any] = [
    None,
    True,
    "",
    " ",
    "x" * 5_000,
    "123",
    "bulk",
    "-1",
    "../..",
    "ä🚀",
    "javascript:alert(1)",
    "http://[::1",
    "0000-00-00",
    "9999-12-31",
    "10000-01-01",
    "2026-05-01T25:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    -1,
    0,
    0.5,
    1e308,
    -1e308,
    32_768,
    2**31,
    2**63 - 1,
    -(2**63),
    10**18,
    [],
    [None],
    [[]],
    ["x"],
    {},
    {"x": 1},
    [{}],
    [{"problem": None, "weight": []}],
    [{"metric": {}, "series": 5}],
]
PARAMETERS = [
    "",
    "%00",
    "%ff",
    "%F0%9F%9A%80",
    "-1",
    "1e999",
    "99999999999999999999",
    "2026-13-45",
    "9999-12-31",
]
PARAMETERS += [
    "true",
    "a" * 3_000,
    "' OR 1=1 --",
    "a,b,,c",
    ",",
    "(",
    '"',
    "!&|",
    "0001-01-01T00:00:00%2B23:59",
]


@pytest.fixture
def furnished():
    workspace = a_workspace()
    an_item(workspace, key="item", product=a_product(workspace, key="product"), owner=a_member(workspace))
    evidence(a_problem(workspace, key="problem"), customer=a_customer(workspace, key="customer"))
    a_metric(workspace, key="metric")
    a_source(workspace, key="source", kind="segment")
    return workspace


def sensible(viewset: Any, workspace: Any) -> dict[str, Any]:
    """A body that is right but for the field that is made nasty."""
    known = {
        "title": "T",
        "name": "N",
        "kind": "call",
        "segment": "s",
        "on": "2026-01-01",
        "scopes": ["ingest"],
        "match": "name == 'Saved'",
        "to": "usage",
    }
    counts = {"respondents": 2, "importance_top2": 1, "satisfaction_top2": 1}
    references = {"item": "item", "problem": "problem", "metric": "metric", "product": "product"}
    said = {**known, **counts, **references}
    fields = viewset.serializer_class().fields
    body = {name: said[name] for name in fields if name in said and fields[name].required}
    if viewset.model.__name__ == "Source":
        body["kind"] = "productops"
    if viewset.model.__name__ == "Rule":
        body |= {"source": "source", "item": "item"}
    if viewset.model.__name__ == "Invitation":
        body["email"] = "zoe@example.com"
    if viewset.model.__name__ == "Endpoint":
        body |= {"url": "https://hooks.example.com/productops", "events": ["flag.opened"]}
    if fields.get("key") and fields["key"].required:
        body["key"] = "made"
    return body


@pytest.mark.parametrize(
    "prefix",
    [
        prefix
        for prefix, viewset, _ in router.registry
        # An import's body is a file, whose cells have tests of their own.
        if hasattr(viewset, "create") and viewset.model is not FileImport
    ],
)
def test_no_value_of_any_field_is_a_500(prefix: str, furnished) -> None:
    viewset = next(viewset for name, viewset, _ in router.registry if name == prefix)
    caller, body = Caller(furnished), sensible(viewset, furnished)
    made = caller.post(f"{prefix}/", body)
    assert made.status_code == 201, made.content
    fields = {name: field for name, field in viewset.serializer_class().fields.items() if not field.read_only}
    for name, field in fields.items():
        for index, value in enumerate(NASTY):
            created = caller.post(f"{prefix}/", {**body, name: value})
            assert created.status_code in (201, 400, 409), (name, value, created.content)
            # Creating tries them all; editing the nested ones and a sample, for time's sake.
            is_tried = isinstance(value, list) or index % 5 == 0
            if is_tried and not isinstance(field, KeyOrId) and hasattr(viewset, "update"):
                edited = caller.patch(f"{prefix}/{made.json()['id']}/", {name: value}, match="*")
                assert edited.status_code in (200, 400, 409), (name, value, edited.content)


@pytest.mark.parametrize("prefix", [prefix for prefix, _, _ in router.registry])
def test_no_value_of_any_parameter_is_a_500(prefix: str, furnished) -> None:
    viewset = next(viewset for name, viewset, _ in router.registry if name == prefix)
    caller = Caller(furnished)
    filterset = getattr(viewset, "filterset_class", None)
    names = [
        *(filterset.base_filters if filterset else []),
        "cursor",
        "page_size",
        "count",
        "ordering",
        "fields",
    ]
    for name in names:
        for value in PARAMETERS:
            answer = caller.get(f"{prefix}/?{name}={value}")
            assert answer.status_code in (200, 400), (name, value, answer.content)


def test_every_route_ends_in_a_slash_or_says_what_kind_of_file_it_is() -> None:
    for pattern in get_resolver("productops.api_urls").reverse_dict.values():
        if isinstance(pattern, tuple):
            path = pattern[0][0][0]
            assert path.endswith(("/", ".csv")), path
