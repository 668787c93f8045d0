from __future__ import annotations

from django.db import models
from django.db.models import Q

from productops.workspaces.models.owned import Versioned
from productops.workspaces.models.people import Role


class Invitation(Versioned):
    """Somebody is asked into a workspace by e-mail; only the hash of the token is kept."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.CharField(max_length=200, blank=True, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=Q(accepted_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "editor", "admin"]), name="invitation_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.email
