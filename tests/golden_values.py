"""Inputs and results of the closed formulas, computed elsewhere with scipy and statsmodels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_GROUPS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "golden" / "formulas.json").read_text(encoding="utf-8")
)


def golden(group: str) -> list[dict[str, Any]]:
    """Return the rows of one group; every row holds the inputs and what must come out."""
    return _GROUPS[group]
