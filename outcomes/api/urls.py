"""Which resource is found where."""

from __future__ import annotations

from typing import Any

from django.urls import path

from outcomes.api import flags, items, metrics, observations, views

# Of two routes with one prefix the later wins: this is how the item's card gets its second half.
ROUTES: list[tuple[str, Any]] = [
    ("items", items.ItemViewSet),
    ("metrics", metrics.MetricViewSet),
    ("outcomes", views.OutcomeViewSet),
    ("sources", views.SourceViewSet),
    ("deliveries", views.DeliveryViewSet),
    ("flags", flags.FlagViewSet),
    ("scoring-models", views.ScoringModelViewSet),
]

# What a router has no words for: files, a list beneath an item, and a door that only takes.
PATHS = [
    path("items.csv", items.ItemViewSet.as_view({"get": "csv"}), name="items-csv"),
    path("flags.csv", flags.FlagViewSet.as_view({"get": "csv"}), name="flags-csv"),
    path(
        "metrics/<str:id>/series.csv",
        metrics.MetricViewSet.as_view({"get": "series_csv"}),
        name="metric-series-csv",
    ),
    path(
        "items/<str:item>/value/history/",
        items.ValueHistoryViewSet.as_view({"get": "list"}),
        name="item-value-history",
    ),
    path("observations/", observations.ObservationsView.as_view(), name="observations"),
]
