from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from outcomes.demo import story, workspace
from outcomes.models import Source
from outcomes.pipeline import receive, senders, settle
from outcomes.sources.signatures import Signed
from productops.workspaces.models import Workspace


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[Workspace]:
    """The whole demo as a worker leaves it; everybody in the module reads the same one."""
    with django_db_blocker.unblock():
        try:
            yield _settled_demo()
        finally:
            call_command("flush", interactive=False, verbosity=0)


def _settled_demo() -> Workspace:
    made = workspace.make_workspace()
    sources = {source.key: source for source in Source.objects.in_workspace(made.id)}
    for told in story.history(workspace.loaded_on(made)):
        signed = Signed(told.id, timezone.now())
        receive.store(senders.of(sources[told.source]), signed, told.body, "application/json")
    settle.settle_all(max_seconds=600)
    return made
