"""Many rows of one kind, made and changed together: a fixed number of statements and one signal a batch.

A kind says what is particular to it (`follows`, `complaints`, `settle`, `tell`); what all share is here: rows
are locked in the order of their ids, versions compared under the lock, and everything is written at once. A
row that is refused leaves the others as they are; whether those may stand alone is the caller's to say, by
rolling back or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects

from productops.workspaces.actors import Actor
from productops.workspaces.batches import (
    CREATED,
    NOT_FOUND,
    REFUSED,
    STALE,
    TAKEN,
    UNCHANGED,
    UPDATED,
    RowAnswer,
    Wish,
)
from productops.workspaces.complaints import (
    Complaint,
    Refused,
    SaysWhatIsWrong,
    complaint_if_archived,
)
from productops.workspaces.models import Versioned, Workspace
from productops.workspaces.versions import changed_fields
from roadmap.services import rows

Row = TypeVar("Row", bound=Versioned)


@dataclass(slots=True)
class Draft(Generic[Row]):
    """A row as it is to be: new, or a standing one with `before`, the old values of what changes."""

    wish: Wish
    row: Row
    before: dict[str, Any] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    # Something beside its own columns changes, its links say, and that is an edit of the row.
    is_touched: bool = False

    @property
    def is_new(self) -> bool:
        return self.wish.ref is None

    @property
    def is_written(self) -> bool:
        return not self.complaints and (self.is_new or bool(self.before) or self.is_touched)

    def refuse(self, complaints: Iterable[SaysWhatIsWrong]) -> None:
        """Leave the row as it was, for these reasons."""
        self.complaints += [Complaint(said.field, said.code, said.detail) for said in complaints]
        if self.complaints:
            for name, value in self.before.items():
                setattr(self.row, name, value)
            self.before = {}


class Batch(Generic[Row]):
    """The parent of every kind's batch."""

    model: ClassVar[type[Any]]
    # Columns that together name one row; None of them is compared when one is blank.
    identity: ClassVar[tuple[str, ...]] = ("key",)
    # Where in the row to say that its name is taken.
    names: ClassVar[str] = "key"
    # What `said` may hold beside columns of the row.
    extras: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, workspace: Workspace, by: Actor) -> None:
        self.workspace = workspace
        self.by = by

    # What a kind says of itself --------------------------------------------------------------------

    def standing(self) -> QuerySet[Any]:
        """The rows that can be changed."""
        return self.model.objects.in_workspace(self.workspace.pk)

    def follows(self, row: Row, said: Mapping[str, Any]) -> dict[str, Any]:
        """What else changes when this does. `row` is still as it was; a new one says nothing yet."""
        return {}

    def complaints(self, row: Row, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        """What is wrong with the row as it is to be."""
        return ()

    def settle(self, drafts: Sequence[Draft[Row]]) -> None:
        """Refuse what does not go together with other rows."""

    def words(self, row: Row) -> str:
        """What a key is made from when none is given."""
        return ""

    def finish(self, drafts: Sequence[Draft[Row]]) -> None:
        """Write what hangs on the rows, and tell about them; these are the ones that were written."""

    # What all share -----------------------------------------------------------------------------------

    @transaction.atomic
    def write(self, wishes: Sequence[Wish]) -> list[RowAnswer]:
        """Do what can be done, and answer for every wish in the order of the batch."""
        held = self._held(wishes)
        drafts: list[Draft[Row]] = []
        answers: dict[int, RowAnswer] = {}
        changed: set[int] = set()
        for wish in wishes:
            found = self._draft(wish, held, changed)
            if isinstance(found, Complaint):
                answers[wish.index] = RowAnswer(wish.index, REFUSED, complaints=[found])
            else:
                drafts.append(found)
        self._refuse_taken(drafts)
        self.settle([draft for draft in drafts if not draft.complaints])
        self._write([draft for draft in drafts if draft.is_written])
        self.finish([draft for draft in drafts if draft.is_written])
        answers |= {draft.wish.index: _answer(draft) for draft in drafts}
        return [answers[wish.index] for wish in wishes]

    def _held(self, wishes: Sequence[Wish]) -> dict[str, Row]:
        """The standing rows that are named, locked in the order of their ids; by id and by key."""
        refs = {str(wish.ref) for wish in wishes if wish.ref is not None}
        ids = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 19]
        named = Q(pk__in=ids)
        has_key = any(column.name == "key" for column in self.model._meta.concrete_fields)
        if has_key:
            named |= Q(key__in=[ref for ref in refs if not ref.isdigit()])
        if not refs:
            return {}
        held: dict[str, Row] = {}
        for row in self.standing().filter(named).order_by("pk").select_for_update(of=("self",)):
            held[str(row.pk)] = row
            if has_key:
                held[row.key] = row
        columns = self.model._meta.concrete_fields
        relations = [column.name for column in columns if column.is_relation and column.name != "workspace"]
        if held and relations:
            prefetch_related_objects(list({row.pk: row for row in held.values()}.values()), *relations)
        return held

    def _draft(self, wish: Wish, held: Mapping[str, Row], changed: set[int]) -> Draft[Row] | Complaint:
        said = {name: value for name, value in wish.said.items() if name not in self.extras}
        if wish.ref is None:
            blank: Row = self.model(workspace=self.workspace)
            row: Row = self.model(workspace=self.workspace, **{**said, **self.follows(blank, said)})
            draft = Draft(wish, row)
        else:
            found = held.get(str(wish.ref))
            if found is None:
                return Complaint("", NOT_FOUND, "There is no such object here.")
            if found.pk in changed:
                return Complaint("", "repeated", "An earlier row of the batch is about the same object.")
            if found.version != wish.version:
                detail = f"It has been changed since; it is at version {found.version}."
                return Complaint("version", STALE, detail)
            for complaint in complaint_if_archived(found):
                return complaint
            changed.add(found.pk)
            draft = Draft(wish, found)
            wanted = changed_fields(found, {**said, **self.follows(found, said)})
            draft.before = {name: getattr(found, name) for name in wanted}
            for name, value in wanted.items():
                setattr(found, name, value)
        try:
            rows.check(draft.row, self.complaints(draft.row, wish.said), draft.before)
        except Refused as refusal:
            draft.refuse(refusal.complaints)
        return draft

    def _refuse_taken(self, drafts: Sequence[Draft[Row]]) -> None:
        """Refuse rows whose name another row has, in the batch or in the database."""
        named = [
            (draft, name)
            for draft in drafts
            if not draft.complaints and (draft.is_new or any(self._is_part(name) for name in draft.before))
            for name in [self._name(draft.row)]
            if name is not None
        ]
        if not named:
            return
        standing = self._standing_names(names=[name for _, name in named])
        own = {draft.row.pk: name for draft, name in named if not draft.is_new}
        seen: dict[tuple[Any, ...], int] = {}
        for draft, name in named:
            holder = standing.get(name)
            if holder is not None and holder != draft.row.pk and holder not in own:
                draft.refuse([Complaint(self.names, TAKEN, "Another one has this name already.")])
            elif name in seen:
                detail = f"Row {seen[name]} of the batch has the same name."
                draft.refuse([Complaint(self.names, TAKEN, detail)])
            else:
                seen[name] = draft.wish.index

    def _is_part(self, name: str) -> bool:
        return self.model._meta.get_field(name).attname in self.identity

    def _name(self, row: Row) -> tuple[Any, ...] | None:
        values = tuple(getattr(row, name) for name in self.identity)
        return None if "" in values else values

    def _standing_names(self, names: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
        found = self.model.objects.in_workspace(self.workspace.pk)
        for place, column in enumerate(self.identity):
            values = {name[place] for name in names}
            if None not in values:
                found = found.filter(**{f"{column}__in": values})
        return {tuple(name): pk for pk, *name in found.values_list("pk", *self.identity)}

    def _write(self, drafts: Sequence[Draft[Row]]) -> None:
        new = [draft.row for draft in drafts if draft.is_new]
        if new and "key" in self.identity:
            unnamed = [row for row in new if not row.key]  # type: ignore[attr-defined]
            given = {row.key for row in new if row.key}  # type: ignore[attr-defined]
            words = [self.words(row) for row in unnamed]
            for row, key in zip(
                unnamed, rows.free_keys(self.model, self.workspace.pk, words, given), strict=True
            ):
                row.key = key  # type: ignore[attr-defined]
        # In the order of their names: one order for all who write.
        self.model.objects.bulk_create(sorted(new, key=lambda row: _order(self._name(row))))
        changed = [draft for draft in drafts if not draft.is_new]
        columns = sorted({name for draft in changed for name in draft.before})
        rows.write_many(self.model, [draft.row for draft in changed], columns)


def _order(name: tuple[Any, ...] | None) -> tuple[Any, ...]:
    return tuple((value is not None, value) for value in name or ())


def _answer(draft: Draft[Any]) -> RowAnswer:
    if draft.complaints:
        return RowAnswer(draft.wish.index, REFUSED, complaints=draft.complaints)
    if draft.is_new:
        return RowAnswer(draft.wish.index, CREATED, draft.row)
    return RowAnswer(draft.wish.index, UPDATED if draft.is_written else UNCHANGED, draft.row)
