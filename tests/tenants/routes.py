"""Every operation of the API, read off the URL map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ComponentRegistry

METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)|<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One method of one path beneath /api/, such as `v1/items/{id}/release/`."""

    method: str
    path: str
    view: Any
    action: str

    @property
    def resource(self) -> str:
        """The first part of the path beneath v1: `items` of `v1/items.csv` and of `v1/items/{id}/value/`."""
        first, *rest = self.path.removeprefix("v1/").split("/")
        # Beneath insights stand objects of more than one kind.
        if first == "insights" and rest[:1] == ["reconciliations"]:
            return "insights/reconciliations"
        return first.removesuffix(".csv")

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def is_write(self) -> bool:
        return self.method != "get"

    def at(self, **refs: Any) -> str:
        return f"/api/{self.path.format(**refs)}"

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


@cache
def operations() -> tuple[Operation, ...]:
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for path, callback in _patterns(get_resolver("productops.api_urls"), ""):
        view = getattr(callback, "cls", None) or callback.view_class
        actions = getattr(callback, "actions", None)
        for method in METHODS:
            if actions is not None and method in actions:
                yield Operation(method, path, view, actions[method])
            elif actions is None and hasattr(view, method):
                yield Operation(method, path, view, method)


def _patterns(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        text = before + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern, text)
        else:
            yield _PARAMETER.sub(lambda found: "{%s}" % (found[1] or found[2]), text), pattern.callback


@dataclass(frozen=True)
class Described:
    """What the OpenAPI document was made from: the serializer of the body, and the query parameters."""

    body: Any
    queries: tuple[str, ...]


@cache
def described() -> dict[tuple[str, str], Described]:
    """By (path beneath /api/, method)."""
    generator: Any = SchemaGenerator()
    generator._initialise_endpoints()
    found: dict[tuple[str, str], Described] = {}
    for path, regex, method, view in generator._get_paths_and_endpoints():
        view.request = None
        told = view.schema.get_operation(path, regex, "/api/v1", method, ComponentRegistry())
        if told is None:
            continue
        queries = tuple(p["name"] for p in told.get("parameters", []) if p["in"] == "query")
        body = view.schema.get_request_serializer() if method in ("POST", "PUT", "PATCH") else None
        plain = re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/"))
        found[plain, method.lower()] = Described(body() if isinstance(body, type) else body, queries)
    return found


def described_of(operation: Operation) -> Described:
    plain = re.sub(r"\{\w+\}", "{}", operation.path)
    return described().get((plain, operation.method), Described(None, ()))
