"""Fuzz every operation of a running server with Schemathesis: as owner, as nobody, and from another workspace.

    python benchmarks/fuzz_api.py URL KEY OUTSIDERS_KEY [--examples 200] [--phases coverage,fuzzing,stateful] [--seed 1]

All checks, told what tests/fuzz/schemathesis.toml says and why, and the one of tests/fuzz/checks.py. KEY is written
with: give it a workspace of its own (`manage.py create_workspace`), and the server a high API_REQUESTS_PER_MINUTE.
Exits 1 when any of the three runs found something.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("outsiders_key")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--phases", default="coverage,fuzzing,stateful")
    parser.add_argument("--max-time", type=int, help="seconds for each of the three")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = []
    for name, key in (("owner", options.key), ("nobody", ""), ("outsider", options.outsiders_key)):
        print(f"\n=== as {name} ===", flush=True)
        if subprocess.run(command(options, key), env=environ(), cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"found something: {', '.join(failed) or 'nobody'}")
    return 1 if failed else 0


def command(options: argparse.Namespace, key: str) -> list[str]:
    said = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", "tests/fuzz/schemathesis.toml", "run",
        f"{options.url}/api/schema/?format=json", "--phases", options.phases, "--seed", str(options.seed),
        "--max-examples", str(options.examples), "--continue-on-failure", "--workers", "2",
    ]  # fmt: skip
    if key:
        said += ["--header", f"Authorization: Bearer {key}"]
    return [*said, "--max-time", str(options.max_time)] if options.max_time else said


def environ() -> dict[str, str]:
    return {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.checks", "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    sys.exit(main())
