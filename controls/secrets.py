"""Secrets and personal data that can be told by their form: one table of detectors.

Protects from text that carries what nobody meant to send: card numbers, account numbers, keys. A
form with a checksum is only believed when the checksum holds, so that order numbers stay alone.

What was written in base64 or with percent signs is read as well: what is found in it stands for
the whole word.

Weakness: what has no form of its own (names, addresses, passwords) is not seen, nor what was
encoded twice or otherwise, or broken up by invisible characters, nor an IBAN in small letters that
has hardly a digit. One card-like number in ten passes Luhn by chance.
Neighbours: `SensitiveText` decides what happens to what is found, `FieldAllowlist` which columns
may be sent at all.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import unquote_plus

import msgspec

Action = Literal["refuse", "redact", "allow"]
"""Keep the row back, put a mark in place of what was found, or let it pass."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of sensitive text."""

    name: str
    action: Action
    """What happens to it unless the job type says otherwise."""
    find: Callable[[str], Iterator[Span]]
    source: str
    """Where its form is described."""
    words: tuple[str, ...] = ()
    """One of them stands in all that it finds; without any, a number does."""


class Hit(NamedTuple):
    """Where something sensitive stands in a text."""

    start: int
    end: int
    name: str


APART = "\x1f"
"""Stands between values that are looked at together: no detector reads across it."""
GAPS = " \u00a0\u202f\u2009"
"""Spaces inside numbers: plain, no-break, narrow no-break, thin."""
DASHES = "-\u2010\u2011\u2012\u2013"
"""Hyphen-minus, hyphen, non-breaking hyphen, figure dash, en dash."""
_G, _D = GAPS, re.escape(DASHES)

CARD_LENGTHS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (6011, 6011, frozenset({16, 19})),
    (644, 659, frozenset({16, 19})),
    (300, 305, frozenset({14, 16, 19})),
    (3095, 3095, frozenset({14, 16, 19})),
    (36, 36, frozenset({14, 16, 19})),
    (38, 39, frozenset({14, 16, 19})),
    (3528, 3589, frozenset({16, 19})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (2200, 2204, frozenset({16})),
    (5018, 5018, frozenset(range(12, 20))),
    (5020, 5020, frozenset(range(12, 20))),
    (5038, 5038, frozenset(range(12, 20))),
    (5893, 5893, frozenset(range(12, 20))),
    (6304, 6304, frozenset(range(12, 20))),
    (6759, 6759, frozenset(range(12, 20))),
    (6761, 6763, frozenset(range(12, 20))),
)
"""First and last prefix of an issuer, and the lengths of its numbers: Visa, Mastercard (two
ranges), American Express (two), Discover (two), Diners Club (four), JCB, UnionPay, Mir, Maestro."""

_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_LENGTHS = {
    country: length
    for length, countries in _IBAN_COUNTRIES.items()
    for country in countries.split()
}
"""Characters of an IBAN by country."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    total = sum(map(int, digits[-1::-2])) + sum(value - 9 * (value > 9) for value in doubled)  # noqa: PLR2004 - the digit sum
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Whether these digits are a card number: an issuer's prefix, its length, and Luhn."""
    known = any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last
        for first, last, lengths in CARD_LENGTHS
    )
    return known and luhn(digits)


def is_iban(text: str) -> bool:
    """Whether a text without spaces is an IBAN: the country's length, and mod 97 equal to 1."""
    text = text.upper()
    if not (text.isascii() and text.isalnum()) or len(text) != IBAN_LENGTHS.get(text[:2]):
        return False
    number = "".join(str(int(sign, 36)) for sign in text[4:] + text[:4])
    return text[2:4].isdigit() and int(number) % 97 == 1


_CARD = re.compile(
    rf"(?<!\d)(?<!\d[.,])(?=(\d{{4}}([{_G}{_D}])\d{{4}}\2\d{{4}}\2\d{{4}}\2\d{{3}}(?!\d)"
    rf"|\d{{4}}([{_G}{_D}])\d{{4}}\3\d{{4}}\3\d{{4}}(?!\d)"
    rf"|\d{{4}}([{_G}{_D}])\d{{6}}\4\d{{4,5}}(?!\d)"
    r"|\d{12,19}(?!\d)))"
    rf"(?=(\d{{4}}(?:[{_G}{_D}]\d{{4}}){{3}}(?!\d))?)",
    re.ASCII,
)
_NOT_DIGIT = re.compile(r"[^0-9]+")


def _cards(text: str) -> Iterator[Span]:
    """Numbers as printed (4-4-4-4, 4-4-4-4-3, 4-6-5, 4-6-4) or in one piece.

    Tried at every group, also inside a longer row of groups: a number before the card's or a
    security code behind it does not hide it.
    """
    for match in _CARD.finditer(text):
        for candidate in (match[1], match[5]):
            if candidate and is_card(_NOT_DIGIT.sub("", candidate)):
                yield match.start(), match.start() + len(candidate)
                break


