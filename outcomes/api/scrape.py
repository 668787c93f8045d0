"""`/metrics`: what Prometheus reads, shown to those who hold the token, or without one to this machine alone."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from outcomes.pipeline import backlog
from outcomes.sources.proofs import bearer
from productops.api.problems import problem_response


def scrape(request: HttpRequest) -> HttpResponse:
    """Counters of every process on this machine, and the backlog as PostgreSQL tells it."""
    if not _may_read(request):
        return problem_response(request, 404, "not_found", "There is nothing at this address.")
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped upstream
    else:
        registry = _of_this_process()
    registry.register(_Backlog())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = bearer({"authorization": request.headers.get("Authorization", "")}) or ""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), settings.METRICS_TOKEN.encode())
    if settings.USE_X_FORWARDED_HOST:
        # Behind a proxy everybody's address is the proxy's.
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class _Own(Collector):
    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


def _of_this_process() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Own())
    return registry


class _Backlog(Collector):
    """Read when asked: a gauge that a worker kept would be wrong exactly when the worker is in trouble."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = backlog.measure()
        yield _gauge("deliveries_pending", "Deliveries that wait to be interpreted.", now.pending)
        yield _gauge(
            "deliveries_oldest_pending_seconds", "Age of the oldest of them.", now.oldest_pending_seconds
        )
        yield _gauge("deliveries_set_aside", "Deliveries that failed and want a person.", now.set_aside)
        marks = GaugeMetricFamily(
            "productops_marks_pending", "What is out of date and not yet recomputed.", labels=["kind"]
        )
        for kind, count in now.marks.items():
            marks.add_metric([kind], count)
        yield marks
        yield _gauge("marks_oldest_pending_seconds", "Age of the oldest of it.", now.oldest_mark_seconds)
        out = backlog.measure_outgoing()
        yield _gauge("notices_pending", "Notices that wait to be delivered.", out.waiting)
        yield _gauge("notices_late_seconds", "How long the oldest of them has been due.", out.late_seconds)
        yield _gauge("endpoints_failing", "Endpoints at which every attempt fails.", out.failing)
        yield _gauge("endpoints_given_up", "Endpoints disabled because of that, or gone.", out.disabled)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"productops_{name}", words, value=value)
