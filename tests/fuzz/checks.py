"""A check of our own: what the document calls good is never refused for something that a document can say."""

from __future__ import annotations

import schemathesis
from schemathesis.core.failures import Failure

# What a JSON schema says by type, enum, length, range and list of names.
SAYABLE = {
    "unknown", "read_only", "required", "null", "blank", "invalid_choice", "not_a_list", "not_a_dict", "empty",
    "max_length", "min_length", "max_value", "min_value", "max_string_length", "repeated", "too_many_rows",
}  # fmt: skip


class RefusedForWhatASchemaCanSay(Failure):
    """A request that the document allows was answered 400."""


@schemathesis.check
def nothing_sayable_is_left_unsaid(ctx, response, case) -> None:
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    errors = response.json().get("errors", [])
    unsaid = [error for error in errors if error["code"] in SAYABLE]
    if unsaid:
        raise RefusedForWhatASchemaCanSay(
            operation=case.operation.label, title="Refused for what a schema can say", message=str(unsaid)
        )
