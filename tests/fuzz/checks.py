"""Checks of our own: what the document calls good is never refused for something that a document can say, and
where a bad row is refused for itself, nothing else that is bad is taken with it."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.core.failures import Failure

# What a JSON schema says by type, enum, length, range and list of names.
SAYABLE = {
    "unknown", "read_only", "required", "null", "blank", "invalid_choice", "not_a_list", "not_a_dict", "empty",
    "max_length", "min_length", "max_value", "min_value", "max_string_length", "repeated", "too_many_rows",
}  # fmt: skip


_EDITS = "(POST|PUT|PATCH)"

# `?fields=key` is answered with a part of the object, which is less than the document says of the whole; what comes of
# such a choice is held against what was chosen in tests/productops. Anything else may be drawn.
_CHOICE = re.compile(r"[a-z_]+(,[a-z_]+)*")


@schemathesis.hook
def filter_query(context, query) -> bool:
    return not (query and _CHOICE.fullmatch(str(query.get("fields", ""))))


# What it says no more of: by operation, where in what was sent, and code.
UNSAYABLE = {
    # Whether a row of many makes an object or changes one, and so what it needs, hangs on its id, key and version.
    (r"POST /api/v1/[a-z]+/bulk/", r"/rows/[0-9]+/.+", "required"),
    # Which words go with a move hangs on its action.
    (r"POST /api/v1/flags/bulk/", r"/rows/[0-9]+/(note|until|reason)", "unknown"),
    # A pattern that forbids to name one column twice would need to look back.
    (r"GET .+", r"/ordering", "repeated"),
    # The variants are those of the experiment in the path, or those of the body.
    (rf"{_EDITS} /api/v1/(items/\{{item\}}/)?experiments/(\{{id\}}/)?", r"/control", "invalid_choice"),
    (r"POST /api/v1/experiments/\{id\}/decide/", r"/variant", "invalid_choice"),
    # POST makes it of the key; a PUT that leaves it out wants it gone. One schema describes both.
    (r"PUT /api/v1/(metrics|sources)/\{id\}/", r"/name", "blank"),
    # What a rule names hangs on what it is for, and its source goes without saying beneath a source.
    (
        rf"{_EDITS} /api/v1/(sources/\{{source\}}/)?rules/(\{{id\}}/)?",
        r"/source|/item|/metric|/value",
        "required",
    ),
    (
        r"POST /api/v1/sources/\{source\}/rules/test/",
        r"/rule/(item|metric|value)|/(item|metric|value)",
        "required",
    ),
    # What a candidate becomes says what it needs: a problem, an item, the value of an observation.
    (r"POST /api/v1/candidates/\{id\}/accept/", r"/problem|/item|/value", "required"),
    # Which address an endpoint needs hangs on its channel.
    (rf"{_EDITS} /api/v1/endpoints/(\{{id\}}/)?", r"/url|/email", "required"),
    # With the policy `exempt`, and with no other.
    (rf"{_EDITS} /api/v1/items/(\{{id\}}/)?", r"/exemption_reason", "required"),
    # A sample or the id of a delivery: either will do.
    (r"POST /api/v1/sources/\{source\}/rules/test/", r"/sample", "required"),
}


class RefusedForWhatASchemaCanSay(Failure):
    """A request that the document allows was answered 400."""


@schemathesis.check
def nothing_sayable_is_left_unsaid(ctx, response, case) -> None:
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    errors = response.json().get("errors", [])
    unsaid = [
        error
        for error in errors
        if error["code"] in SAYABLE and not is_beyond_words(case.operation.label, error, case.body)
    ]
    if unsaid:
        raise RefusedForWhatASchemaCanSay(
            operation=case.operation.label, title="Refused for what a schema can say", message=str(unsaid)
        )


def is_beyond_words(operation: str, error: dict[str, str], body: object) -> bool:
    """Whether a schema could not have said what is wrong there."""
    if error["code"] == "blank":
        # White space alone is blank, too: its length does not show it, and what counts as such differs by language.
        said = _at(error["pointer"], body)
        if isinstance(said, str) and said != "" and not said.strip():
            return True
    return any(
        code == error["code"] and re.fullmatch(where, error["pointer"]) and re.fullmatch(asked, operation)
        for asked, where, code in UNSAYABLE
    )


def _at(pointer: str, body: object) -> object:
    """What a JSON pointer leads to in a body; None where there is nothing."""
    found = body
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


# Where a bad row is refused for itself, in an answer of 200 for all of them.
TAKES_ROWS = r"POST /api/v1/([a-z]+/bulk|observations)/"


class TookMoreThanBadRows(Failure):
    """A body that is wrong around its rows was answered 200."""


@schemathesis.check
def nothing_but_a_row_is_refused_for_itself(ctx, response, case) -> None:
    """What the check for negative data asks, where it has to let a bad row pass."""
    if response.status_code not in (200, 202) or not re.fullmatch(TAKES_ROWS, case.operation.label):
        return
    if case.meta is None or case.media_type not in (None, "application/json"):
        return
    errors = [str(error.message)[:200] for error in around_rows(case.operation).iter_errors(case.body)]
    if errors:
        raise TookMoreThanBadRows(
            operation=case.operation.label, title="Took more than bad rows", message=str(errors)
        )


def around_rows(operation: Any) -> Draft202012Validator:
    """What the document says of a body, but for what is in its lists."""
    content = operation.definition.raw["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    body = operation.schema.raw_schema["components"]["schemas"][name]
    parts = {
        part: {**said, "items": {}} if "items" in said else said for part, said in body["properties"].items()
    }
    return Draft202012Validator({**body, "properties": parts})
