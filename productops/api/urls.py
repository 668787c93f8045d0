"""Where the API describes itself."""

from __future__ import annotations

from django.urls import path

from productops.api.docs import DocsView, SchemaView

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
