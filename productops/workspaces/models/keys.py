from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from productops.workspaces.models.owned import WorkspaceOwned
from productops.workspaces.models.people import User

SCOPES = ("roadmap:read", "roadmap:write", "outcomes:read", "outcomes:write", "ingest", "admin")


class ApiKey(WorkspaceOwned):
    """A key of one workspace: `po_<public_id>_<secret>`; only the secret's SHA-256 is kept."""

    name = models.CharField(max_length=200)
    public_id = models.CharField(max_length=32, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=20))
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(SCOPES)), name="api_key_scopes_are_known"
            ),
        ]
