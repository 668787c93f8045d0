"""What Ledgerline has released in eighteen months: what worked, what did not, what nobody measured."""

from __future__ import annotations

from outcomes.demo.items import (
    COLLECT,
    INVOICING,
    DemoItem,
    Goal,
    Phone,
    Use,
    fading,
    gone,
    settled,
)

MARA, JONAS, PRIYA = "mara.lindqvist", "jonas.abel", "priya.raman"
OWNERS = {MARA: ("Mara", "Lindqvist"), JONAS: ("Jonas", "Abel"), PRIYA: ("Priya", "Raman")}

HEALTHY = (
    DemoItem(
        "invoice-editor", "Invoice editor",
        "Write, preview and send an invoice on one page.",
        INVOICING, "healthy", released=-552, owner=MARA,
        hypothesis="If an invoice can be sent in two minutes, teams send it on the day of the work.",
        reach=300, impact=3, confidence=0.8, effort=6, links=(("slow-start", 0.6),),
        use=Use(((-552, 0.9), (0, 0.94)), 0.12),
    ),
    DemoItem(
        "invoice-templates", "Invoice templates",
        "Start from a layout that already looks like your company.",
        INVOICING, "healthy", released=-470, owner=MARA,
        hypothesis="New teams lose days on logos and columns; a template takes that away.",
        reach=180, impact=2, confidence=0.8, effort=1.5, links=(("slow-start", 1.0),),
        goals=(Goal("onboarding.days-to-first-invoice", "met", target=8.4, due=-240),),
        use=Use(settled(-470, 0.55), 0.06),
    ),
    DemoItem(
        "auto-reminders", "Automatic payment reminders",
        "A polite note three days before an invoice is due, and firmer ones after.",
        INVOICING, "healthy", released=-430, owner=JONAS,
        hypothesis="Most late payers forget. If we remind them, money arrives four days sooner.",
        reach=260, impact=2, confidence=0.8, effort=2,
        links=(("chasing-payers", 0.8), ("paid-late", 0.2)),
        goals=(
            Goal("payments.days-to-pay", "met", target=27.0, due=-300),
            Goal("support.tickets", "kept", role="guardrail", series="invoicing"),
        ),
        use=Use(settled(-430, 0.6), 0.08),
    ),
    DemoItem(
        "spreadsheet-import", "Import from a spreadsheet",
        "Bring contacts and open invoices over from Excel, with a preview of what will happen.",
        INVOICING, "healthy", released=-395, owner=MARA, natural_period_days=90,
        reach=90, impact=2, confidence=0.8, effort=2.5, links=(("old-data", 1.0),),
        goals=(Goal("onboarding.days-to-first-invoice", "met", target=6.8, due=-180),),
        use=Use(settled(-395, 0.45), 0.008),
    ),
    DemoItem(
        "bank-matching", "Bank line matching",
        "Suggests which invoice a bank line pays, and learns from corrections.",
        INVOICING, "healthy", released=-290, owner=PRIYA,
        hypothesis="Closing the month is mostly matching. If lines match themselves, it takes five days.",
        reach=240, impact=3, confidence=1.0, effort=5,
        links=(("matching-by-hand", 0.9), ("month-end", 0.1)),
        goals=(
            Goal("close.days", "met", target=5.0, due=-90),
            Goal("accounts.churn-90d", "met", role="secondary", target=2.95, due=-60, weight=0.5),
        ),
        use=Use(settled(-290, 0.55), 0.11),
    ),
    DemoItem(
        "quick-search", "Search everywhere",
        "Find any invoice, contact or payment from any page.",
        INVOICING, "healthy", released=-232, kind="improvement", owner=MARA,
        reach=350, impact=0.5, confidence=0.8, effort=1, links=(("who-changed-what", 0.3),),
        use=Use(settled(-232, 0.17), told_as="counts", days=1),
    ),
    DemoItem(
        "help-panel", "Help beside the page",
        "Answers for the page you are on, without leaving it.",
        INVOICING, "healthy", released=-221, owner=JONAS,
        hypothesis="If answers are beside the page, people write fewer tickets.",
        reach=400, impact=0.5, confidence=0.5, effort=1.5, links=(("slow-start", 0.4),),
        goals=(Goal("support.tickets", "missed", target=5.0, due=-60),),
        use=Use(settled(-221, 0.14), told_as="shares"),
    ),
    DemoItem(
        "setup-checklist", "Setup checklist",
        "Five steps from an empty account to the first invoice.",
        INVOICING, "healthy", released=-66, owner=PRIYA,
        reach=60, impact=1, confidence=0.8, effort=1, links=(("slow-start", 1.0),),
        goals=(Goal("onboarding.days-to-first-invoice", "moving", target=4.6, due=75),),
        use=Use(settled(-66, 0.3, weeks=4), 0.12),
    ),
    DemoItem(
        "card-payments", "Card payments",
        "Payers pay an invoice by card on a page of their own.",
        COLLECT, "healthy", released=-548, owner=JONAS,
        reach=45, impact=3, confidence=1.0, effort=5, links=(("cannot-pay-their-way", 1.0),),
        use=Use(((-548, 0.86), (0, 0.95)), 0.1),
    ),
    DemoItem(
        "bank-transfer", "Bank transfer with reference",
        "A transfer that carries its reference, so that it matches by itself.",
        COLLECT, "healthy", released=-345, owner=JONAS,
        hypothesis="Companies pay by transfer. If that is easy, a third more money comes through us.",
        reach=35, impact=2, confidence=0.8, effort=3, links=(("cannot-pay-their-way", 1.0),),
        goals=(Goal("revenue.collected", "met", target=12_500, due=-150, series="bank"),),
        use=Use(settled(-345, 0.6), 0.09),
    ),
    DemoItem(
        "payment-links", "Payment links",
        "A link under every invoice; two taps on a phone and it is paid.",
        COLLECT, "healthy", released=-300, owner=PRIYA,
        hypothesis="The fewer steps, the sooner people pay.",
        reach=50, impact=2, confidence=0.8, effort=2,
        links=(("paid-late", 0.7), ("cannot-pay-their-way", 0.3)),
        goals=(
            Goal("checkout.completion", "missed", target=66.0, due=-120),
            Goal("payments.days-to-pay", "met", role="secondary", target=25.2, due=-120, weight=0.5),
        ),
        use=Use(settled(-300, 0.7), 0.1),
    ),
    DemoItem(
        "payer-portal", "Payer portal",
        "Where a payer sees everything they still owe.",
        COLLECT, "healthy", released=-260, owner=PRIYA,
        reach=30, impact=1, confidence=0.8, effort=4, links=(("paid-late", 1.0),),
        use=Use(settled(-260, 0.52), told_as="counts", days=28),
    ),
)  # fmt: skip

