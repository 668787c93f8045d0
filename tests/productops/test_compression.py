"""Answers of the API are sent as br or gzip to who takes that, and mean the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import brotli
import pytest

from productops.api.compression import preferred_coding
from tests.callers import Caller
from tests.factories import a_workspace, an_item

pytestmark = pytest.mark.django_db
UNPACK: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.fixture
def caller(db: None) -> Caller:
    workspace = a_workspace()
    for _ in range(3):
        an_item(workspace)
    return Caller(workspace)


@pytest.mark.parametrize("coding", UNPACK)
def test_a_list_is_the_same_packed_and_plain(caller: Caller, coding: str) -> None:
    plain = caller.get("items/")
    packed = caller.get("items/", **{"Accept-Encoding": coding})
    assert packed["Content-Encoding"] == coding
    assert len(packed.content) < len(plain.content)
    assert int(packed["Content-Length"]) == len(packed.content)
    assert json.loads(UNPACK[coding](packed.content)) == plain.json()
    assert "Accept-Encoding" in plain["Vary"]


@pytest.mark.parametrize("coding", UNPACK)
def test_a_streamed_file_is_packed_part_by_part(caller: Caller, coding: str) -> None:
    plain = b"".join(caller.get("items.csv").streaming_content)  # type: ignore[attr-defined]
    packed = caller.get("items.csv", **{"Accept-Encoding": coding})
    assert (packed["Content-Encoding"], "Content-Length" in packed) == (coding, False)
    assert UNPACK[coding](b"".join(packed.streaming_content)) == plain  # type: ignore[attr-defined]


def test_the_etag_becomes_weak_and_still_does_for_reading_and_writing(caller: Caller) -> None:
    key = caller.get("items/").json()["results"][0]["key"]
    etag = caller.get(f"items/{key}/", **{"Accept-Encoding": "gzip"})["ETag"]
    assert etag.startswith('W/"')
    assert caller.get(f"items/{key}/", **{"If-None-Match": etag}).status_code == 304
    assert caller.patch(f"items/{key}/", {"title": "New"}, match=etag).status_code == 200


def test_a_secret_is_never_packed_beside_what_the_caller_wrote(caller: Caller) -> None:
    body = {"name": "x" * 200, "scopes": ["ingest"] * 1}
    answer = caller.post("api-keys/", body, **{"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 201
    assert "Content-Encoding" not in answer


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("*", "br"),
        ("*;q=0", None),
        ("gzip;q=nonsense", None),
        ("GZIP", "gzip"),
    ],
)
def test_the_client_s_preference_decides(accepted: str, coding: str | None) -> None:
    assert preferred_coding(accepted) == coding
