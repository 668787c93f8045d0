"""A frontend's own client: generated from the document, compiled strictly, run against a real server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from productops.local.places import CHECKOUT
from tests.journeys.calling import Team
from tests.journeys.running import RunningServer

pytestmark = [pytest.mark.journey, pytest.mark.node]

_SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "journey.ts")
# A comment may hold the word.
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's folder, a copy with its packages as the lock file pins them, generated and compiled."""
    folder = tmp_path_factory.mktemp("client")
    for name in _SOURCES:
        shutil.copy(CHECKOUT / "tests" / "client" / name, folder)
    run(folder, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
    document = CHECKOUT / "docs" / "openapi.json"
    run(folder, "npx", "openapi-typescript", str(document), "--output", "generated/api.ts")
    run(folder, "npx", "tsc", "--project", ".")
    return folder


def run(folder: Path, *command: str, seconds: float = 300.0) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_there_is_no_any_in_the_generated_types(client: Path) -> None:
    types = _COMMENT.sub("", (client / "generated" / "api.ts").read_text())
    assert not re.findall(r"\bany\b", types)


def test_the_compiled_client_creates_reads_changes_pages_and_removes(
    client: Path, server: RunningServer
) -> None:
    team = Team.on(server, "frontend")
    told = json.loads(run(client, "node", "built/journey.js", server.url, team.key, seconds=180))
    assert told == {
        "key": "saved-carts",
        "version": 2,
        "pages": 3,
        "rows": 21,
        "distinct": 21,
        "csv": 22,
        "refused": ["/statuss"],
        "left": 0,
    }
