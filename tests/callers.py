"""Somebody at the API's door: a key, or a person who has signed in."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from productops.workspaces.models import User, Workspace
from tests.factories import a_key


class Caller:
    """Speaks JSON; remembers its credentials. Paths are beneath /api/v1/."""

    def __init__(self, workspace: Workspace | None = None, scopes: Any = None, **headers: str) -> None:
        # An unexpected exception becomes the 500 that a client would see.
        self.client = Client(raise_request_exception=False)
        self.headers = headers
        if workspace is not None:
            _, plain_text = a_key(workspace, scopes) if scopes is not None else a_key(workspace)
            self.headers = {"Authorization": f"Bearer {plain_text}", **headers}

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(_whole(path), headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("post", path, body, **headers)

    def patch(self, path: str, body: Any, match: str | None = None) -> HttpResponse:
        """`match` is the ETag; left out, the current one is read first."""
        etag = self.get(path)["ETag"] if match is None else match
        return self.send("patch", path, body, **{"If-Match": etag})

    def put(self, path: str, body: Any, match: str) -> HttpResponse:
        return self.send("put", path, body, **{"If-Match": match})

    def delete(self, path: str, match: str | None = None) -> HttpResponse:
        etag = self.get(path)["ETag"] if match is None else match
        return self.client.delete(_whole(path), headers={**self.headers, "If-Match": etag})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        kind = headers.pop("content_type", "application/json")
        call = getattr(self.client, method)
        return call(_whole(path), data=data, content_type=kind, headers={**self.headers, **headers})


class SignedIn(Caller):
    """A person in a browser; CSRF is checked as it is there."""

    def __init__(self, person: User, **headers: str) -> None:
        super().__init__(**headers)
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        self.client.force_login(person)


def _whole(path: str) -> str:
    return path if path.startswith(("/", "http")) else f"/api/v1/{path}"


def pointers(response: HttpResponse) -> set[str]:
    """The pointers of a problem's errors."""
    return {error["pointer"] for error in response.json()["errors"]}


def codes(response: HttpResponse) -> set[str]:
    return {error["code"] for error in response.json()["errors"]}
