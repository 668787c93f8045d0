"""The vendors' own libraries against the running system: each hears success, and what it sent arrives."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outcomes.admin.pasting import lines_for
from tests.journeys import libraries
from tests.journeys.calling import Team, eventually
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey

TODAY = datetime.now(UTC).date()


class Sender:
    """A source of one kind in a workspace of its own, with an item and a metric for what it sends."""

    def __init__(self, server: RunningServer, kind: str, slug: str = "") -> None:
        self.team = Team.on(server, slug or f"sends-{kind}")
        self.source = self.team.make("sources/", {"key": f"from-{kind}", "kind": kind, "name": kind})
        self.url, self.secret = self.source["url"], self.source["secret"]
        released = {"status": "released", "released_on": str(TODAY - timedelta(days=60))}
        self.team.make("items/", {"key": "saved-carts", "title": "Saved carts", **released})
        self.team.make("metrics/", {"key": "revenue", "name": "Revenue", "aggregation": "sum"})

    def rule(self, to: str, **fields: str) -> None:
        match = f"name == '{libraries.EVENT}'"
        self.team.make(f"sources/{self.source['key']}/rules/", {"match": match, "to": to, **fields})

    def events_are_uses_and_revenue(self, value: str = "properties.revenue") -> None:
        self.rule("usage", item_key="properties.feature")
        self.rule("observation", metric="revenue", value=value)

    def deliveries(self) -> list[Any]:
        """What came in, once it was read. Nothing of it was refused."""
        rows = eventually(self._read, bool, 60)
        assert [row for row in rows if row["state"] != "done"] == []
        return rows

    def _read(self) -> list[Any]:
        return [row for row in self.team.settled() if row["source"] == self.source["key"]]

    def revenue(self) -> float:
        answer = self.team.api("GET", f"metrics/revenue/series/?to={TODAY + timedelta(days=1)}")
        total: float = sum(day["value"] for day in answer.body["results"])
        return total

    def active(self) -> float | None:
        active: float | None = self.team.card("saved-carts")["usage"]["active"]
        return active

    def exposures(self) -> dict[str, int]:
        exposures: dict[str, int] = self.team.card("saved-carts")["exposures"]
        return exposures


def arrives(sender: Sender, *, active: int, revenue: float) -> None:
    sender.deliveries()
    assert eventually(sender.active, lambda seen: seen == active, 60) == active
    assert eventually(sender.revenue, lambda seen: seen == revenue, 60) == revenue


@pytest.mark.parametrize("is_packed", [False, True])
def test_segments_library(server: RunningServer, is_packed: bool) -> None:
    sender = Sender(server, "segment", f"segment-{is_packed}".lower())
    sender.events_are_uses_and_revenue()
    assert libraries.segment(sender.url, sender.secret, gzip=is_packed) == []
    arrives(sender, active=1, revenue=12.5)


def test_segments_library_given_the_servers_own_address_is_found_by_its_key(server: RunningServer) -> None:
    sender = Sender(server, "segment", "segment-root")
    sender.events_are_uses_and_revenue()
    assert libraries.segment(server.url, sender.secret) == []
    arrives(sender, active=1, revenue=12.5)


def test_posthogs_library(server: RunningServer) -> None:
    sender = Sender(server, "posthog")
    sender.events_are_uses_and_revenue()
    assert libraries.posthog(sender.url, sender.secret) == []
    arrives(sender, active=1, revenue=12.5)


def test_amplitudes_library(server: RunningServer) -> None:
    sender = Sender(server, "amplitude")
    sender.events_are_uses_and_revenue()
    assert libraries.amplitude(sender.url, sender.secret) == []
    arrives(sender, active=1, revenue=12.5)


def test_mixpanels_library(server: RunningServer) -> None:
    sender = Sender(server, "mixpanel")
    sender.events_are_uses_and_revenue()
    assert libraries.mixpanel(sender.url, sender.secret) == []
    arrives(sender, active=2, revenue=25.0)


def test_unleashs_library(server: RunningServer) -> None:
    sender = Sender(server, "unleash")
    assert libraries.unleash(sender.url, sender.secret) == []
    sender.deliveries()
    assert eventually(sender.exposures, lambda seen: seen["on"] == 3, 60) == {"on": 3, "off": 1}
    assert sender.active() is None


@pytest.mark.parametrize("is_streaming", [False, True])
def test_launchdarklys_library(server: RunningServer, is_streaming: bool) -> None:
    sender = Sender(server, "launchdarkly", f"launchdarkly-{is_streaming}".lower())
    sender.rule("observation", metric="revenue", value="properties.metricValue")
    wrong = libraries.launchdarkly(sender.url, sender.secret, is_streaming=is_streaming)
    # A stream ends once it has said that there are no flags; the library says so and is content.
    assert [one for one in wrong if not one.startswith("The server closed the stream")] == []
    sender.deliveries()
    assert eventually(sender.revenue, lambda seen: seen == 12.5, 60) == 12.5
    assert eventually(sender.exposures, lambda seen: seen["on"] == 2, 60) == {"on": 2, "off": 0}


def test_flagsmiths_library(server: RunningServer) -> None:
    sender = Sender(server, "flagsmith")
    sender.rule("observation", metric="revenue", value="properties.value")
    assert libraries.flagsmith(sender.url, sender.secret) == []
    sender.deliveries()
    assert eventually(sender.exposures, lambda seen: seen["on"] == 4, 60) == {"on": 4, "off": 0}
    assert eventually(sender.revenue, lambda seen: seen == 12.5, 60) == 12.5


def test_opentelemetrys_exporter(server: RunningServer) -> None:
    sender = Sender(server, "otlp")
    assert libraries.opentelemetry(sender.url, sender.secret) == []
    sender.deliveries()
    assert eventually(sender.revenue, lambda seen: seen == 15, 60) == 15


def test_cloudevents_library(server: RunningServer) -> None:
    sender = Sender(server, "cloudevents")
    sender.events_are_uses_and_revenue()
    assert libraries.cloudevents(sender.url, sender.secret) == []
    arrives(sender, active=2, revenue=25.0)


def test_standard_webhooks_library(server: RunningServer) -> None:
    sender = Sender(server, "productops")
    row = {"metric": "revenue", "at": datetime.now(UTC).isoformat(), "value": 12.5}
    use = {"item": "saved-carts", "actor": "u_1", "at": datetime.now(UTC).isoformat()}
    body = {"observations": [row], "usage": [use]}
    assert libraries.standard_webhooks(sender.url, sender.secret, body, "msg_1") == []
    arrives(sender, active=1, revenue=12.5)


def test_a_body_in_chunks_is_taken_as_nodes_libraries_send_it(server: RunningServer) -> None:
    sender = Sender(server, "custom")
    sender.events_are_uses_and_revenue()
    assert libraries.in_chunks(sender.url, sender.secret) == []
    arrives(sender, active=1, revenue=12.5)


@pytest.mark.parametrize(
    "kind", ["productops", "segment", "posthog", "amplitude", "mixpanel", "cloudevents", "custom"]
)
def test_what_the_admin_says_to_paste_sends_a_first_thing(server: RunningServer, kind: str) -> None:
    sender = Sender(server, kind, f"pasted-{kind}")
    stands_for_it = "whsec_..." if kind == "productops" else "SECRET"
    script = lines_for(kind, sender.url).replace(stands_for_it, sender.secret)
    # Installed already.
    told = "\n".join(line for line in script.split("\n") if not line.startswith("pip install "))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["sh", "-c", told], env={**os.environ, "PATH": path}, capture_output=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    if kind != "productops":
        (heard,) = eventually(lambda: sender.team.api("GET", "candidates/").body["results"], bool, 60)
        accepted = sender.team.api("POST", f"candidates/{heard['id']}/accept/", {"item": "saved-carts"})
        assert accepted.status == 200, accepted
    assert eventually(sender.active, bool, 60) == 1
