"""The answers that the OpenAPI document shows are what the server answers."""

from __future__ import annotations

import json
import os

import pytest
import time_machine
from jsonschema import Draft202012Validator

from productops.api.examples import ANSWERS_FILE, answer_for
from productops.local.places import CHECKOUT
from tests.productops.answering import as_text, shape, told

# Set, the answers are written anew; `script/openapi` then takes them into the document.
WRITE = "WRITE_ANSWERS"


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads((CHECKOUT / "docs" / "openapi.json").read_text())


@pytest.mark.django_db(transaction=True)
def test_the_server_answers_in_the_shape_that_is_shown() -> None:
    with time_machine.travel("2026-05-01T10:05:00Z", tick=False):
        answers = told()
    if os.environ.get(WRITE):
        ANSWERS_FILE.write_text(as_text(answers))
    shown = json.loads(ANSWERS_FILE.read_text())
    assert {name: shape(answer) for name, answer in answers.items()} == {
        name: shape(answer) for name, answer in shown.items()
    }


def test_every_answer_that_is_shown_is_one_by_its_schema(document) -> None:
    shown = json.loads(ANSWERS_FILE.read_text())
    for name, answer in shown.items():
        method, path, status = name.split()
        content = document["paths"][path][method.lower()]["responses"][status]["content"]["application/json"]
        assert content["example"] == answer == answer_for(method, path, status), name
        text = json.dumps({**content["schema"], "$defs": document["components"]["schemas"]})
        validator = Draft202012Validator(json.loads(text.replace("#/components/schemas/", "#/$defs/")))
        assert [error.message for error in validator.iter_errors(answer)] == [], name
