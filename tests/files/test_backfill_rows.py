from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.backfill.posting import webhook_id
from outcomes.backfill.rows import MAX_BODY, Batch, BodyRow, make_batches, open_history
from outcomes.sources import native
from roadmap.imports.complaints import FileRefused, RowComplaint

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def batches_of(data: str | bytes, size: int = 1000) -> list[Batch]:
    history = open_history(io.BytesIO(data.encode() if isinstance(data, str) else data))
    return list(
        make_batches(history.section, (row for row in history.rows if isinstance(row, BodyRow)), size)
    )


def complaints_of(data: str) -> list[str]:
    history = open_history(io.BytesIO(data.encode()))
    return [str(row) for row in history.rows if isinstance(row, RowComplaint)]


def document_of(data: str | bytes) -> object:
    (batch,) = batches_of(data)
    return json.loads(batch.body)


def test_observations_are_told_by_their_metric() -> None:
    data = "at,metric,value,series\n2026-05-01T10:00:00Z,checkout.conversion,12.5,eu\n2026-05-02T10:00:00Z,x,1e3,\n"
    assert document_of(data) == {
        "observations": [
            {"metric": "checkout.conversion", "at": "2026-05-01T10:00:00Z", "series": "eu", "value": 12.5},
            {"metric": "x", "at": "2026-05-02T10:00:00Z", "value": 1000},
        ]
    }


def test_usage_is_told_by_its_actor() -> None:
    data = "item,actor,customer,at,id\ncarts,u_1,acme,2026-05-01T10:00:00Z,e1\ncarts,u_2,,2026-05-01T10:00:00Z,\n"
    assert document_of(data) == {
        "usage": [
            {"item": "carts", "actor": "u_1", "customer": "acme", "at": "2026-05-01T10:00:00Z", "id": "e1"},
            {"item": "carts", "actor": "u_2", "at": "2026-05-01T10:00:00Z"},
        ]
    }


def test_snapshots_are_told_by_their_day() -> None:
    data = "item,on,active,eligible,days,share\na,2026-05-01,900,4000,28,\nb,2026-05-01,,,,0.00000048\n"
    assert document_of(data) == {
        "snapshots": [
            {"item": "a", "on": "2026-05-01", "active": 900, "eligible": 4000, "days": 28},
            {"item": "b", "on": "2026-05-01", "share": 0.00000048},
        ]
    }


@pytest.mark.parametrize(
    "data",
    [
        '{"item":"a","on":"2026-05-01","share":0.5}\n\n{"on":"2026-05-02","item":"a","share":1}\n',
        '\n{"item":"a","on":"2026-05-01","share":0.5}\n{"item":"a","on":"2026-05-02","share":1,"days":null}',
        gzip.compress(b"item,on,share\na,2026-05-01,0.5\na,2026-05-02,1\n", mtime=0),
    ],
)
def test_the_file_may_be_json_lines_or_packed(data: str | bytes) -> None:
    assert document_of(data) == {
        "snapshots": [
            {"item": "a", "on": "2026-05-01", "share": 0.5},
            {"item": "a", "on": "2026-05-02", "share": 1},
        ]
    }


def test_the_worker_understands_every_row() -> None:
    for data in (
        "metric,at,value\nx,2026-05-01T10:00:00Z,-3\n",
        "item,actor,at\na,u,2026-05-01T10:00:00+02:00\n",
        "item,on,active,eligible,days\na,2026-05-01,9,40,7\n",
    ):
        body = native.read(batches_of(data)[0].body, now=NOW)
        assert (body.row_count, body.refusals) == (1, [])


@pytest.mark.parametrize(
    ("data", "column"),
    [
        ("item,day,share\n", ""),
        ("item,on,shares\n", "shares"),
        ("metric,at\n", "value"),
        ("item,actor,at,at\n", "at"),
        ("", ""),
        ('{"item": 1', ""),
    ],
)
def test_a_header_of_no_kind_is_refused_by_name(data: str, column: str) -> None:
    with pytest.raises(FileRefused) as caught:
        open_history(io.BytesIO(data.encode()))
    assert caught.value.complaints[0].column == column


def test_rows_that_cannot_be_stated_are_told_by_line_and_column() -> None:
    assert complaints_of("metric,at,value\nx,2026-05-01T10:00:00Z,NaN\nx,,1\nx\ny,z,1e400\n") == [
        "line 2, column value: Must be a number, such as 12.5.",
        "line 3, column at: Must not be blank.",
        "line 4: The row has 1 cells where the header has 3.",
        "line 5, column value: The number is too large.",
    ]


def test_json_lines_that_cannot_be_stated_are_told_by_line() -> None:
    first = '{"metric": "x", "at": "2026-05-01T10:00:00Z", "value": 1}\n'
    bad = ['{"metric": "x", "at": "t", "value": NaN}', "[1]", "{", '{"nope": 1}', '{"metric": "\\ud800"}']
    assert [line.split(":")[0] for line in complaints_of(first + "\n".join(bad))] == [
        "line 2, column value",
        "line 3",
        "line 4",
        "line 5, column nope",
        "line 6, column at",
    ]


def test_batches_hold_as_many_rows_as_asked() -> None:
    data = "item,on,share\n" + "".join(f"i{n},2026-05-01,0.5\n" for n in range(25))
    assert [batch.row_count for batch in batches_of(data, 10)] == [10, 10, 5]


def test_no_batch_is_heavier_than_the_door_allows() -> None:
    row = "carts," + "x" * 900 + ",2026-05-01T10:00:00Z,{}\n"
    data = "item,actor,at,id\n" + "".join(row.format(n) for n in range(3000))
    batches = batches_of(data)
    assert sum(batch.row_count for batch in batches) == 3000
    assert all(len(batch.body) <= MAX_BODY for batch in batches)
    assert len({batch.row_count for batch in batches[:-1]}) == 1 or len(batches) >= 3


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 20))
def test_batches_keep_every_row_in_order(lengths: list[int], size: int) -> None:
    history = open_history(io.BytesIO(b"metric,at,value\n"))
    rows = [BodyRow(b'"%s"' % (b"x" * length)) for length in lengths]
    batches = list(make_batches(history.section, rows, size))
    sent = [text for batch in batches for text in json.loads(batch.body)["observations"]]
    assert [len(text) for text in sent] == lengths
    assert all(1 <= batch.row_count <= size for batch in batches)


def test_the_same_file_makes_the_same_bytes_and_ids_however_it_is_packed() -> None:
    data = b"item,on,share\n" + b"".join(b"i%d,2026-05-01,0.25\n" % n for n in range(2500))
    plain, packed = batches_of(data), batches_of(gzip.compress(data))
    assert plain == packed
    assert len({webhook_id(batch.body) for batch in plain}) == 3
    assert b"sent_at" not in plain[0].body
