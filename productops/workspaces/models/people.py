from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from productops.workspaces.models.owned import Versioned
from productops.workspaces.models.workspace import Workspace


class User(AbstractUser):
    """A person who can sign in. What they may do is said by their memberships."""


class Role(models.TextChoices):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Member(Versioned):
    """A person in a workspace."""

    # Redeclared so that the reverse name is useful to people's pages.
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="a_person_is_a_member_once"),
            models.UniqueConstraint(fields=["workspace", "id"], name="member_in_workspace"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "editor", "admin"]), name="member_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.user.get_full_name() or self.user.username
