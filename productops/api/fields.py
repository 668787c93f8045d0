"""Fields that take what contracts promise and nothing that merely converts to it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from productops.api.authentication import workspace_of
from productops.api.references import References
from productops.workspaces.bounds import DAY_RANGE, NUMBER_RANGE, is_day_in_bounds, is_number_in_bounds


class KeyOrId(serializers.Field):
    """A reference to an object of the caller's workspace: taken as its id or key, shown as its key.

    `shows` names attributes to show as an object instead: `("id", "key", "name")`. Objects without a key are
    shown as their id. The reference must be loaded with the row (select_related).
    """

    default_error_messages = {
        "invalid": "A key or an id.",
        "does_not_exist": "There is no such object here.",
    }

    def __init__(self, model: type[models.Model], *, shows: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.model = model
        self.shows = shows
        super().__init__(**kwargs)

    @property
    def has_key(self) -> bool:
        return any(field.name == "key" for field in self.model._meta.fields)

    def to_internal_value(self, data: Any) -> models.Model:
        if isinstance(data, bool) or not isinstance(data, (str, int)) or data == "":
            self.fail("invalid")
        found = self._found(data)
        if found is None:
            self.fail("does_not_exist")
        return found

    def _found(self, data: str | int) -> models.Model | None:
        if "references" in self.context:
            references: References = self.context["references"]
            return references.find(self.model, self.field_name or "", data)
        workspace = workspace_of(self.context["request"])
        rows = self.model._default_manager.in_workspace(workspace.pk)  # type: ignore[attr-defined]
        # An integer is an id; a text of digits is one, too, as in paths.
        found: models.Model | None = rows.by_ref(data).first() if str(data).isprintable() else None
        return found

    def to_representation(self, value: Any) -> Any:
        if self.shows:
            return {name.removeprefix("display_"): getattr(value, name) for name in self.shows}
        return value.key if self.has_key else value.pk


class KeyOrIdSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """How a reference looks in the OpenAPI document."""

    target_class = "productops.api.fields.KeyOrId"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        if direction == "request":
            return {"oneOf": [{"type": "string"}, {"type": "integer"}], "description": "A key or an id."}
        if self.target.shows:
            shown = [name.removeprefix("display_") for name in self.target.shows]
            types = {name: {"type": "integer" if name == "id" else "string"} for name in shown}
            return {"type": "object", "properties": types, "required": shown}
        return {"type": "string"} if self.target.has_key else {"type": "integer"}


class Number(serializers.FloatField):
    """A JSON number within bounds; not a text of digits, and not true or false."""

    default_error_messages = {"out_of_range": NUMBER_RANGE}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            self.fail("out_of_range")
        if not is_number_in_bounds(number):
            self.fail("out_of_range")
        return number


class Day(serializers.DateField):
    """A day that somebody states, within the calendar that everything is computed in."""

    default_error_messages = {"out_of_range": DAY_RANGE}

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not is_day_in_bounds(day):
            self.fail("out_of_range")
        return day


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction (3 or 3.0)."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (int, float)) or data != int(data):
            self.fail("invalid")
        return int(data)


class Amount(serializers.DecimalField):
    """An amount of money, a JSON number in and out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "coerce_to_string": False})

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string; a number is not one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WebAddress(serializers.URLField):
    """An http or https address: a link with another scheme would be a way to run scripts in the admin."""

    default_error_messages = {"scheme": "An address that starts with http:// or https://."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if data and not data.lower().startswith(("http://", "https://")):
            self.fail("scheme")
        return super().to_internal_value(data)
