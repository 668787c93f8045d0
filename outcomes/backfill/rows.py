"""From a file to webhook bodies: the same file makes the same bytes, whenever it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from roadmap.imports.cells import BadCell, clean, number, whole
from roadmap.imports.complaints import FileRefused, RowComplaint
from roadmap.imports.reading import Readable, read_header, read_lines, read_records

MAX_ROWS = 1000
"""Rows in one delivery."""
MAX_BODY = 1_000_000
"""Bytes in one delivery; the door takes a little more."""
# A history has no natural end; what is read is never held.
_MAX_FILE_BYTES = 2**40
_MAX_FILE_ROWS = 2**40

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the native body: its fields in the order they are written, and how a cell becomes a value."""

    name: str
    fields: Mapping[str, Callable[[str], Value]]
    required: frozenset[str]


OBSERVATIONS = Section(
    "observations",
    {"metric": str, "at": str, "series": str, "value": number},
    frozenset({"metric", "at", "value"}),
)
USAGE = Section(
    "usage",
    {"item": str, "actor": str, "customer": str, "at": str, "id": str},
    frozenset({"item", "actor", "at"}),
)
SNAPSHOTS = Section(
    "snapshots",
    {
        "item": str,
        "on": str,
        "active": number,
        "eligible": number,
        "days": whole(1, 730),  # type: ignore[dict-item]  # one whole number in, one out
        "share": number,
    },
    frozenset({"item", "on"}),
)


@dataclass(frozen=True, slots=True)
class BodyRow:
    """One row as JSON."""

    json: bytes


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """A file whose kind is known; a row that cannot be stated comes as the complaint about it."""

    section: Section
    rows: Iterator[BodyRow | RowComplaint]


@dataclass(frozen=True, slots=True)
class Batch:
    """One delivery's body and how many rows it states."""

    body: bytes
    row_count: int


def open_history(stream: Readable) -> OpenHistory:
    """Tell CSV from NDJSON, and the kind by header or first row. Raises FileRefused, as reading on does."""
    lines = read_lines(stream, max_bytes=_MAX_FILE_BYTES)
    # Up to the first line that says something, kept so that lines keep their numbers.
    begun = [next(lines, "")]
    while begun[-1] and not begun[-1].strip():
        begun.append(next(lines, ""))
    lines = chain(begun, lines)
    if begun[-1].lstrip().startswith("{"):
        section = _section_of(_keys_of(begun[-1]))
        return OpenHistory(section, _read_json(section, lines))
    records = read_records(lines, max_rows=_MAX_FILE_ROWS)
    _, names = read_header(records)
    section = _section_of(names)
    return OpenHistory(section, _read_csv(section, names, records))


def make_batches(section: Section, rows: Iterable[BodyRow], size: int = MAX_ROWS) -> Iterator[Batch]:
    """Bodies of up to `size` rows and MAX_BODY bytes.

    They say no `sent_at`: it would have to be a time, and the same file must make the same bytes. What is
    stated twice is decided by when it was signed.
    """
    head, tail = b'{"%s":[' % section.name.encode(), b"]}"
    batch: list[bytes] = []
    weight = 0
    for row in rows:
        heavier = weight + len(row.json) + 1
        if batch and (len(batch) == size or heavier > MAX_BODY - len(head) - len(tail)):
            yield Batch(head + b",".join(batch) + tail, len(batch))
            batch, heavier = [], len(row.json) + 1
        batch.append(row.json)
        weight = heavier
    if batch:
        yield Batch(head + b",".join(batch) + tail, len(batch))


def _section_of(names: Iterable[str]) -> Section:
    given = list(names)
    if "metric" in given:
        section = OBSERVATIONS
    elif "on" in given:
        section = SNAPSHOTS
    elif "actor" in given:
        section = USAGE
    else:
        kinds = "; ".join(
            f"{known.name}: {', '.join(known.fields)}" for known in (OBSERVATIONS, USAGE, SNAPSHOTS)
        )
        raise FileRefused(
            [RowComplaint(1, "", "unknown_kind", f"The columns are of no known kind ({kinds}).")]
        )
    wrong = [
        RowComplaint(1, name, "unknown_column", f"{section.name} have no column {name!r}.")
        for name in given
        if name not in section.fields
    ]
    wrong += [
        RowComplaint(1, name, "missing_column", f"The column {name!r} is missing.")
        for name in sorted(section.required - set(given))
    ]
    wrong += [
        RowComplaint(1, name, "repeated_column", f"The column {name!r} is there twice.")
        for name in section.fields
        if given.count(name) > 1
    ]
    if wrong:
        raise FileRefused(wrong)
    return section


def _read_csv(
    section: Section, names: list[str], records: Iterator[tuple[int, list[str]]]
) -> Iterator[BodyRow | RowComplaint]:
    for line, cells in records:
        if len(cells) != len(names):
            detail = f"The row has {len(cells)} cells where the header has {len(names)}."
            yield RowComplaint(line, "", "ragged_row", detail)
            continue
        try:
            yield _encoded(section, line, _values_of(section, line, dict(zip(names, cells, strict=True))))
        except _RowRefused as refused:
            yield refused.complaint


class _RowRefused(Exception):
    def __init__(self, complaint: RowComplaint) -> None:
        self.complaint = complaint
        super().__init__(str(complaint))


def _values_of(section: Section, line: int, cells: Mapping[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, read in section.fields.items():
        try:
            text = clean(cells.get(name, "")).strip()
            if text:
                values[name] = read(text)
        except BadCell as bad:
            raise _RowRefused(RowComplaint(line, name, bad.code, bad.detail)) from None
    return values


def _read_json(section: Section, lines: Iterable[str]) -> Iterator[BodyRow | RowComplaint]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            yield _encoded(section, line, _stated_in(section, line, text))
        except _RowRefused as refused:
            yield refused.complaint


def _stated_in(section: Section, line: int, text: str) -> dict[str, Value]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _RowRefused(RowComplaint(line, "", "bad_json", f"Not JSON: {error}.")) from None
    if not isinstance(given, dict):
        raise _RowRefused(RowComplaint(line, "", "bad_json", "Each line must be one JSON object."))
    for name, value in given.items():
        if name not in section.fields:
            detail = f"{section.name} have no column {name!r}."
            raise _RowRefused(RowComplaint(line, name, "unknown_column", detail))
        if isinstance(value, bool | dict | list) or (isinstance(value, float) and not math.isfinite(value)):
            raise _RowRefused(RowComplaint(line, name, "invalid", "Must be text or a finite number."))
    return {name: given[name] for name in section.fields if given.get(name) not in (None, "")}


def _encoded(section: Section, line: int, values: dict[str, Value]) -> BodyRow:
    for name in section.fields:
        if name in section.required and name not in values:
            raise _RowRefused(RowComplaint(line, name, "required", "Must not be blank."))
    try:
        encoded = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _RowRefused(RowComplaint(line, "", "not_utf8", "The row is not UTF-8 text.")) from None
    if len(encoded) > MAX_BODY // 2:
        raise _RowRefused(RowComplaint(line, "", "too_long", "The row is too long for a delivery."))
    return BodyRow(encoded)


def _keys_of(line: str) -> list[str]:
    try:
        given: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FileRefused([RowComplaint(1, "", "bad_json", f"Not JSON: {error}.")]) from None
    return list(given) if isinstance(given, dict) else []
