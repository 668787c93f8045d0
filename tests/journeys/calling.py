"""A client of a running server: JSON over HTTP, and signed deliveries, with the standard library alone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outcomes.sources.signatures import signed_headers
from tests.journeys.running import RunningServer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


def request(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 60,
) -> Answer:
    """Send one request; errors are answers too."""
    asked = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(asked, timeout=seconds) as response:
            return Answer(response.status, dict(response.headers), _read(response.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), _read(error.read()))


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


@dataclass
class Team:
    """A workspace of a running server, its key and its source."""

    server: RunningServer
    slug: str
    key: str
    source_url: str
    secret: str

    @classmethod
    def on(cls, server: RunningServer, slug: str, *options: str) -> Team:
        printed = server.manage("create_workspace", slug, "--name", slug, *options).stdout
        told = dict(line.split("=", 1) for line in printed.strip().splitlines())
        values = {name: value.strip("'\"") for name, value in told.items()}
        return cls(
            server,
            slug,
            values["PRODUCTOPS_API_KEY"],
            values["PRODUCTOPS_SOURCE_URL"],
            values["PRODUCTOPS_SOURCE_SECRET"],
        )

    def api(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        return request(method, f"{self.server.url}/api/v1/{path}", sent, headers)

    def make(self, path: str, body: Any) -> Any:
        answer = self.api("POST", path, body)
        assert answer.status == 201, answer
        return answer.body

    def deliver(self, body: Any, message_id: str, at: float | None = None) -> Answer:
        """Sign a body and post it, as an integration would."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = signed_headers(self.secret, message_id, int(at or time.time()), raw)
        return request("POST", self.source_url, raw, {**headers, "Content-Type": "application/json"})

    def settled(self, seconds: float = 120) -> list[Any]:
        """Wait until every delivery has been interpreted; return them."""
        return eventually(
            self.deliveries, lambda rows: all(row["state"] != "pending" for row in rows), seconds
        )

    def deliveries(self) -> list[Any]:
        rows: list[Any] = self.api("GET", "deliveries/?page_size=200").body["results"]
        return rows

    def card(self, key: str) -> Any:
        return self.api("GET", f"items/{key}/").body


def eventually(look: Callable[[], Any], is_good: Callable[[Any], bool], seconds: float) -> Any:
    """Look again and again until what is seen is good; fail with what was seen last."""
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if is_good(seen):
            return seen
        assert time.monotonic() < until, f"not within {seconds} s: {seen}"
        time.sleep(0.1)
