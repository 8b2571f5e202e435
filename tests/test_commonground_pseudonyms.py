"""An identifier becomes something that can be counted and not traced."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

from commonground.errors import CommonGroundError
from commonground.pseudonyms import pseudonymise

KEY = bytes(range(1, 33))


def test_a_pseudonym_is_the_hmac_of_rfc_2104_with_sha_256() -> None:
    made = pseudonymise(pd.Series(["K7Q2M9"]), key=KEY, domain="person")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in KEY.ljust(64, b"\0")) + b"6:person:K7Q2M9").digest()
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in KEY.ljust(64, b"\0")) + inner).hexdigest()  # RFC 2104, section 2
    assert made.tolist() == [outer[:32]]
    assert outer == hmac.new(KEY, b"6:person:K7Q2M9", "sha256").hexdigest()


def test_spaces_unicode_forms_and_whole_numbers_are_made_alike() -> None:
    for one, other in (
        (["A1 "], ["A1"]),
        (["e\u0301"], ["\u00e9"]),
        ([12.0, None], ["12", None]),
        ([12], ["12"]),
    ):
        made = [pseudonymise(pd.Series(values), key=KEY, domain="person") for values in (one, other)]
        assert made[0][0] == made[1][0]


def test_a_blank_is_nobody_and_not_one_person_met_often() -> None:
    made = pseudonymise(pd.Series(["", "  ", None, "p"], index=list("wxyz"), name="person"), key=KEY, domain="person")
    assert made.isna().tolist() == [True, True, True, False]
    assert (list(made.index), made.name) == (list("wxyz"), "person")


def test_another_domain_or_key_gives_unrelated_pseudonyms_and_another_person_another_one() -> None:
    one = pd.Series(["A1", "A2"])
    made = [
        pseudonymise(one, key=KEY, domain="person"),
        pseudonymise(one, key=KEY, domain="premises"),
        pseudonymise(one, key=KEY[::-1], domain="person"),
    ]
    assert len({value for column in made for value in column}) == 6


def test_a_key_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    values = pd.Series(["A1"])
    expected = pseudonymise(values, key=KEY, domain="person")
    assert pseudonymise(values, key=tmp_path / "key", domain="person").equals(expected)
    monkeypatch.setenv("COMMONGROUND_KEY", "0123456789abcdef0123456789abcdef")
    known = pseudonymise(values, key=b"0123456789abcdef0123456789abcdef", domain="person")
    assert pseudonymise(values, key="COMMONGROUND_KEY", domain="person").equals(known)


def test_without_a_key_one_lives_in_this_process_only() -> None:
    values = pd.Series(["A1"])
    assert pseudonymise(values, key=None, domain="person").equals(pseudonymise(values, key=None, domain="person"))
    assert not pseudonymise(values, key=None, domain="person").equals(pseudonymise(values, key=KEY, domain="person"))


@pytest.mark.parametrize("key", [b"", b"short", b"a" * 64, b"ab" * 32])
def test_a_short_or_regular_key_is_refused(key: bytes) -> None:
    with pytest.raises(CommonGroundError, match="too short or too regular"):
        pseudonymise(pd.Series(["A1"]), key=key, domain="person")


def test_a_key_inside_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "key").write_bytes(KEY)
    with pytest.raises(CommonGroundError, match="inside a repository"):
        pseudonymise(pd.Series(["A1"]), key=tmp_path / "sub" / "key", domain="person")


@pytest.mark.parametrize("key", ["9f" * 32, "9f" * 4000, "nul\0byte"])
def test_a_key_given_in_place_of_its_name_is_not_repeated_anywhere(key: str) -> None:
    with pytest.raises(CommonGroundError, match="not the key itself") as caught:
        pseudonymise(pd.Series(["A1"]), key=key, domain="person")
    assert key not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_key_that_may_not_be_read_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(stat.S_IWUSR)
    with pytest.raises(CommonGroundError, match="can be read"):
        pseudonymise(pd.Series(["A1"]), key=tmp_path / "key", domain="person")
