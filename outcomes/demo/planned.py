"""What Ledgerline may build next: some of it well argued, some of it a wish without a problem."""

from __future__ import annotations

from outcomes.demo.items import COLLECT, INVOICING, DemoItem, Goal
from outcomes.demo.released import JONAS, MARA, PRIYA

PLANNED = (
    DemoItem(
        "card-updater", "Renew expired cards",
        "Asks the card networks for the new number before the old card fails.",
        COLLECT, status="delivery", horizon="now", owner=PRIYA,
        hypothesis="Most failed cards have merely expired.",
        reach=48, impact=2, confidence=0.8, effort=1.5, links=(("cards-fail", 1.0),),
        goals=(Goal("revenue.collected", "unmeasured", target=58_000, due=150, series="card"),),
    ),
    DemoItem(
        "ledger-export", "Export in the accountant's format",
        "DATEV, Sage and Xero files that open without a complaint.",
        INVOICING, status="delivery", horizon="now", owner=MARA,
        hypothesis="The accountant decides whether a company stays.",
        reach=260, impact=2, confidence=0.9, effort=2, links=(("accountants-ledger", 1.0),),
        goals=(
            Goal("close.days", "unmeasured", target=4.2, due=160),
            Goal("accounts.churn-90d", "unmeasured", role="secondary", target=2.4, due=200),
        ),
    ),
    DemoItem(
        "vat-check", "VAT checks for cross-border invoices",
        "Checks the number, picks the rate, writes the sentence the law wants.",
        INVOICING, status="delivery", horizon="now", owner=PRIYA,
        reach=120, impact=3, confidence=0.8, effort=3, links=(("vat-wrong", 1.0),),
        goals=(Goal("support.tickets", "unmeasured", target=2.6, due=180, series="invoicing"),),
    ),
    DemoItem(
        "dispute-inbox", "Dispute inbox",
        "A payer says what is wrong with an invoice; the team answers in one place.",
        COLLECT, status="discovery", horizon="now", owner=JONAS,
        impact=2, confidence=0.8, effort=3, links=(("chasing-payers", 0.5), ("paid-late", 0.5)),
        goals=(Goal("payments.days-to-pay", "unmeasured", target=22.0, due=240),),
    ),
    DemoItem(
        "offline-drafts", "Drafts without a connection",
        "Write an invoice in a cellar; it leaves when the phone is back.",
        INVOICING, status="discovery", horizon="next", owner=PRIYA,
        reach=90, impact=1, confidence=0.6, links=(("away-from-desk", 1.0),),
    ),
    DemoItem(
        "month-end-assistant", "Month-end checklist",
        "What is still open before the month can be closed, and who has it.",
        INVOICING, status="discovery", horizon="next", owner=MARA,
        reach=180, impact=2, effort=3, links=(("month-end", 1.0),),
        goals=(Goal("close.days", "unmeasured", target=3.8),),
    ),
    DemoItem(
        "old-system-import", "Import from other systems",
        "Brings ten years of invoices over from the system before.",
        INVOICING, status="discovery", horizon="next", owner=MARA,
        impact=2, confidence=0.8, effort=4, links=(("old-data", 1.0),),
        goals=(Goal("onboarding.days-to-first-invoice", "unmeasured", target=4.0),),
    ),
    DemoItem(
        "wallet-payments", "Wallets",
        "Pay with the wallet on the phone.",
        COLLECT, status="idea", horizon="next", owner=JONAS,
        reach=42, impact=1, confidence=0.8, effort=1.5, links=(("cannot-pay-their-way", 1.0),),
        goals=(Goal("checkout.completion", "unmeasured", target=68.0),),
    ),
    DemoItem(
        "dark-theme", "Dark theme",
        "For those who write invoices at night.",
        INVOICING, status="idea", horizon="later", impact=0.25, effort=1,
    ),
    DemoItem(
        "partner-marketplace", "Partner marketplace",
        "A board member saw one at a conference.",
        INVOICING, status="idea", horizon="later", impact=3, confidence=0.2, effort=12,
    ),
)  # fmt: skip
