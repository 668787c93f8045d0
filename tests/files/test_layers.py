from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "roadmap.imports.tables",
        "roadmap.imports.columns",
        "roadmap.imports.weights",
        "roadmap.imports.parents",
        "outcomes.backfill.rows",
        "outcomes.backfill.posting",
    ],
)
def test_the_pure_halves_run_without_django(module: str) -> None:
    code = f"import sys, {module}; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
