"""CSV files in: `POST /imports/?kind=items` with the file as the body."""

from __future__ import annotations

from typing import IO, Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import FileImportFilters
from outcomes.imports import KINDS, FileRefused
from outcomes.models import FileImport
from outcomes.models.imports import FILE_KINDS, FILE_STATES
from outcomes.services.file_imports import take_file
from productops.api.bulk import yes_no
from productops.api.parsing import read_bounded
from productops.api.problems import BadParameter, FieldError, Problem
from productops.api.serializers import RowSerializer
from productops.api.views import ReadOnlyViewSet

_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_NAME = 200
# What the outcomes' own kinds of file need besides the scope that every file needs.
_NEEDS_OUTCOMES = ("metrics", "outcomes")
_PARAMETERS = [
    OpenApiParameter("kind", OpenApiTypes.STR, required=True, enum=FILE_KINDS, description="What it holds."),
    OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="true: report as if, and write no row of it."),
    OpenApiParameter("name", OpenApiTypes.STR, description="The file's name, to find it again by."),
]


class CsvBody(BaseParser):
    """The file's bytes, plain or gzip; the import tells which by itself."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        request = parser_context["request"]
        charset = request.content_params.get("charset", "utf-8") if hasattr(request, "content_params") else ""
        if charset and charset.strip('"').lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(f"charset={charset}", "Files are UTF-8.")
        data = read_bounded(stream, settings.IMPORT_MAX_BYTES, request.headers)
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise UnsupportedMediaType(encoding, "Only gzip is taken as Content-Encoding.")
        if encoding == "gzip" and not data.startswith(_GZIP_MAGIC):
            raise UnsupportedMediaType(encoding, "The body is not gzip.")
        return data


class GzipBody(CsvBody):
    media_type = "application/gzip"


class RowComplaintSerializer(serializers.Serializer):
    """One thing wrong with one row."""

    line = serializers.IntegerField(help_text="Counted from 1 with the header; 0 is the whole file.")
    column = serializers.CharField(help_text="Empty when it is about the whole line.")
    code = serializers.CharField()
    detail = serializers.CharField()


class FileImportSerializer(RowSerializer):
    """A file and what became of its rows: each is in exactly one of the four totals."""

    kind = serializers.ChoiceField(FILE_KINDS, read_only=True)
    state = serializers.ChoiceField(
        FILE_STATES,
        read_only=True,
        help_text="pending waits for a worker; refused could not be read as a whole.",
    )
    progress = serializers.SerializerMethodField(help_text="How much of it has been read, 0 to 1.")

    class Meta:
        model = FileImport
        fields: tuple[str, ...] = (
            "id",
            "kind",
            "name",
            "state",
            "progress",
            "is_dry_run",
            "created",
            "updated",
            "unchanged",
            "refused",
            "complaints_left_out",
            "by",
            "body_bytes",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.FloatField)
    def get_progress(self, row: FileImport) -> float:
        return 1.0 if row.state == "done" or not row.body_bytes else row.read_bytes / row.body_bytes


class ToldFileImportSerializer(FileImportSerializer):
    """The same with every complaint about its rows, up to a thousand."""

    complaints = RowComplaintSerializer(many=True, read_only=True)

    class Meta(FileImportSerializer.Meta):
        fields = (*FileImportSerializer.Meta.fields, "complaints")
        read_only_fields = fields


class FileImportViewSet(ReadOnlyViewSet):
    """Files that were handed in, newest first. What is wrong with which row is told by each of them alone."""

    model = FileImport
    serializer_class = FileImportSerializer
    filterset_class = FileImportFilters
    parser_classes = [CsvBody, GzipBody]
    read_scope, write_scope = "roadmap:read", "roadmap:write"
    orderings: ClassVar[dict[str, Any]] = {"created_at": "created_at", "id": "id"}
    default_ordering = ("-created_at",)

    def get_serializer_class(self) -> Any:
        return FileImportSerializer if self.action == "list" else ToldFileImportSerializer

    def for_show(self, rows: QuerySet[FileImport]) -> QuerySet[FileImport]:
        return rows.defer("body", "complaints") if self.action == "list" else rows.defer("body")

    def parameters(self) -> Any:
        return ("kind", "dry_run", "name") if self.action == "create" else super().parameters()

    @extend_schema(
        parameters=_PARAMETERS,
        request={"text/csv": OpenApiTypes.STR, "application/gzip": OpenApiTypes.BINARY},
        responses={201: ToldFileImportSerializer, 202: ToldFileImportSerializer},
    )
    def create(self, request: Request) -> Response:
        """Take a CSV file: UTF-8 with a header row, plain or gzip, rows matched by key or external id.

        201 says what became of every row; valid rows are taken even when others are refused. A large file is
        answered 202: a worker takes it, and its own page tells the progress and the end.
        """
        kind, name = self._kind(), self._name()
        body = request.data if isinstance(request.data, bytes) else b""
        try:
            row = take_file(
                **self.acting(), kind=kind, body=body, name=name, is_dry_run=yes_no(request, "dry_run")
            )
        except FileRefused as refused:
            raise _problem(refused) from refused
        response = self.answer(row.pk, status=202 if row.state == "pending" else 201)
        response["Location"] = request.build_absolute_uri(f"{request.path}{row.pk}/")
        return response

    def _kind(self) -> str:
        kind = self.request.query_params.get("kind")
        if kind not in KINDS:
            code = "required" if kind is None else "invalid"
            raise BadParameter("kind", f"One of {', '.join(FILE_KINDS)}.", code)
        if kind in _NEEDS_OUTCOMES and "outcomes:write" not in self.request.scopes:  # type: ignore[attr-defined]
            raise Problem(403, "missing_scope", "This kind of file needs the scope outcomes:write, too.")
        return kind

    def _name(self) -> str:
        name = self.request.query_params.get("name", "")
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise BadParameter("name", f"At most {_LONGEST_NAME} printable characters.")
        return name


def _problem(refused: FileRefused) -> Problem:
    errors = [
        FieldError(
            pointer=f"/{told.line}/{told.column}".rstrip("/"), code=told.code, detail=f"{told}".capitalize()
        )
        for told in refused.complaints
    ]
    return Problem(400, "file_refused", "The file cannot be read; nothing of it was taken.", errors)
