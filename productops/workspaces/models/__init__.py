from __future__ import annotations

from productops.workspaces.models.answers import KeptAnswer
from productops.workspaces.models.changes import Change
from productops.workspaces.models.invitations import Invitation
from productops.workspaces.models.keys import ApiKey
from productops.workspaces.models.owned import Versioned, WorkspaceOwned
from productops.workspaces.models.people import Member, Role, User
from productops.workspaces.models.sessions import Session
from productops.workspaces.models.workspace import Workspace

__all__ = [
    "ApiKey",
    "Change",
    "Invitation",
    "KeptAnswer",
    "Member",
    "Role",
    "Session",
    "User",
    "Versioned",
    "Workspace",
    "WorkspaceOwned",
]
