"""The admin of the ground floor, and what the admins of the storeys above are built from."""

from __future__ import annotations

from productops.workspaces.admin import invitations, keys, people, records, workspace

__all__ = ["invitations", "keys", "people", "records", "workspace"]