_IBAN = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}(?:[{_G}{_D}]?[A-Za-z0-9]){{11,29}}")


def _ibans(text: str) -> Iterator[Span]:
    """In one piece or in groups; exactly as long as the country's IBANs are."""
    start = 0
    while match := _IBAN.search(text, start):
        start = match.start() + 2
        wanted = IBAN_LENGTHS.get(match[0][:2].upper(), 0)
        places = [place for place, sign in enumerate(match[0]) if sign.isalnum()]
        if not wanted or len(places) < wanted:
            continue
        end = match.start() + places[wanted - 1] + 1
        if not text[end : end + 1].isalnum() and is_iban(
            "".join(match[0][place] for place in places[:wanted])
        ):
            yield match.start(), end
            start = end


_JWT = re.compile(r"(?<![\w-])(eyJ[\w-]{5,})\.[\w-]{2,}\.[\w-]*", re.ASCII)


def _tokens(text: str) -> Iterator[Span]:
    """Three parts of which the first is the base64 of a JSON object that names an algorithm."""
    for match in _JWT.finditer(text):
        try:
            header = msgspec.json.decode(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
        except ValueError:
            continue
        if isinstance(header, dict) and "alg" in header:
            yield match.span()


_PHONES = (
    re.compile(rf"(?<![\w+])\+[1-9](?:[{_G}{_D}./()]{{0,3}}[0-9]){{7,14}}(?![0-9])"),
    re.compile(
        rf"(?<![\w.,:/+-])(?<![0-9][{_G}])00[1-9](?:[{_G}{_D}./()]{{0,3}}[0-9]){{7,13}}(?![0-9])"
    ),
    re.compile(
        rf"(?<![\w.,:/+-])(?:1[{_G}{_D}.])?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}[{_G}{_D}.])"
        rf"[2-9][0-9]{{2}}[{_G}{_D}.][0-9]{{4}}(?![0-9]|[{_D}.][0-9])"
    ),
    re.compile(
        rf"(?<![\w.,:/+-])(?<![0-9][{_G}])(?:\(0[1-9][0-9]{{0,4}}\)|0[1-9][0-9]{{0,4}})[{_G}{_D}/]{{1,2}}[0-9]{{2,8}}"
        rf"(?:([{_G}{_D}])[0-9]{{2,4}}(?:\1[0-9]{{2,4}}){{0,3}})?(?![0-9]|[{_D}./][0-9])"
    ),
    re.compile(r"(?<![\w.,:/+-])07[0-9]{9}(?![0-9])"),
)
"""International with + or 00; North American 3-3-4; trunk prefix 0 with groups; British mobiles."""
NATIONAL_DIGITS = range(9, 13)
"""Digits of a number with the trunk prefix 0; a date has eight."""


def _phones(text: str) -> Iterator[Span]:
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            digits = _NOT_DIGIT.sub("", match[0])
            national = digits[0] == "0" != digits[1]
            if not set(digits) <= {"0", "1"} and (not national or len(digits) in NATIONAL_DIGITS):
                yield match.span()


def _plain(pattern: str) -> Callable[[str], Iterator[Span]]:
    """A form without a checksum."""
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[Span]:
        return (match.span() for match in compiled.finditer(text))

    return find


DETECTORS: tuple[Detector, ...] = (
    Detector(
        "private_key",
        "refuse",
        _plain(
            r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^\x1f]{0,20000}?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"|[A-Za-z0-9+/= \t\r\n\\]*)"
        ),
        "RFC 7468, sections 10 and 11; RFC 9580, section 6.2",
        ("-----BEGIN ",),
    ),
    Detector(
        "anthropic_key",
        "refuse",
        _plain(r"(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{20,}"),
        "docs.anthropic.com, API keys: they begin with sk-ant-",
        ("sk-ant-",),
    ),
    Detector(
        "aws_key",
        "refuse",
        _plain(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        "AWS IAM User Guide, unique identifiers: AKIA and ASIA",
        ("AKIA", "ASIA"),
    ),
    Detector(
        "github_token",
        "refuse",
        _plain(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,244})"
        ),
        "GitHub changelog, 2021-03-31: token formats, up to 255 characters",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    Detector(
        "slack_token",
        "refuse",
        _plain(r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}"),
        "Slack API documentation, token types",
        ("xox",),
    ),
    Detector(
        "google_key",
        "refuse",
        _plain(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        "Google Cloud documentation, API keys: AIza and 35 characters",
        ("AIza",),
    ),
    Detector("jwt", "refuse", _tokens, "RFC 7519, section 3; RFC 7515, section 4.1.1", ("eyJ",)),
    Detector("iban", "refuse", _ibans, "ISO 13616 and SWIFT's IBAN registry"),
    Detector("card", "refuse", _cards, "ISO/IEC 7812-1, annex B; the issuers' number ranges"),
    Detector(
        "ssn",
        "refuse",
        _plain(
            rf"(?<![\w{_D}])(?!000|666|9)[0-9]{{3}}([{_D}])(?!00)[0-9]{{2}}\1(?!0000)[0-9]{{4}}"
            rf"(?![\w{_D}])"
        ),
        "US Social Security Administration, number randomization of 2011",
    ),
    Detector(
        "email",
        "redact",
        _plain(
            r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]+@"
            r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,63}"
        ),
        "RFC 5321, sections 4.1.2 and 4.5.3; RFC 6531 for other letters",
        ("@",),
    ),
    Detector("phone", "redact", _phones, "ITU-T E.164 and E.123; the North American plan"),
)
"""Asked in this order; what one has found is not looked at by the next."""

