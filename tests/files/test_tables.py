from __future__ import annotations

import csv
import gzip
import io
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap.imports import reading
from roadmap.imports.cells import guard, line_of_text, long_text, number, reference
from roadmap.imports.complaints import FileRefused, Report, RowComplaint
from roadmap.imports.tables import BadRow, Column, Row, Table, open_table

NOTES = Table(
    "notes",
    (
        Column("key", line_of_text(20), True),
        Column("text", long_text),
        Column("size", number),
        Column("about", reference, refers_to="item"),
    ),
    identity=("key",),
)
DIRECTORY = {"item": {"carts": 7, "7": 7}}
# What text fields hold: anything but NUL, lone surrogates and blanks around it.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30).filter(
    lambda text: text == text.strip()
)


def rows_of(data: bytes | str, table: Table = NOTES) -> list[Row | BadRow]:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return list(open_table(table, stream, DIRECTORY).rows)


def complaints_of(data: bytes | str) -> list[str]:
    rows = rows_of(data)
    return [str(complaint) for row in rows if isinstance(row, BadRow) for complaint in row.complaints]


def refusal_of(data: bytes | str) -> list[str]:
    with pytest.raises(FileRefused) as caught:
        rows_of(data)
    return [str(complaint) for complaint in caught.value.complaints]


@given(st.lists(TEXTS, max_size=8), st.booleans(), st.booleans())
def test_what_was_written_is_what_is_read(texts: list[str], has_bom: bool, is_packed: bool) -> None:
    written = io.StringIO(newline="")
    numbers = count()
    writer = csv.writer(written)
    writer.writerows([["text", "key"], *([guard(text), f"k{next(numbers)}"] for text in texts)])
    data = written.getvalue().encode("utf-8-sig" if has_bom else "utf-8")
    rows = rows_of(gzip.compress(data) if is_packed else data)
    assert [row.values["text"] for row in rows if isinstance(row, Row)] == [text or None for text in texts]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_more(data: bytes) -> None:
    try:
        rows = rows_of(b"key,text\n" + data)
    except FileRefused:
        return
    assert all(row.complaints for row in rows if isinstance(row, BadRow))


def test_complaints_name_line_and_column_also_behind_cells_that_span_lines() -> None:
    data = 'key,text,size,about\na,"two\nlines",1,\n\nb,,many,nowhere\n'
    assert complaints_of(data) == [
        "line 5, column size: Must be a number, such as 12.5.",
        "line 5, column about: There is no item 'nowhere' in this workspace.",
    ]


def test_a_reference_is_a_key_or_an_id() -> None:
    first, second = rows_of("key,about\na,carts\nb,7\n")
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert first.values["about"] == second.values["about"] == 7


def test_a_repeated_key_is_refused_on_the_later_line() -> None:
    assert complaints_of("key\na\nb\na\n") == ["line 4, column key: The same key as on line 2."]


def test_a_row_identified_by_all_it_says_is_refused_when_it_says_it_twice() -> None:
    anonymous = Table(
        "votes", (Column("about", line_of_text(9)), Column("id", line_of_text(9))), ("about", "id")
    )
    rows = rows_of("about,id\na,\na,1\na,\nb,\n", anonymous)
    assert [row.line for row in rows if isinstance(row, BadRow)] == [4]


def test_ragged_rows_are_refused_alone() -> None:
    complaints = complaints_of("key,text\na\nb,c,d\ne,f\n")
    assert complaints == [
        "line 2: The row has 1 cells where the header has 2.",
        "line 3: The row has 3 cells where the header has 2.",
    ]


def test_a_byte_that_is_not_utf8_refuses_its_own_row() -> None:
    assert complaints_of(b"key,text\na,caf\xe9\nb,ok\n") == [
        "line 2, column text: The cell is not UTF-8 text."
    ]


def test_a_nul_refuses_its_own_row() -> None:
    assert complaints_of("key,text\na,x\x00y\n") == ["line 2, column text: The cell holds a NUL character."]


def test_unknown_repeated_and_missing_columns_are_all_named() -> None:
    refusals = refusal_of("name,text,text\n")
    assert refusals == [
        "line 1, column name: notes have no column 'name': there are key, text, size, about.",
        "line 1, column text: The column 'text' is there twice.",
        "line 1, column key: The column 'key' is missing.",
    ]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b" , \n"])
def test_a_file_without_a_header_says_so(data: bytes) -> None:
    assert "first row must name the columns" in refusal_of(data)[0]


def test_a_file_of_another_encoding_says_so() -> None:
    assert "not UTF-8" in refusal_of("key,text\na,b\n".encode("utf-16"))[0]


def test_quotes_that_never_close_refuse_the_file_at_their_line() -> None:
    assert refusal_of('key,text\na,b\nc,"d\ne,f\n')[0].startswith("line 3: The file cannot be read as CSV")


def test_broken_gzip_refuses_the_file() -> None:
    packed = gzip.compress(b"key,text\n" + b"a,b\n" * 5000)
    assert "gzip data is broken" in refusal_of(packed[:-20])[0]


def test_a_small_gzip_file_cannot_unpack_to_more_than_the_bound() -> None:
    packed = io.BytesIO(gzip.compress(b"a,b\n" * 100_000))
    with pytest.raises(FileRefused, match="more than 1,000 bytes"):
        list(reading.read_lines(packed, max_bytes=1000))


def test_a_line_without_an_end_is_not_read_into_memory() -> None:
    with pytest.raises(FileRefused, match="longer than 100 characters"):
        list(reading.read_lines(io.BytesIO(b"x" * 1000), max_line=100))


def test_a_file_with_too_many_rows_is_refused() -> None:
    with pytest.raises(FileRefused, match="3 rows"):
        list(reading.read_records(iter(["a\n"] * 9), max_rows=3))


def test_a_report_counts_every_refused_row_and_spells_out_a_bounded_number_of_complaints() -> None:
    report = Report("notes")
    for line in range(1200):
        report.refuse([RowComplaint(line, "key", "required", "Must not be blank.")])
    assert (report.refused, len(report.complaints), report.complaints_left_out) == (1200, 1000, 200)
