"""Every route of the API: the frame's own, the roadmap's and the outcomes'."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from outcomes.api.urls import PATHS as OUTCOMES_PATHS
from outcomes.api.urls import ROUTES as OUTCOMES_ROUTES
from productops.api.sessions import AcceptInvitationView, MyWorkspacesView, SessionView
from productops.api.workspaces import ROUTES as WORKSPACE_ROUTES
from productops.api.workspaces import WorkspaceViewSet
from roadmap.api.urls import PATHS as ROADMAP_PATHS
from roadmap.api.urls import ROUTES as ROADMAP_ROUTES

# A route is (prefix, viewset). Of two with one prefix the later wins: outcomes extends the roadmap's items.
_viewsets = dict([*WORKSPACE_ROUTES, *ROADMAP_ROUTES, *OUTCOMES_ROUTES])

router = SimpleRouter()
for _prefix, _viewset in _viewsets.items():
    router.register(_prefix, _viewset, basename=_prefix)

urlpatterns = [
    path("", include("productops.api.urls")),
    path(
        "v1/workspace/",
        WorkspaceViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
        name="workspace",
    ),
    path("v1/session/", SessionView.as_view(), name="session"),
    path("v1/workspaces/", MyWorkspacesView.as_view(), name="workspaces"),
    path("v1/invitations/accept/", AcceptInvitationView.as_view(), name="invitations-accept"),
    path("v1/", include([*ROADMAP_PATHS, *OUTCOMES_PATHS, *router.urls])),
]