NAMES = tuple(detector.name for detector in DETECTORS)

_DIGIT, _CAPITAL = ord("0"), ord("A")
_CLASSES = bytes(
    _DIGIT if byte in b"0123456789" else _CAPITAL if bytes([byte]).isupper() else byte
    for byte in range(256)
)
_DULL = bytes(
    byte for byte in range(256) if _CLASSES[byte] not in {_DIGIT, _CAPITAL, *b"@_-exz\xef"}
)
_BETWEEN = bytes({byte for sign in GAPS + DASHES + "./()" for byte in sign.encode()})
_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
_FULL_WIDTH_LEAD = b"\xef\xbc"


SHORTEST_BASE64 = 16
"""Digits: twelve bytes, as short as an address or a card number gets."""
_BASE64_WORD = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST_BASE64},}}={{0,2}}")
_WORD = re.compile(r"\S+")
_LONG_RUN = b"A" * SHORTEST_BASE64
_RUNS = bytes(ord("A") if re.match(r"[\w+/-]", chr(byte), re.ASCII) else 32 for byte in range(256))
_URL_SAFE = str.maketrans("-_", "+/")


def sensitive(text: str) -> list[Hit]:
    """What stands in a text, in order of place, also in words that were encoded once; nothing
    overlaps. Few texts have such words: a look at signs and lengths comes first."""
    hits = _plainly(text)
    runs = _LONG_RUN in text.encode("utf-8", "replace").translate(_RUNS)
    if not runs and "%" not in text:
        return hits
    words = [*(_BASE64_WORD.finditer(text) if runs else ())]
    words += [word for word in _WORD.finditer(text) if "%" in word[0]]
    for word in words:
        start, end = word.span()
        if all(end <= hit.start or hit.end <= start for hit in hits) and (
            inside := _plainly(_unwrapped(word[0]))
        ):
            hits.append(Hit(start, end, inside[0].name))
    return sorted(hits)


def _unwrapped(word: str) -> str:
    """What an encoded word says; nothing if it says nothing."""
    if "%" in word:
        return unquote_plus(word)
    digits = word.rstrip("=").translate(_URL_SAFE)
    try:
        return b64decode(digits + "=" * (-len(digits) % 4)).decode()
    except ValueError:
        return ""


def _plainly(text: str) -> list[Hit]:
    """What stands in a text as it is.

    Most texts hold nothing, so a look at few of their letters comes first: what is left of the
    words and numbers in question must be there, and mostly is not.
    """
    raw = text.encode("utf-8", "replace")
    few = raw.translate(None, _DULL)
    account, number = _digits_in(few.translate(_CLASSES, b"-\xef"))
    if account or number:
        account, number = _digits_in(raw.translate(_CLASSES, _BETWEEN))
    wide = _FULL_WIDTH_LEAD[:1] in few and _FULL_WIDTH_LEAD in raw
    if wide:
        text, account, number = text.translate(_FULL_WIDTH), True, True
    elif not (account or number or _word_in(text, few.decode("latin-1"))):
        return []
    hits: list[Hit] = []
    for detector in DETECTORS:
        if detector.words:
            worth_it = any(word in text for word in detector.words)
        else:
            worth_it = number or (account and detector.name == "iban")
        for start, end in detector.find(text) if worth_it else ():
            if all(end <= hit.start or hit.end <= start for hit in hits):
                hits.append(Hit(start, end, detector.name))
    return sorted(hits)


def _digits_in(classes: bytes) -> tuple[bool, bool]:
    """Whether two capitals and two digits stand together, as an IBAN begins, and whether seven
    digits do: so many at least has every number that we look for."""
    signs = classes.decode("latin-1")
    return "AA00" in signs, "0000000" in signs


def _word_in(text: str, few: str) -> bool:
    """Whether a text may hold one of the detectors' words: first by a sign that it has to leave in
    `few`. Written out, as a loop over them takes three times as long, and every text is asked."""
    return (
        "@" in few
        or "_" in few
        or ("-" in few and ("--" in few or "xx" in few) and _dashed_in(text))
        or ("J" in few and "eJ" in few)
        or ("z" in few and "AIz" in few)
        or ("K" in few and "AKIA" in few)
        or "ASIA" in few
    )


def _dashed_in(text: str) -> bool:
    return "sk-ant-" in text or "xox" in text or "-----BEGIN" in text
