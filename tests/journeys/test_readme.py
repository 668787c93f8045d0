"""The README can be followed by pasting it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from productops.local.places import CHECKOUT
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey

README = (CHECKOUT / "README.md").read_text()


@pytest.fixture(scope="module")
def beside_the_demo(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the demo's `var/local.env`, as `script/server` leaves it."""
    access = server.manage("load_demo", seconds=300).stdout
    folder = tmp_path_factory.mktemp("pasting")
    (folder / "var").mkdir()
    (folder / "var" / "local.env").write_text(f"PRODUCTOPS_URL={server.url}\n{access}")
    return folder


def test_the_signed_webhook_of_the_readme_moves_the_value_it_says(beside_the_demo: Path) -> None:
    pasted = next(block for block in _blocks() if "webhook-signature" in block)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", pasted],
        cwd=beside_the_demo,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )

    before, answer, after = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    assert answer["status"] == "accepted"
    assert after["value"]["proven"] > before["value"]["proven"] + 0.1


def test_every_file_the_readme_points_at_is_there() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert targets
    assert [target for target in targets if not (CHECKOUT / target).exists()] == []


def test_every_command_the_readme_names_exists() -> None:
    commands = {
        line.split()[0] for block in _blocks() for line in block.splitlines() if line.startswith("script/")
    }

    assert commands == {"script/server", "script/test"}
    assert all((CHECKOUT / command).is_file() for command in commands)


def _blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
