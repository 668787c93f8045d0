"""What the ground floor tells the storeys above it."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction of the change with workspace_id: int, changed: list[str] (names of fields),
# before: dict (their old values) and cause: dict. A listener may raise Refused to forbid the change.
workspace_changed = Signal()

# Sent inside the transaction with workspace_id: int and cause: dict.
workspace_created = Signal()
