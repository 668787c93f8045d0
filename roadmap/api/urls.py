"""Which resource is found where."""

from __future__ import annotations

from django.urls import path

from roadmap.api import constraints, views

constraints.register()

ROUTES = [
    ("products", views.ProductViewSet),
    ("customers", views.CustomerViewSet),
    ("problems", views.ProblemViewSet),
    ("evidence", views.EvidenceViewSet),
    ("surveys", views.SurveyViewSet),
    ("items", views.ItemViewSet),
    ("links", views.LinkViewSet),
]

# What a router has no words for: files.
PATHS = [path("problems.csv", views.ProblemViewSet.as_view({"get": "csv"}), name="problems-csv")]
