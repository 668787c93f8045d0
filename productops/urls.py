"""The whole URL map on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from outcomes.api import door, scrape
from productops import health

handler404 = "productops.api.errors.not_found"
handler500 = "productops.api.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", scrape.scrape),
    path("in/<str:token>", door.receive_delivery, name="door"),
    path("in/<str:token>/", door.receive_delivery),
    path("in/<str:token>/<path:path>", door.receive_delivery),
    # Libraries of Segment that drop the path of the address they are given.
    re_path(r"^v1/(?:batch|import|track|identify|page|screen|group|alias)/?$", door.receive_by_write_key),
    path("api/", include("productops.api_urls")),
    path("admin/", admin.site.urls),
]
