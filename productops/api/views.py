"""What every resource does the same way: lists, reads, writes by version, and says what it refuses.

A resource says its model, serializer, filters, orderings and scopes, and hands each write to one service:

    class ProductViewSet(ResourceViewSet):
        model = Product
        read_scope, write_scope = "roadmap:read", "roadmap:write"

        def create_object(self, values): return create_product(**self.acting(), **values)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.utils.cache import patch_vary_headers
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from productops.api import pages
from productops.api.authentication import WORKSPACE_HEADER, actor_of, workspace_of
from productops.api.conflicts import again_after_conflict
from productops.api.filters import WorkspaceFilters, refuse_unknown_parameters
from productops.api.idempotency import answer_once, carries_key, hold_body, is_asked_for
from productops.api.pages import KeysetPages
from productops.api.parsing import has_no_length
from productops.api.preconditions import etag_of, expected_version, is_known
from productops.api.problems import BadParameter, Problem
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere

# Who calls, and where: another caller may be shown something else at the same address.
CALLED_BY = ("Authorization", "Cookie", WORKSPACE_HEADER)
METHODS = ["get", "post", "put", "patch", "delete", "head"]
_SHAPING = frozenset({"fields", "expand"})


class StrictView(APIView):
    """A view that refuses parameters it does not know and bodies it cannot measure."""

    http_method_names = METHODS
    metadata_class = None
    known_parameters: ClassVar[tuple[str, ...]] = ()
    # Whether the view itself reads a body in chunks, and knows whether it came whole.
    reads_chunks: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if carries_key(request):
            hold_body(request)
        super().initial(request, *args, **kwargs)
        if not hasattr(self, str(request.method).lower()):
            # Before its parameters are looked at: what a route does not do has none.
            raise MethodNotAllowed(str(request.method))
        if has_no_length(request) and (carries_key(request) or not self.reads_chunks):
            # Under WSGI such a body reads as empty, which would be taken for a request without one. A key stands for
            # all of a body: if it was cut, the whole one could not be sent under it.
            raise Problem(411, "length_required", "Send the body with its Content-Length.")
        refuse_unknown_parameters(request, self.parameters())
        if (method := str(request.method).lower()) not in ("get", "head"):
            handler = getattr(self, method)
            if _SHAPING & request.query_params.keys():
                # What of it can be shown is known at the end: where that is refused, nothing was done.
                handler = transaction.atomic(handler)
            if is_asked_for(request):
                handler = partial(answer_once, handler)
            # REST framework looks the handler up after this, as it does for the actions of a viewset.
            self.__dict__[method] = partial(again_after_conflict, handler)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What is shown is the caller's alone: a cache may keep it for them, and asks with its ETag every time."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(answer, CALLED_BY)
        return answer

    def parameters(self) -> Iterable[str]:
        """The names of the query parameters that mean something here."""
        return self.known_parameters

    @property
    def workspace(self) -> Workspace:
        return workspace_of(self.request)

    @property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def acting(self) -> dict[str, Any]:
        """The two arguments that every service takes."""
        return {"workspace": self.workspace, "by": self.actor}


class Resource(StrictView, GenericViewSet):
    """The parts of a resource that reading and writing share."""

    model: ClassVar[type[models.Model]]
    read_scope: ClassVar[str]
    write_scope: ClassVar[str]
    # Public name in ?ordering= -> ORM path or expression.
    orderings: ClassVar[Mapping[str, str | Combinable]] = {}
    default_ordering: ClassVar[tuple[str, ...]] = ()
    # Public name in ?expand= -> the field that shows it; `expanded` loads what it needs.
    expansions: ClassVar[Mapping[str, Callable[[], serializers.Field]]] = {}

    lookup_url_kwarg = "id"
    lookup_value_regex = "[A-Za-z0-9._:@-]{1,200}"
    pagination_class: type[KeysetPages] | None = KeysetPages
    filter_backends = [WorkspaceFilters]

    def get_queryset(self) -> QuerySet[Any]:
        """Rows of the caller's workspace, with what the serializer shows of them."""
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()
        rows = self.model._default_manager.in_workspace(self.workspace.pk)  # type: ignore[attr-defined]
        return self.expanded(self.for_show(rows), self._names("expand"))

    def for_show(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Load what the serializer shows, in a constant number of queries."""
        return rows

    def expanded(self, rows: QuerySet[Any], names: list[str]) -> QuerySet[Any]:
        """Load what the named expansions show."""
        return rows

    def get_object(self) -> Any:
        found = self.get_queryset().by_ref(self.kwargs[self.lookup_url_kwarg]).first()  # type: ignore[attr-defined]
        if found is None:
            raise NotHere
        return found

    def parameters(self) -> Iterable[str]:
        is_list = self.action == "list"
        filterset = getattr(self, "filterset_class", None) if is_list else None
        if self.action == "bulk":
            return ("partial", "dry_run")
        if self.action == "destroy":
            return self.known_parameters
        return (
            *self.known_parameters,
            "fields",
            *(["expand"] if self.expansions else []),
            *(pages.PARAMETERS if is_list else []),
            *(filterset.base_filters if filterset else []),
        )

    def described_body(self) -> type[serializers.BaseSerializer] | None:
        """The body of the action in hand for the OpenAPI document, if it is not what is shown, too."""
        return None

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        serializer = super().get_serializer(*args, **kwargs)
        if "data" not in kwargs and not getattr(self, "swagger_fake_view", False):
            self._trim(getattr(serializer, "child", serializer))
        return serializer

    def _trim(self, serializer: Any) -> None:
        """Widen and narrow what is shown to what ?expand= and ?fields= ask for."""
        for name in self._names("expand"):
            if name not in self.expansions:
                told = ", ".join(sorted(self.expansions))
                detail = f"{name[:100]!r} cannot be expanded; these can: {told}."
                raise BadParameter("expand", detail, "does_not_exist")
            serializer.fields[name] = self.expansions[name]()
        wanted = self._names("fields")
        shown = [name for name, field in serializer.fields.items() if not field.write_only]
        unknown = [name for name in wanted if name not in shown]
        if unknown:
            detail = f"{unknown[0][:100]!r} is not one of {', '.join(shown)}."
            raise BadParameter("fields", detail, "does_not_exist")
        if wanted:
            for name in set(serializer.fields) - set(wanted):
                serializer.fields.pop(name)

    def _names(self, parameter: str) -> list[str]:
        text = self.request.query_params.get(parameter, "")
        return [name.strip() for name in text.split(",") if name.strip()]

    def answer(self, pk: int, status: int = 200) -> Response:
        """The object as it is now, with its ETag; after a creation also where it is."""
        held = self.get_queryset().get(pk=pk)
        response = Response(self.get_serializer(held).data, status=status)
        self.tag(response, held)
        if status == 201:
            ref = getattr(held, "key", None) or held.pk
            response["Location"] = self.request.build_absolute_uri(f"{self.request.path}{ref}/")
        return response

    def tag(self, response: Response, held: Any) -> str:
        # Rows that nobody edits have no version; their representation alone says whether they changed.
        etag = etag_of(getattr(held, "version", 1), response.data)
        response["ETag"] = etag
        return etag


class ListedMixin(Resource):
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class RetrievedMixin(Resource):
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        held = self.get_object()
        response = Response(self.get_serializer(held).data)
        if is_known(request, self.tag(response, held)):
            response.data, response.status_code = None, 304
        return response


class CreatedMixin(Resource):
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.create_object(dict(serializer.validated_data)).pk, status=201)

    def create_object(self, values: dict[str, Any]) -> models.Model:
        """Call the service that creates one."""
        raise NotImplementedError


class EditedMixin(Resource):
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        held = self.get_object()
        version = expected_version(request, held.version)
        is_partial = kwargs.pop("partial", False)
        serializer = self.get_serializer(held, data=request.data, partial=is_partial)
        serializer.is_valid(raise_exception=True)
        self.edit_object(held, version, serializer.written_values())
        return self.answer(held.pk)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, partial=True, **kwargs)

    def edit_object(self, held: Any, version: int | None, changes: dict[str, Any]) -> None:
        """Call the service that edits it."""
        raise NotImplementedError


class RemovedMixin(Resource):
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        held = self.get_object()
        self.remove_object(held, expected_version(request, held.version))
        return Response(status=204)

    def remove_object(self, held: Any, version: int | None) -> None:
        """Call the service that archives or deletes it."""
        raise NotImplementedError


class ReadOnlyViewSet(ListedMixin, RetrievedMixin):
    """A resource that is listed and read."""


class ResourceViewSet(CreatedMixin, EditedMixin, RemovedMixin, ReadOnlyViewSet):
    """A resource that is listed, read, created, edited and removed."""
