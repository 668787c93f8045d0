"""Files handed in over the API: small ones are answered, large ones wait for a worker."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import HttpResponse

from outcomes.models import FileImport
from outcomes.services import waiting_files
from productops.workspaces.models import Change, Workspace
from roadmap.models import Customer, Item
from tests.callers import Caller, codes, pointers
from tests.factories import a_workspace, an_item

pytestmark = pytest.mark.django_db

TWO = b"key,title\nsaved-carts,Saved carts\nwish-lists,Wish lists\n"


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def hand_in(caller: Caller, body: bytes, query: str = "kind=items", **headers: str) -> HttpResponse:
    return caller.send("post", f"imports/?{query}", body, **{"content_type": "text/csv", **headers})


def totals(told: dict[str, Any]) -> tuple[int, int, int, int]:
    return told["created"], told["updated"], told["unchanged"], told["refused"]


def test_a_small_file_is_taken_while_its_sender_waits(workspace, paula) -> None:
    answer = hand_in(paula, TWO, "kind=items&name=items.csv")
    told = answer.json()
    assert answer.status_code == 201
    assert (told["kind"], told["name"], told["state"], told["progress"]) == ("items", "items.csv", "done", 1)
    assert totals(told) == (2, 0, 0, 0)
    assert set(Item.objects.values_list("key", flat=True)) == {"saved-carts", "wish-lists"}
    assert paula.get(answer["Location"]).json() == told


def test_the_same_file_again_changes_nothing(paula) -> None:
    hand_in(paula, TWO)
    assert totals(hand_in(paula, TWO).json()) == (0, 0, 2, 0)


def test_a_packed_file_is_taken_under_either_header(paula) -> None:
    packed = gzip.compress(TWO)
    assert totals(hand_in(paula, packed, content_type="application/gzip").json()) == (2, 0, 0, 0)
    assert totals(hand_in(paula, packed, **{"Content-Encoding": "gzip"}).json()) == (0, 0, 2, 0)


def test_rows_that_are_wrong_are_told_by_line_and_column_beside_those_taken(paula) -> None:
    told = hand_in(paula, b"key,title,effort\ngood,Good,2\nbad,Bad,much\n").json()
    assert totals(told) == (1, 0, 0, 1)
    assert [(one["line"], one["column"], one["code"]) for one in told["complaints"]] == [
        (3, "effort", "invalid")
    ]


@pytest.mark.parametrize(
    "body", [b"", b"key,titel\na,b\n", b"title\nNo key\n", b"\xff\xfe\x00", gzip.compress(TWO, mtime=0)[:20]]
)
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(paula, body: bytes) -> None:
    answer = hand_in(paula, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:productops:problem:file_refused")
    assert answer.json()["errors"]
    assert not FileImport.objects.exists()
    assert not Item.objects.exists()


def test_a_dry_run_reports_and_writes_no_row(workspace, paula) -> None:
    told = hand_in(paula, TWO, "kind=items&dry_run=true").json()
    assert (told["is_dry_run"], totals(told)) == (True, (2, 0, 0, 0))
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "/kind"),
        ("kind=wishes", "/kind"),
        ("kind=items&dry_run=yes", "/dry_run"),
        ("kind=items&force=true", "/force"),
        ("kind=items&name=a%00b", "/name"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_by_name(paula, query: str, named: str) -> None:
    answer = hand_in(paula, TWO, query)
    assert (answer.status_code, pointers(answer)) == (400, {named})


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/json"},
        {"content_type": "text/csv; charset=iso-8859-1"},
        {"Content-Encoding": "br"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_what_is_no_such_file_is_415(paula, headers: dict[str, str]) -> None:
    assert hand_in(paula, TWO, **headers).status_code == 415


def test_a_file_that_is_too_large_is_413(paula, settings) -> None:
    settings.IMPORT_MAX_BYTES = len(TWO) - 1
    assert hand_in(paula, TWO).status_code == 413


def test_a_viewer_s_key_hands_nothing_in_and_outcomes_need_their_own_scope(workspace) -> None:
    assert hand_in(Caller(workspace, ["roadmap:read"]), TWO).status_code == 403
    planner = Caller(workspace, ["roadmap:read", "roadmap:write"])
    assert hand_in(planner, TWO).status_code == 201
    refused = hand_in(planner, b"key,name\nconversion,Conversion\n", "kind=metrics")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:productops:problem:missing_scope")


def test_sent_twice_with_one_idempotency_key_it_is_taken_once(paula) -> None:
    first = hand_in(paula, TWO, **{"Idempotency-Key": "monday"})
    again = hand_in(paula, TWO, **{"Idempotency-Key": "monday"})
    assert (first.json(), again["Idempotency-Replayed"]) == (again.json(), "true")
    assert FileImport.objects.count() == 1
    other = hand_in(paula, TWO + b"third,Third\n", **{"Idempotency-Key": "monday"})
    assert other.status_code == 422


def test_the_list_is_of_one_s_own_imports_newest_first_without_their_complaints(workspace, paula) -> None:
    hand_in(paula, TWO)
    hand_in(paula, b"key,name\nacme,Acme\n", "kind=customers")
    hand_in(Caller(a_workspace()), TWO)
    rows = paula.get("imports/").json()["results"]
    assert [row["kind"] for row in rows] == ["customers", "items"]
    assert "complaints" not in rows[0]
    assert [row["kind"] for row in paula.get("imports/?kind=items&state=done").json()["results"]] == ["items"]


def test_an_import_of_others_is_not_found(paula) -> None:
    theirs = hand_in(Caller(a_workspace()), TWO).json()["id"]
    assert paula.get(f"imports/{theirs}/").status_code == 404


def large(caller: Caller, settings: Any, body: bytes, query: str = "kind=items") -> dict[str, Any]:
    """Hand in a file that is too large to be answered at once."""
    settings.IMPORT_AT_ONCE_BYTES = len(body) // 2
    answer = hand_in(caller, body, query)
    assert answer.status_code == 202, answer.content
    assert answer["Location"].endswith(f"/api/v1/imports/{answer.json()['id']}/")
    return dict(answer.json())


def test_a_large_file_waits_for_a_worker_who_takes_it_once(workspace, paula, settings) -> None:
    told = large(paula, settings, TWO)
    assert (told["state"], told["progress"], told["finished_at"]) == ("pending", 0, None)
    assert not Item.objects.exists()
    assert waiting_files.take_waiting(max_seconds=60) == 1
    done = paula.get(f"imports/{told['id']}/").json()
    assert (done["state"], done["progress"], totals(done)) == ("done", 1, (2, 0, 0, 0))
    assert done["finished_at"] is not None
    assert waiting_files.take_waiting(max_seconds=60) == 0
    assert FileImport.objects.get().body is None


def test_what_a_packed_file_unpacks_to_is_what_makes_it_large(paula, settings) -> None:
    body = b"key,title\n" + b"".join(b"item-%d,Item\n" % number for number in range(2_000))
    settings.IMPORT_AT_ONCE_BYTES = len(body) - 1
    assert len(gzip.compress(body)) < settings.IMPORT_AT_ONCE_BYTES
    assert hand_in(paula, gzip.compress(body)).status_code == 202


def test_what_a_worker_wrote_is_the_sender_s_doing(workspace, paula, settings) -> None:
    large(paula, settings, TWO)
    waiting_files.take_waiting(max_seconds=60)
    change = Change.objects.filter(type="item").first()
    assert change is not None
    assert (change.by, change.via) == (FileImport.objects.get().by, "api")


@pytest.mark.django_db(transaction=True)
def test_a_reader_sees_how_far_a_large_file_has_been_read(workspace, paula, settings, monkeypatch) -> None:
    body = b"key,title\n" + b"".join(b"item-%d,Item %d\n" % (number, number) for number in range(8_000))
    told = large(paula, settings, body)
    seen: list[int] = []
    tell = waiting_files._Watched._tell

    def and_look(stream: Any) -> None:
        tell(stream)
        # On the same connection that tells it: the import's own has not committed yet.
        with stream.teller.connection.cursor() as cursor:
            seen.append(cursor.execute("SELECT read_bytes FROM outcomes_fileimport").fetchone()[0])

    monkeypatch.setattr(waiting_files, "_PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(waiting_files._Watched, "_tell", and_look)
    waiting_files.take_waiting(max_seconds=60)
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[1] < seen[-1] == len(body)
    assert paula.get(f"imports/{told['id']}/").json()["created"] == 8_000


def test_a_large_dry_run_writes_no_row_either(paula, settings) -> None:
    told = large(paula, settings, TWO, "kind=items&dry_run=true")
    waiting_files.take_waiting(max_seconds=60)
    assert totals(paula.get(f"imports/{told['id']}/").json()) == (2, 0, 0, 0)
    assert not Item.objects.exists()


def test_a_large_file_that_cannot_be_read_says_so_on_its_page(paula, settings) -> None:
    told = large(paula, settings, b"key,titel\nsaved-carts,Saved carts\n")
    waiting_files.take_waiting(max_seconds=60)
    page = paula.get(f"imports/{told['id']}/").json()
    assert page["state"] == "refused"
    assert [one["column"] for one in page["complaints"]]


def test_a_file_that_breaks_its_worker_is_tried_again_and_at_last_given_up(
    workspace, paula, settings, monkeypatch
) -> None:
    told = large(paula, settings, TWO)

    def broken(**_: Any) -> None:
        raise DatabaseError("the server went away")

    monkeypatch.setattr(waiting_files, "import_file", broken)
    for _ in range(waiting_files.MAX_ATTEMPTS):
        assert waiting_files.take_waiting(max_seconds=60) == 1
        assert waiting_files.take_waiting(max_seconds=60) == 0  # not at once
        FileImport.objects.update(retry_at=None)
    waiting_files.take_waiting(max_seconds=60)
    page = paula.get(f"imports/{told['id']}/").json()
    assert (page["state"], page["complaints"][0]["code"]) == ("failed", "failed")


def test_one_broken_file_does_not_hold_up_the_next(workspace, paula, settings) -> None:
    large(paula, settings, b"nonsense,header\nsaved-carts,Saved carts\n")
    large(paula, settings, b"key,name\nacme,Acme\n", "kind=customers")
    assert waiting_files.take_waiting(max_seconds=60) == 2
    assert Customer.objects.get().key == "acme"


def test_rows_of_a_file_name_objects_of_their_own_workspace_alone(paula) -> None:
    an_item(a_workspace(), key="theirs")
    told = hand_in(paula, b"item,problem\ntheirs,nobody\n", "kind=links").json()
    assert totals(told) == (0, 0, 0, 1)
    assert {one["column"] for one in told["complaints"]} == {"item", "problem"}
    assert codes(hand_in(paula, b"item\n", "kind=links"))
