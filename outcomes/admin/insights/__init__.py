"""Insights in the admin: a tile each on the first page, and a page each with its table and its file."""

from __future__ import annotations

from django.contrib import admin

from outcomes.admin.insights.pages import insight_file, insight_page
from outcomes.admin.insights.tiles import tiles_of
from productops.workspaces.dashboard import DashboardSite

assert isinstance(admin.site, DashboardSite)
admin.site.add_tiles(tiles_of)
admin.site.add_page("insights/<slug:name>/", insight_page, "insight")
admin.site.add_page("insights/<slug:name>.csv", insight_file, "insight_file")
