"""What the roadmap told the storey above during a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from roadmap import signals

NAMES = ("items_created", "items_changed", "problems_changed", "products_changed")


@contextmanager
def listening() -> Iterator[list[tuple[str, list[int]]]]:
    """Collect (signal, ids) in the order in which they were sent, and after each what else it names."""
    told: list[tuple[str, list[int]]] = []

    def listener(name: str) -> Any:
        def listen(sender: Any, ids: list[int], **message: Any) -> None:
            told.append((name, ids))
            if message.get("products"):
                told.append((f"{name} of products", message["products"]))

        return listen

    listeners = {name: listener(name) for name in NAMES}
    for name, listen in listeners.items():
        getattr(signals, name).connect(listen)
    try:
        yield told
    finally:
        for name, listen in listeners.items():
            getattr(signals, name).disconnect(listen)
