"""A check of our own: what the document calls good is never refused for something that a document can say."""

from __future__ import annotations

import re

import schemathesis
from schemathesis.core.failures import Failure

# What a JSON schema says by type, enum, length, range and list of names.
SAYABLE = {
    "unknown", "read_only", "required", "null", "blank", "invalid_choice", "not_a_list", "not_a_dict", "empty",
    "max_length", "min_length", "max_value", "min_value", "max_string_length", "repeated", "too_many_rows",
}  # fmt: skip


# What it says no more of, by where and code.
UNSAYABLE = {
    # Whether a row of many makes an object or changes one, and so what it needs, hangs on its id, key and version.
    (r"/rows/[0-9]+/.+", "required"),
    # A pattern that forbids to name one column twice would need to look back.
    (r"/ordering", "repeated"),
    # The variants are those of the experiment in the path.
    (r"/control|/variant", "invalid_choice"),
    # POST makes it of the key; a PUT that leaves it out wants it gone. One schema describes both.
    (r"/name", "blank"),
    # What a rule names hangs on what it is for, and its source goes without saying beneath a source.
    (r"/source|/item|/metric|/value|/problem|/customer", "required"),
    # With the policy `exempt`, and with no other.
    (r"/exemption_reason", "required"),
    # Which of the two an endpoint needs hangs on its channel.
    (r"/url|/email", "required"),
    # A sample or the id of a delivery: either will do.
    (r"/sample", "required"),
}


class RefusedForWhatASchemaCanSay(Failure):
    """A request that the document allows was answered 400."""


@schemathesis.check
def nothing_sayable_is_left_unsaid(ctx, response, case) -> None:
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    errors = response.json().get("errors", [])
    unsaid = [
        error for error in errors if error["code"] in SAYABLE and not _is_beyond_words(error, case.body)
    ]
    if unsaid:
        raise RefusedForWhatASchemaCanSay(
            operation=case.operation.label, title="Refused for what a schema can say", message=str(unsaid)
        )


def _is_beyond_words(error: dict[str, str], body: object) -> bool:
    if error["code"] == "blank" and isinstance(body, dict):
        # White space alone is blank, too: its length does not show it, and what counts as such differs by language.
        said = body.get(error["pointer"].removeprefix("/"))
        if isinstance(said, str) and said != "" and not said.strip():
            return True
    return any(re.fullmatch(where, error["pointer"]) and code == error["code"] for where, code in UNSAYABLE)
