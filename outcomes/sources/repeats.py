"""Names that occur twice in one JSON object, of which parsers keep the last and say nothing. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from outcomes.sources.nesting import outside_strings


class Twice(dict[str, Any]):
    """An object in which `name` occurred more than once."""

    name = ""

    def complaint(self) -> str:
        return f"The name {self.name[:100]!r} occurs twice in one object."


def may_repeat(body: bytes) -> bool:
    """Whether an object in JSON may name something twice, told without reading it slowly.

    Each member that was written has its colon, each that was kept is counted. Members deeper than a row's are not
    counted: no row has any.
    """
    try:
        return outside_strings(body).count(b":") != _members(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        return True


def loads(body: bytes) -> tuple[Any, bool]:
    """Read JSON leniently (NaN, lone surrogates); an object that names something twice comes as Twice.

    Returns the value and whether there is such an object. Raises ValueError and RecursionError.
    """
    found: list[Twice] = []

    def held(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(pairs)
        if len(kept) == len(pairs):
            return kept
        names = [name for name, _ in pairs]
        twice = Twice(kept)
        twice.name = next(name for place, name in enumerate(names) if name in names[:place])
        found.append(twice)
        return twice

    value = json.loads(body.decode("utf-8"), object_pairs_hook=held)
    return value, bool(found)


def _members(document: Any) -> int:
    if not isinstance(document, dict):
        return -1
    rows = (row for section in document.values() if isinstance(section, list) for row in section)
    return len(document) + sum(len(row) for row in rows if isinstance(row, dict))
