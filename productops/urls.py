"""The whole URL map on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from productops import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
]
