"""The tripwire names what points to a person, and leaves ordinary columns alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.tripwire import KINDS, find_kinds, is_nhs_number, kinds_in, scan

# Numbers set aside for drama and tests (Ofcom), the NHS's own examples, HMRC's and DVLA's published formats.
CAUGHT = {
    "07700 900123": "phone",
    "tel 020 7946 0018, ask": "phone",
    "+44 7700 900123": "phone",
    "+44 (0)1632 960 983": "phone",
    "01632960983": "phone",
    "(0113) 496 0123": "phone",
    "0808 157 0123": "phone",
    "SW1A 1AA": "postcode",
    "near EC1A1BB corner": "postcode",
    "m1 1ae": "postcode",
    "CR26XH": "postcode",
    "AB 12 34 56 C": "NINO",
    "ab123456c": "NINO",
    "943 476 5919": "NHS number",
    "NHS 9434765919 seen": "NHS number",
    "a.person@example.org": "e-mail",
    "write to a+b@mail.example.co.uk.": "e-mail",
    "AB12 CDE": "vehicle mark",
    "blue van bd51smr": "vehicle mark",
    "51.523417, -0.071234": "coordinates",
    "-0.071234,51.523417": "coordinates",
    "51.5234° N, 0.0712° W": "coordinates",
    "TQ 3380 8054": "coordinates",
    "TQ33808054": "coordinates",
    "533807, 180543": "coordinates",
    "///filled.count.soap": "coordinates",
}
PASSED = [
    "E01006651",
    "E02000001",
    "W01000123",
    "Violence and sexual offences",
    "Criminal damage and arson",
    "On or near High Street",
    "2019-03-01",
    "01/03/2019",
    "2019 Q1",
    "£1,200,000.50",
    "£250000, 300000",
    "1,234 to 5,678",
    "12:30",
    "FY20 the budget",
    "A406 AND A12",
    "M25",
    "Redbridge 001A",
    "Flat 12",
    "0.123456, 0.654321",
    "55.123  1.234",
    "1234567890",
    "0.0770090012",
    "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "#B123DD",
    "logo@2x.png",
    "leaflet@1.9.4",
    "M10 5ZM20 30",
    "RX8AB",
    "in S1 2nd quarter",
    "1700000000",
    "M68HD",
    "street",
    "third-party report",
    "SE012345",
    "https://example.org/a/b",
]


@pytest.mark.parametrize(("text", "kind"), CAUGHT.items())
def test_each_kind_is_caught_alone_and_in_a_sentence(text: str, kind: str) -> None:
    assert kind in scan(pd.Series([text])), text
    assert kind in kinds_in(f"note: {text} (later)"), text


@pytest.mark.parametrize("text", PASSED)
def test_ordinary_text_passes(text: str) -> None:
    assert scan(pd.Series([text, "other"])) == set(), text


def test_one_value_among_many_is_enough_and_nothing_is_repeated() -> None:
    column = pd.Series(["E01006651"] * 5_000 + ["call 07700 900123"])
    assert scan(column) == {"phone"}
    assert scan(column) <= set(KINDS)


def test_an_offset_says_where_the_match_starts() -> None:
    assert list(find_kinds("x AB12 CDE y 07700 900123")) == [("phone", 13), ("vehicle mark", 2)]
    assert list(find_kinds("at 51.523417, -0.071234", coordinates=False)) == []


def test_columns_of_numbers_are_read_too() -> None:
    assert scan(pd.Series([7700900123, 7700900456, 7700900789])) == {"phone"}  # the zero was lost
    assert scan(pd.Series([9434765919, 4010232137])) == {"NHS number"}
    assert scan(pd.Series([1.5, np.nan, 250_000])) == set()
    assert scan(pd.Series([], dtype=str)) == set()
    assert scan(pd.Series(["N0123456789"])) == set()


def test_running_numbers_are_not_nhs_numbers() -> None:
    # by chance one in eleven passes the check digit
    assert scan(pd.Series([str(n) for n in range(4_000_000_000, 4_000_000_200)])) == set()


def test_old_marks_count_when_the_column_is_full_of_them() -> None:
    assert scan(pd.Series(["A123 ABC", "B7 XYV"])) == {"vehicle mark"}
    assert scan(pd.Series(["A123 ABC", "street", "online"])) == set()


@given(st.integers(0, 999_999_999))
def test_the_check_digit_is_the_one_of_the_definition(number: int) -> None:
    # NHS Data Dictionary: weights 10 to 2, remainder from 11; 11 counts as 0, 10 is never issued
    digits = f"{number:09d}"
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
    expected = {11: "0", 10: None}.get(check, str(check))
    passing = [last for last in "0123456789" if is_nhs_number(digits + last)]
    assert passing == ([] if expected is None or len(set(digits + expected)) == 1 else [expected])


@pytest.mark.parametrize(
    "make",
    [
        lambda i: f"Violence and sexual offences on or near High Street {i}",
        lambda i: f"E0{1000000 + i}",
        lambda i: f"2019-03-{i % 28 + 1:02d} and £{i}.50 in all",
    ],
)
def test_two_hundred_thousand_ordinary_texts_are_not_taken_for_anything(make: object) -> None:
    column = pd.Series([make(i) for i in range(200_000)])  # type: ignore[operator]
    assert scan(column) == set()
