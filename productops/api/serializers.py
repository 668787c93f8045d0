"""Serializers that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from productops.api.fields import Amount, Day, Number, Text, WebAddress, WholeNumber
from productops.workspaces.complaints import SaysWhatIsWrong, complaint_if_archived


class RefusesUnknownFields(serializers.Serializer):
    """A field that is not part of the body is an error, and so is one that only we write.

    It is told together with what is wrong with the fields that are, by their shapes and by the rules of the room: a
    body is corrected in one go.
    """

    # Between which numbers the rules of the room let a field be, for the OpenAPI document: in the words of JSON Schema.
    ranges: ClassVar[Mapping[str, Mapping[str, float]]] = {}

    def to_internal_value(self, data: Any) -> Any:
        refused: dict[str, Any] = self._unwanted(data) if isinstance(data, Mapping) else {}
        try:
            said = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict) or not isinstance(data, Mapping):
                raise
            refused = {**error.detail, **refused}
            said = self._read_alone(data, refused)
        if refused:
            raise serializers.ValidationError({**refused, **self._told_by_rules(said, refused, data)})
        return said

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        """What the rules of the room say against these fields: those that could be read, where others could not.

        The room says it itself once all can be read. What a field lacks because another was refused is no complaint,
        what a new object lacks because nobody said it is one.
        """
        return ()

    def _read_alone(self, data: Mapping[str, Any], refused: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that can be read without those that were refused."""
        said: dict[str, Any] = {}
        for field in self._writable_fields:
            if field.field_name in refused or field.field_name not in data or field.source == "*":
                continue
            try:
                said[str(field.source)] = field.run_validation(field.get_value(data))
            except (serializers.ValidationError, serializers.SkipField):
                continue
        return said

    def _told_by_rules(
        self, said: Mapping[str, Any], refused: Mapping[str, Any], data: Mapping[str, Any]
    ) -> dict[str, list[ErrorDetail]]:
        told: dict[str, list[ErrorDetail]] = {}
        is_new = self.instance is None and not getattr(self, "partial", False)
        for complaint in (*self.complaints_about(said), *self._put_away(said)):
            name = complaint.field.partition("/")[0]
            if (name in said or (is_new and name not in data)) and name not in refused:
                told.setdefault(name, []).append(ErrorDetail(complaint.detail, complaint.code))
        return told

    def _put_away(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        """Nothing new is tied to what is archived."""
        for name, value in said.items():
            if self.instance is None or getattr(self.instance, name, None) != value:
                yield from complaint_if_archived(value, name)

    def _unwanted(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        complaints: dict[str, list[ErrorDetail]] = {}
        for name in data:
            field = self.fields.get(name)
            if field is None:
                complaints[str(name)[:100]] = [ErrorDetail("There is no such field.", "unknown")]
            elif field.read_only:
                complaints[name] = [ErrorDetail("This field cannot be written.", "read_only")]
        if self.root is not self and getattr(self.root, "partial", False):
            # A PATCH leaves out fields of the object, not of what is nested in it: that is said whole.
            missing = [name for name, field in self.fields.items() if field.required and name not in data]
            complaints |= {name: [ErrorDetail("This field is required.", "required")] for name in missing}
        return complaints


def only(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the fields that were said."""
    return {name: said[name] for name in names if name in said}


class PlainSerializer(RefusesUnknownFields):
    """A body or an answer that is not a row."""


class RowSerializer(RefusesUnknownFields, serializers.ModelSerializer):
    """A row. Uniqueness is not asked for beforehand: two requests would both be told yes. The database says."""

    # Shared by every resource; written by us alone.
    id = serializers.IntegerField(read_only=True)

    serializer_field_mapping: ClassVar[dict[type[models.Field], type[serializers.Field]]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateField: Day,
        models.FloatField: Number,
        models.IntegerField: WholeNumber,
        models.PositiveIntegerField: WholeNumber,
        models.PositiveSmallIntegerField: WholeNumber,
        models.DecimalField: Amount,
        models.CharField: Text,
        models.TextField: Text,
        models.URLField: WebAddress,
    }

    def get_validators(self) -> list[Any]:
        return []

    def get_uniqueness_extra_kwargs(
        self, field_names: Iterable[str], declared_fields: Mapping[str, Any], extra_kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return extra_kwargs, {}

    def written_values(self) -> dict[str, Any]:
        """What the body said, and for a full replacement (PUT) the default of every field that it left out."""
        said = dict(self.validated_data)
        if self.instance is None or self.partial:
            return said
        return {**self._defaults(), **said}

    def _defaults(self) -> dict[str, Any]:
        model: type[models.Model] = self.Meta.model
        columns = {field.name: field for field in model._meta.concrete_fields}
        return {
            field.source: columns[field.source].get_default()
            for field in self.fields.values()
            if not field.read_only and field.source in columns and field.source != "key"
        }


class FieldErrorSerializer(serializers.Serializer):
    """One thing that is wrong."""

    # Fields that an answer may lack, for the OpenAPI document.
    sometimes = ("source",)

    pointer = serializers.CharField(help_text="JSON pointer into the body, or to the parameter's name.")
    code = serializers.CharField()
    detail = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute has this name
        required=False, help_text="`query` for a query parameter."
    )


class ErrorBodySerializer(serializers.Serializer):
    """An error, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField(allow_null=True)
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]  # so has a serializer's
