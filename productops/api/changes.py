"""What was done to the workspace's objects, as a feed that a client can follow without missing anything."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from productops.api.filters import ChoicesFilter, IdFilter, WorkspaceFilterSet
from productops.api.keyset import Cursor
from productops.api.pages import KeysetPages
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.api.views import ReadOnlyViewSet
from productops.workspaces.history import field_names, known_types, settled
from productops.workspaces.models import Change
from productops.workspaces.models.changes import ACTIONS, VIAS

# Whatever the field holds; references are ids.
_VALUE = {
    "type": ["string", "number", "boolean", "object", "array", "null"],
    "items": {},
    "description": "Null when there was none. References are ids.",
}


@extend_schema_field(_VALUE)
class HeldValue(serializers.Field):
    """A field's value as it was written down."""

    def to_representation(self, value: Any) -> Any:
        return value


class FieldChangeSerializer(PlainSerializer):
    """One field that became another."""

    field = serializers.CharField()
    before = HeldValue(allow_null=True)
    after = HeldValue(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` cannot be the name of an attribute.
        fields = super().get_fields()
        return {"field": fields["field"], "from": fields["before"], "to": fields["after"]}


class ChangedObjectSerializer(PlainSerializer):
    id = serializers.IntegerField()
    key = serializers.CharField(allow_null=True, help_text="At the time; null where there are no keys.")


class ChangeActorSerializer(PlainSerializer):
    name = serializers.CharField(help_text="Of the person, key or source; empty where nobody said.")
    user_id = serializers.IntegerField(allow_null=True, help_text="The person's; null for a key or a source.")


class ChangeSerializer(RowSerializer):
    object = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField()
    via = serializers.SerializerMethodField(help_text=f"One of {', '.join(VIAS)}; null where nobody said.")
    request_id = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField()

    class Meta:
        model = Change
        fields = ("id", "at", "type", "action", "object", "actor", "via", "request_id", "changes")

    @extend_schema_field(ChangedObjectSerializer)
    def get_object(self, change: Change) -> dict[str, Any]:
        return {"id": change.object_id, "key": change.object_key or None}

    @extend_schema_field(ChangeActorSerializer)
    def get_actor(self, change: Change) -> dict[str, Any]:
        return {"name": change.by, "user_id": change.user_id}

    def get_via(self, change: Change) -> str | None:
        return change.via or None

    def get_request_id(self, change: Change) -> str | None:
        return change.request_id or None

    @extend_schema_field(FieldChangeSerializer(many=True))
    def get_changes(self, change: Change) -> list[dict[str, Any]]:
        names = field_names(change.type)
        return [
            {"field": names.get(column, column), "from": before, "to": after}
            for column, (before, after) in sorted(change.pairs().items())
        ]


def a_known_type(value: str) -> None:
    if value not in known_types():
        raise DjangoValidationError("There is no such kind of object.", code="invalid_choice")


class ChangeFilters(WorkspaceFilterSet):
    type = django_filters.CharFilter(
        "type", max_length=40, validators=[a_known_type], label="Of this kind of object: item, flag, member."
    )
    object = django_filters.CharFilter(
        method="of_object", label="Of the object with this id, or key at the time."
    )
    action = ChoicesFilter(ACTIONS, field_name="action")
    via = ChoicesFilter(VIAS, field_name="via")
    actor = django_filters.CharFilter(
        "by", max_length=200, label="By whom: the name of a person, key or source."
    )
    user = IdFilter("user_id", label="By the person with this user id.")
    request_id = django_filters.CharFilter("request_id", max_length=64, label="Made by this request.")
    at_after = django_filters.IsoDateTimeFilter("at", "gte", label="From this instant on.")
    at_before = django_filters.IsoDateTimeFilter("at", "lte", label="Up to this instant.")

    def of_object(self, changes: QuerySet[Change], name: str, value: str) -> QuerySet[Change]:
        if value.isascii() and value.isdigit():
            return changes.filter(object_id=int(value)) if len(value) < 19 else changes.none()
        return changes.filter(object_key=value)


class FeedPages(KeysetPages):
    """A list that goes on: forward there is always a `next`, to be asked again later.

    Newest first it ends with the oldest, as any list does: nothing is added beyond that.
    """

    def _next(self) -> str | None:
        onward = super()._next()
        is_backward = self.cursor is not None and self.cursor.is_backward
        if onward is not None or is_backward or self.columns[0].is_descending:
            return onward
        if self.page:
            return self._url(Cursor(self._key(self.page[-1])))
        return self.request.build_absolute_uri() if self.cursor is None else self._url(self.cursor)


class ChangeViewSet(ReadOnlyViewSet):
    """Every change to an object of the roadmap or the outcomes, or to the workspace and its people: who, when,
    through which door, from what to what. Facts are not objects: they are in no change.

    To follow it, keep `next` and ask it again later: an empty page means that there is nothing new yet. A change
    appears once every transaction that began before its own has ended, so nothing can appear before what you
    have read. `?ordering=-position` shows the newest first, and ends: its last page has no `next`.
    """

    model = Change
    serializer_class = ChangeSerializer
    filterset_class = ChangeFilters
    pagination_class = FeedPages
    read_scope = "outcomes:read"
    write_scope = "admin"
    orderings: ClassVar[dict[str, str]] = {"position": "position"}
    default_ordering = ("position",)

    def for_show(self, rows: QuerySet[Change]) -> QuerySet[Change]:
        return settled(rows) if self.action == "list" else rows