DISAPPOINTING = (
    DemoItem(
        "one-page-checkout", "One-page checkout",
        "Address, method and confirmation on a single page.",
        COLLECT, "healthy", released=-118, owner=JONAS,
        hypothesis="One page instead of three loses fewer payers.",
        reach=55, impact=2, confidence=0.5, effort=2.5, links=(("cannot-pay-their-way", 0.5),),
        goals=(
            Goal("checkout.completion", "harmed", target=70.0, due=-25),
            Goal("support.tickets", "harmed", role="guardrail", series="payments", target=1.7),
        ),
        use=Use(settled(-118, 0.8, weeks=3), 0.12),
    ),
    DemoItem(
        "instalments", "Pay in instalments",
        "Payers spread a large invoice over three months.",
        COLLECT, "under_used", released=-176, under_used_below=0.2, owner=PRIYA,
        reach=25, impact=1, confidence=0.5, effort=3, links=(("paid-late", 1.0),),
        goals=(Goal("revenue.collected", "missed", target=70_000, due=-40),),
        use=Use(((-177, 0.0), (-150, 0.08), (-60, 0.05)), 0.12),
    ),
    DemoItem(
        "timesheet-to-invoice", "Invoice from a timesheet",
        "Turns logged hours into invoice lines.",
        INVOICING, "under_used", released=-208, owner=MARA,
        hypothesis="Agencies bill hours; they should not type them twice.",
        reach=120, impact=1, confidence=0.5, effort=4, links=(("slow-start", 0.3),),
        use=Use(((-209, 0.0), (-180, 0.035), (-90, 0.022)), 0.2),
    ),
    DemoItem(
        "line-suggestions", "Suggested line descriptions",
        "Proposes what to write on an invoice line from what you wrote before.",
        INVOICING, "declining", released=-254, owner=MARA,
        reach=300, impact=0.5, confidence=0.5, effort=2, links=(("slow-start", 0.5),),
        use=Use(fading(-254, 0.62, -44, 14), 0.08),
    ),
    DemoItem(
        "cash-forecast", "Cash forecast",
        "What will be in the bank in six weeks, from what is owed and what is due.",
        INVOICING, "declining", released=-455, owner=PRIYA,
        reach=140, impact=1, confidence=0.8, effort=3, links=(("paid-late", 0.5),),
        use=Use(fading(-455, 0.45, -43, 14), 0.07),
    ),
    DemoItem(
        "team-chat", "Comments on invoices",
        "Talk about an invoice where it is, instead of in e-mail.",
        INVOICING, "abandoned", released=-270, owner=JONAS,
        reach=150, impact=0.5, confidence=0.5, effort=2, links=(("who-changed-what", 0.7),),
        use=Use(gone(-270, 0.12, -120, -44), 0.1),
    ),
    DemoItem(
        "late-fees", "Late fees",
        "Adds a fee to an invoice once it is overdue.",
        COLLECT, "abandoned", released=-284, owner=JONAS,
        hypothesis="A fee moves those whom reminders do not.",
        reach=30, impact=1, confidence=0.5, effort=1.5, links=(("paid-late", 0.5), ("chasing-payers", 0.5)),
        goals=(Goal("payments.days-to-pay", "missed", role="secondary", target=21.0, due=-100),),
        use=Use(gone(-284, 0.3, -90, -39), 0.1),
    ),
    DemoItem(
        "order-matching", "Purchase order matching",
        "Checks an invoice against the purchase order before it leaves.",
        INVOICING, "never_adopted", released=-133, owner=MARA,
        reach=40, impact=1, confidence=0.5, effort=5, links=(("matching-by-hand", 0.3),),
        # Only the pilot group tried it, before anybody could buy it.
        use=Use(((-171, 0.0), (-168, 0.05), (-140, 0.03), (-136, 0.0)), 0.2),
    ),
    DemoItem(
        "letter-post", "Invoices by letter post",
        "Prints, folds and mails an invoice for payers without e-mail.",
        COLLECT, "never_adopted", released=-92, owner=JONAS,
        reach=8, impact=0.5, confidence=0.5, effort=2, links=(("cannot-pay-their-way", 0.2),),
        use=Use(((-92, 0.0), (0, 0.0)), told_as="counts", days=28),
    ),
)  # fmt: skip

