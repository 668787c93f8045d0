"""The moves that all services share: find, check, name, write by version, tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from zlib import crc32

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.utils.text import slugify

from productops.workspaces.actors import Actor
from productops.workspaces.bounds import problems_with_day
from productops.workspaces.complaints import (
    Complaint,
    SaysWhatIsWrong,
    complaint_if_archived,
    refuse_if_any,
)
from productops.workspaces.models import Versioned, Workspace
from productops.workspaces.versions import NotHere, StaleEdit, changed_fields, guarded_delete, guarded_update
from roadmap.rules import KEY_LENGTH, RESERVED_KEYS

Row = TypeVar("Row", bound=Versioned)

# How many locks the making of keys of one kind in one workspace is spread over.
_NAME_LOCKS = 64
_KEY_ROOM = KEY_LENGTH - 8  # for a number behind the words of the title


def find(model: type[Row], workspace: Workspace, pk: int) -> Row:
    """The row of this workspace; raises NotHere."""
    found: Any = model.objects.in_workspace(workspace.pk).filter(pk=pk).first()
    if found is None:
        raise NotHere
    row: Row = found
    return row


def check(
    row: Versioned, said_by_rules: Iterable[SaysWhatIsWrong] = (), changed: Collection[str] = ()
) -> None:
    """Raise Refused with what the rules said and with what the columns cannot hold.

    A new row may lack its key: it gets one from its title. Of a standing one `changed` names the fields that
    change: nothing new is tied to what is archived; what was tied to it before may stay, and a part of it is
    not changed either.

    References are not looked up: they come as rows, and a composite key in the database keeps each in its
    workspace.
    """
    complaints = [Complaint(said.field, said.code, said.detail) for said in said_by_rules]
    complaints += _days_outside_the_calendar(row)
    skipped = {field.name for field in row._meta.concrete_fields if field.is_relation}
    if row._state.adding and not getattr(row, "key", "unnamed"):
        skipped.add("key")
    try:
        row.clean_fields(exclude=skipped | {complaint.field for complaint in complaints})
    except ValidationError as error:
        complaints += [
            Complaint(field, found.code or "invalid", " ".join(found.messages))
            for field, errors in error.error_dict.items()
            for found in errors
        ]
    refuse_if_any([*complaints, *_references_elsewhere(row), *_references_put_away(row, changed)])


def _days_outside_the_calendar(row: Versioned) -> list[Complaint]:
    """Every day of the row, whichever door it came by. Instants are written by us or checked as they arrive."""
    return [
        complaint
        for field in row._meta.concrete_fields
        for day in [getattr(row, field.attname)]
        if isinstance(day, date) and not isinstance(day, datetime)
        for complaint in problems_with_day(field.name, day)
    ]


def _references_elsewhere(row: Versioned) -> list[Complaint]:
    """A row of another workspace does not exist here, whatever handed it over."""
    return [
        Complaint(field.name, "does_not_exist", "There is no such object here.")
        for field in row._meta.concrete_fields
        if field.is_relation and field.name in row._state.fields_cache
        for other in [getattr(row, field.name)]
        if getattr(other, "workspace_id", row.workspace_id) != row.workspace_id
    ]


def _references_put_away(row: Versioned, changed: Collection[str]) -> list[Complaint]:
    return [
        complaint
        for field in row._meta.concrete_fields
        if field.is_relation and (field.name in row._state.fields_cache or field.name == row.part_of)
        if row._state.adding or field.name in changed or field.name == row.part_of
        for complaint in complaint_if_archived(getattr(row, field.name), field.name)
    ]


def insert_named(row: Row, words: str) -> Row:
    """Insert a row that people name: with its key, or one made from `words` that is still free.

    Raises IntegrityError when the key that was asked for is taken.
    """
    if not row.key:  # type: ignore[attr-defined]
        row.key = free_key(type(row), row.workspace_id, words)  # type: ignore[attr-defined]
    row.save(force_insert=True)
    return row


def free_key(model: type[Versioned], workspace_id: int, words: str) -> str:
    """A key like the words, numbered when taken: saved-carts, saved-carts-2. Inside a transaction.

    Whoever makes a key from the same words at the same moment waits until this transaction has ended.
    """
    return free_keys(model, workspace_id, [words], ())[0]


def free_keys(
    model: type[Versioned], workspace_id: int, words: Sequence[str], given: Iterable[str]
) -> list[str]:
    """As `free_key` for many at once; `given` are keys that other new rows are to have."""
    if not words:
        return []
    stems = [_stem(model, said) for said in words]
    _hold_names(model, workspace_id, stems)
    keys: QuerySet[Any] = model.objects.in_workspace(workspace_id)
    used = {*given, *keys.filter(key__in=set(stems)).values_list("key", flat=True)}
    numbered: dict[str, int] = {}
    found = []
    for stem in stems:
        key = stem
        if key in used and stem not in numbered:
            used.update(keys.filter(key__startswith=f"{stem}-").values_list("key", flat=True))
        while key in used:
            numbered[stem] = numbered.get(stem, 1) + 1
            key = f"{stem}-{numbered[stem]}"
        used.add(key)
        found.append(key)
    return found


def _stem(model: type[Versioned], words: str) -> str:
    stem = slugify(words)[:_KEY_ROOM].strip("-_")
    if not stem or stem.isdigit() or stem in RESERVED_KEYS:
        return f"{model._meta.model_name}-{stem}".rstrip("-")
    return stem


def _hold_names(model: type[Versioned], workspace_id: int, stems: Iterable[str]) -> None:
    """Wait for whoever makes keys from the same words. A few locks, however many the words, in one order."""
    buckets = sorted({crc32(stem.encode()) % _NAME_LOCKS for stem in stems})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || bucket, 0)) FROM unnest(%s::int[]) AS bucket",
            [f"{model._meta.db_table}:{workspace_id}:", buckets],
        )


def write(row: Row, version: int | None, changes: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Write those of `changes` that differ from `held`, by version; False when there was nothing to write.

    An edit that changes nothing leaves the version as it is, but one based on another version is refused.
    """
    if not changes:
        if version is not None and held["version"] != version:
            raise StaleEdit
        return False
    guarded_update(type(row).objects.in_workspace(row.workspace_id), row.pk, version, changes)
    return True


