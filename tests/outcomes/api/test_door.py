"""The webhook's door: what is verified, what is stored, and what is answered to everything else."""

from __future__ import annotations

import gzip
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from outcomes.models import Delivery, Source, SourceSecret
from outcomes.pipeline import receive
from outcomes.pipeline.prepared import execute_prepared
from outcomes.sources.signatures import new_secret, signed_headers
from tests.factories import a_metric, a_source, a_workspace

pytestmark = pytest.mark.django_db

AT = "2026-05-01T10:00:00Z"


class Sender:
    """An integration with a source's address and secret."""

    def __init__(self) -> None:
        self.source: Source = a_source(a_workspace())
        self.secret = new_secret()
        SourceSecret.objects.create(workspace=self.source.workspace, source=self.source, secret=self.secret)

    def post(self, body: Any, message_id: str = "msg_1", query: str = "", **options: Any) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        at = int(options.pop("at", time.time()))
        headers = {**signed_headers(options.pop("secret", self.secret), message_id, at, raw)}
        headers.update(options.pop("headers", {}))
        content_type = options.pop("content_type", "application/json")
        return Client(raise_request_exception=False).post(
            f"/in/{options.pop('token', self.source.token)}{query}",
            raw,
            content_type,
            headers=headers,
            **options,
        )


@pytest.fixture
def sender() -> Sender:
    return Sender()


def test_a_body_that_was_cut_off_on_its_way_is_not_stored(sender: Sender) -> None:
    whole = b'{"covers": ["2026-05-01"]}'
    cut = {"wsgi.input": io.BytesIO(whole[:10]), "CONTENT_LENGTH": str(len(whole))}
    answer = sender.post(whole[:10], **cut)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:productops:problem:cut_short")
    assert not Delivery.objects.exists()


def test_a_signed_body_is_stored_as_its_bytes_and_answered_202(sender: Sender) -> None:
    answer = sender.post(b'{ "covers" : [] }')
    delivery = Delivery.objects.get()
    assert (answer.status_code, answer.json()) == (202, {"id": str(delivery.pk), "status": "accepted"})
    assert bytes(delivery.body or b"") == b'{ "covers" : [] }'
    assert (delivery.state, delivery.external_id) == ("pending", "msg_1")


def test_accepting_from_a_known_sender_costs_one_statement_and_none_of_it_is_in_redis(
    sender: Sender, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.post({}, "msg_first")
    said: list[str] = []
    monkeypatch.setattr(
        receive,
        "execute_prepared",
        lambda query, values: said.append(query) or execute_prepared(query, values),
    )
    with django_assert_num_queries(0):
        assert sender.post({}).status_code == 202
    assert len(said) == 1


def test_a_secret_made_after_the_sender_was_remembered_proves_at_once(sender: Sender) -> None:
    sender.post({}, "msg_first")
    other = new_secret()
    SourceSecret.objects.create(workspace=sender.source.workspace, source=sender.source, secret=other)
    assert sender.post({}, secret=other).status_code == 202


def test_a_secret_that_was_taken_away_proves_nothing_although_it_is_remembered(sender: Sender) -> None:
    sender.post({}, "msg_first")
    SourceSecret.objects.filter(secret=sender.secret).delete()
    assert sender.post({}).status_code == 401
    assert Delivery.objects.count() == 1


def test_a_removed_source_is_nobody_although_it_is_remembered(sender: Sender) -> None:
    sender.post({}, "msg_first")
    Delivery.objects.all().delete()
    sender.source.delete()
    assert sender.post({}).status_code == 401
    assert not Delivery.objects.exists()


def test_a_repeat_is_answered_with_the_first_ones_id(sender: Sender) -> None:
    first, again = sender.post({"covers": []}), sender.post({"covers": []})
    assert (again.status_code, again.json()) == (202, {"id": first.json()["id"], "status": "duplicate"})
    assert Delivery.objects.count() == 1


def test_an_id_used_for_other_bytes_is_a_conflict(sender: Sender) -> None:
    sender.post({"covers": []})
    assert sender.post({"covers": ["2026-05-01"]}).status_code == 409


def test_every_refusal_of_a_stranger_looks_the_same_and_stores_nothing(sender: Sender) -> None:
    answers = [
        sender.post({}, token="nobody"),
        sender.post({}, secret=new_secret()),
        sender.post({}, at=time.time() - 330),
        sender.post({}, at=time.time() + 330),
        sender.post({}, headers={"webhook-signature": "v1,é"}),
        sender.post({}, headers={"webhook-id": ""}),
    ]
    told = [
        {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}
        for answer in answers
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert all(one == told[0] for one in told)
    assert not Delivery.objects.exists()


def test_an_expired_secret_is_none_and_a_rotated_one_is_both(sender: Sender) -> None:
    other = new_secret()
    SourceSecret.objects.create(workspace=sender.source.workspace, source=sender.source, secret=other)
    assert sender.post({}, "msg_new", secret=other).status_code == 202
    assert sender.post({}, "msg_old").status_code == 202
    SourceSecret.objects.filter(secret=sender.secret).update(
        expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    assert sender.post({}, "msg_late").status_code == 401


def test_a_body_over_the_limit_is_413_before_it_is_verified(sender: Sender, settings: Any) -> None:
    settings.WEBHOOK_MAX_BYTES = 1000
    assert sender.post(b" " * 1000, "msg_fits").status_code == 202
    assert sender.post(b" " * 1001, "msg_over").status_code == 413


def test_a_body_that_unpacks_to_too_much_is_413(sender: Sender, settings: Any) -> None:
    settings.WEBHOOK_MAX_UNPACKED_BYTES = 100_000
    bomb = gzip.compress(b"0" * 10_000_000)
    assert sender.post(bomb, headers={"content-encoding": "gzip"}).status_code == 413
    assert not Delivery.objects.exists()


def test_a_packed_body_is_stored_unpacked(sender: Sender) -> None:
    packed = gzip.compress(b'{"covers": []}')
    assert sender.post(packed, headers={"content-encoding": "gzip"}).status_code == 202
    assert bytes(Delivery.objects.get().body or b"") == b'{"covers": []}'


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"headers": {"content-encoding": "br"}}, 415),
        ({"headers": {"content-encoding": "gzip"}}, 415),
        ({"content_type": "application/xml"}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"headers": {"content-length": ""}}, 411),
        ({"headers": {"transfer-encoding": "chunked", "content-length": ""}}, 411),
        ({"query": "?dryrun=true"}, 400),
    ],
)
def test_what_is_not_taken_is_said_as_a_problem(sender: Sender, options: dict[str, Any], status: int) -> None:
    answer = sender.post({"covers": []}, **options)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert not Delivery.objects.exists()


