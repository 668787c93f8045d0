"""Who uses Ledgerline: sixty companies and the people in them. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass

from outcomes.demo.chance import dice, fraction

HISTORY_DAYS = 548
"""Eighteen months before the day of loading."""

_NEVER = 10**6

_ENTERPRISES = (
    "Brandauer Logistik", "Castellane Group", "Drayton & Moss", "Fjordlund Shipping",
    "Halvard Industries", "Meridian Facility Care", "Northgate Clinics", "Van Aarden Bouw",
)  # fmt: skip
_MID_MARKET = (
    "Alder & Quill", "Bluepeak Media", "Corvina Foods", "Dellmare Interiors", "Eastvale Security",
    "Finch Street Studios", "Grauwald Technik", "Hollis Engineering", "Ibex Outdoor", "Juniper Staffing",
    "Kestrel Print", "Lumen Architects", "Marlow Events", "Nordhaus Elektro", "Oakridge Dental",
    "Pemberton Legal", "Quarrymen Stone", "Rosetta Translations",
)  # fmt: skip
_SMALL = (
    "Anvil Garage", "Bea's Bakery", "Birch Yoga", "Canal Bikes", "Cobalt Coffee", "Copper Kettle",
    "Dune Surf School", "Elm Tree Nursery", "Ferro Metalwork", "Foxglove Flowers", "Gable Roofing",
    "Harbour Vets", "Indigo Dyeworks", "Jetty Seafood", "Keystone Plumbing", "Lantern Books", "Lark Piano",
    "Mossy Gardens", "Nimbus Drones", "Olive Catering", "Paper Crane Design", "Pine Carpentry",
    "Quiet Room Therapy", "Rook Chess Club", "Saddle Repair", "Silver Fern Travel", "Tandem Tutors",
    "Tidewater Glass", "Umber Pottery", "Violet Optics", "Walnut Cabinets", "Wren Photography",
    "Yarrow Herbals", "Zest Juice",
)  # fmt: skip

_SEATS = {"enterprise": (20, 38), "mid-market": (6, 14), "smb": (2, 5)}
_EUROS_A_SEAT = {"enterprise": 39, "mid-market": 34, "smb": 29}
_CHURNED = {"Dune Surf School": -210, "Lark Piano": -140, "Ferro Metalwork": -95, "Marlow Events": -60}
# Deals that sales has not entered in the billing system yet.
_WITHOUT_MRR = frozenset({"Halvard Industries", "Tandem Tutors"})


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """`seats` people from day `since` until the day before `until`; days count from the day of loading.

    `mrr` is in euros a month; None where nobody entered it.
    """

    key: str
    name: str
    segment: str
    mrr: int | None
    seats: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Person:
    """One actor; `keenness` multiplies how often they use anything at all."""

    actor: str
    seat: int
    keenness: float
    customer: DemoCustomer


def customers() -> list[DemoCustomer]:
    """The sixty companies, largest segment first."""
    segments = (("enterprise", _ENTERPRISES), ("mid-market", _MID_MARKET), ("smb", _SMALL))
    return [_customer(name, segment) for segment, names in segments for name in names]


def people(of: list[DemoCustomer]) -> list[Person]:
    """Everybody with a seat, in the order of their companies."""
    return [
        Person(f"u-{customer.key}-{seat:02}", seat, 0.5 + fraction("keen", customer.key, seat), customer)
        for customer in of
        for seat in range(1, customer.seats + 1)
    ]


def _customer(name: str, segment: str) -> DemoCustomer:
    key = "".join(letter if letter.isalnum() else "-" for letter in name.lower().replace("'", ""))
    key = "-".join(part for part in key.split("-") if part)
    falls = dice("customer", key)
    seats = falls.randint(*_SEATS[segment])
    was_there_already = falls.random() < 0.65
    joined = -HISTORY_DAYS - 1 if was_there_already else falls.randint(-HISTORY_DAYS + 30, -75)
    until = _CHURNED.get(name, _NEVER)
    since = min(joined, until - 150)
    mrr: int | None = seats * _EUROS_A_SEAT[segment]
    if until != _NEVER:
        mrr = 0
    if name in _WITHOUT_MRR:
        mrr = None
    return DemoCustomer(key, name, segment, mrr, seats, since, until)
