"""What is counted for Prometheus. A handful of instruments, touched by whoever does the thing they count.

Every process counts for itself, into a file where PROMETHEUS_MULTIPROC_DIR says; the web server adds the files up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Histogram, values
from prometheus_client.values import MultiProcessValue


def _process() -> str:
    """A name for this process that its successor takes over: workers replace their children all day."""
    from billiard import current_process

    index = getattr(current_process(), "index", None)
    return str(os.getpid()) if index is None else f"{os.getppid()}-{index}"


if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], exist_ok=True)
    values.ValueClass = MultiProcessValue(_process)  # type: ignore[no-untyped-call]  # untyped upstream

ACCEPTED = Counter(
    "productops_deliveries_accepted", "Requests answered 2xx because they are stored.", ["kind", "status"]
)
REFUSED = Counter("productops_deliveries_refused", "Requests that were not taken, by status.", ["status"])
DRIFT = Counter("productops_drift", "Stored numbers that were not as the facts say, by kind.", ["kind"])
ROWS = Counter("productops_rows", "Rows of interpreted deliveries, by what became of them.", ["outcome"])
BATCHES = Histogram(
    "productops_batch_seconds",
    "How long the worker took for one batch.",
    ["step"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
RINGS = Counter("productops_doorbell_rings", "Hints to the worker: sent, or lost with Redis.", ["result"])

ATTEMPTS = Counter("productops_notice_attempts", "Attempts to deliver a notice, by result.", ["result"])


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Observe how long a batch took, also when it failed."""
    started = perf_counter()
    try:
        yield
    finally:
        BATCHES.labels(step).observe(perf_counter() - started)
