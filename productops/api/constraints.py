"""What the database refused, in words: which constraint, and what a client can do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import DataError, IntegrityError

UNIQUE, FOREIGN_KEY, CHECK, NOT_NULL = "23505", "23503", "23514", "23502"

_IN_WORKSPACE = re.compile(r"^(?:workspaces|roadmap|outcomes)_[a-z]+?_(?P<field>[a-z_]+)_id_in_workspace$")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to a broken constraint: its status, where in the body, a code and words."""

    status: int
    pointer: str
    code: str
    detail: str


_WORDS: dict[str, Refusal] = {}


def explain(constraint: str, pointer: str, code: str, detail: str, status: int) -> None:
    """Teach the API what to say when `constraint` is broken. Called once, by the app that has it."""
    _WORDS[constraint] = Refusal(status, pointer, code, detail)


def refusal_of(error: IntegrityError | DataError) -> Refusal:
    """Return the answer to what the database refused: 409 for a race, 400 for a value it does not take."""
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None) or ""
    name = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
    if name in _WORDS:
        return _WORDS[name]
    if sqlstate == UNIQUE:
        pointer = "/key" if name.endswith(("_per_key", "_key_key")) else ""
        return Refusal(409, pointer, "taken", f"There is one already: {_sentence(name)}.")
    if sqlstate == FOREIGN_KEY:
        return _missing_other(name)
    if sqlstate == CHECK:
        return Refusal(400, "", "check", f"The values break a rule: {_sentence(name)}.")
    if sqlstate == NOT_NULL:
        column = getattr(getattr(cause, "diag", None), "column_name", None) or ""
        return Refusal(400, f"/{column}", "null", "This may not be null.")
    return Refusal(400, "", "invalid", "A value is not one that can be stored.")


def _missing_other(name: str) -> Refusal:
    found = _IN_WORKSPACE.match(name)
    if found is None:
        return Refusal(409, "", "in_use", "Something else refers to this, or what it refers to is gone.")
    field = found["field"]
    return Refusal(
        409, f"/{field}", "does_not_exist", f"The {field.replace('_', ' ')} is gone, or is in use."
    )


def _sentence(name: str) -> str:
    """Constraints are named so that they read as one."""
    return name.replace("_", " ") or "a rule of the database"
