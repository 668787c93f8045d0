"""Filters that refuse what they do not know: an ignored filter would answer with everything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value
from django.utils.functional import cached_property
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from productops.api.authentication import workspace_of
from productops.api.problems import BadParameter, BadParameters

if TYPE_CHECKING:
    # REST framework's settings name this module, so it is read before the views are.
    from rest_framework.views import APIView

# Said by the caller to mean the archived ones; absent means the current ones.
_YES_NO = {"true": True, "false": False}
# Of parameters that mean nothing so many are told at once.
_MOST_TOLD = 20


class YesNoField(forms.Field):
    """`true` or `false`, and nothing that merely looks like it."""

    def clean(self, value: Any) -> bool | None:
        if value in (None, ""):
            return None
        if value not in _YES_NO:
            raise forms.ValidationError("true or false.", code="invalid")
        return _YES_NO[value]


class YesNoFilter(django_filters.BooleanFilter):
    field_class = YesNoField


class WholeNumberFilter(django_filters.NumberFilter):
    """A number without a fraction."""

    field_class = forms.IntegerField


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 2**63 - 1})
class IdFilter(WholeNumberFilter):
    """The id of something that is not looked up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=2**63 - 1, **kwargs)


class RefFilter(django_filters.CharFilter):
    """Rows that refer to the object with this id or key, of the caller's workspace.

    An object of another workspace does not exist here, exactly like one that never did.
    """

    def __init__(self, model: type[Model], *args: Any, **kwargs: Any) -> None:
        self.target = model
        super().__init__(*args, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value in (None, ""):
            return qs
        pk = self.parent.referred.get(self.extra_name)
        if pk is None:
            detail = f"There is no such {self.target._meta.verbose_name} here."
            raise BadParameter(self.extra_name, detail, "does_not_exist")
        path = str(self.field_name)
        first, _, rest = path.partition("__")
        step = qs.model._meta.get_field(first)
        if step.concrete:
            return qs.filter(**{path: pk})
        # Through many rows (a problem's evidence): asked of each row apart, so that a join cannot repeat one, and a
        # page of a list where most rows are meant is read along the index of its order.
        others = step.related_model._default_manager
        return qs.filter(Exists(others.filter(**{step.field.name: OuterRef("pk"), rest or "pk": pk})))

    def named(self, value: str) -> QuerySet[Any]:
        """The object that is referred to, as (this parameter, its id)."""
        workspace = workspace_of(self.parent.request)
        found = self.target._default_manager.in_workspace(workspace.pk).by_ref(value)  # type: ignore[attr-defined]
        return found.order_by().annotate(parameter=Value(self.extra_name)).values_list("parameter", "pk")

    @property
    def extra_name(self) -> str:
        """The parameter's public name."""
        names = [name for name, held in self.parent.filters.items() if held is self]
        return names[0] if names else str(self.field_name)


class ChoicesFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """One or several of the choices, separated by commas: `?status=idea,discovery`."""

    def __init__(self, values: Iterable[str], *args: Any, **kwargs: Any) -> None:
        choices = [(value, value) for value in values]
        super().__init__(*args, choices=choices, **kwargs)


class SearchFilter(django_filters.CharFilter):
    """Full-text search over `fields`, in the way people write searches: words, "a phrase", -not, or."""

    def __init__(self, fields: Iterable[str], *args: Any, **kwargs: Any) -> None:
        self.fields = tuple(fields)
        super().__init__(*args, max_length=500, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value in (None, ""):
            return qs
        vector = SearchVector(*self.fields, config="english")
        matches = Q(found_in=SearchQuery(value, search_type="websearch", config="english"))
        # The key is a name, not prose: it is found by its beginning, too.
        return qs.annotate(found_in=vector).filter(matches | self._by_key(qs, value))

    def _by_key(self, qs: QuerySet[Any], value: str) -> Q:
        has_key = any(field.name == "key" for field in qs.model._meta.fields)
        return Q(key__istartswith=value) if has_key else Q(pk__in=[])


class WorkspaceFilterSet(django_filters.FilterSet):
    """The parent of every list's filters; a bad value is refused by name."""

    @cached_property
    def referred(self) -> dict[str, int]:
        """The ids of all objects that parameters refer to, in one statement however many they are."""
        values = self.form.cleaned_data
        asked = [
            held.named(values[name])
            for name, held in self.filters.items()
            if isinstance(held, RefFilter) and values.get(name) not in (None, "")
        ]
        if not asked:
            return {}
        return dict(asked[0].union(*asked[1:], all=True) if asked[1:] else asked[0])


class ArchivableFilterSet(WorkspaceFilterSet):
    """Current rows only, unless the archived ones are asked for."""

    archived = YesNoFilter(
        method="only_archived", label="true: the archived ones instead of the current ones."
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("archived") is not None else found.current()

    def only_archived(self, queryset: Any, name: str, value: bool) -> QuerySet[Any]:
        return queryset.archived() if value else queryset.current()


class WorkspaceFilters(DjangoFilterBackend):
    """REST framework's hook for the filters above; only lists are filtered."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise BadParameters({name: list(words) for name, words in filterset.errors.items()})
        for name, value in filterset.form.cleaned_data.items():
            if isinstance(value, datetime) and not _has_utc(value):
                raise BadParameter(name, "Before the year 1 or after the year 9999 in UTC.")
        return filterset.qs


def _has_utc(instant: datetime) -> bool:
    """Whether the instant is within the years that a datetime, and the database's driver, can tell in UTC."""
    try:
        instant.astimezone(UTC)
    except OverflowError:
        return False
    return True


def refuse_unknown_parameters(request: Request, known: Iterable[str]) -> None:
    """Raise BadParameters for those that mean nothing here, are given twice or blank: all of them, up to a few."""
    allowed = set(known)
    refused: dict[str, list[ErrorDetail]] = {}
    for name, values in request.query_params.lists():
        if name not in allowed:
            told = ", ".join(sorted(allowed)) or "none"
            # Once is enough for the whole list.
            more = (
                "" if any(said[0].code == "unknown" for said in refused.values()) else f"; there are: {told}"
            )
            refused[name[:100]] = [ErrorDetail(f"There is no such parameter here{more}.", "unknown")]
        elif len(values) > 1:
            refused[name] = [ErrorDetail("Given more than once.", "repeated")]
        elif values == [""]:
            refused[name] = [ErrorDetail("Given without a value; leave it out instead.", "blank")]
        if len(refused) == _MOST_TOLD:
            break
    if refused:
        raise BadParameters(refused)
