"""Stream items as CSV out of a small workspace and out of a large one, and compare what it takes in memory.

    python benchmarks/exports.py [--rows 100000]

The servers of `script/server` must be running. Each stream runs in a process of its own. Prints rows, bytes,
seconds and the peak resident memory; fails when the large one takes more than 1.2 times that of the small one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FEW = 1_000
MOST_TIMES = 1.2

_FILL = """
    WITH made AS (
        INSERT INTO roadmap_item (workspace_id, version, created_at, updated_at, key, title, summary, hypothesis,
            kind, url, status, horizon, is_release_stated, usage_policy, exemption_reason)
        SELECT %(workspace)s, 1, now(), now(), 'item-' || n, 'Item ' || n, repeat('What it is about. ', 20), '',
            'feature', '', 'idea', '', false, 'normal', ''
        FROM generate_series(1, %(rows)s) AS n RETURNING id
    ), valued AS (
        INSERT INTO outcomes_itemvalue (workspace_id, item_id, proven, coverage, missing, explanation, demand,
            revenue_at_stake)
        SELECT %(workspace)s, id, id %% 997, 0.5, '[]', '{}', 0, 0 FROM made
    ), problem AS (
        INSERT INTO roadmap_problem (workspace_id, version, created_at, updated_at, key, title, description)
        VALUES (%(workspace)s, 1, now(), now(), 'problem', 'A problem', '') RETURNING id
    )
    INSERT INTO roadmap_link (workspace_id, version, created_at, updated_at, item_id, problem_id, weight)
    SELECT %(workspace)s, 1, now(), now(), made.id, problem.id, 1 FROM made, problem
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stream", help="a key: stream with it and print what it took")
    options = parser.parse_args()
    set_up()
    if options.stream:
        stream(options.stream)
        return
    small, large = measured(FEW), measured(options.rows)
    times = large["peak_mib"] / small["peak_mib"]
    print(f"{times:.2f} times the memory for {options.rows // FEW} times the rows")
    if large["rows"] != options.rows or times > MOST_TIMES:
        sys.exit("the export does not run in constant memory")


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def measured(rows: int) -> dict[str, float]:
    """Fill a workspace, stream it in another process, and take the workspace away again."""
    from django.db import connection, transaction

    from productops.workspaces.keys import issue_key
    from productops.workspaces.models import Workspace

    workspace = Workspace.objects.create(key=f"export-{rows}-{int(time.time())}", name="Export")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # The checks of foreign keys are planned while the tables look empty, and kept.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(_FILL, {"workspace": workspace.pk, "rows": rows})
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE roadmap_item, outcomes_itemvalue, roadmap_link")
        _, key = issue_key(workspace, "export", ["roadmap:read"])
        told = subprocess.run(
            [sys.executable, __file__, "--stream", key], check=True, text=True, stdout=subprocess.PIPE
        )
        print(told.stdout.strip(), flush=True)
        answer: dict[str, float] = json.loads(told.stdout)
        return answer
    finally:
        workspace.delete()


def stream(key: str) -> None:
    """Read the file as a client does, chunk by chunk, keeping nothing."""
    from django.test import Client

    started = time.monotonic()
    response = Client(SERVER_NAME="127.0.0.1").get(
        "/api/v1/items.csv", headers={"Authorization": f"Bearer {key}"}
    )
    lines = size = 0
    for chunk in response.streaming_content:
        lines += chunk.count(b"\n")
        size += len(chunk)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken = {"rows": lines - 1, "bytes": size, "seconds": round(time.monotonic() - started, 1)}
    print(json.dumps({**taken, "peak_mib": round(peak, 1)}))


if __name__ == "__main__":
    main()
