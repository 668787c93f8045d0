from __future__ import annotations

import gzip
import io
import shlex
from datetime import date
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from outcomes.models import Source
from productops.workspaces.keys import find_key
from productops.workspaces.models import Workspace
from productops.workspaces.models.keys import SCOPES
from roadmap.models import Customer
from tests.files.importing import a_workspace

pytestmark = pytest.mark.django_db

CUSTOMERS = "key,name,mrr\nacme,Acme,420\nbolt,Bolt,NaN\n"


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS)
    return path


def test_refused_rows_are_told_and_the_valid_ones_taken(customers: Path) -> None:
    a_workspace()
    status, out, err = run("import_csv", "customers", str(customers), "--workspace", "acme")
    assert (status, out) == (1, "customers: 1 created, 0 updated, 0 unchanged, 1 refused\n")
    assert err == "line 3, column mrr: Must be an amount, such as 420 or 420.50.\n"
    assert Customer.objects.get().key == "acme"


def test_a_dry_run_says_that_nothing_was_written(customers: Path) -> None:
    a_workspace()
    status, out, _ = run("import_csv", "customers", str(customers), "--workspace", "acme", "--dry-run")
    assert (status, Customer.objects.count()) == (1, 0)
    assert out == "customers: 1 created, 0 updated, 0 unchanged, 1 refused (dry run: nothing was written)\n"


def test_a_packed_file_that_reads_well_exits_0(tmp_path: Path) -> None:
    a_workspace()
    path = tmp_path / "c.csv"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfkey,name\r\nacme,Acme\r\n"))
    assert run("import_csv", "customers", str(path), "--workspace", "acme")[0] == 0
    assert Customer.objects.get().name == "Acme"


def test_standard_input_is_a_file_too() -> None:
    a_workspace()
    with patch("sys.stdin", io.TextIOWrapper(io.BytesIO(b"key,name\nacme,Acme\n"))):
        assert run("import_csv", "customers", "-", "--workspace", "acme")[0] == 0


def test_a_file_with_unknown_columns_takes_nothing(tmp_path: Path) -> None:
    a_workspace()
    path = tmp_path / "c.csv"
    path.write_text("key,name,colour\nacme,Acme,red\n")
    with pytest.raises(CommandError, match=r"Nothing of .* was taken"):
        run("import_csv", "customers", str(path), "--workspace", "acme")
    assert Customer.objects.count() == 0


@pytest.mark.parametrize(
    ("file", "slug", "words"), [("/nowhere", "acme", "No such file"), ("-", "none", "no workspace")]
)
def test_a_missing_file_or_workspace_is_one_clear_line(file: str, slug: str, words: str) -> None:
    a_workspace()
    with pytest.raises(CommandError, match=words):
        run("import_csv", "customers", file, "--workspace", slug)


def test_a_new_workspace_prints_three_lines_that_a_shell_can_source() -> None:
    options = [
        "--time-zone",
        "Europe/Berlin",
        "--pin",
        "2026-07-24",
        "--grace-days",
        "14",
        "--window-days",
        "7",
    ]
    status, out, _ = run(
        "create_workspace", "web", "--name", "The web", *options, "--under-used-below", "0.0001"
    )
    said = dict(line.split("=", 1) for line in out.splitlines())
    assert status == 0
    assert list(said) == ["PRODUCTOPS_API_KEY", "PRODUCTOPS_SOURCE_URL", "PRODUCTOPS_SOURCE_SECRET"]
    assert all(len(shlex.split(value)) == 1 for value in said.values())
    workspace = Workspace.objects.get(key="web")
    assert (workspace.name, workspace.time_zone, workspace.pinned_on) == (
        "The web",
        "Europe/Berlin",
        date(2026, 7, 24),
    )
    assert (workspace.grace_days, workspace.window_days, workspace.under_used_below) == (14, 7, 0.0001)
    key = find_key(shlex.split(said["PRODUCTOPS_API_KEY"])[0])
    assert (key.workspace, set(key.scopes)) == (workspace, set(SCOPES))
    source = Source.objects.get(workspace=workspace)
    assert (source.kind, source.cadence, source.url) == ("productops", "daily", said["PRODUCTOPS_SOURCE_URL"])
    assert said["PRODUCTOPS_SOURCE_SECRET"].startswith("whsec_")


def test_a_slug_that_is_taken_is_one_clear_line() -> None:
    a_workspace("web")
    with pytest.raises(CommandError, match="There is a workspace 'web' already"):
        run("create_workspace", "web", "--name", "Again")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--time-zone", "Mars/Olympus"], "time-zone"),
        (["--window-days", "0"], "window"),
        (["--pin", "tomorrow"], "not a day"),
        (["--pin", "2126-11-26"], "pinned-on: A pin lies between 1990-01-01 and today"),
        (["--pin", "0001-01-01"], "pinned-on: A pin lies between 1990-01-01 and today"),
        (["--under-used-below", "nan"], "not a share"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_and_nothing_is_made(options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("create_workspace", "web", "--name", "Web", *options)
    assert Workspace.objects.count() == 0
