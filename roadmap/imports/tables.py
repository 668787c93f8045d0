"""What a kind of file looks like, and its rows one by one: a value for each cell, or every complaint.

Knows no Django. What needs the database (does that item exist, do the weights add up) comes after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from roadmap.imports.cells import BadCell, Cell, Reader, clean
from roadmap.imports.complaints import FileRefused, RowComplaint
from roadmap.imports.reading import Readable, read_header, read_lines, read_records
from roadmap.rules import Complaint

Values = dict[str, Cell]
Directory = Mapping[str, Mapping[str, int]]
"""The ids of what may be referred to, by what it is (`problem`) and then by its key or id as text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its text is read, and into which fields. A blank cell reads as None."""

    name: str
    read: Reader
    is_required: bool = False
    fields: tuple[str, ...] = ()
    """The fields its value goes to; its own name unless said otherwise."""
    refers_to: str = ""
    """What its text names, `problem` say; the value is then that problem's id."""

    @property
    def into(self) -> tuple[str, ...]:
        return self.fields or (self.name,)


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of file.

    `identity` names the fields that say which row it is. A row that leaves one of them blank is identified
    by all that it says.
    """

    kind: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    check: Callable[[Values], list[Complaint]] = lambda values: []
    """What must hold between the cells of a row."""

    def identify(self, values: Values) -> tuple[str, ...]:
        if all(values.get(name) is not None for name in self.identity):
            return self.identity
        return tuple(values)


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    values: Values


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int
    complaints: list[RowComplaint]


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file whose header was understood."""

    columns: tuple[Column, ...]
    rows: Iterator[Row | BadRow]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for column in self.columns for field in column.into)


def open_table(table: Table, stream: Readable, directory: Directory) -> OpenTable:
    """Read the header; the rows follow as they are asked for. Both raise FileRefused."""
    records = read_records(read_lines(stream))
    line, names = read_header(records)
    columns = _columns_named(table, line, names)
    return OpenTable(columns, _read_rows(table, columns, directory, records))


def _columns_named(table: Table, line: int, names: list[str]) -> tuple[Column, ...]:
    known = {column.name: column for column in table.columns}
    wrong = [
        RowComplaint(line, name, "unknown_column", f"{table.kind} have no column {name!r}: {_listed(known)}.")
        for name in dict.fromkeys(names)
        if name not in known
    ]
    wrong += [
        RowComplaint(line, name, "repeated_column", f"The column {name!r} is there twice.")
        for name in known
        if names.count(name) > 1
    ]
    wrong += [
        RowComplaint(line, name, "missing_column", f"The column {name!r} is missing.")
        for name, column in known.items()
        if column.is_required and name not in names
    ]
    if wrong:
        raise FileRefused(wrong)
    return tuple(known[name] for name in names)


def _listed(known: Mapping[str, Column]) -> str:
    return "there are " + ", ".join(known)


def _read_rows(
    table: Table,
    columns: tuple[Column, ...],
    directory: Directory,
    records: Iterator[tuple[int, list[str]]],
) -> Iterator[Row | BadRow]:
    first_seen: dict[tuple[Cell, ...], int] = {}
    for line, cells in records:
        row = _read_row(table, columns, directory, line, cells)
        yield _unless_said_before(table, row, first_seen) if isinstance(row, Row) else row


def _unless_said_before(table: Table, row: Row, first_seen: dict[tuple[Cell, ...], int]) -> Row | BadRow:
    names = table.identify(row.values)
    # The number of names keeps the two ways of being identified apart.
    identity = (len(names), *(row.values[name] for name in names))
    earlier = first_seen.setdefault(identity, row.line)
    if earlier == row.line:
        return row
    detail = f"The same {', '.join(table.identity)} as on line {earlier}."
    if names != table.identity:
        detail = f"The same in every cell as line {earlier}; give each its own {table.identity[-1]}."
    return BadRow(row.line, [RowComplaint(row.line, table.identity[0], "duplicate", detail)])


def _read_row(
    table: Table, columns: tuple[Column, ...], directory: Directory, line: int, cells: list[str]
) -> Row | BadRow:
    if len(cells) != len(columns):
        detail = f"The row has {len(cells)} cells where the header has {len(columns)}."
        return BadRow(line, [RowComplaint(line, "", "ragged_row", detail)])
    values: Values = {}
    wrong: list[RowComplaint] = []
    for column, text in zip(columns, cells, strict=True):
        try:
            values.update(zip(column.into, _read_cell(column, text, directory), strict=True))
        except BadCell as bad:
            wrong.append(RowComplaint(line, column.name, bad.code, bad.detail))
    if not wrong:
        wrong = [RowComplaint(line, said.field, said.code, said.detail) for said in table.check(values)]
    return BadRow(line, wrong) if wrong else Row(line, values)


def _read_cell(column: Column, text: str, directory: Directory) -> tuple[Cell, ...]:
    taken = clean(text)
    if not taken.strip():
        if column.is_required:
            raise BadCell("required", "Must not be blank.")
        return (None,) * len(column.into)
    value = column.read(taken)
    if column.refers_to:
        return (_look_up(str(value), column.refers_to, directory),)
    return value if isinstance(value, tuple) else (value,)


def _look_up(name: str, what: str, directory: Directory) -> int:
    found = directory[what].get(name)
    if found is None:
        raise BadCell("does_not_exist", f"There is no {what} {name!r} in this workspace.")
    return found
