"""Memory of the worker while many stored deliveries are read again."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ingest.load import post_all
from benchmarks.ingest.system import System, tell

LIMIT_MB = 250
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PENDING = "SELECT count(*) FROM outcomes_delivery WHERE workspace_id = %s AND state = 'pending'"
_REPLAY = (
    "UPDATE outcomes_delivery SET state = 'pending', attempts = 0, retry_at = NULL WHERE workspace_id = %s"
)


def measure(system: System, *, rows: int, size: int = 1000) -> int:
    """The most resident memory of any process of the worker during the replay, in MB."""
    team = system.team("replay")
    team.make("metrics/", {"key": "m", "name": "M"})
    workspace = system.ask("SELECT id FROM workspaces_workspace WHERE key = %s", team.slug)
    target = system.target(team)
    for first in range(0, rows, 20 * size):
        bodies = [_body(start, size) for start in range(first, min(rows, first + 20 * size), size)]
        answers = post_all(target.address, [target.request(uuid.uuid4().hex, body) for body in bodies], 4)
        assert set(answers.statuses) == {202}, answers.statuses
    system.wait_until(_PENDING, 0, 1800, workspace)
    system.settle(1800)
    before = _resident_mb(system)
    with system.connect() as connection:
        connection.execute(_REPLAY, [workspace])
        started = time.monotonic()
        seen: list[int] = []
        while (row := connection.execute(_PENDING, [workspace]).fetchone()) and row[0]:
            seen.append(max(_resident_mb(system)))
            time.sleep(0.5)
    most = max(seen)
    tell(
        "replay",
        rows=rows,
        rows_per_second=rows / (time.monotonic() - started),
        resident_mb_before=max(before),
        resident_mb_most=most,
        resident_mb_last=seen[-1],
        limit_mb=LIMIT_MB,
    )
    return most


def _body(start: int, size: int) -> bytes:
    rows = [
        {"metric": "m", "at": (_START + timedelta(seconds=start + n)).isoformat(), "value": n}
        for n in range(size)
    ]
    return json.dumps({"observations": rows}).encode()


def _resident_mb(system: System) -> list[int]:
    """Of the worker and of each of its children."""
    parent = system.server.worker_pid
    pids = [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]
    pages = []
    for pid in pids:
        try:
            pages.append(int(Path(f"/proc/{pid}/statm").read_text().split()[1]))
        except FileNotFoundError:
            continue  # it was replaced just now
    return [number * 4096 // 2**20 for number in pages]
