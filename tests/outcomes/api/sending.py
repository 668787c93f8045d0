"""Requests as the vendors' libraries really sent them, and a source of each kind to send them to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from django.test import Client

from outcomes.models import Delivery, Exposure, Observation, Rule, Source, UsageEvent
from outcomes.pipeline import settle
from outcomes.services.sources import create_source
from productops.workspaces.actors import Actor
from tests.factories import a_metric, a_workspace, an_item

_PAYLOADS = Path(__file__).parents[2] / "payloads"
CAPTURED: list[dict[str, Any]] = json.loads((_PAYLOADS / "captured_requests.json").read_text())
# What the captured requests were proven with.
_CAPTURED_SECRETS = {
    "segment": "wk_test",
    "posthog": "phc_test",
    "amplitude": "amp_key",
    "mixpanel": "mp_token",
    "unleash": "*:prod.tok",
    "flagsmith": "env_key",
    "launchdarkly": "sdk-key",
}


class Vendor:
    """A source of one kind in a workspace with an item and a metric, and what arrived of it."""

    def __init__(self, kind: str, secret: str | None = None) -> None:
        self.workspace = a_workspace()
        self.item = an_item(self.workspace, key="new-checkout")
        self.metric = a_metric(self.workspace, key="revenue", aggregation="sum")
        by = Actor("pm", None, "api")
        self.source: Source
        self.source, self.secret = create_source(workspace=self.workspace, by=by, key=kind, kind=kind)
        secret = secret or _CAPTURED_SECRETS.get(kind)
        if secret:
            self.source.secrets.update(secret=secret)
            self.secret = secret
        self.client = Client(raise_request_exception=False)

    def rule(self, match: str, to: str = "usage", **fields: Any) -> Rule:
        named = {"item": self.item} if to == "usage" else {"metric": self.metric}
        if "item_key" in fields or "metric_key" in fields:
            named = {}
        return Rule.objects.create(
            workspace=self.workspace, source=self.source, match=match, to=to, **named, **fields
        )

    def replay(self, captured: dict[str, Any], **headers: str) -> Any:
        """Send a captured request, byte for byte, to the source's address."""
        sent = {
            name: value for name, value in captured["headers"].items() if name.lower() != "content-length"
        }
        sent = {name: value for name, value in sent.items() if name.lower() != "host"}
        body = captured["body"].encode()
        if sent.get("Content-Encoding") == "gzip":
            body = gzip.compress(body)
        return self.send(captured["method"], captured["path"], body, **{**sent, **headers})

    def send(self, method: str, path: str, body: Any = b"", **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kinds = [name for name in headers if name.lower() == "content-type"]
        content_type = headers.pop(kinds[0]) if kinds else "application/json"
        url = f"/in/{self.source.token}{path}"
        # Django's client leaves it out when there is nothing to send.
        length = {"content-length": str(len(raw))} if method == "POST" else {}
        return self.client.generic(method, url, raw, content_type, headers={**length, **headers})

    def settle(self) -> None:
        settle.settle_all(120)

    @property
    def delivery(self) -> Delivery:
        """The only one."""
        return Delivery.objects.get(source=self.source)

    def uses(self) -> list[str]:
        """The days on which the item was used, one for each use."""
        found = UsageEvent.objects.filter(item=self.item).order_by("at")
        return [str(day) for day in found.values_list("on", flat=True)]

    def observed(self) -> list[float]:
        return list(
            Observation.objects.filter(source=self.source).order_by("at").values_list("value", flat=True)
        )

    def exposed(self) -> tuple[int, int]:
        rows = Exposure.objects.filter(item=self.item)
        return sum(row.on_count for row in rows), sum(row.off_count for row in rows)


def captured(*runs: str, path: str = "", method: str = "POST") -> list[dict[str, Any]]:
    """The captured requests of these runs whose path ends like this."""
    return [
        one
        for one in CAPTURED
        if one["method"] == method
        and one["path"].partition("?")[0].rstrip("/").endswith(path.rstrip("/"))
        and any(one.get("sdk_run", "").startswith(run) for run in runs)
    ]


def at_path(path: str, method: str = "POST") -> list[dict[str, Any]]:
    """The captured requests to exactly this path."""
    return [one for one in CAPTURED if one["method"] == method and one["path"].partition("?")[0] == path]


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def hub_signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
