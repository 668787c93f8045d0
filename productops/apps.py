"""The admin of productops is Django's own, on our site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class DashboardConfig(AdminConfig):
    default_site = "productops.workspaces.dashboard.DashboardSite"
