"""CSV files in: one validated path for the command, the API and the admin.

`reading`, `cells`, `tables`, `columns`, `weights` and `parents` are pure; `writing` and the kinds know the
database.
"""

from __future__ import annotations
