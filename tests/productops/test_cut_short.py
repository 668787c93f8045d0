"""A body that ends before its announced length: its sender went away, and nothing of it is taken."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from outcomes.models import Delivery, FileImport
from roadmap.models import Item, Product
from tests.callers import Caller
from tests.factories import a_metric, a_product, a_workspace

pytestmark = pytest.mark.django_db(transaction=True)

LINE = {"metric": "m", "at": "2026-05-01T10:00:00Z", "value": 1}
BODIES = [
    ("observations/", "application/x-ndjson", json.dumps(LINE).encode()),
    ("observations/", "application/json", json.dumps({"observations": [LINE]}).encode()),
    ("imports/?kind=items", "text/csv", b"key,title,product\nsaved-carts,Saved carts,shop\n"),
    ("products/", "application/json", b'{"name": "Shop"}'),
]


@pytest.mark.parametrize("kept", [{}, {"Idempotency-Key": "once"}], ids=["once", "kept"])
@pytest.mark.parametrize(("path", "kind", "body"), BODIES)
def test_a_body_that_was_cut_off_on_its_way_is_refused_and_nothing_is_stored(
    path: str, kind: str, body: bytes, kept: dict[str, str]
) -> None:
    workspace = a_workspace()
    a_metric(workspace, key="m")
    a_product(workspace, key="shop")
    paula = Caller(workspace)

    # What came would be read as whole; only its length tells.
    cut: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body) + 40)}
    answer = paula.client.post(f"/api/v1/{path}", body, kind, headers={**paula.headers, **kept}, **cut)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "urn:productops:problem:cut_short"
    assert f"{len(body)} bytes came of the {len(body) + 40}" in answer.json()["detail"]
    assert not any(rows.exists() for rows in (Delivery.objects, FileImport.objects, Item.objects))
    assert Product.objects.count() == 1
