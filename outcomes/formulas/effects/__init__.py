"""Did it move the outcome? One module per design, the strongest that the data allows is taken."""

from __future__ import annotations

import os

# The matrices here are small and workers are many: threads of the linear algebra would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
