"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# In CI the same change is always tried on the same examples, so that a failure is the change's own and can be
# repeated; at a desk every run looks at new ones.
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
