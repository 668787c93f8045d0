"""What the import tests share: a workspace, a file as bytes, and the signals an import sends."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from outcomes.imports import Report, import_file
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.services import create_workspace
from roadmap import signals

PAULA = Actor(name="paula", user_id=None, via="import")


def a_workspace(key: str = "acme", **settings: Any) -> Workspace:
    return create_workspace(key=key, name=key.title(), by=PAULA, **settings)


def take(workspace: Workspace, kind: str, text: str, *, is_dry_run: bool = False) -> Report:
    stream = io.BytesIO(text.encode())
    return import_file(kind=kind, stream=stream, workspace=workspace, by=PAULA, is_dry_run=is_dry_run)


def totals(report: Report) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, refused."""
    return report.created, report.updated, report.unchanged, report.refused


@dataclass
class Heard:
    """The ids of each signal, one list a message."""

    messages: dict[str, list[list[int]]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[list[int]]:
        return self.messages.get(name, [])


@contextmanager
def listening() -> Iterator[Heard]:
    heard = Heard()
    receivers = []
    for name in ("items_created", "items_changed", "problems_changed", "products_changed"):

        def hear(sender: Any, ids: list[int], _name: str = name, **said: Any) -> None:
            assert said["cause"] == {"kind": "import", "by": "paula", "via": "import"}
            heard.messages.setdefault(_name, []).append(ids)

        getattr(signals, name).connect(hear)
        receivers.append((getattr(signals, name), hear))
    try:
        yield heard
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
