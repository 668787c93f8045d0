"""The small files and plain answers behind `script/server`."""

from __future__ import annotations

import socket
import stat
import subprocess
from pathlib import Path

import pytest

from productops.local.access import ACCESS, access_of, at_address, env_text, parse_env, summary
from productops.local.demo import HAS_DEMO, Output
from productops.local.errors import CannotStart, in_one_line
from productops.local.install import is_usable, why_failed
from productops.local.places import Places, places, server_urls, write_whole
from productops.local.postgres import database_url, port_of
from productops.local.processes import Stop, free_port, is_port_free
from productops.local.serve import check_disk, chosen_port, only_one
from productops.local.servers import Servers
from productops.local.supervisor import Service, Supervisor
from productops.local.testrun import REQUIRE_BROWSER, Beside, what_can_run
from productops.local.valkey import redis_url
from tests.factories import a_workspace

WAY_IN = {
    "PRODUCTOPS_API_KEY": "po_1_abc",
    "PRODUCTOPS_ADMIN_USER": "admin",
    "PRODUCTOPS_ADMIN_PASSWORD": "it's $HOME & more",
    "PRODUCTOPS_SOURCE_URL": "http://127.0.0.1:8000/in/tok/en?x=1",
    "PRODUCTOPS_SOURCE_SECRET": "whsec_a+b/c==",
}
SERVERS = {"DATABASE_URL": "postgres://productops:pw@127.0.0.1:5/productops", "REDIS_URL": "redis://x/0"}


@pytest.fixture
def where(tmp_path: Path) -> Places:
    made = Places(tmp_path / "var")
    made.make()
    return made


