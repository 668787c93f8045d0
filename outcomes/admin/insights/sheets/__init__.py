"""How each insight reads as a page."""

from __future__ import annotations

from collections.abc import Mapping

from outcomes.admin.insights.cells import Sheet
from outcomes.admin.insights.sheets import bets, news, use

SHEETS: Mapping[str, Sheet] = {
    "problems": bets.PROBLEMS,
    "wish-list": bets.WISHES,
    "unused": use.UNUSED,
    "outcomes": bets.OUTCOMES,
    "expected-against-realised": bets.BETS,
    "freshness": news.FRESHNESS,
    "sources": news.SOURCES,
    "exposure-without-use": use.EXPOSURES,
    "asked-but-not-using": use.ASKERS,
    "flag-regret": use.REGRET,
    "sunset-check": use.SUNSETS,
    "calibration": bets.CALIBRATION,
    "portfolio": bets.PORTFOLIO,
    "this-week": news.WEEK,
}
