"""Facts stated through the API: the native body of the webhooks, answered at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import IO, Any

import msgspec
from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiRequest, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.deliveries import DeliverySerializer
from outcomes.services.statements import MOST_TABLES, NoRoom, make_room, state_facts
from outcomes.sources.lines import KINDS
from outcomes.sources.rows import SECTIONS, Row
from outcomes.sources.wholeness import is_evidently_whole, is_last_line_whole
from productops.api.document_fields import default_in_words
from productops.api.packing import CannotUnpack, EndsTooSoon, UnpacksTooLarge, unpack
from productops.api.parsing import has_no_length, read_bounded
from productops.api.problems import Problem
from productops.api.serializers import PlainSerializer
from productops.api.views import StrictView


class RawBody(BaseParser):
    """The bytes as they are, unpacked: rows are read one by one, so that a bad one refuses itself alone."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        headers = parser_context["request"].headers
        limit = settings.WEBHOOK_MAX_UNPACKED_BYTES
        data = read_bounded(stream, limit, headers)
        encoding = headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("", "identity"):
            return data
        if encoding != "gzip":
            raise UnsupportedMediaType(encoding, "Only gzip is taken as Content-Encoding.")
        return _unpacked(data, limit)


def _unpacked(data: bytes, limit: int) -> bytes:
    try:
        return unpack(data, limit)
    except UnpacksTooLarge:
        raise Problem(413, "too_large", f"The body unpacks to more than {limit} bytes.") from None
    except EndsTooSoon:
        raise UnsupportedMediaType("gzip", "The body is not whole gzip.") from None
    except CannotUnpack:
        raise UnsupportedMediaType("gzip", "The body is not gzip.") from None


class RawLines(RawBody):
    """The same, of a row on each line."""

    media_type = "application/x-ndjson"


def _body_of(request: Request) -> bytes:
    """The body, unpacked. Of one in chunks REST framework would read nothing: Django counts what was announced.

    Raises Problem 411 for one in chunks that may have been cut, and what the parsers raise.
    """
    if not has_no_length(request):
        return request.data if isinstance(request.data, bytes) else b""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    parser = next((parser() for parser in (RawBody, RawLines) if parser.media_type == kind), None)
    if parser is None:
        raise UnsupportedMediaType(request.content_type)
    if request.META.get("wsgi.input_terminated") is not True:
        raise Problem(411, "length_required", "Send the body with its Content-Length.")
    body: bytes = parser.parse(request.META["wsgi.input"], kind, {"request": request})
    is_packed = request.headers.get("Content-Encoding", "").strip().lower() == "gzip"
    if not is_packed and not _is_whole(body, parser.media_type):
        raise Problem(
            411, "length_required", "The body in chunks does not end where it should: say its length."
        )
    return body


def _is_whole(body: bytes, media_type: str) -> bool:
    """Whether nothing that was begun is missing: each line states something for itself, a document as a whole."""
    return (
        is_last_line_whole(body)
        if media_type == RawLines.media_type
        else is_evidently_whole(body, media_type)
    )


def _with_room(handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> Any:
    """Call the handler, and again once months that had no partition have one: at most once a table."""
    for _ in range(MOST_TABLES):
        try:
            return handler(request, *args, **kwargs)
        except NoRoom as wanted:
            make_room(wanted)
    return handler(request, *args, **kwargs)


class RowField(serializers.DictField):
    """A row of one section, for the OpenAPI document: the reader of the rows knows their shapes."""

    def __init__(self, shape: type[Row], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = shape


class RowSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "outcomes.api.observations.RowField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        shape = self.target.shape
        told = msgspec.json.schema(shape, ref_template="#/components/schemas/{name}")["$defs"][shape.__name__]
        for field in told["properties"].values():
            default_in_words(field)
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=shape.__name__, type=ResolvedComponent.SCHEMA, object=shape, schema=told
        )
        auto_schema.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference


class NativeBodySerializer(PlainSerializer):
    """Facts by kind, as webhooks state them. A bad row refuses itself alone, in an answer of 200."""

    sent_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it was stated; the newest wins."
    )
    covers = serializers.ListField(
        child=serializers.DateField(),
        required=False,
        allow_null=True,
        help_text="Days that are told in full.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        sections = {
            name: serializers.ListField(child=RowField(shape), required=False, allow_null=True)
            for name, shape in SECTIONS.items()
        }
        return {**super().get_fields(), **sections}


def lines_schema() -> dict[str, Any]:
    """Rows one a line, for the OpenAPI document: a text, which is no JSON, and what each of its lines is.

    A generated client sends the text; only who reads `contentSchema` sees into it. The shapes of rows are in the
    document because the native body has them, too.
    """
    shapes = [{"$ref": f"#/components/schemas/{SECTIONS[name].__name__}"} for name, _ in KINDS]
    return {
        "type": "string",
        "description": "A JSON object on each line.",
        "contentMediaType": RawLines.media_type,
        "contentSchema": {"type": "array", "items": {"anyOf": shapes}},
    }


_LINES_EXAMPLE = OpenApiExample(
    "A row of each kind",
    value="\n".join(
        (
            '{"metric": "checkout.conversion", "at": "2026-05-01T10:00:00Z", "value": 2.4}',
            '{"item": "saved-carts", "actor": "u_123", "customer": "acme", "at": "2026-05-01T10:00:00Z"}',
            '{"item": "saved-carts", "on": "2026-05-01", "active": 120, "eligible": 4000}',
        )
    ),
    media_type=RawLines.media_type,
    request_only=True,
)


class ObservationsView(StrictView):
    """Where facts are stated by key instead of by signature."""

    http_method_names = ["post"]
    parser_classes = [RawBody, RawLines]
    reads_chunks = True
    read_scope = write_scope = "ingest"

    @cached_property
    def body(self) -> bytes:
        """Read once: what is done again, for want of room or after a conflict, finds the stream empty."""
        return _body_of(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Around the transaction of an Idempotency-Key, too: partitions are made in transactions of their own.
        self.__dict__["post"] = partial(_with_room, self.post)

    @extend_schema(
        operation_id="observations_create",
        request={
            RawBody.media_type: NativeBodySerializer,
            RawLines.media_type: OpenApiRequest(lines_schema(), examples=[_LINES_EXAMPLE]),
        },
        responses={200: DeliverySerializer, 202: DeliverySerializer},
    )
    def post(self, request: Request) -> Response:
        """State facts: up to 10,000 rows and 8 MiB, gzip or not.

        As `application/json` the native body; as `application/x-ndjson` one observation, usage row or snapshot a
        line, told apart by what it names, its pointer being the number of its line. With an Idempotency-Key the
        same request again is answered as before; without one, rows that are known already are duplicates. Without
        one the body may come in chunks, its length not said: lines then end whole, JSON closes what it opened.

        200 says what became of each row: taken, duplicate or refused and why; a row that is not what is said here
        refuses itself alone. What is wrong with the body around its rows is 400, and nothing is stored. Where
        others are writing the same rows it waits for them, a few seconds at most; 503 says that nothing was
        stored. 202 says that a row met a fault of ours: all are stored and tried again, and the delivery tells the
        rest.
        """
        body = self.body
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        delivery = state_facts(workspace=self.workspace, by=self.actor, body=body, content_type=kind)
        status = 202 if delivery.state == "pending" else 200
        return Response(DeliverySerializer(delivery, context={"request": request}).data, status=status)