@pytest.fixture
def here(where: Places, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("PRODUCTOPS_VAR", str(where.var))
    return where


# --- var/local.env --------------------------------------------------------------------------------------


def test_a_shell_that_sources_local_env_reads_exactly_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "local.env"
    file.write_text(env_text("http://127.0.0.1:8000", WAY_IN, SERVERS))
    script = f'. "{file}"; printf "%s|%s" "$PRODUCTOPS_ADMIN_PASSWORD" "$PRODUCTOPS_SOURCE_SECRET"'
    printed = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed == "it's $HOME & more|whsec_a+b/c=="


def test_local_env_holds_the_eight_promised_names_and_reads_back() -> None:
    found = parse_env(env_text("http://127.0.0.1:8000", WAY_IN, SERVERS))
    assert found == {"PRODUCTOPS_URL": "http://127.0.0.1:8000", **WAY_IN, **SERVERS}


def test_the_way_in_counts_only_when_all_five_values_are_there() -> None:
    whole = "".join(f"{name}={index}\n" for index, name in enumerate(ACCESS))
    assert access_of(f"loading 10%\n{whole}") == {name: str(index) for index, name in enumerate(ACCESS)}
    assert access_of(whole.replace("PRODUCTOPS_API_KEY=0\n", "")) == {}


def test_lines_that_are_no_assignments_are_passed_over() -> None:
    assert parse_env("# note\nhello\nA=1\nB='unclosed\n  C = 2\n") == {"A": "1"}


def test_the_source_url_follows_the_server_to_another_port_and_keeps_its_path() -> None:
    moved = at_address(WAY_IN, "http://127.0.0.1:9001")
    assert moved["PRODUCTOPS_SOURCE_URL"] == "http://127.0.0.1:9001/in/tok/en?x=1"
    assert moved["PRODUCTOPS_API_KEY"] == "po_1_abc"
    assert at_address({}, "http://127.0.0.1:9001") == {}


def test_the_summary_says_where_and_how_to_get_in() -> None:
    text = summary("http://127.0.0.1:8000", WAY_IN)
    for needed in ("http://127.0.0.1:8000/admin/", "http://127.0.0.1:8000/api/docs/", *WAY_IN.values()):
        assert needed in text or needed == WAY_IN["PRODUCTOPS_SOURCE_SECRET"]


def test_a_commands_progress_is_shown_and_its_secrets_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(relay=True)
    for part in (b"posting 1 of 2\npost", b"ing 2 of 2\nPRODUCTOPS_API_KEY=po_1", b"_abc\n"):
        output(part)
    assert capsys.readouterr().out == "posting 1 of 2\nposting 2 of 2\n"
    assert "PRODUCTOPS_API_KEY=po_1_abc" in output.text()


# --- What commands find by themselves -------------------------------------------------------------------


def test_without_servers_and_without_a_key_commands_find_nothing(here: Places) -> None:
    assert server_urls() == {}


def test_commands_find_the_servers_the_key_and_the_address(here: Places) -> None:
    key = here.secret_key()
    write_whole(here.servers_file, '{"DATABASE_URL": "d", "REDIS_URL": "r", "PRODUCTOPS_URL": "u"}')
    assert server_urls() == {
        "DATABASE_URL": "d",
        "REDIS_URL": "r",
        "PRODUCTOPS_URL": "u",
        "SECRET_KEY": key,
    }


def test_the_secret_key_is_made_once_and_closed_to_others(where: Places) -> None:
    first = where.secret_key()
    assert where.secret_key() == first
    assert len(first) >= 50
    assert stat.S_IMODE(where.secret_key_file.stat().st_mode) == 0o600


def test_var_can_be_somewhere_else(tmp_path: Path) -> None:
    assert places({"PRODUCTOPS_VAR": str(tmp_path)}).var == tmp_path
    assert places({}).var.name == "var"


def test_a_file_is_replaced_whole_and_no_draft_stays(tmp_path: Path) -> None:
    target = tmp_path / "local.env"
    write_whole(target, "old\n")
    write_whole(target, "new\n")
    assert target.read_text() == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["local.env"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


# --- Servers that exist, and our own --------------------------------------------------------------------


def test_servers_that_the_environment_names_are_used_and_nothing_is_started(where: Places) -> None:
    supervisor = Supervisor(Stop(), where.run, print)
    assert Servers(where, supervisor, print).start(SERVERS) == SERVERS
    assert supervisor.posts == {}


def test_our_own_urls_in_the_environment_do_not_count_as_servers_that_exist(where: Places) -> None:
    write_whole(where.credentials_file, '{"postgres": "secret", "redis": "other"}')
    servers = Servers(where, Supervisor(Stop(), where.run, print), print)
    servers._known = servers._read()
    assert not servers._is_foreign("DATABASE_URL", {"DATABASE_URL": database_url(5, "secret")})
    assert not servers._is_foreign("REDIS_URL", {"REDIS_URL": redis_url(5, "other")})
    assert servers._is_foreign("DATABASE_URL", {"DATABASE_URL": database_url(5, "theirs")})
    assert not servers._is_foreign("REDIS_URL", {})


def a_service(where: Places, answers: list[bool]) -> Service:
    """A process that sleeps; each time it is asked whether it is ready it gives the next answer."""
    sleeping = ("/bin/sh", "-c", "exec sleep 60")
    log = where.var / "sleeper.log"
    return Service(
        "sleeper", sleeping, {}, where.var, log, is_ready=lambda: answers.pop(0) if answers else False
    )


def test_a_service_that_said_once_that_it_is_ready_is_ready(where: Places) -> None:
    where.make()
    supervisor = Supervisor(Stop(), where.run, print)
    try:
        supervisor.start(a_service(where, [False, True]))
        assert supervisor.wait_ready("sleeper", 30.0)
        assert not supervisor.wait_ready("sleeper", 0.0)
        assert supervisor.is_up("sleeper")
    finally:
        supervisor.stop_all()


def test_a_service_that_ended_is_not_waited_for(where: Places) -> None:
    where.make()
    supervisor = Supervisor(Stop(), where.run, print)
    gone = Service("gone", ("/bin/true",), {}, where.var, where.var / "gone.log", is_ready=lambda: False)
    supervisor.start(gone)
    assert not supervisor.wait_ready("gone", 600.0)
    assert not supervisor.is_up("gone")


def test_the_port_of_the_last_start_is_read_from_its_url() -> None:
    assert port_of({"DATABASE_URL": database_url(5433, "p")}, "DATABASE_URL") == 5433
    assert port_of({"REDIS_URL": redis_url(6380, "p")}, "REDIS_URL") == 6380
    assert port_of({}, "REDIS_URL") is None


# --- One clear line each --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "8000 ", "٣"])
def test_a_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(CannotStart, match="is not a port"):
        chosen_port({"PORT": text})


def test_the_port_is_8000_unless_chosen() -> None:
    assert chosen_port({}) == 8000
    assert chosen_port({"PORT": ""}) == 8000
    assert chosen_port({"PORT": "8123"}) == 8123


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no space left"):
        check_disk(tmp_path, least=1 << 62)
    check_disk(tmp_path, least=1)


def test_a_disk_that_fills_up_on_the_way_is_the_same_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no space left"), in_one_line(tmp_path):
        raise OSError(28, "No space left on device")


def test_other_errors_of_the_system_are_not_dressed_up(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), in_one_line(tmp_path):
        raise FileNotFoundError(2, "gone")


def test_a_second_server_is_told_where_the_first_one_runs(where: Places) -> None:
    told = r"already running at http://127\.0\.0\.1:8000 \(process \d+\)"
    second = only_one(where, "http://127.0.0.1:8001")
    with only_one(where, "http://127.0.0.1:8000"), pytest.raises(CannotStart, match=told):
        second.__enter__()
    with only_one(where, "http://127.0.0.1:8001"):
        pass


def test_why_an_installation_failed_is_the_line_that_says_most(tmp_path: Path) -> None:
    full = "Collecting x\nERROR: Could not install: [Errno 28] No space left on device\nmore\n"
    assert "no space left" in why_failed(full, tmp_path)
    wrong = "Collecting x\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    Expected sha256\n"
    assert "DO NOT MATCH THE HASHES" in why_failed(wrong, tmp_path)
    assert "no output" in why_failed("", tmp_path)


def test_an_environment_without_python_is_not_usable(tmp_path: Path) -> None:
    assert not is_usable(tmp_path)


# --- Ports and browsers ---------------------------------------------------------------------------------


def test_a_preferred_port_is_kept_while_nobody_has_it() -> None:
    def is_kept() -> bool:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = holder.getsockname()[1]
            assert not is_port_free(taken)
            assert free_port(taken) != taken
        return free_port(taken) == taken

    # Whoever else is on this machine may take a port as soon as it is let go, but not again and again.
    assert any(is_kept() for _ in range(5))


def test_without_a_browser_its_tests_are_left_out_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert what_can_run({}) == ["-m", "not browser and not node"]
    assert capsys.readouterr().err.count("\n") == 2


def test_where_a_browser_is_required_its_absence_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotStart, match="apt-get install chromium"):
        what_can_run({REQUIRE_BROWSER: "1"})


def test_what_runs_beside_the_tests_is_shown_at_its_end_and_its_failure_counts(
    where: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    where.make()
    failing = ("/bin/sh", "-c", "echo mypy failed; exit 3")
    beside = Beside.begin(failing, {}, where.log / "check.log")
    assert beside.result(Supervisor(Stop(), where.run, print)) == 3
    assert "mypy failed" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_workspace_of_your_own_does_not_stand_for_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    a_workspace(key="acme")
    exec(HAS_DEMO, {})
    a_workspace(key="demo")
    exec(HAS_DEMO, {})
    assert capsys.readouterr().out.split() == ["False", "True"]
