from __future__ import annotations

import json
from datetime import datetime

from outcomes.pipeline.candidates import _sample


def test_a_sample_tells_its_instants_as_the_api_does() -> None:
    at = datetime.fromisoformat("2026-11-21T11:00:00+01:00")
    assert json.loads(_sample({"at": at})) == {"at": "2026-11-21T10:00:00Z"}
