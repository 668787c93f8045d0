"""From bytes to numbered rows: UTF-8 with or without a BOM, gzip or not, read as a stream. Knows no Django.

Whatever makes the rest of the file unreadable raises `FileRefused`, and then nothing of it is taken. A byte
that is not UTF-8 spoils only its own cell: it comes through as a lone surrogate, which `cells` refuses.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Protocol

from roadmap.imports.complaints import FileRefused, RowComplaint

MAX_BYTES = 512 * 1024 * 1024
"""What a file may hold once unpacked: a small gzip file can unpack to more than any disk holds."""
MAX_ROWS = 1_000_000
MAX_LINE = 1024 * 1024
"""Characters in one line; a file without line ends would otherwise be read into memory whole."""

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 64 * 1024


class Readable(Protocol):
    """Anything with bytes: an open file, an upload, standard input."""

    def read(self, size: int, /) -> bytes: ...


def read_lines(stream: Readable, *, max_bytes: int = MAX_BYTES, max_line: int = MAX_LINE) -> Iterator[str]:
    """The file's lines with their ends, unpacked and without a BOM. Raises FileRefused."""
    text = _text_of(stream, max_bytes)
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(max_line)
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(number, "bad_gzip", f"The gzip data is broken: {error}.") from error
        if not line:
            return
        if len(line) >= max_line:
            raise _unreadable(number, "too_long", f"The line is longer than {max_line:,} characters.")
        yield line


def read_records(lines: Iterator[str], *, max_rows: int = MAX_ROWS) -> Iterator[tuple[int, list[str]]]:
    """CSV records with the number of the line each begins on, the header first. Blank lines are skipped.

    Raises FileRefused where quotes are unbalanced: what follows could be read in two ways.
    """
    reader = csv.reader(lines, strict=True)
    begins = 1
    records = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _unreadable(
                begins, "bad_csv", f"The file cannot be read as CSV from here on: {error}."
            ) from error
        if record:
            yield begins, record
            records += 1
            if records > max_rows:
                raise _unreadable(begins, "too_many_rows", f"A file may hold {max_rows:,} rows.")
        begins = reader.line_num + 1


def read_header(records: Iterator[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    """The header's line number and column names, trimmed. Raises FileRefused if there is none to read."""
    line, header = next(records, (1, []))
    names = [name.strip() for name in header]
    if not any(names):
        raise _unreadable(line, "no_header", "The file is empty: its first row must name the columns.")
    if any("\x00" in name or (not name.isascii() and _has_stray_bytes(name)) for name in names):
        raise _unreadable(line, "not_utf8", "The file is not UTF-8 text.")
    return line, names


def _has_stray_bytes(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _unreadable(line: int, code: str, detail: str) -> FileRefused:
    return FileRefused([RowComplaint(line, "", code, detail)])


def _text_of(stream: Readable, max_bytes: int) -> io.TextIOWrapper:
    unpacked = packed = io.BufferedReader(_Bounded(stream, max_bytes), _CHUNK)
    if packed.peek(2)[:2] == _GZIP_MAGIC:
        unpacked = io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=packed, mode="rb"), max_bytes), _CHUNK)
    # newline="" keeps line ends inside quoted cells as they are.
    return io.TextIOWrapper(unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")


class _Bounded(io.RawIOBase):
    """A stream that refuses to go on beyond a number of bytes."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise _unreadable(1, "too_large", f"The file holds more than {self._limit:,} bytes.")
        buffer[: len(data)] = data
        return len(data)