def edit(
    row: Row, version: int | None, changes: Mapping[str, Any], rules: Iterable[SaysWhatIsWrong] = ()
) -> dict[str, Any]:
    """Check a row with `changes` applied and write what differs; returns the old values of what did.

    `rules` is read after the changes have been applied, so it may be a generator over the row. Raises Archived
    for a row that was put away, whatever changes, and Refused.
    """
    refuse_if_any(complaint_if_archived(row))
    wanted = changed_fields(row, changes)
    before = {name: getattr(row, name) for name in wanted}
    held_version = row.version
    for name, value in wanted.items():
        setattr(row, name, value)
    check(row, rules, wanted)
    write(row, version, wanted, {"version": held_version})
    return before


def write_many(model: type[Versioned], changed: Sequence[Versioned], columns: Sequence[str]) -> None:
    """Write these fields of rows that the transaction has locked, and raise their versions by one.

    Rows and fields as the instances hold them, in one statement. The caller has compared the versions under
    the lock.
    """
    if not changed:
        return
    fields = [field for field in model._meta.concrete_fields if field.name in set(columns)]
    cells = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for row in changed]
        for field in fields
    ]
    said = "".join(f', "{field.column}" = said."{field.column}"' for field in fields)
    names = "".join(f', "{field.column}"' for field in fields)
    arrays = "".join(f", %s::{field.db_type(connection)}[]" for field in fields)
    with connection.cursor() as cursor:
        # Names of tables, columns and types come from our own models.
        cursor.execute(
            f"UPDATE {model._meta.db_table} AS held SET version = held.version + 1, updated_at = now(){said}"  # noqa: S608
            f" FROM unnest(%s::bigint[]{arrays}) AS said (id{names}) WHERE held.id = said.id",
            [[row.pk for row in changed], *cells],
        )
    for row in changed:
        row.version += 1


def refuse_if_part_of_archived(row: Versioned) -> None:
    """Raise Archived when what the row is a part of was put away."""
    refuse_if_any(complaint_if_archived(getattr(row, row.part_of), row.part_of))


def archive_or_delete(row: Row, version: int | None, has_history: bool) -> bool:
    """Archive a row with a history, delete one without; True when it is gone."""
    rows = type(row).objects.in_workspace(row.workspace_id)
    if not has_history:
        guarded_delete(rows, row.pk, version)
        return True
    if row.archived_at is None:  # type: ignore[attr-defined]
        guarded_update(rows, row.pk, version, {"archived_at": timezone.now()})
    return False


def restore(row: Row, version: int | None) -> None:
    """Bring an archived row back into the lists."""
    rows = type(row).objects.in_workspace(row.workspace_id)
    guarded_update(rows, row.pk, version, {"archived_at": None})


def tell(
    signal: Signal,
    workspace: Workspace,
    ids: Iterable[int | None],
    by: Actor,
    **more: Iterable[int | None],
) -> None:
    """Send the signal about these rows, and what `more` names, once each, unless there are none.

    In one transaction problems are told of before items, and each once: what hears it locks what it marks.
    """
    told = _each(ids)
    beside = {name: _each(found) for name, found in more.items()}
    if told or any(beside.values()):
        cause = {"kind": "edit", "by": by.name, "via": by.via}
        signal.send(Workspace, workspace_id=workspace.pk, ids=told, cause=cause, **beside)


def _each(ids: Iterable[int | None]) -> list[int]:
    return sorted({pk for pk in ids if pk is not None})
