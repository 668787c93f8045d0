"""Where webhooks do not go: hosts a stranger may name, each against a canary that nobody may reach."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.channels.addresses import FORBIDDEN, is_forbidden, networks
from outcomes.channels.wire import complaint_about, post
from tests.outcomes.channels.receiving import Receiver, receiving

# As they are written in an address; the resolver decides what they mean.
HOSTS = [
    # loopback, in every spelling that some resolver takes
    "127.0.0.1", "127.1", "127.0.1", "127.127.127.127", "127.0.0.1.", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001",
    "2130706433", "017700000001", "localhost", "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[::7f00:1]",
    # this host, and none
    "0.0.0.0", "0", "0.0.0.1", "[::]", "[::ffff:0.0.0.0]",
    # private
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255",
    "[::ffff:10.0.0.1]", "[::ffff:192.168.1.1]", "[fc00::1]", "[fd00::1]", "[fdff:ffff::1]",
    # metadata of clouds, and link-local
    "169.254.169.254", "169.254.0.1", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "100.100.100.200",
    "168.63.129.16", "[fe80::1]", "[fec0::1]", "[64:ff9b::a9fe:a9fe]",
    # carriers, benchmarks, documentation, assignments
    "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
    "198.51.100.1", "203.0.113.1", "192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1",
    "[2001:db8::1]", "[3fff::1]", "[100::1]", "[2001::1]", "[2001:10::1]", "[2001:20::1]", "[5f00::1]",
    # multicast, reserved, broadcast
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "[ff02::1]", "[ff0e::1]",
    # IPv4 inside IPv6
    "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
    "[2002:808:808::1]", "[2001:0:7f00:1::]", "[2a00:1450::5efe:127.0.0.1]", "[2a00:1450::200:5efe:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
]  # fmt: skip


@pytest.fixture(scope="module")
def canary() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_the_table_is_long_enough() -> None:
    assert len(set(HOSTS)) >= 60


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_is_sent_to(host: str, canary: Receiver) -> None:
    answer = post(f"http://{host}:{canary.port}/hook", b"{}", {}, seconds=5)
    assert answer.status is None
    # Names that this machine's resolver does not know are as good as forbidden.
    assert answer.error.partition(":")[0] in ("forbidden_address", "no_address"), answer
    assert canary.received == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_private_network_that_is_named_opens_nothing_else(host: str, canary: Receiver) -> None:
    allowed = networks(["10.9.0.0/16"])
    answer = post(f"http://{host}:{canary.port}/hook", b"{}", {}, seconds=5, allowed=allowed)
    assert answer.error
    assert canary.received == []


def test_the_canary_sings_when_its_network_is_allowed(canary: Receiver) -> None:
    answer = post(canary.url, b"{}", {}, allowed=networks(["127.0.0.0/8"]))
    assert (answer.status, answer.error) == (204, "")
    assert canary.received.pop().body == b"{}"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1",
     "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1",
     "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_public_addresses_are_free(address: str) -> None:
    assert not is_forbidden(address)


@pytest.mark.parametrize("address", ["", "example.com", "1.2.3", "1.2.3.4.5", ":::", "127.0.0.1%eth0"])
def test_what_is_no_address_is_forbidden(address: str) -> None:
    assert is_forbidden(address)


def test_a_zone_hides_nothing() -> None:
    assert is_forbidden("fe80::1%eth0")
    assert is_forbidden("::ffff:127.0.0.1%1")


def test_what_is_allowed_is_allowed_however_it_is_written() -> None:
    allowed = networks(["10.1.0.0/16", "fd00:1::/32"])
    assert not is_forbidden("10.1.2.3", allowed)
    assert not is_forbidden("::ffff:10.1.2.3", allowed)
    assert not is_forbidden("fd00:1::5", allowed)
    assert is_forbidden("10.2.2.3", allowed)
    with pytest.raises(ValueError):
        networks(["10.1.2.3/16"])


@given(st.sampled_from(FORBIDDEN), st.integers(min_value=0))
def test_every_address_of_a_forbidden_network_is_forbidden(network, number) -> None:  # type: ignore[no-untyped-def]
    assert is_forbidden(str(network[number % network.num_addresses]))


@given(st.ip_addresses(v=4))
def test_an_address_is_no_freer_inside_another(address) -> None:  # type: ignore[no-untyped-def]
    if is_forbidden(str(address)):
        assert is_forbidden(f"::ffff:{address}")
        assert is_forbidden(f"64:ff9b::{address}")
        assert is_forbidden(f"2a00:1::5efe:{address}")


def test_a_name_that_answers_otherwise_a_moment_later_is_asked_once(canary: Receiver) -> None:
    # First as an address that may be gone to, where nobody listens; then as one that may not, where somebody does.
    answers = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    allowed = networks(["127.0.0.2/32"])
    answer = post(f"http://rebind.example:{canary.port}/", b"{}", {}, allowed=allowed, resolve=resolve)
    assert asked == ["rebind.example"]
    assert answer.error.startswith("connection: ConnectionRefusedError")
    assert canary.received == []


@pytest.mark.parametrize("others", [["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"], ["8.8.8.8", "10.0.0.1"]])
def test_one_forbidden_address_among_others_is_enough(others: list[str], canary: Receiver) -> None:
    answer = post(f"http://both.example:{canary.port}/", b"{}", {}, resolve=lambda host, port: others)
    assert answer.error.startswith("forbidden_address")
    assert canary.received == []


def test_the_connection_goes_to_the_address_that_was_judged_under_the_name_that_was_asked(
    canary: Receiver,
) -> None:
    answer = post(
        f"http://hooks.example:{canary.port}/a/b?c=d e",
        b"{}",
        {},
        allowed=networks(["127.0.0.0/8"]),
        resolve=lambda host, port: ["127.0.0.1"],
    )
    assert answer.error.startswith("address")  # a blank does not belong there
    answer = post(
        f"http://hooks.example:{canary.port}/a/b?c=d",
        b"{}",
        {},
        allowed=networks(["127.0.0.0/8"]),
        resolve=lambda host, port: ["127.0.0.1"],
    )
    assert answer.status == 204
    sent = canary.received.pop()
    assert (sent.path, sent.headers["host"]) == ("/a/b?c=d", f"hooks.example:{canary.port}")


def test_a_proxy_of_the_environment_is_not_asked(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with receiving() as receiver:
        assert post(receiver.url, b"{}", {}, allowed=networks(["127.0.0.0/8"])).status == 204
        assert len(receiver.received) == 1
    assert canary.received == []


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "example.com", "http://", "http:///x", "http://user@example.com/",
     "http://user:word@example.com/", "http://example.com:0/", "http://example.com:99999/", "http://[::1",
     "http://a b/", "http://example.com/\r\nx: y", "http://example.com\\@127.0.0.1/", "http://127.0.0.1/",
     "https://[::1]/", "http://10.0.0.1:8080/", "http://2130706433/", "javascript:alert(1)", ""],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_refused_before_anything_is_sent(url: str) -> None:
    assert complaint_about(url)
    assert post(url, b"{}", {}, seconds=1).status is None


@pytest.mark.parametrize("url", ["https://example.com", "http://example.com:8080/a?b=c", "https://8.8.8.8/"])
def test_an_address_that_may_be_right_is_taken(url: str) -> None:
    assert complaint_about(url) == ""


def test_a_slow_resolver_is_not_waited_for() -> None:
    def resolve(host: str, port: int) -> list[str]:
        time.sleep(30)
        return []

    assert post("http://slow.example/", b"{}", {}, seconds=0.2, resolve=resolve).error.startswith("timeout")
