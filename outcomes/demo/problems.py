"""What Ledgerline's customers struggle with, what they say about it and what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoProblem:
    """`pieces` of evidence to generate; `severity` 0..1 leans their importance towards blocking.

    `said` are quotes of people, `measured` of reports; `surveys` are (segment, days from the day of loading,
    respondents, of them important, of them satisfied).
    """

    key: str
    title: str
    description: str
    pieces: int
    severity: float
    said: tuple[str, ...]
    measured: tuple[str, ...] = ()
    parent: str = ""
    surveys: tuple[tuple[str, int, int, int, int], ...] = ()


PROBLEMS = (
    DemoProblem(
        "paid-late", "Invoices are paid late",
        "Money arrives weeks after it was due, and nobody knows which of it is really at risk.",
        28, 0.8,
        said=(
            "We are a profitable company that keeps running out of cash. Everybody pays, just never on time.",
            "I had to move payroll by two days in spring because one invoice was late. One.",
            "Our biggest payer takes sixty days and calls it policy.",
            "I don't need a dashboard, I need the money that is already mine.",
            "Half of what is overdue is under two hundred euros. Too small to call, too much to forget.",
            "When I ask why it is late they say they never saw the invoice.",
            "We started asking for deposits because we cannot plan with our payers any more.",
        ),
        measured=(
            "Ageing report: 34% of invoices in the last quarter were paid more than 14 days late.",
            "Of 9,120 overdue invoices 61% are below 200 euros.",
        ),
        surveys=(("smb", -210, 64, 55, 17), ("mid-market", -205, 38, 30, 13), ("enterprise", -198, 14, 9, 6)),
    ),
    DemoProblem(
        "chasing-payers", "Chasing late payers takes hours",
        "Reminders are written one by one, from memory, by whoever has the nerve.",
        26, 0.6,
        said=(
            "Friday afternoon is when I write the awkward e-mails.",
            "I keep a spreadsheet of whom I already reminded. It is wrong by Tuesday.",
            "Two of us reminded the same customer on the same day, with different amounts. Embarrassing.",
            "Nobody here likes chasing, so nobody does until the end of the quarter.",
            "The tone matters. I can't send a good client of ten years the same text as a stranger.",
            "If it bounced I find out three weeks later, when I ring them up.",
        ),
        measured=("Time diary of 12 bookkeepers: 3.4 hours a week go into reminders.",),
        parent="paid-late",
        surveys=(("smb", -430, 41, 33, 9),),
    ),
    DemoProblem(
        "cannot-pay-their-way", "Payers cannot pay the way they want",
        "Companies want to transfer, people want to tap; whoever finds no way that suits waits.",
        24, 0.55,
        said=(
            "My customers are plumbers. They pay on the phone, in the van, or not at all.",
            "They asked for a bank transfer, we sent a card link, they paid in May.",
            "The payment page asks for an address we already have. People leave there.",
            "One client wants to pay three invoices at once and simply can't.",
            "Since the page changed I get calls: where do I put the reference?",
            "Our accountants only pay by direct debit. Everything else needs a signature.",
        ),
        measured=(
            "Funnel, first week of the month: 38% of payers leave at the address step.",
            "Session test with 8 payers: 5 looked for bank transfer first.",
        ),
        parent="paid-late",
        surveys=(("mid-market", -120, 33, 21, 12),),
    ),
    DemoProblem(
        "cards-fail", "Card payments fail and nobody notices",
        "Cards expire or are declined; the invoice looks paid until the bank statement says otherwise.",
        18, 0.7,
        said=(
            "It said 'processing' for nine days. It had failed on the first.",
            "We only see failed cards when the totals don't add up.",
            "A third of our subscribers have a card that expires this year. I dread it.",
            "The customer thinks they paid, we think they didn't, and both are annoyed.",
            "Can it please just try again on payday?",
        ),
        measured=("Card log: 7.9% of charges fail at first, 52% of those because the card expired.",),
        parent="cannot-pay-their-way",
    ),
    DemoProblem(
        "month-end", "Closing the month takes days",
        "The last week of every month belongs to the books.",
        22, 0.6,
        said=(
            "Please do not call us between the 28th and the 4th.",
            "I close the month twice: once in Ledgerline and once in Excel, to be sure.",
            "We wait for three people to confirm the same number.",
            "Every month the same fifteen invoices are missing, and every month we look for them by hand.",
            "My holiday is planned around month-end. That can't be normal.",
        ),
        measured=("Diary study, 9 finance teams: a close takes 6.6 working days, 2.8 of them waiting.",),
        surveys=(("mid-market", -300, 36, 31, 8), ("enterprise", -296, 22, 19, 4)),
    ),
    DemoProblem(
        "matching-by-hand", "Bank lines are matched by hand",
        "Somebody sits with a bank statement on the left and invoices on the right.",
        25, 0.75,
        said=(
            "A line says 'INV MARCH', the amount is for two invoices minus a fee. Good luck.",
            "I match four hundred lines a month. I know the amounts by heart now.",
            "Partial payments are the worst, I keep them on a sticky note.",
            "When I am ill, nothing is matched.",
            "We pay a student to do this. He is very good. He leaves in summer.",
            "It suggested the right invoice this morning and I nearly cried.",
        ),
        measured=("Of 48,000 bank lines 71% could be matched by amount and reference alone.",),
        parent="month-end",
    ),
    DemoProblem(
        "accountants-ledger", "Exports do not fit the accountant's ledger",
        "Account numbers, tax codes and dates are changed by hand before the accountant takes the file.",
        23, 0.65,
        said=(
            "Our accountant charges extra for our export. It is a line on her bill: 'Ledgerline'.",
            "Every quarter the tax codes are off by one column.",
            "I was told to switch to what the accountant uses. I would rather not.",
            "The export has no customer numbers, so they type them in. For 900 rows.",
            "It needs to open in DATEV without a warning, that is the whole requirement.",
        ),
        measured=("Exit interviews: 6 of 11 accounts that left named their accountant.",),
        parent="month-end",
        surveys=(("smb", -150, 52, 37, 12), ("enterprise", -148, 9, 8, 2)),
    ),
    DemoProblem(
        "vat-wrong", "VAT is wrong on cross-border invoices",
        "Rates, numbers and the sentence the law wants differ by country, and the invoice gets them wrong.",
        20, 0.85,
        said=(
            "We reissued forty invoices to Austria. Forty.",
            "The VAT number was invalid for a year and nobody told us. The tax office did.",
            "I look up the reverse-charge sentence every single time.",
            "If I sell a service and a thing on one invoice, I give up and do it in Word.",
            "Our auditor put it in the report. Now it is urgent.",
        ),
        measured=("Audit of 400 cross-border invoices: 31 wrong rates, 12 invalid VAT numbers.",),
    ),
    DemoProblem(
        "slow-start", "New teams take weeks to send a first invoice",
        "Between signing up and the first invoice lie logos, columns, contacts and doubt.",
        24, 0.45,
        said=(
            "I signed up on a Monday and sent my first invoice eleven days later, from Word.",
            "There were so many settings that I thought I had to fill in all of them.",
            "I wanted to see what it looks like to my customer before I trusted it.",
            "We got stuck at the logo. I know how that sounds.",
            "The second invoice took a minute. The first one took a week.",
            "We pay for five seats and two of us have ever logged in.",
        ),
        measured=(
            "Sign-up cohort: 43% send an invoice in the first week, 22% never do.",
            "Test of two first pages: with an example invoice 9 points more reach the editor.",
        ),
        surveys=(("smb", -480, 71, 49, 20),),
    ),
    DemoProblem(
        "old-data", "Old invoices and contacts are hard to bring over",
        "Years of history sit in spreadsheets and in systems that have no export.",
        17, 0.5,
        said=(
            "Ten years of invoices, and the export is a folder of PDFs.",
            "The import took our phone numbers for prices.",
            "We run both systems until the old invoices have expired. That is 2033.",
            "I typed in 230 contacts over a weekend, with my daughter.",
            "It refused the file without saying which row was wrong.",
        ),
        measured=("Of 310 imports last quarter 27% were abandoned at the preview.",),
        parent="slow-start",
        surveys=(("mid-market", -90, 21, 15, 6),),
    ),
    DemoProblem(
        "who-changed-what", "Nobody knows who changed an invoice",
        "Amounts and dates change, and the conversation about why is in somebody's mailbox.",
        14, 0.35,
        said=(
            "An invoice went out with a discount nobody remembers giving.",
            "We have a rule that two people look at it, and no way to see whether they did.",
            "Why it was changed is in an e-mail of someone who left.",
            "Auditors ask who approved it. We say 'us'.",
        ),
    ),
    DemoProblem(
        "away-from-desk", "Nothing works away from the desk",
        "Invoices are owed at the customer's door and written at night at the kitchen table.",
        16, 0.4,
        said=(
            "I finish the job at four and write the invoice at ten, at home, tired.",
            "Receipts live in the glove compartment until they fade.",
            "There is no signal in most cellars I work in.",
            "The phone app logs me out just when the customer wants to sign.",
            "I dictate notes in the van and type them up on Sunday.",
        ),
        measured=("34% of sessions start on a phone; 4% of invoices are sent from one.",),
    ),
)  # fmt: skip

VOTES = ("+1", "Yes please.", "This, before anything else.", "Voted on the community board.", "Same here.")
OPINIONS = (
    "Sales: comes up in every second demo.",
    "Support lead: I would put this first.",
    "Account manager: they would not leave over it, but they mention it each time.",
    "Partner: our other clients ask for the same.",
    "Founder: I have wanted this since the first year.",
)
HEARSAY = (
    "Free text of the yearly survey: '{}'",
    "Answer to 'what is missing?': {}",
)
ASIDES = (
    "", "", "",
    "We are {n} people in finance.",
    "This is for about {n} invoices a month.",
    "Second time I ask.",
    "We can wait until spring, not longer.",
    "There is a workaround and I hate it.",
    "It costs us {n} hours a month.",
    "Our contract is up in {n} weeks.",
    "My colleague says the same.",
    "That is from a company of {n}.",
)  # fmt: skip
