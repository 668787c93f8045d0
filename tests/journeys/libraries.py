"""The vendors' own libraries, given a source's address as their host and its secret as their key.

Each function says what happened once and returns what went wrong by the library's own account: nothing at all.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EVENT = "Cart Saved"


@contextmanager
def complaints(*loggers: str) -> Iterator[list[str]]:
    """What these loggers warn of meanwhile."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = Ear(logging.WARNING)
    held = [logging.getLogger(name) for name in loggers]
    for logger in held:
        logger.addHandler(ear)
    try:
        yield heard
    finally:
        for logger in held:
            logger.removeHandler(ear)


def segment(url: str, secret: str, *, gzip: bool = False) -> list[str]:
    from segment.analytics.client import Client

    wrong: list[str] = []
    client = Client(
        secret, host=url, gzip=gzip, max_retries=0, on_error=lambda error, _: wrong.append(repr(error))
    )
    client.identify("u_1", {"plan": "pro"})
    client.track("u_1", EVENT, {"feature": "saved-carts", "revenue": 12.5}, context={"groupId": "acme"})
    client.shutdown()
    return wrong


def posthog(url: str, secret: str) -> list[str]:
    from posthog import Posthog

    wrong: list[str] = []
    client = Posthog(
        secret, host=url, max_retries=0, on_error=lambda error, _: wrong.append(repr(error)), gzip=True
    )
    client.capture(EVENT, distinct_id="u_1", properties={"feature": "saved-carts", "revenue": 12.5})
    client.feature_enabled("saved-carts", "u_1")
    client.shutdown()
    return wrong


def amplitude(url: str, secret: str) -> list[str]:
    from amplitude import Amplitude, BaseEvent, Config

    wrong: list[str] = []

    def called_back(event: Any, code: int, message: str) -> None:
        if code != 200:
            wrong.append(f"{code} {message}")

    client = Amplitude(secret, Config(server_url=url, flush_max_retries=1, callback=called_back))
    properties = {"feature": "saved-carts", "revenue": 12.5}
    client.track(BaseEvent(EVENT, user_id="u_00001", event_properties=properties))
    for future in client.flush() or ():
        future.result(20)
    client.shutdown()
    return wrong


def mixpanel(url: str, secret: str) -> list[str]:
    from mixpanel import Consumer, Mixpanel, MixpanelException

    consumer = Consumer(
        events_url=f"{url}/track", people_url=f"{url}/engage", import_url=f"{url}/import", retry_limit=0
    )
    client = Mixpanel(secret, consumer)
    properties = {"feature": "saved-carts", "revenue": 12.5}
    try:
        client.track("u_1", EVENT, properties)
        client.people_set("u_1", {"$name": "Una"})
        client.import_data(secret, "u_2", EVENT, int(time.time()) - 7 * 86_400, properties)
    except MixpanelException as error:
        return [repr(error)]
    return []


def unleash(url: str, secret: str) -> list[str]:
    from UnleashClient import UnleashClient

    with complaints("UnleashClient") as wrong:
        client = UnleashClient(
            url,
            "shop",
            custom_headers={"Authorization": secret},
            metrics_interval=3600,
            refresh_interval=3600,
        )
        client.initialize_client()
        for _ in range(3):
            client.is_enabled("saved-carts", fallback_function=lambda *_: True)
        client.is_enabled("saved-carts")
        client.destroy()  # flushes its counts
    return wrong


def launchdarkly(url: str, secret: str, *, is_streaming: bool) -> list[str]:
    from ldclient import Context, LDClient
    from ldclient.config import Config

    with complaints("ldclient", "ldclient.util") as wrong:
        client = LDClient(
            Config(secret, base_uri=url, events_uri=url, stream_uri=url, stream=is_streaming), start_wait=10
        )
        context = Context.builder("u_1").build()
        for _ in range(2):
            client.variation("saved-carts", context, True)
        client.track(EVENT, context, data={"feature": "saved-carts"}, metric_value=12.5)
        if not client.is_initialized():
            wrong.append("not initialized")
        client.flush()
        client.close()
    return wrong


def flagsmith(url: str, secret: str) -> list[str]:
    from flagsmith import Flagsmith
    from flagsmith.analytics import EventProcessorConfig, session

    with complaints("flagsmith") as wrong:
        client = Flagsmith(
            environment_key=secret,
            api_url=url,
            enable_analytics=True,
            enable_events=True,
            event_processor_config=EventProcessorConfig(events_api_url=url),
        )
        flags = client.get_environment_flags()
        for _ in range(3):
            flags.is_feature_enabled("saved-carts")
        client.get_identity_flags("u_1", {"plan": "pro"}).is_feature_enabled("saved-carts")
        client.track_event(EVENT, "u_1", value="12.5", metadata={"feature": "saved-carts"})
        analytics, events = client._analytics_processor, client._event_processor
        assert analytics is not None
        assert events is not None
        analytics.flush()
        events.stop()
        session.executor.submit(lambda: None).result(20)
    return wrong


def opentelemetry(url: str, secret: str) -> list[str]:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    with complaints("opentelemetry") as wrong:
        exporter = OTLPMetricExporter(
            endpoint=url, headers={"authorization": f"Bearer {secret}"}, compression=Compression.Gzip
        )
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], shutdown_on_exit=False)
        counter = provider.get_meter("shop").create_counter("revenue")
        for amount in (10, 5):
            counter.add(amount, {"region": "eu"})
            if not provider.force_flush(20_000):
                wrong.append("the export failed")
        provider.shutdown()
    return wrong


def cloudevents(url: str, secret: str) -> list[str]:
    import requests
    from cloudevents.core.bindings.http import to_binary_event, to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    wrong = []
    for number, pack in enumerate((to_binary_event, to_structured_event)):
        event = CloudEvent(
            {"type": EVENT, "source": "/shop", "id": f"e{number}", "specversion": "1.0"},
            {"feature": "saved-carts", "user_id": f"u_{number}", "revenue": 12.5},
        )
        message = pack(event)
        headers = {**message.headers, "Authorization": f"Bearer {secret}"}
        answer = requests.post(url, data=message.body, headers=headers, timeout=60)
        if answer.status_code != 202:
            wrong.append(answer.text)
    return wrong


def standard_webhooks(url: str, secret: str, body: dict[str, Any], message_id: str) -> list[str]:
    from datetime import UTC, datetime

    import requests
    from standardwebhooks import Webhook

    raw, now = json.dumps(body), datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, raw),
    }
    answer = requests.post(url, data=raw, headers=headers, timeout=60)
    return [] if answer.status_code == 202 else [answer.text]


def in_chunks(url: str, secret: str) -> list[str]:
    """What Node's http module does with a body that is written before its length was said."""
    import requests

    event = {"name": EVENT, "user_id": "u_1", "feature": "saved-carts", "revenue": 12.5}
    raw = json.dumps(event).encode()
    headers = {"content-type": "application/json", "Authorization": f"Bearer {secret}"}
    # Of a generator requests does not know the length either.
    answer = requests.post(
        url, data=(raw[i : i + 20] for i in range(0, len(raw), 20)), headers=headers, timeout=60
    )
    return [] if answer.status_code == 202 else [answer.text]
