"""Questions about a whole workspace, each answered by one room: a summary and a bounded list of rows.

Every room reads set-wise, takes the workspace, how many rows are wanted and, where items are concerned, the
product they are to be of, and knows neither HTTP nor files. What they compute is in `outcomes.formulas.tracking`.
"""

from __future__ import annotations
