"""The one message that goes up: the roadmap changed. Whoever builds on it listens.

Sent inside the transaction of the change, so that what a listener writes commits or rolls back with it.
"""

from __future__ import annotations

from django.dispatch import Signal

# Each is sent with workspace_id: int, ids: list[int] and cause: dict; of changed items also `products`, the ids of
# those that they came to or left.
items_created = Signal()
items_changed = Signal()
problems_changed = Signal()
products_changed = Signal()
