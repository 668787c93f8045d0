"""Standard Webhooks signatures: ours and the library's agree, and junk is only ever refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from outcomes.sources.signatures import (
    SignatureRefused,
    Signed,
    new_secret,
    sign,
    signed_headers,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
NOW = datetime.fromtimestamp(AT, UTC)
FIVE_MINUTES = timedelta(minutes=5)


def check(
    headers: dict[str, str], body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), late: float = 0
) -> Signed:
    return verify(headers, body, secrets, now=NOW + timedelta(seconds=late), tolerance=FIVE_MINUTES)


def test_the_published_vector_comes_out() -> None:
    assert sign(SECRET, MESSAGE, AT, BODY) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_we_sign_we_verify_and_know_by_whom_and_when() -> None:
    assert check(signed_headers(SECRET, MESSAGE, AT, BODY)) == Signed(MESSAGE, NOW)


def test_the_library_verifies_what_we_sign() -> None:
    at = int(datetime.now(UTC).timestamp())
    assert Webhook(SECRET).verify(BODY, signed_headers(SECRET, MESSAGE, at, BODY)) == {"test": 2432232314}


def test_we_verify_what_the_library_signs() -> None:
    signature = Webhook(SECRET).sign(MESSAGE, NOW, BODY.decode())
    headers = {"webhook-id": MESSAGE, "webhook-timestamp": str(AT), "webhook-signature": signature}
    assert check(headers).message_id == MESSAGE


def test_a_new_secret_is_one_the_library_takes() -> None:
    secret = new_secret()
    at = int(datetime.now(UTC).timestamp())
    Webhook(secret).verify(BODY, signed_headers(secret, MESSAGE, at, BODY))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, signed_headers(SECRET, MESSAGE, at, BODY))


def test_while_a_secret_is_rotated_either_of_two_will_do() -> None:
    other = new_secret()
    for secret in (SECRET, other):
        assert check(signed_headers(secret, MESSAGE, AT, BODY), secrets=(SECRET, other))


def test_one_good_signature_among_several_will_do() -> None:
    headers = signed_headers(SECRET, MESSAGE, AT, BODY)
    headers["webhook-signature"] = f"v1a,abc v1,AAAA {headers['webhook-signature']}"
    assert check(headers)


@pytest.mark.parametrize("late", [-300, 300])
def test_five_minutes_of_difference_between_two_clocks_are_borne(late: float) -> None:
    assert check(signed_headers(SECRET, MESSAGE, AT, BODY), late=late)


@pytest.mark.parametrize("late", [-301, 301, 86400])
def test_more_is_stale(late: float) -> None:
    with pytest.raises(SignatureRefused):
        check(signed_headers(SECRET, MESSAGE, AT, BODY), late=late)


def test_a_changed_body_id_or_time_is_refused() -> None:
    headers = signed_headers(SECRET, MESSAGE, AT, BODY)
    for changed, body in (
        (headers, BODY + b" "),
        ({**headers, "webhook-id": "msg_other"}, BODY),
        ({**headers, "webhook-timestamp": str(AT + 1)}, BODY),
    ):
        with pytest.raises(SignatureRefused):
            check(changed, body)


def test_without_a_valid_secret_nothing_is_taken() -> None:
    with pytest.raises(SignatureRefused):
        check(signed_headers(SECRET, MESSAGE, AT, BODY), secrets=())


@given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=300), st.binary(max_size=100))
def test_whatever_a_stranger_sends_is_only_ever_refused(
    message: str, at: str, signature: str, body: bytes
) -> None:
    headers = {"webhook-id": message, "webhook-timestamp": at, "webhook-signature": signature}
    with pytest.raises(SignatureRefused):
        check(headers, body)


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,é", "v1," + "A" * 100_000, "v1,====", " " * 5000])
def test_a_junk_signature_on_good_headers_is_refused(signature: str) -> None:
    with pytest.raises(SignatureRefused):
        check({"webhook-id": MESSAGE, "webhook-timestamp": str(AT), "webhook-signature": signature})