def test_a_body_in_chunks_is_read_whole_where_the_server_tells_its_end(sender: Sender, settings: Any) -> None:
    settings.WEBHOOK_MAX_BYTES = 100
    in_chunks = {"transfer-encoding": "chunked", "content-length": ""}
    told = {"wsgi.input_terminated": True}
    for body, status in ((b'{"covers": []}', 202), (b" " * 101, 413)):
        stream = {**told, "wsgi.input": io.BytesIO(body)}
        signed = signed_headers(sender.secret, f"msg_{status}", int(time.time()), body)
        answer = Client().post(
            f"/in/{sender.source.token}",
            b"",
            "application/json",
            headers={**signed, **in_chunks},
            **stream,
        )
        assert answer.status_code == status
    assert bytes(Delivery.objects.get().body or b"") == b'{"covers": []}'


def test_an_address_with_a_slash_behind_it_is_the_same(sender: Sender) -> None:
    body = b'{"covers": []}'
    assert [sender.post(body, query=query).status_code for query in ("/", "")] == [202, 202]
    assert Delivery.objects.count() == 1


def test_only_post_is_taken(sender: Sender) -> None:
    answer = Client().get(f"/in/{sender.source.token}")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_dry_run_needs_a_signature_tells_what_would_be_taken_and_stores_nothing(sender: Sender) -> None:
    a_metric(sender.source.workspace, key="m")
    rows = [{"metric": "m", "at": AT, "value": 1}, {"metric": "nobody", "at": AT, "value": 1}]
    told = sender.post({"observations": rows}, query="?dry_run=true").json()
    assert (told["status"], told["taken"], told["refused"]) == ("dry_run", 1, 1)
    assert sender.post({}, query="?dry_run=true", secret=new_secret()).status_code == 401
    assert not Delivery.objects.exists()


def test_an_empty_body_is_stored_and_fails_with_a_reason_later(sender: Sender) -> None:
    assert sender.post(b"", headers={"content-length": "0"}).status_code == 202


@pytest.mark.parametrize("said", ["yes", "on", "maybe", "", "tru", "true&dry_run=false"])
def test_a_dry_run_that_is_neither_true_nor_false_is_told_to_the_sender_alone(
    sender: Sender, said: str
) -> None:
    answer = sender.post({"covers": []}, query=f"?dry_run={said}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["source"]) == ("/dry_run", "query")
    assert sender.post({}, query=f"?dry_run={said}", secret=new_secret()).status_code == 401
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("said", ["false", "0", "False"])
def test_a_dry_run_that_is_none_is_stored(sender: Sender, said: str) -> None:
    assert sender.post({"covers": []}, query=f"?dry_run={said}").status_code == 202
    assert Delivery.objects.count() == 1
