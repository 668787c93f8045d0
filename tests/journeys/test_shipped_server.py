"""What only the server that is shipped can show: bodies in chunks, and sockets that dawdle."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from outcomes.sources.signatures import signed_headers
from tests.journeys.calling import Answer, Team
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def team(server: RunningServer) -> Team:
    return Team.on(server, "sockets")


def in_chunks(team: Team, path: str, parts: list[bytes], headers: dict[str, str]) -> Answer:
    """POST a body whose length is not said."""
    connection = http.client.HTTPConnection("127.0.0.1", team.server.port, timeout=30)
    try:
        whole = {"Content-Type": "application/json", **headers}
        connection.request("POST", path, body=iter(parts), headers=whole, encode_chunked=True)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers), json.loads(answer.read()))
    finally:
        connection.close()


def test_the_api_refuses_a_body_in_chunks_and_never_takes_it_for_an_empty_one(team: Team) -> None:
    parts = [b'{"title": ', b'"In chunks", "key": "in-chunks"}']
    answer = in_chunks(team, "/api/v1/items/", parts, {"Authorization": f"Bearer {team.key}"})
    assert answer.status == 411
    assert answer.headers["content-type"] == PROBLEM
    assert team.api("GET", "items/in-chunks/").status == 404


def test_rows_may_be_streamed_line_by_line_and_one_that_breaks_off_states_nothing(team: Team) -> None:
    team.make("metrics/", {"key": "streamed", "name": "Streamed"})
    row = b'{"metric": "streamed", "at": "2026-05-01T10:00:00Z", "value": 1, "series": "%d"}\n'
    path, headers = (
        "/api/v1/observations/",
        {"Authorization": f"Bearer {team.key}", "Content-Type": "application/x-ndjson"},
    )
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
    assert _hang_up_after(team, head + b"%x\r\n" % 70 + (row % 0)[:40]) in (b"", b"400", b"411")
    answer = in_chunks(team, path, [row % 1, (row % 2)[:20], (row % 2)[20:]], headers)
    assert (answer.status, answer.body["taken"]) == (200, 2)
    assert len(team.api("GET", "deliveries/?source=api").body["results"]) == 1


def test_the_door_reads_a_delivery_in_chunks_whole(team: Team) -> None:
    parts = [b'{"customers": [', b'{"key": "acme",', b' "name": "Acme"}]}']
    signed = signed_headers(team.secret, "in-chunks", int(time.time()), b"".join(parts))
    answer = in_chunks(team, urlsplit(team.source_url).path, parts, signed)
    assert answer.status == 202, answer
    assert [row["taken"] for row in team.settled() if row["external_id"] == "in-chunks"] == [1]


def test_the_door_reads_no_more_of_a_body_in_chunks_than_it_would_take(team: Team) -> None:
    parts = [b"x" * 65536] * 40
    signed = signed_headers(team.secret, "too-large", int(time.time()), b"".join(parts))
    assert in_chunks(team, urlsplit(team.source_url).path, parts, signed).status == 413


def test_the_door_stores_nothing_of_a_body_in_chunks_that_breaks_off(team: Team) -> None:
    source = team.make("sources/", {"key": "chunks", "name": "Chunks", "kind": "segment"})
    proof = base64.b64encode(f"{source['secret']}:".encode()).decode()
    head = (
        f"POST {urlsplit(source['url']).path}/v1/batch HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Basic {proof}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for said in ('40\r\n{"batch": [', '5\r\n{"bat\r\n', '5\r\n{"bat\r\nzz\r\n', ""):
        assert _hang_up_after(team, f"{head}{said}".encode()) in (b"", b"400", b"411"), said
    assert team.api("GET", "deliveries/?source=chunks").body["results"] == []


def test_the_door_takes_protobuf_in_chunks_and_nothing_of_one_that_breaks_off(team: Team) -> None:
    source = team.make("sources/", {"key": "export", "name": "Export", "kind": "otlp"})
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="m").gauge.data_points.add(as_double=1.5, time_unix_nano=time.time_ns())
    raw, path = request.SerializeToString(), f"{urlsplit(source['url']).path}/v1/metrics"
    headers = {"Authorization": f"Bearer {source['secret']}", "Content-Type": "application/x-protobuf"}
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
    cut = {_hang_up_after(team, head + b"%x\r\n" % length + raw[:length]) for length in range(1, len(raw), 5)}
    assert cut <= {b"", b"400", b"411"}
    assert team.api("GET", "deliveries/?source=export").body["results"] == []
    whole = b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw)
    assert _status_after(team, head + whole) == b"200"
    assert len(team.api("GET", "deliveries/?source=export").body["results"]) == 1


def _hang_up_after(team: Team, said: bytes) -> bytes:
    return _status_after(team, said, hang_up=True)


def _status_after(team: Team, said: bytes, *, hang_up: bool = False) -> bytes:
    """The status that is answered to bytes, nothing when the connection ends without an answer."""
    with socket.create_connection(("127.0.0.1", team.server.port), timeout=30) as connection:
        connection.sendall(said)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096)[9:12]


@pytest.mark.parametrize("count", [40, 200])
@pytest.mark.parametrize("said", ["X-Slow: ", "\r\n{"], ids=["header", "body"])
def test_sockets_that_dawdle_do_not_keep_healthz_from_answering(team: Team, count: int, said: str) -> None:
    with dawdling(team, count, said):
        assert [team.server.status("/healthz") for _ in range(5)] == [200] * 5


@contextmanager
def dawdling(team: Team, count: int, said: str) -> Iterator[None]:
    """So many connections that have said the beginning of a request, and nothing since."""
    head = "POST /in/nobody HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999\r\n"
    with ExitStack() as open_ones:
        for _ in range(count):
            slow = open_ones.enter_context(
                socket.create_connection(("127.0.0.1", team.server.port), timeout=5)
            )
            slow.sendall(f"{head}{said}".encode())
        time.sleep(0.5)  # all of them have been read by then
        yield
