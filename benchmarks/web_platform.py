"""Load a folder of CSV files through the project's own doors into a pinned workspace, and time it.

    python benchmarks/web_platform.py FOLDER [--pin 2026-07-24] [--under-used-below 0.0001] [--kill-worker PID]

FOLDER holds products.csv, problems.csv, items.csv, links.csv, evidence.csv and snapshots.csv.gz. The servers of
`script/server` must be running. Prints seconds for each step, deliveries by state and items by verdict.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("products", "problems", "items", "links", "evidence")
TIMEOUT_S = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slug", default=f"web-{int(time.time())}")
    parser.add_argument("--pin", default="2026-07-24")
    parser.add_argument("--under-used-below", default="0.0001")
    parser.add_argument("--kill-worker", type=int, help="a process id to kill -9 in the middle of the load")
    options = parser.parse_args()
    made = manage(
        "create_workspace", options.slug, "--name", "The web platform", "--pin", options.pin,
        "--grace-days", "28", "--window-days", "28", "--under-used-below", options.under_used_below,
    )  # fmt: skip
    access = dict(line.split("=", 1) for line in made.stdout.split())
    for kind in KINDS:
        step(
            f"import {kind}",
            "import_csv",
            kind,
            str(options.folder / f"{kind}.csv"),
            "--workspace",
            options.slug,
        )
    started = time.monotonic()
    backfill = subprocess.Popen(
        [
            sys.executable, ROOT / "manage.py", "backfill", options.folder / "snapshots.csv.gz",
            "--url", access["PRODUCTOPS_SOURCE_URL"].strip("'\""),
            "--secret", access["PRODUCTOPS_SOURCE_SECRET"].strip("'\""),
        ]
    )  # fmt: skip
    if options.kill_worker:
        time.sleep(4)
        os.kill(options.kill_worker, signal.SIGKILL)
        print(f"killed {options.kill_worker}", flush=True)
    if backfill.wait(TIMEOUT_S):
        sys.exit("the backfill failed")
    print(f"posted after {time.monotonic() - started:.1f} s", flush=True)
    report(options.slug, started)


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments], check=True, text=True, stdout=subprocess.PIPE
    )


def step(name: str, *arguments: str) -> None:
    started = time.monotonic()
    manage(*arguments)
    print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)


def report(slug: str, started: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from collections import Counter

    from outcomes.models import Delivery, ItemUsage, Mark, ValueRecord

    mine = {"workspace__key": slug}
    while time.monotonic() < started + TIMEOUT_S:
        if (
            not Mark.objects.filter(**mine).exists()
            and not Delivery.objects.filter(**mine, state="pending").exists()
        ):
            break
        time.sleep(0.2)
    print(f"settled after {time.monotonic() - started:.1f} s")
    print("deliveries", dict(Counter(Delivery.objects.filter(**mine).values_list("state", flat=True))))
    print("verdicts", dict(Counter(ItemUsage.objects.filter(**mine).values_list("verdict", flat=True))))
    print("value records", ValueRecord.objects.filter(**mine).count())


if __name__ == "__main__":
    main()
