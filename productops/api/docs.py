"""Where the API describes itself: the OpenAPI document and a page to browse it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.filters import refuse_unknown_parameters
from productops.api.problems import BadParameter


class ByFormat(DefaultContentNegotiation):
    """`?format=json` or `?format=yaml`; without it the Accept header, and YAML for whoever takes neither."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        offered = list(renderers)
        wanted = request.query_params.get("format")
        if wanted is not None:
            chosen = next((renderer for renderer in offered if renderer.format == wanted), None)
            if chosen is None:
                raise BadParameter("format", "json or yaml.")
            return chosen, str(chosen.media_type)
        accepted = request.headers.get("Accept", "")
        for renderer in offered:
            if str(renderer.media_type) in accepted:
                return renderer, str(renderer.media_type)
        return offered[0], str(offered[0].media_type)


@cache
def _document() -> dict[str, Any]:
    """The same for everybody, so it is made once in a process."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: dict[str, Any] = generator.get_schema(request=None, public=True)
    return made


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, public."""

    content_negotiation_class = ByFormat
    renderer_classes = [OpenApiYamlRenderer2, OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, ("format",))

    def _get_schema_response(self, request: Request) -> Response:
        return Response(_document())


class DocsView(SpectacularSwaggerSplitView):
    """The document in Swagger UI, from files of our own and under the same strict CSP as every page.

    Its page has no inline style, unlike drf-spectacular's own; what Swagger UI styles at run time it sets as
    properties, which a policy without 'unsafe-inline' allows.
    """

    template_name = "api/docs.html"
    url_name = "schema"
