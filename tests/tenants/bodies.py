"""A body that an operation takes, and the places in it that name other objects: found in its serializer."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from rest_framework import serializers

from productops.api.fields import KeyOrId
from productops.workspaces.models import Workspace
from tests.tenants.routes import Operation, described_of
from tests.tenants.rows import PLAIN_REFERENCES, ROWS, maker_of

_numbers = count(1)
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """A place in a body that names an object: where, and of which model."""

    path: Path
    model: Any

    @property
    def pointer(self) -> str:
        return "".join(f"/{part}" for part in self.path)


def last_part(operation: Operation) -> str:
    """The last part of the path that is no parameter: `rules` of `sources/{source}/rules/{id}/`."""
    return [part for part in operation.path.rstrip("/").split("/") if not part.startswith("{")][-1]


def body_for(operation: Operation, workspace: Workspace) -> Any:
    """A body of the workspace's own that the operation takes; None where it takes none."""
    if operation.method == "patch":
        return {}
    if last_part(operation) == "bulk" and "bulk" not in ROWS[operation.resource].bodies:
        creation = Operation("post", operation.path.removesuffix("bulk/"), operation.view, "create")
        return {"rows": [body_for(creation, workspace)]}
    serializer = described_of(operation).body
    if serializer is None:
        return None if operation.method == "get" else {}
    row, last = ROWS[operation.resource], last_part(operation)
    said = _known(serializer, row.body if last == operation.resource else row.bodies.get(last, {}))
    said = {name: value(workspace) if callable(value) else value for name, value in said.items()}
    return {**required(serializer, workspace, skip=said), **said}


def put_back(operation: Operation, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a PUT that changes nothing: what was shown, but for what cannot be written."""
    fields = described_of(operation).body.fields
    said = {
        name: value
        for name, value in _known(described_of(operation).body, shown).items()
        if value is not None
    }
    return {
        name: value["id"] if isinstance(fields[name], KeyOrId) and isinstance(value, dict) else value
        for name, value in said.items()
        if not hasattr(fields[name], "takes")
    }


def _known(serializer: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    fields = getattr(serializer, "fields", {})
    return {name: value for name, value in said.items() if name in fields and not fields[name].read_only}


def required(serializer: Any, workspace: Workspace, skip: Any = ()) -> dict[str, Any]:
    """The fields that have to be said, each with a value of its type."""
    return {
        name: value_for(field, workspace)
        for name, field in getattr(serializer, "fields", {}).items()
        if field.required and not field.read_only and name not in skip
    }


def value_for(field: Any, workspace: Workspace) -> Any:
    if isinstance(field, KeyOrId):
        return maker_of(field.model)(workspace).pk
    if isinstance(field, serializers.ListSerializer):
        return [required(field.child, workspace)]
    if isinstance(field, serializers.BaseSerializer):
        return required(field, workspace)
    if isinstance(field, serializers.ListField):
        return [value_for(field.child, workspace)]
    if isinstance(field, serializers.ChoiceField):
        return next(iter(field.choices))
    if isinstance(field, serializers.BooleanField):
        return True
    if isinstance(field, serializers.DateTimeField):
        return "2026-01-01T00:00:00Z"
    if isinstance(field, serializers.DateField):
        return "2026-01-01"
    if isinstance(field, serializers.DictField):
        return {}
    if isinstance(field, (serializers.IntegerField, serializers.FloatField, serializers.DecimalField)):
        return 1
    return f"made-{next(_numbers)}"


def references(operation: Operation) -> list[Reference]:
    """Every place in the operation's body that names another object."""
    found = list(_references(described_of(operation).body, ()))
    for ending, (name, resource) in PLAIN_REFERENCES.items():
        if operation.path.endswith(ending):
            found.append(Reference((name,), resource))
    return found


def _references(field: Any, path: Path) -> Iterator[Reference]:
    if field is None or getattr(field, "read_only", False):
        return
    if isinstance(field, KeyOrId):
        yield Reference(path, field.model)
    elif isinstance(field, (serializers.ListSerializer, serializers.ListField)):
        yield from _references(field.child, (*path, 0))
    elif isinstance(field, serializers.BaseSerializer):
        for name, inner in field.fields.items():
            yield from _references(inner, (*path, name))
    elif (takes := getattr(field, "takes", None)) is not None:
        # A field that hands its part of the body to another serializer says which.
        yield from _references(takes(many=True), path)


def with_reference(operation: Operation, workspace: Workspace, path: Path, ref: Any) -> Any:
    """The operation's body with `ref` at `path`; what is nested on the way is made as it has to be."""
    body = copy.deepcopy(body_for(operation, workspace))
    field: Any = described_of(operation).body
    place: Any = body
    for part, after in zip(path, (*path[1:], None), strict=True):
        if isinstance(part, str):
            field = field.fields[part]
            if (takes := getattr(field, "takes", None)) is not None:
                field = takes(many=True)
            if after is None:
                place[part] = ref
            elif part not in place or not place[part]:
                place[part] = [] if isinstance(after, int) else {}
            place = place[part]
        else:
            field = field.child
            if after is None:
                place[:] = [ref]
                continue
            if not place:
                place.append(required(field, workspace))
            place = place[0]
    return body
