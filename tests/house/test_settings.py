"""What the settings promise of the connections they make."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_SHOW = """
import json, django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    shown = {}
    for name in ("synchronous_commit", "statement_timeout", "lock_timeout"):
        cursor.execute("SELECT current_setting(%s)", [name])
        shown[name] = cursor.fetchone()[0]
print(json.dumps(shown))
"""


@pytest.mark.parametrize(("role", "timeout"), [("web", "5s"), ("worker", "25s")])
def test_a_process_that_acknowledges_or_computes_commits_durably_and_never_waits_for_ever(
    role: str, timeout: str
) -> None:
    environ = {**os.environ, "PRODUCTOPS_ROLE": role, "DJANGO_SETTINGS_MODULE": "productops.settings"}

    done = subprocess.run(
        [sys.executable, "-c", _SHOW], env=environ, capture_output=True, text=True, check=True, timeout=60
    )

    shown = json.loads(done.stdout)
    assert (shown["synchronous_commit"], shown["statement_timeout"]) == ("on", timeout)
    assert shown["lock_timeout"] not in ("0", "")


def test_an_address_that_asks_for_commits_which_do_not_wait_is_not_heeded() -> None:
    address = f"{os.environ['DATABASE_URL'].partition('?')[0]}?options=-c%20synchronous_commit%3Doff"
    environ = {**os.environ, "DATABASE_URL": address, "PRODUCTOPS_ROLE": "web"}
    environ["DJANGO_SETTINGS_MODULE"] = "productops.settings"

    done = subprocess.run(
        [sys.executable, "-c", _SHOW], env=environ, capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(done.stdout)["synchronous_commit"] == "on"
