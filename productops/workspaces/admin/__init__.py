"""The admin of the ground floor, and what the admins of the storeys above are built from."""

from __future__ import annotations

from productops.workspaces.admin import keys, people, workspace

__all__ = ["keys", "people", "workspace"]
