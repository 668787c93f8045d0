"""A page of a list by the keys of a row: which rows follow it, found along an index however far in they are.

"Beyond (a, b)" said at once, `a > x OR (a = x AND b > y)`, is something no index can be entered at: the
database reads the list from its beginning. So it is said in stretches, each of which is a range of one index:
first those with `a = x AND b > y`, then those with `a > x`, then those whose `a` is unknown. A stretch is only
looked at when those before it did not fill the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, F, IntegerField, Model, Q, QuerySet
from django.db.models.expressions import Combinable, OrderBy, RawSQL


@dataclass(frozen=True, slots=True)
class Column:
    """One part of an ordering: what is compared, and which way. Unknown (null) always comes last."""

    source: str | Combinable
    is_descending: bool = False

    def is_nullable(self, model: type[Model]) -> bool:
        """Whether a row can be without it: where it is null, or is kept by another row that may be missing."""
        return not isinstance(self.source, str) or any(_may_be_missing(model, self.source))

    def ordered(self, alias: str, is_backward: bool, is_nullable: bool = True) -> OrderBy:
        """The ORDER BY term; backward is the exact mirror, nulls first included."""
        is_descending = self.is_descending != is_backward
        if not is_nullable:
            return F(alias).desc() if is_descending else F(alias).asc()
        nulls: Any = {"nulls_first": True} if is_backward else {"nulls_last": True}
        return F(alias).desc(**nulls) if is_descending else F(alias).asc(**nulls)

    def known(self, alias: str, is_backward: bool) -> OrderBy:
        """The same among rows that have a value, said so that one index, `DESC NULLS LAST`, serves both ways."""
        if self.is_descending != is_backward:
            return F(alias).desc(nulls_last=True)
        return F(alias).asc(nulls_first=True)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: reading `is_backward` or forward from `values`, the row itself included or not."""

    values: tuple[Any, ...]
    is_backward: bool = False
    is_inclusive: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows that follow one another: those with these values in the first columns, and the next one bounded.

    `bound` is None where every column is fixed. `is_known` says that the rows have a value in the next column.
    """

    fixed: tuple[Any, ...]
    bound: Q | None = None
    is_known: bool = True


_COUNT, _ALL = "(SELECT count(*) FROM stretch_{})", "SELECT * FROM stretch_{}"


class Keyset:
    """The rows of a queryset in the order of `columns`, the last of which is unique."""

    def __init__(self, queryset: QuerySet[Any], columns: Sequence[Column]) -> None:
        self.columns = list(columns)
        self.aliases = [f"keyset_{index}" for index in range(len(self.columns))]
        self.sources: Mapping[str, Any] = {
            alias: F(column.source) if isinstance(column.source, str) else column.source
            for alias, column in zip(self.aliases, self.columns, strict=True)
        }
        self.queryset = queryset
        self.nullable = [column.is_nullable(queryset.model) for column in self.columns]

    def whole(self) -> QuerySet[Any]:
        """All rows in order, each with its key in `keyset_0`, `keyset_1` and so on."""
        return self.queryset.annotate(**self.sources).order_by(*self._order(0, is_backward=False))

    def page(self, cursor: Cursor | None, size: int, *, is_counted: bool = False) -> list[Any]:
        """At most `size` rows from the cursor on, in reading direction, with their keys as in `whole`.

        If the list `is_counted`, each row tells in `keyset_total` how many there are in all.
        """
        is_backward = cursor is not None and cursor.is_backward
        stretches = list(self._from_start() if cursor is None else self._from(cursor))
        rows = self.queryset.annotate(**self.sources).order_by(*self._order(0, is_backward))
        if cursor is not None or len(stretches) > 1:
            rows = rows.filter(pk__in=self._ids(stretches, is_backward, size))
        if is_counted:
            rows = rows.annotate(keyset_total=self._count())
        return list(rows[:size])

    def _count(self) -> RawSQL:
        """How many rows the list has. Nothing in it depends on a row, so that PostgreSQL counts once."""
        counted = self.queryset.order_by().values("pk").query
        sql, params = counted.get_compiler(self.queryset.db, elide_empty=False).as_sql()
        return RawSQL(f"(SELECT count(*) FROM ({sql}) AS counted)", params, output_field=IntegerField())  # noqa: S608, S611

    def _order(self, first: int, is_backward: bool) -> list[OrderBy]:
        return [
            column.ordered(alias, is_backward, is_nullable)
            for column, alias, is_nullable in zip(
                self.columns[first:], self.aliases[first:], self.nullable[first:], strict=True
            )
        ]

    def _from_start(self) -> Iterator[_Stretch]:
        if self.nullable[0]:
            yield _Stretch((), Q(**{f"{self.aliases[0]}__isnull": False}))
            yield _Stretch((None,))
        else:
            yield _Stretch(())

    def _from(self, cursor: Cursor) -> Iterator[_Stretch]:
        """The nearest rows first: those that share the most columns with the cursor."""
        values = cursor.values
        if cursor.is_inclusive:
            yield _Stretch(values)
        for index in reversed(range(len(values))):
            yield from self._beyond(values[:index], index, values[index], cursor.is_backward)

    def _beyond(
        self, fixed: tuple[Any, ...], index: int, value: Any, is_backward: bool
    ) -> Iterator[_Stretch]:
        alias = self.aliases[index]
        if value is None:
            if is_backward:
                yield _Stretch(fixed, Q(**{f"{alias}__isnull": False}))
            return
        lookup = "lt" if self.columns[index].is_descending != is_backward else "gt"
        yield _Stretch(fixed, Q(**{f"{alias}__{lookup}": value}))
        if self.nullable[index] and not is_backward:
            yield _Stretch((*fixed, None))

    def _ids(self, stretches: Sequence[_Stretch], is_backward: bool, size: int) -> RawSQL:
        """The ids of the page, in one statement; whoever reads them puts them in order."""
        queries: list[str] = []
        params: list[Any] = []
        for number, stretch in enumerate(stretches):
            rows = self._rows_of(stretch, is_backward)
            if number:
                before = " + ".join(map(_COUNT.format, range(number)))
                # Without a column in it, PostgreSQL asks this once, before it reads anything.
                rows = rows.filter(RawSQL(f"{before} < %s", [size], output_field=BooleanField()))  # noqa: S611
            # A condition that nothing can meet, such as a number beyond the column's, is one like any other here.
            compiler = rows.values("pk")[:size].query.get_compiler(rows.db, elide_empty=False)
            sql, said = compiler.as_sql()
            queries.append(f"stretch_{number} AS MATERIALIZED ({sql})")
            params.extend(said)
        union = " UNION ALL ".join(map(_ALL.format, range(len(queries))))
        return RawSQL(f"WITH {', '.join(queries)} {union}", params)  # noqa: S611  # values are all parameters

    def _rows_of(self, stretch: _Stretch, is_backward: bool) -> QuerySet[Any]:
        rows = self.queryset.alias(**self.sources)
        for alias, value in zip(self.aliases, stretch.fixed, strict=False):
            rows = rows.filter(**({f"{alias}__isnull": True} if value is None else {alias: value}))
        width = len(stretch.fixed)
        known = [index for index, value in enumerate(stretch.fixed) if value is not None]
        order = self._order(width, is_backward)
        if stretch.bound is not None:
            rows = rows.filter(stretch.bound)
            known.append(width)
            if self.nullable[width]:
                order[0] = self.columns[width].known(self.aliases[width], is_backward)
        for index in known:
            rows = rows.filter(self._same_workspace(index))
        return rows.order_by(*order)

    def _same_workspace(self, index: int) -> Q:
        """A joined row is of the same workspace. The database knows that, but only told it uses its index."""
        source = self.columns[index].source
        if not isinstance(source, str) or source.count("__") != 1:
            return Q()
        relation = source.partition("__")[0]
        owner: Any = self.queryset.model._meta.get_field(relation).related_model
        is_owned = owner is not None and any(field.name == "workspace" for field in owner._meta.fields)
        return Q(**{f"{relation}__workspace": F("workspace")}) if is_owned else Q()


def _may_be_missing(model: type[Model], path: str) -> Iterator[bool]:
    """For each step of an ORM path, whether it can end in nothing."""
    here: Any = model
    for name in path.split("__"):
        if name == "pk":
            yield False
            continue
        try:
            field = here._meta.get_field(name)
        except FieldDoesNotExist:
            # An annotation: nothing is known of it.
            yield True
            return
        # A row that is found from its other end need not be there.
        yield bool(getattr(field, "null", False)) or not field.concrete
        here = field.related_model
