"""Which resource is found where."""

from __future__ import annotations

from typing import Any

from django.urls import path

from outcomes.api import (
    askers,
    deliveries,
    effects,
    endpoints,
    experiments,
    files,
    flags,
    insights,
    items,
    metrics,
    observations,
    quiet,
    replays,
    rules,
    scoring_models,
    sources,
    values,
    views,
)

# Of two routes with one prefix the later wins: this is how the item's card gets its second half.
ROUTES: list[tuple[str, Any]] = [
    ("items", items.ItemViewSet),
    ("metrics", metrics.MetricViewSet),
    ("outcomes", views.OutcomeViewSet),
    ("sources", sources.SourceViewSet),
    ("rules", rules.RuleViewSet),
    ("deliveries", deliveries.DeliveryViewSet),
    ("replays", replays.ReplayViewSet),
    ("candidates", rules.CandidateViewSet),
    ("effects", effects.EffectViewSet),
    ("experiments", experiments.ExperimentViewSet),
    ("flags", flags.FlagViewSet),
    ("endpoints", endpoints.EndpointViewSet),
    ("notices", endpoints.NoticeViewSet),
    ("scoring-models", scoring_models.ScoringModelViewSet),
    ("imports", files.FileImportViewSet),
    ("insights/quiet-runs", quiet.QuietRunViewSet),
    ("insights/reconciliations", values.ReconciliationViewSet),
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
    path(
        "items/<str:item>/usage/verdicts/",
        items.VerdictHistoryViewSet.as_view({"get": "list"}),
        name="item-usage-verdicts",
    ),
    path(
        "items/<str:id>/value/what-if/",
        values.ValueOfItemViewSet.as_view({"post": "what_if"}),
        name="item-value-what-if",
    ),
    path("items/<str:id>/value/at/", values.ValueOfItemViewSet.as_view({"get": "at"}), name="item-value-at"),
    path(
        "items/<str:item>/experiments/",
        experiments.ExperimentsOfItemViewSet.as_view({"get": "list", "post": "create"}),
        name="item-experiments",
    ),
    path(
        "sources/<str:source>/rules/",
        rules.RulesOfSourceViewSet.as_view({"get": "list", "post": "create"}),
        name="source-rules",
    ),
    path(
        "sources/<str:source>/rules/test/",
        rules.RulesOfSourceViewSet.as_view({"post": "test"}),
        name="source-rules-test",
    ),
    path(
        "sources/<str:source>/rules/<str:id>/",
        rules.RulesOfSourceViewSet.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="source-rule",
    ),
    path(
        "endpoints/<str:endpoint>/attempts/",
        endpoints.AttemptsOfEndpointViewSet.as_view({"get": "list"}),
        name="endpoint-attempts",
    ),
    path(
        "problems/<str:id>/asked-not-using/",
        askers.AskersOfProblemView.as_view(),
        name="problem-asked-not-using",
    ),
    path("observations/", observations.ObservationsView.as_view(), name="observations"),
    *insights.PATHS,
]
