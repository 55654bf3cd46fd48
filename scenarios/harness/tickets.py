"""The rows of a game day without any: support tickets, made from a seed.

Faker fills small pools of people once (a fresh record costs 0.4 ms, a combination a microsecond);
the texts are combined from the fragments below. No row describes a real person.
"""

from __future__ import annotations

import hashlib
from random import Random

from faker import Faker

from controls import Row
from scenarios.harness.rows import RowSet

COLUMNS = (
    "ticket_id",
    "customer_name",
    "email",
    "phone",
    "iban",
    "plan",
    "body",
    "sentiment",
)
PEOPLE = 120
LICENCE = "made up by gameday (Apache-2.0) with Faker (MIT); no row describes a real person"

_OPENERS = (
    "Hello,",
    "Hi there,",
    "Good morning,",
    "Guten Tag,",
    "Hola,",
    "Bonjour,",
    "To whom it may concern:",
    "Hey team \N{WAVING HAND SIGN}",
    "Dear support,",
    "Quick one.",
    "",
)
_SUBJECTS = (
    "the export of my invoices",
    "the mobile app",
    "your webhook for order %d",
    "the new dashboard",
    "single sign-on",
    "the delivery of parcel %d",
    "the return label",
    "my subscription",
    "the search in the help centre",
    "two-factor login",
    "the CSV import",
    "calendar sync on device %d",
)
_MIDDLES = {
    "pos": (
        "%s works better than I hoped, thank you",
        "I love what you did with %s",
        "%s saved us a whole day this week",
        "your colleague fixed %s within minutes, brilliant",
        "since the update %s is a joy to use",
        "%s: simply great, five stars from our team",
    ),
    "neg": (
        "%s has been broken for days and nobody answers",
        "I am very disappointed with %s",
        "%s lost my data again, this is unacceptable",
        "I want my money back, %s never worked",
        "%s crashes every time I open it",
        "after three calls %s is still not fixed",
    ),
    "neutral": (
        "could you tell me where I find %s",
        "I would like to change the address for %s",
        "please send me the documentation of %s",
        "is %s included in my plan",
        "we are going to move %s to another account next month",
        "how long does %s usually take",
    ),
}
_DETAILS = (
    "It is about ticket %d.",
    "My reference is %d.",
    "See case %d for the history.",
    "We are %d people here.",
    "Café №%d is the location.",
    "Order %d, paid by card.",
)
_CLOSINGS = ("Thanks!", "Best regards", "Kind regards,\nthe team", "Grüße", "Saludos", "", "Cheers")


def tickets(seed: int, rows: int = 1_000) -> RowSet:
    """So many support tickets with personal data and free text; the same seed, the same rows."""
    dice = Random(f"{seed}/tickets")
    people = _people(seed)
    made = tuple(_ticket(dice, people, ordinal) for ordinal in range(rows))
    digest = hashlib.sha256(repr([dict(row.fields) for row in made]).encode()).hexdigest()
    return RowSet(f"support tickets made from seed {seed}", digest, COLUMNS, made, LICENCE)


def _people(seed: int) -> list[dict[str, str]]:
    faker = Faker("en_GB", use_weighting=False)
    faker.seed_instance(f"{seed}/people")
    return [
        {
            "customer_name": faker.name(),
            "email": faker.unique.email(),
            "phone": faker.phone_number(),
            "iban": faker.iban(),
        }
        for _ in range(PEOPLE)
    ]


def _ticket(dice: Random, people: list[dict[str, str]], ordinal: int) -> Row:
    sentiment = dice.choices(("pos", "neg", "neutral"), (35, 30, 35))[0]
    person = dice.choice(people)
    subject = dice.choice(_SUBJECTS)
    subject = subject % dice.randrange(100, 100_000) if "%d" in subject else subject
    middle = dice.choice(_MIDDLES[sentiment]) % subject
    detail = dice.choice(_DETAILS) % (100_000 + ordinal)
    parts = (dice.choice(_OPENERS), f"{middle}.", detail, dice.choice(_CLOSINGS))
    key = f"T-{100_000 + ordinal}"
    return Row(
        ordinal,
        key,
        {
            "ticket_id": key,
            **person,
            "plan": dice.choice(("free", "team", "enterprise")),
            "body": " ".join(part for part in parts if part),
            "sentiment": sentiment,
        },
    )
