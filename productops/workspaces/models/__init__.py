from __future__ import annotations

from productops.workspaces.models.keys import ApiKey
from productops.workspaces.models.owned import Versioned, WorkspaceOwned
from productops.workspaces.models.people import Member, Role, User
from productops.workspaces.models.workspace import Workspace

__all__ = ["ApiKey", "Member", "Role", "User", "Versioned", "Workspace", "WorkspaceOwned"]
