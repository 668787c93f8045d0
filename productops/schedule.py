"""The one table of recurring work. Every entry is idempotent and expires before its next turn."""

from __future__ import annotations

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    # What a lost doorbell missed is found here.
    "sweep": {"task": "outcomes.sweep", "schedule": 3.0, "options": {"expires": 3}},
    # Files that wait for a worker; one that is at work on them already finds nothing free.
    "files": {"task": "outcomes.take_files", "schedule": 5.0, "options": {"expires": 5}},
    # Notices whose next attempt is due, and digests; whoever is sending already is not joined.
    "notices": {"task": "outcomes.send_notices", "schedule": 3.0, "options": {"expires": 3}},
    # Moves every workspace whose day has turned, and looks for silent sources.
    "tick": {"task": "outcomes.tick", "schedule": 60.0, "options": {"expires": 60}},
    # Every night, in slices: what is stored against what the facts say.
    "reconcile": {"task": "outcomes.reconcile", "schedule": 30.0, "options": {"expires": 30}},
    # Makes next month's partitions ahead of time.
    "partitions": {"task": "outcomes.make_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    # Bodies of deliveries, and months of facts, that are older than the settings keep.
    "forget": {"task": "outcomes.forget", "schedule": 600.0, "options": {"expires": 600}},
    # Keeps the generated demo alive: posts its last days through the webhook.
    "demo": {"task": "outcomes.top_up_demo", "schedule": 3600.0, "options": {"expires": 3600}},
    # Answers kept for requests with an Idempotency-Key are forgotten after a day.
    "answers": {"task": "workspaces.forget_answers", "schedule": 900.0, "options": {"expires": 900}},
}
