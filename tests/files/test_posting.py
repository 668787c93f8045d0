"""The client against a server on the loopback that writes down what it was sent."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from django.core.management import CommandError, call_command

from outcomes.backfill import posting
from outcomes.backfill.posting import AddressRefused, NotAccepted, Poster, webhook_id
from outcomes.models import Delivery
from outcomes.services.sources import create_source
from outcomes.sources.signatures import signed_headers
from tests.files.importing import PAULA, a_workspace

# Fixed, not random: it is part of test ids, and every test process has to collect the same.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROWS = "item,on,share\n" + "".join(f"i{n},2026-05-01,0.5\n" for n in range(25))


@dataclass
class Door:
    """A source's door: what came in, and what is answered to each, 202 when nothing else is planned."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    planned: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            is_known = any(headers["webhook-id"] == known["webhook-id"] for known, _ in self.requests)
            self.requests.append((headers, body))
            if self.planned:
                return self.planned.pop(0)
        status = "duplicate" if is_known else "accepted"
        return 202, {}, json.dumps({"id": "1", "status": status}).encode()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            door.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, answer = door.answer({k.lower(): v for k, v in self.headers.items()}, body)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    door.url = f"http://127.0.0.1:{server.server_port}/in/token"
    yield door
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_FIRST_WAIT", 0.01)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "snapshots.csv"
    path.write_text(ROWS)
    return path


def backfill(door: Door, path: Path, *options: str) -> str:
    out = io.StringIO()
    arguments = [str(path), "--url", door.url, "--secret", SECRET, "--batch", "10", *options]
    call_command("backfill", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_our_signature_is_the_published_one() -> None:
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standard_library_of_webhooks_verifies_what_we_send(door: Door, history: Path) -> None:
    backfill(door, history)
    assert len(door.requests) == 3
    for headers, body in door.requests:
        assert standardwebhooks.Webhook(SECRET).verify(body, headers) == json.loads(body)
        assert headers["webhook-id"] == webhook_id(body)
        assert headers["content-type"] == "application/json"


def test_a_rerun_sends_the_same_and_is_all_duplicates(door: Door, history: Path) -> None:
    assert "3 accepted, 0 duplicate, 0 refused" in backfill(door, history)
    assert "25 rows" in (again := backfill(door, history))
    assert "0 accepted, 3 duplicate, 0 refused" in again
    assert len({body for _, body in door.requests}) == 3


def test_connections_are_kept(door: Door, history: Path) -> None:
    backfill(door, history, "--batch", "1")
    assert len(door.requests) == 25
    assert door.connections <= posting.IN_FLIGHT


def test_what_may_pass_is_tried_again(door: Door) -> None:
    said: list[str] = []
    door.planned = [(503, {"Retry-After": "0"}, b"down"), (429, {}, b"slow"), (0, {}, b"")]
    assert Poster(door.url, SECRET, say=said.append).post(b"{}") in ("accepted", "duplicate")
    assert len(door.requests) >= 4
    assert said[0] == "trying again: 503 down"


def test_the_server_is_asked_no_sooner_than_it_said(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    poster = Poster(door.url, SECRET)
    monkeypatch.setattr(poster._stopped, "wait", waited.append)
    door.planned = [(503, {"Retry-After": "7"}, b""), (503, {"Retry-After": "99999"}, b""), (503, {}, b"")]
    poster.post(b"{}")
    assert waited[:2] == [7.0, 120.0]
    assert waited[2] < 1


def test_a_retry_after_that_makes_no_sense_asks_for_nothing() -> None:
    for text in ("", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "١٢"):
        assert posting._seconds(text) == 0


def test_attempts_end(door: Door) -> None:
    door.planned = [(500, {}, b"broken")] * 9
    with pytest.raises(NotAccepted, match="500 broken"):
        Poster(door.url, SECRET, attempts=3).post(b"{}")
    assert len(door.requests) == 3


def test_nobody_listening_ends_in_one_clear_error(door: Door) -> None:
    with pytest.raises(NotAccepted, match="ConnectionRefusedError"):
        Poster("http://127.0.0.1:1/in/x", SECRET, attempts=2).post(b"{}")


@pytest.mark.parametrize("status", [200, 302, 400, 401, 409, 413])
def test_an_answer_that_will_not_change_ends_the_backfill_with_its_words(
    door: Door, history: Path, status: int
) -> None:
    door.planned = [(status, {}, b'{"detail": "no"}')] * 3
    with pytest.raises(CommandError, match=f'Not accepted: {status} {{"detail": "no"}}'):
        backfill(door, history)


def test_rows_that_cannot_be_read_are_left_out_and_the_exit_says_so(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("item,on,share\na,2026-05-01,0.5\nb,2026-05-01,NaN\n")
    with pytest.raises(SystemExit) as caught:
        backfill(door, path)
    assert caught.value.code == 1
    assert json.loads(door.requests[0][1]) == {"snapshots": [{"item": "a", "on": "2026-05-01", "share": 0.5}]}


def test_a_file_that_breaks_off_says_where(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(ROWS + 'x,"2026')
    with pytest.raises(CommandError, match="cannot be read to its end"):
        backfill(door, path)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://a.example/in/x", SECRET),
        ("http:///x", SECRET),
        ("http://a:b/x", SECRET),
        ("http://a/x", "whsec_!"),
    ],
)
def test_an_address_or_secret_that_cannot_work_is_refused_before_anything_is_sent(
    url: str, secret: str
) -> None:
    with pytest.raises(AddressRefused):
        Poster(url, secret)


def test_a_missing_file_is_one_clear_line(door: Door, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        backfill(door, tmp_path / "none.csv")


@pytest.mark.django_db(transaction=True)
def test_a_history_goes_through_the_real_door_once(live_server: Any, settings: Any, history: Path) -> None:
    settings.PUBLIC_URL = live_server.url
    workspace = a_workspace()
    source, secret = create_source(workspace=workspace, by=PAULA, key="warehouse")
    out = io.StringIO()
    for _ in range(2):
        arguments = [str(history), "--url", source.url, "--secret", secret, "--batch", "10"]
        call_command("backfill", *arguments, stdout=out, stderr=io.StringIO())
    first, again = out.getvalue().splitlines()
    assert "3 accepted, 0 duplicate" in first
    assert "0 accepted, 3 duplicate" in again
    assert Delivery.objects.filter(source=source).count() == 3
