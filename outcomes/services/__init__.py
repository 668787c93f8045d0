"""What a person can ask of the outcomes: set a target, rotate a secret, replay a delivery, settle a flag.

Every service is keyword-only, takes the workspace and who asks, and is one transaction.
"""

from __future__ import annotations
