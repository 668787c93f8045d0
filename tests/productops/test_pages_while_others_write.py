"""Paging while others write: a row that nobody touches is on one page, whatever is written around it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from queue import Full, Queue
from typing import Any

import pytest
from django.db import connections

from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller
from tests.factories import a_workspace, an_item

pytestmark = pytest.mark.django_db(transaction=True)

ROWS, TOUCHED = 48, 16


def anything(dice: random.Random) -> dict[str, Any]:
    """Few values, so that many are equal, and often none."""
    return {
        "title": f"T{dice.randrange(3)}",
        "reach": dice.choice([None, 0, 1, 2, 3]),
        "released_on": dice.choice([None, date(2026, 1, 1) + timedelta(days=dice.randrange(4))]),
    }


class Others:
    """Colleagues who insert items, and change some of those that are there."""

    def __init__(self, workspace: Workspace, dice: random.Random) -> None:
        self.workspace = workspace
        self.dice = dice
        self.written: Queue[None] = Queue(maxsize=1)
        self.is_enough = threading.Event()

    def write(self) -> None:
        if self.dice.random() < 0.4:
            an_item(self.workspace, key=f"new-{self.dice.getrandbits(60)}", **anything(self.dice))
            return
        touched = Item.objects.filter(key=f"touched-{self.dice.randrange(TOUCHED)}")
        touched.update(**anything(self.dice))

    def run(self) -> None:
        try:
            while not self.is_enough.is_set():
                self.write()
                self._tell()
        finally:
            connections.close_all()

    def _tell(self) -> None:
        while not self.is_enough.is_set():
            try:
                return self.written.put(None, timeout=0.05)
            except Full:
                continue

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.is_enough.set()
            thread.join()


@pytest.mark.parametrize("ordering", ["-reach", "title,-released_on,reach"])
@pytest.mark.parametrize("seed", range(2))
def test_an_untouched_row_is_never_told_twice_or_left_out(ordering: str, seed: int) -> None:
    dice = random.Random(f"{ordering} {seed}")
    workspace = a_workspace()
    untouched = [f"untouched-{number}" for number in range(ROWS - TOUCHED)]
    for key in (*untouched, *(f"touched-{number}" for number in range(TOUCHED))):
        an_item(workspace, key=key, **anything(dice))
    others = Others(workspace, random.Random(dice.random()))
    with others.at_work():
        seen = walked(Caller(workspace), others, f"items/?page_size={dice.randint(2, 7)}&ordering={ordering}")
    assert sorted(key for key in seen if key.startswith("untouched")) == sorted(untouched)


def walked(caller: Caller, others: Others, path: str) -> list[str]:
    """The keys on all pages; between any two pages something was written."""
    seen: list[str] = []
    url: str | None = path
    for _ in range(400):
        body = caller.get(url).json()
        seen += [row["key"] for row in body["results"]]
        url = body["next"]
        if url is None:
            return seen
        others.written.get(timeout=60)
    raise AssertionError("the pages never end")
