"""What endpoints are sent, for the OpenAPI document: a shape for every event, as the pipeline's payloads make them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiWebhook, PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from outcomes.models.effects import DESIGNS, EFFECT_VERDICTS
from outcomes.models.flags import FLAG_REASONS, FLAG_STATES
from outcomes.models.outcomes import ROLES
from outcomes.models.told import DIGEST, DISABLED, EVENTS, FLAGS_DIGEST, TEST

_Fields = dict[str, serializers.Field]


def _number(told: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=told)


def _constant(text: str) -> serializers.Field:
    # A class of its own: what is said of a field is said of its whole class.
    kind = type("ConstantField", (serializers.CharField,), {})
    field: serializers.Field = extend_schema_field({"type": "string", "const": text})(kind)()
    return field


class ToldItemSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()
    released_on = serializers.DateField(allow_null=True)


class ToldSourceSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()


class ToldOutcomeSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    metric = serializers.CharField()
    series = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(ROLES)


class ToldStandingSerializer(ToldOutcomeSerializer):
    baseline = _number()
    target = _number()
    current = _number()
    attainment = _number("0 at the baseline, 1 at the target.")
    grade = serializers.CharField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)


class ToldFlagSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    reason = serializers.ChoiceField(FLAG_REASONS)
    state = serializers.ChoiceField(FLAG_STATES)
    opened_on = serializers.DateField()
    holding_since = serializers.DateField()
    resolved_on = serializers.DateField(allow_null=True)
    resolved_cause = serializers.CharField(allow_blank=True)
    recommendation = serializers.CharField(allow_blank=True)
    item = ToldItemSerializer(allow_null=True)
    outcome = ToldOutcomeSerializer(allow_null=True)
    source = ToldSourceSerializer(allow_null=True)  # type: ignore[assignment]
    evidence = serializers.DictField(help_text="The numbers it rests on.")


class ToldEffectSerializer(serializers.Serializer):
    outcome = serializers.IntegerField()
    metric = serializers.CharField()
    series = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(ROLES)
    design = serializers.ChoiceField(DESIGNS)
    estimate = _number("In the metric's unit per period.")
    low = _number()
    high = _number()
    relative = _number()
    verdict = serializers.ChoiceField(EFFECT_VERDICTS, allow_null=True)
    decided_on = serializers.DateField()
    n_before = serializers.IntegerField()
    n_after = serializers.IntegerField()


class ToldEndpointSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class DisabledEndpointSerializer(ToldEndpointSerializer):
    host = serializers.CharField()


def _counts(told: str) -> serializers.DictField:
    return serializers.DictField(child=serializers.IntegerField(), help_text=told)


_DATA: dict[str, tuple[str, _Fields]] = {
    "flag.opened": ("A flag opened, or came back.", {"flag": ToldFlagSerializer()}),
    "flag.resolved": ("What a flag was about has ended.", {"flag": ToldFlagSerializer()}),
    "value.changed": (
        "The proven value of an item moved by at least the endpoint's threshold since it was last told.",
        {
            "item": ToldItemSerializer(),
            "before": _number("Null while it was not known."),
            "after": _number("Null when it is not known any more."),
            "realised": _number(),
            "coverage": serializers.FloatField(),
            "cause": serializers.CharField(allow_null=True),
            "as_of": serializers.DateTimeField(),
        },
    ),
    "outcome.met": (
        "An outcome reached its target, once for every target and day.",
        {"item": ToldItemSerializer(), "outcome": ToldStandingSerializer()},
    ),
    "outcome.missed": (
        "An outcome is due and below its target.",
        {"item": ToldItemSerializer(), "outcome": ToldStandingSerializer()},
    ),
    "effect.decided": (
        "What a release did to an outcome is decided, or decided otherwise by a late correction.",
        {"item": ToldItemSerializer(), "effect": ToldEffectSerializer()},
    ),
    "source.stale": (
        "A source has gone silent.",
        {
            "source": ToldSourceSerializer(),
            "newest_on": serializers.DateField(),
            "days_since": serializers.IntegerField(),
            "cadence": serializers.CharField(),
        },
    ),
    "item.released": ("An item was released.", {"item": ToldItemSerializer()}),
    FLAGS_DIGEST: (
        "What a first run, or a change of rules, did to flags: one message to whoever is told of flags.",
        {
            "kind": serializers.CharField(),
            "opened": _counts("Flags by reason."),
            "resolved": _counts("Flags by reason."),
        },
    ),
    TEST: (
        "Somebody pressed the test button.",
        {"endpoint": ToldEndpointSerializer(), "by": serializers.CharField()},
    ),
    DIGEST: (
        "What occurred since the last digest, as a mail.",
        {
            "since": serializers.DateTimeField(),
            "through": serializers.DateTimeField(),
            "total": serializers.IntegerField(help_text="Flags that stand."),
            "by_reason": _counts("Flags that stand, by reason."),
            "opened_count": serializers.IntegerField(),
            "resolved_count": serializers.IntegerField(),
            "by_event": _counts("What occurred, by event."),
            "news": serializers.ListField(child=serializers.CharField()),
            "more": serializers.IntegerField(help_text="How many more there were."),
        },
    ),
    DISABLED: (
        "An endpoint was disabled: a mail to its owner.",
        {
            "endpoint": DisabledEndpointSerializer(),
            "reason": serializers.CharField(),
            "failing_since": serializers.DateTimeField(),
        },
    ),
}


def _shape_of(event: str, doc: str, data: _Fields) -> type[serializers.Serializer]:
    name = "".join(word.title() for word in event.replace("_", ".").split("."))
    inner = type(f"{name}DataSerializer", (serializers.Serializer,), dict(data))
    fields = {
        "type": _constant(event),
        "timestamp": serializers.DateTimeField(help_text="When it happened; the same in every attempt."),
        "workspace": serializers.CharField(help_text="The workspace's key."),
        "data": inner(),
    }
    return type(f"{name}EventSerializer", (serializers.Serializer,), {**fields, "__doc__": doc})


SHAPES: dict[str, serializers.Serializer | type[serializers.Serializer]] = {
    event: _shape_of(event, doc, data) for event, (doc, data) in _DATA.items()
}

PAYLOAD = PolymorphicProxySerializer(
    component_name="NoticePayload", serializers=SHAPES, resource_type_field_name="type"
)


def _component(event: str) -> str:
    shape = SHAPES[event]
    assert isinstance(shape, type)
    return shape.__name__.removesuffix("Serializer")


def _header(name: str, told: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": told,
        "schema": {"type": "string"},
    }


def _operation(event: str) -> dict[str, Any]:
    body = {"schema": {"$ref": f"#/components/schemas/{_component(event)}"}}
    return {
        "operationId": f"told_{event.replace('.', '_')}",
        "description": _DATA[event][0],
        "tags": ["webhooks"],
        "parameters": [
            _header("webhook-id", "The same in every attempt: by it a receiver knows a repeat."),
            _header("webhook-timestamp", "When this attempt was signed, in seconds since 1970."),
            _header("webhook-signature", "`v1,` and a signature, one for every secret that holds."),
        ],
        "requestBody": {"content": {"application/json": body}, "required": True},
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again."},
            "410": {"description": "Wants no more: the endpoint is disabled."},
        },
    }


WEBHOOKS = [OpenApiWebhook(event, {"post": _operation(event)}) for event in (*EVENTS, FLAGS_DIGEST, TEST)]
