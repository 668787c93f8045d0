"""Sources of kind `unleash`: counts of toggle evaluations, and impact metrics. Every count is a delta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.native import state_row
from outcomes.sources.proofs import bearer, require, signed_now
from outcomes.sources.reading import (
    EventBody,
    count,
    instant,
    label_of,
    number,
    objects,
    read_json,
)
from outcomes.sources.reading import unstorable as why_unstorable
from outcomes.sources.signatures import Signed


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The client token is the whole Authorization header, or a Bearer. Raises SignatureRefused."""
    require(bearer(headers) or headers.get("authorization", "").strip(), secrets)
    # Two instances may count the same in the same bucket.
    return signed_now(
        body, now, headers.get("unleash-connection-id", ""), headers.get("unleash-instanceid", "")
    )


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read what `/api/client/metrics` takes; a registration states nothing. Raises BodyRefused for no object."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    if path.rstrip("/").endswith("register"):
        return read
    bucket = document.get("bucket")
    if isinstance(bucket, dict):
        _toggles(bucket.get("toggles"), _told(bucket, "start", now), read, now)
    if isinstance(document.get("impactMetrics"), list):
        stop = _told(bucket, "stop", now) if isinstance(bucket, dict) else now
        _impact(document["impactMetrics"], stop, read, now)
    return read


def _told(bucket: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """An end of the bucket: when it came in if that is left out, None if it is no instant."""
    said = bucket.get(name)
    return now if said is None else instant(said)


def _toggles(toggles: Any, at: datetime | None, read: EventBody, now: datetime) -> None:
    if not isinstance(toggles, dict):
        return
    for name, counts in toggles.items():
        pointer = f"/bucket/toggles/{name}"[:300]
        read.row_count += 1
        if reason := why_unstorable([name, counts]):
            read.refuse("/bucket/toggles", "bad_value", reason)
        elif not isinstance(counts, dict):
            read.refuse(pointer, "bad_value", "A toggle's counts are an object.")
        else:
            on, off = count(counts.get("yes")), count(counts.get("no"))
            read.evaluated(name, at, on, off, pointer, now=now)


def _impact(metrics: Any, at: datetime | None, read: EventBody, now: datetime) -> None:
    for pointer, metric in objects(metrics, "/impactMetrics", read):
        kind = metric.get("type")
        if kind not in ("counter", "gauge"):
            continue  # a distribution has no single value
        samples = metric.get("samples")
        for sample in samples if isinstance(samples, list) else []:
            value = number(sample.get("value")) if isinstance(sample, dict) else None
            # A flushed counter reports 0 without labels: nothing happened.
            if value is None or (kind == "counter" and value == 0):
                continue
            labels = sample.get("labels")
            series = label_of(labels.items()) if isinstance(labels, dict) else ""
            fields = {"metric": metric.get("name"), "series": series, "at": at, "value": value}
            state_row(read, "observations", pointer, fields, now=now)
