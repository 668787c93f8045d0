"""The names of what can be told; apart, so that the models of both ends of a notice may know them."""

from __future__ import annotations

# What endpoints subscribe to.
EVENTS = (
    "flag.opened",
    "flag.resolved",
    "value.changed",
    "outcome.met",
    "outcome.missed",
    "effect.decided",
    "source.stale",
    "item.released",
)
# What follows from these or from what people do with an endpoint: nobody subscribes to it.
FLAGS_DIGEST, DIGEST, TEST, DISABLED = "flags.digest", "digest", "endpoint.test", "endpoint.disabled"
TOLD_EVENTS = (*EVENTS, FLAGS_DIGEST, DIGEST, TEST, DISABLED)
