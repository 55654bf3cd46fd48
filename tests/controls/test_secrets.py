"""Secrets and personal data by their form. All numbers here are published examples."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controls.secrets import (
    DETECTORS,
    IBAN_LENGTHS,
    NAMES,
    Hit,
    is_card,
    is_iban,
    luhn,
    sensitive,
)

ANY_TEXT = st.text(st.characters(), max_size=200)
SOUP = st.text("0123456789 -+()./@abzAIKSZ_x", max_size=120)
JWT = (
    ".".join(
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890"})
    )
    + ".c2lnbmF0dXJl"
)
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----"
FOUND = {
    "private_key": (PEM, PEM.replace("RSA", "EC"), PEM.replace("RSA ", "")),
    "anthropic_key": ("sk-ant-api03-" + "aB3_" * 8,),
    "aws_key": ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
    "github_token": ("ghp_" + "a1B2" * 9, "github_pat_" + "a" * 22 + "_" + "b" * 59),
    "slack_token": ("xoxb-" + "1234567890-" * 2 + "abcdef",),
    "google_key": ("AIza" + "a1B2_" * 7,),
    "jwt": (JWT,),
    "iban": (
        *("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "gb82 west 1234 5698 7654 32"),
        *("FR1420041010050500013M02606", "NL91ABNA0417164300", "NO9386011117947"),
        *("MT84MALT011000012345MTLCAST001S", "CH93-0076-2011-6238-5295-7"),
    ),
    "card": (
        *("4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111", "4222222222222"),
        *("5555555555554444", "2223003122003222", "378282246310005", "3714 496353 98431"),
        *("6011111111111117", "30569309025904", "3056 930902 5904", "3530111333300000"),
        *("4111\u00a01111\u00a01111\u00a01111", "6759649826438453", "6200000000000005"),
    ),
    "ssn": ("219-09-9999", "078\u201105\u20111120"),
    "email": ("ada@example.org", "o'brien+x@mail.example.co.uk", "d\u00f6rte@b\u00fccher.example"),
    "phone": (
        *("+44 20 7946 0018", "+14155550132", "+49 (0)30 901820", "0044 20 7946 0018"),
        *("(212) 555-0123", "212-555-0123", "1-212-555-0123", "020 7946 0018", "030/901820-12"),
        *("06 12 34 56 78", "07700900123", "+33.1.23.45.67.89"),
    ),
}
NOT_FOUND = (
    *("4111 1111 1111 1112", "1234567890123456", "order 100234, 567890", "0.4111111111111111"),
    *("DE89 3704 0044 0532 0130 01", "XX89370400440532013000", "DE8937040044053201300"),
    *("000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "1219-09-9999"),
    *("ada@", "@example.org", "ada@example", "a @ b.org", "01/02/2024", "01-02-2024 10:30"),
    *("2024-11-20 09:30:00", "00100000 01100001", "T-100234", "10.000.000", "192.168.100.200"),
    *("xoxo", "AKIA", "eyJhbGciOiJIUzI1NiJ9", "eyJub3QganNvbg.eyJhIjoxfQ.c2ln", "sk-ant-short"),
    *("-----BEGIN PUBLIC KEY-----", "3.14159265358979", "AIza is a prefix", "$1,000,000,000"),
)


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in FOUND.items() for text in texts]
)
@pytest.mark.parametrize(
    "around", ["{}", "It is {}.", "({})", "caf\u00e9 \U0001f600:\n{}\n\nThanks"]
)
def test_what_has_the_form_is_found_whole(name: str, text: str, around: str) -> None:
    """Alone and in a sentence: one hit, from its first to its last character."""
    sentence = around.format(text)
    hits = sensitive(sentence)

    assert [name] == [hit.name for hit in hits]
    assert text.rstrip() == sentence[hits[0].start : hits[0].end].rstrip("\n")


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_resembles_it_is_left_alone(text: str) -> None:
    """A wrong check digit, a number that was never issued, a date, an amount."""
    assert [] == sensitive(f"It is {text}, thanks")


def test_a_key_that_was_cut_off_is_taken_out_to_its_end() -> None:
    """Rather too much of the text than half of a key."""
    text = "Key: -----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ"
    [hit] = sensitive(text)

    assert (5, len(text), "private_key") == hit


def test_a_card_is_found_between_other_numbers() -> None:
    """An expiry date and a security code behind it, an order number before it."""
    text = "1234 5678 4111 1111 1111 1111 123 12/26"
    [hit] = sensitive(text)

    assert ("4111 1111 1111 1111", "card") == (text[hit.start : hit.end], hit.name)


def test_full_width_digits_are_digits() -> None:
    """As Japanese keyboards write them."""
    text = "4111 1111 1111 1111".translate({ord(sign): ord(sign) + 0xFEE0 for sign in "14"})

    assert ["card"] == [hit.name for hit in sensitive(text)]


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_check_digit_fits(digits: str) -> None:
    """Luhn: of ten last digits one is right."""
    assert 1 == sum(luhn(digits + str(last)) for last in range(10))


@given(st.text("0123456789", min_size=12, max_size=19), st.integers(0, 18), st.integers(1, 9))
@example("4111111111111111", 3, 1)
def test_one_wrong_digit_is_no_card(digits: str, place: int, off: int) -> None:
    """Luhn notices every single mistake."""
    place %= len(digits)
    wrong = digits[:place] + str((int(digits[place]) + off) % 10) + digits[place + 1 :]

    assert not (is_card(digits) and luhn(wrong))


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_an_iban_has_one_pair_of_check_digits(country: str, data: st.DataObject) -> None:
    """ISO 7064 mod 97-10: at most two of a hundred pairs fit (00 to 01 stand for 97 and 98)."""
    size = IBAN_LENGTHS[country] - 4
    account = data.draw(st.text("0123456789ABCXYZ", min_size=size, max_size=size))
    fitting = [pair for pair in range(100) if is_iban(f"{country}{pair:02}{account}")]

    assert 1 <= len(fitting) <= 2
    assert not is_iban(f"{country}{fitting[0]:02}{account}0")


@given(ANY_TEXT | SOUP)
@example("\ud800" + "4111111111111111")
def test_looking_never_raises_and_hits_never_overlap(text: str) -> None:
    """Any text at all; every hit is a place in it."""
    hits = sensitive(text)

    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert all(one.end <= other.start for one, other in pairwise(hits))


@given(ANY_TEXT | SOUP, st.sampled_from([text for texts in FOUND.values() for text in texts]))
def test_the_quick_look_misses_nothing(before: str, planted: str) -> None:
    """Whatever letters and numbers stand elsewhere in the text, it is not passed over."""
    assert sensitive(f"{before} | {planted} | {before}")


def test_every_detector_is_tested_and_has_a_source() -> None:
    """One row of the table each."""
    assert set(FOUND) == set(NAMES)
    assert all(detector.source for detector in DETECTORS)


@pytest.mark.parametrize("sign", ["a", "1", "@", "-", "a.", "1 ", "+", "eyJ", "a@", "DE12", "(0"])
def test_a_long_text_takes_no_long_time(sign: str) -> None:
    """No pattern tries one place in more ways than it has characters."""
    sensitive(sign * 20_000 + " @_eyJ 4111111111111112")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see YW5uYUBleGFtcGxlLm9yZw== there", [Hit(4, 28, "email")]),
        ("see YW5uYUBleGFtcGxlLm9yZw there", [Hit(4, 26, "email")]),
        ("?mail=anna%40example.org&x=1", [Hit(0, 28, "email")]),
        ("Y2FyZD00MTExLTExMTEtMTExMS0xMTExOw==", [Hit(0, 36, "card")]),
        ("100% of counterintuitively-longer-words", []),
        ("100%25 of it", []),
        ("//////////////////", []),
    ],
)
def test_encoded_words_are_read_once(text: str, expected: list[Hit]) -> None:
    """Base64 and percent signs hide nothing; the whole word is the find."""
    assert expected == sensitive(text)


def test_a_text_of_percent_signs_takes_no_longer_than_its_length() -> None:
    """Whoever writes a row cannot make it slow: what is twice as long takes twice as long."""
    assert [] == sensitive("%" * 200_000)
    assert [] == sensitive("%4" * 100_000)