UNMEASURED = (
    DemoItem(
        "receipt-camera", "Receipt camera",
        "Photograph a receipt and it is in the books.",
        INVOICING, "data_gap", released=-238, owner=PRIYA,
        reach=150, impact=1, confidence=0.8, effort=4, links=(("away-from-desk", 1.0),),
        use=Use(settled(-238, 0.4), 0.1, source=Phone),
    ),
    DemoItem(
        "accounting-sync", "Sync with accounting",
        "Invoices and payments appear in the accountant's ledger by themselves.",
        INVOICING, "not_instrumented", released=-240, owner=MARA,
        reach=200, impact=2, confidence=0.8, effort=4, links=(("accountants-ledger", 1.0),),
        goals=(Goal("sync.errors", "met", target=40, due=-120),),
    ),
    DemoItem(
        "delivery-tracking", "Delivery tracking",
        "Says when an invoice bounced, was delivered and was opened.",
        INVOICING, "not_instrumented", released=-205, owner=JONAS,
        reach=300, impact=1, confidence=0.8, effort=1.5, links=(("chasing-payers", 1.0),),
        goals=(Goal("mail.bounced", "met", target=20, due=-90),),
    ),
    DemoItem(
        "direct-debit", "Direct debit",
        "Payers agree once; the rest is collected on the due date.",
        COLLECT, "too_new", released=-12, owner=JONAS,
        hypothesis="Who is debited never pays late.",
        reach=40, impact=2, confidence=0.8, effort=4,
        links=(("paid-late", 0.6), ("cannot-pay-their-way", 0.4)),
        goals=(
            Goal("payments.days-to-pay", "moving", target=21.5, due=120),
            Goal("relations.nps", "kept", role="guardrail"),
        ),
        use=Use(((-13, 0.0), (20, 0.3), (90, 0.45)), 0.15),
    ),
    DemoItem(
        "bulk-send", "Send many invoices at once",
        "Select, check once, send all.",
        INVOICING, "too_new", released=-19, owner=MARA,
        reach=200, impact=1, confidence=0.8, effort=1, links=(("month-end", 0.5),),
        goals=(Goal("close.days", "unmeasured"),),
        use=Use(((-20, 0.0), (0, 0.2), (40, 0.34)), 0.1),
    ),
)  # fmt: skip

NOT_JUDGED = (
    DemoItem(
        "audit-trail", "Audit trail",
        "Who changed what on an invoice, and when; kept for ten years.",
        INVOICING, released=-380, owner=PRIYA, usage_policy="exempt", exemption_reason="compliance",
        reach=60, impact=1, confidence=1.0, effort=3, links=(("who-changed-what", 1.0),),
        use=Use(settled(-380, 0.05), 0.02),
    ),
    DemoItem(
        "two-factor", "Two-factor sign-in",
        "A second proof at sign-in, by app or key.",
        INVOICING, released=-352, owner=MARA, usage_policy="exempt", exemption_reason="security",
        effort=2,
    ),
    DemoItem(
        "e-invoices", "Structured e-invoices",
        "The XML format that public bodies require.",
        INVOICING, released=-318, owner=PRIYA, usage_policy="mandatory",
        reach=400, impact=2, confidence=1.0, effort=4, links=(("vat-wrong", 0.5),),
        # The metric is there by now, by another release's doing: what this one did falls short.
        goals=(Goal("mail.bounced", "missed", role="secondary", target=38, baseline=46, due=-30),),
        use=Use(settled(-318, 0.3), 0.1),
    ),
    DemoItem(
        "loyalty-points", "Points for paying early",
        "Payers collect points; nobody wanted them.",
        COLLECT, status="sunset", released=-420, owner=JONAS, reach=40, impact=1, confidence=0.5, effort=3,
        links=(("paid-late", 0.3),),
        goals=(Goal("payments.days-to-pay", "missed", target=20.0, due=-200),),
        use=Use(gone(-420, 0.2, -260, -170), 0.08),
    ),
)  # fmt: skip

RELEASED = (*HEALTHY, *DISAPPOINTING, *UNMEASURED, *NOT_JUDGED)
