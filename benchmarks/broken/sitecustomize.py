"""Breaks one guarantee, named by BROKEN, in every Python process that has this folder on its path.

An audit that cannot fail is no audit. Python imports a module of this name by itself when it starts, so the system that
is shipped runs as it is, and what is to be broken is replaced once its module has been imported. Nothing of the
product knows of it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

Break = Callable[[Any], None]


def answer_before_commit(receive: Any) -> None:
    """The sender hears 202 a moment before the row is written."""
    put = receive._commits.put

    def write(offer: Any, size: int) -> None:
        try:
            put(offer, size)
        finally:
            receive.connection.close()

    def put_later(offer: Any, size: int) -> int:
        threading.Timer(0.3, write, (offer, size)).start()
        return 0

    receive._commits.put = put_later


def commit_without_waiting(receive: Any) -> None:
    """The sender hears 202 after a commit that has not reached the disk."""
    write = receive._commits._write

    def write_unsynced(offers: Sequence[Any]) -> Any:
        with receive.connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        return write(offers)

    receive._commits._write = write_unsynced


def store_repeats(receive: Any) -> None:
    """A delivery that comes again is stored again; the benchmark drops the constraint that would refuse it."""
    receive._STORE = receive._STORE.replace("ON CONFLICT (source_id, external_id) DO NOTHING", "")


def settle_whatever_changed(marks: Any) -> None:
    """A mark is neither held while its day is computed nor kept when the day changed meanwhile."""

    def settle(token: str, held: Sequence[Any]) -> None:
        time.sleep(0.2)
        with marks.connection.cursor() as cursor:
            cursor.execute("DELETE FROM outcomes_mark WHERE id = ANY(%s)", [[mark.id for mark in held]])

    marks.hold = lambda token, claimed: list(claimed)
    marks.settle = settle


BREAKS: dict[str, tuple[str, Break]] = {
    "answer-before-commit": ("outcomes.pipeline.receive", answer_before_commit),
    "commit-without-waiting": ("outcomes.pipeline.receive", commit_without_waiting),
    "settle-whatever-changed": ("outcomes.pipeline.marks", settle_whatever_changed),
    "store-repeats": ("outcomes.pipeline.receive", store_repeats),
}


class _Breaking(Loader):
    """Loads a module as it is, then breaks it."""

    def __init__(self, loader: Loader, break_it: Break) -> None:
        self._loader, self._break_it = loader, break_it

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._break_it(module)


class _Finder(MetaPathFinder):
    """Finds the one module that is to be broken, by way of all other finders."""

    def __init__(self, name: str, break_it: Break) -> None:
        self._name, self._break_it = name, break_it

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Breaking(spec.loader, self._break_it)
        return spec


if name := os.environ.get("BROKEN"):
    sys.meta_path.insert(0, _Finder(*BREAKS[name]))
