"""An identifier becomes something that can be counted and not traced."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
import pickle
import stat
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commonground.disclosure import Plan, protect
from commonground.errors import CommonGroundError
from commonground.pseudonyms import pseudonymise, study_key
from commonground.records import read_records
from commonground.study import read_study
from commonground.tallies import tally

KEY = bytes(range(1, 33))


def kept(path: Path, key: bytes) -> Path:
    """Write a key that its owner only may read."""
    path.write_bytes(key)
    path.chmod(0o600)
    return path


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
    kept(tmp_path / "key", KEY + b"\n")
    values = pd.Series(["A1"])
    expected = pseudonymise(values, key=KEY, domain="person")
    assert pseudonymise(values, key=tmp_path / "key", domain="person").equals(expected)
    monkeypatch.setenv("COMMONGROUND_KEY", "0123456789abcdef" * 4)
    known = pseudonymise(values, key=b"0123456789abcdef" * 4, domain="person")
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


# --- what a key may be, and where it may lie


@pytest.mark.parametrize(
    "key",
    [
        "correct horse battery staple and some more words",
        "correcthorsebatterystaplecorrecthorsebatterystaple",
        "Password1Password1Password1Password1!",
        "crème brûlée, crème brûlée, crème brûlée, crème brûlée",
        "0123456789abcdef0123456789abcdef",  # 16 bytes, however they are written
        "two lines\nof words that somebody\nthought of as a key of 32 bytes",
    ],
)
def test_words_are_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("COMMONGROUND_KEY", key)
    file = kept(tmp_path / "key", key.encode())
    for given in (key.encode(), "COMMONGROUND_KEY", file):
        with pytest.raises(CommonGroundError, match="too short or too regular") as caught:
            pseudonymise(pd.Series(["A1"]), key=given, domain="person")
        assert key not in str(caught.value)


@pytest.mark.parametrize("write", [bytes.hex, lambda key: base64.b64encode(key).decode()])
def test_a_key_of_an_environment_variable_is_text_that_openssl_writes(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[bytes], str]
) -> None:
    key = hashlib.sha256(b"any").digest()
    monkeypatch.setenv("COMMONGROUND_KEY", write(key))
    made = pseudonymise(pd.Series(["A1"]), key="COMMONGROUND_KEY", domain="person")
    assert made[0] == hmac.new(write(key).encode(), b"6:person:A1", "sha256").hexdigest()[:32]


@pytest.mark.parametrize("last", [b"\n", b"\r", b"\x00"])
def test_thirty_two_random_bytes_are_a_key_whatever_the_last_one_is(tmp_path: Path, last: bytes) -> None:
    key = KEY[:-1] + last
    values = pd.Series(["A1"])
    kept_one = pseudonymise(values, key=kept(tmp_path / "key", key), domain="person")
    assert kept_one.equals(pseudonymise(values, key=key, domain="person"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    kept(tmp_path / "key", KEY).chmod(mode)
    with pytest.raises(CommonGroundError, match="chmod 600"):
        pseudonymise(pd.Series(["A1"]), key=tmp_path / "key", domain="person")


@pytest.mark.parametrize(
    ("mark", "where"),
    [(".git", "a repository"), (".hg", "a repository"), ("study.toml", "a study's"), ("manifest.json", "a release")],
)
def test_a_key_is_refused_wherever_it_would_be_copied(tmp_path: Path, mark: str, where: str) -> None:
    inside = tmp_path / "shared" / "sub"
    inside.mkdir(parents=True)
    (tmp_path / "shared" / mark).write_text("")  # .git is a file in a second working tree
    file = kept(inside / "key", KEY)
    (tmp_path / "link").symlink_to(file)
    for given in (file, tmp_path / "link", inside / ".." / "sub" / "key"):
        with pytest.raises(CommonGroundError, match=f"inside {where}"):
            pseudonymise(pd.Series(["A1"]), key=given, domain="person")


# --- linkage


def test_one_key_gives_two_studies_pseudonyms_that_cannot_be_linked() -> None:
    values = pd.Series([f"client {i}" for i in range(50)])
    made = {study: pseudonymise(values, key=study_key(KEY, study), domain="person") for study in ("Elm", "Elm 2", "")}
    assert len({value for column in made.values() for value in column}) == 150
    assert made["Elm"].equals(pseudonymise(values, key=study_key(KEY, "Elm"), domain="person"))
    derived = hmac.new(KEY, b"study:3:Elm:", "sha256").digest()
    assert made["Elm"][0] == hmac.new(derived, b"6:person:client 0", "sha256").hexdigest()[:32]


def test_no_title_and_no_domain_can_be_written_so_that_they_meet() -> None:
    """Without lengths, ("a:b", "c") and ("a", "b:c") would be one message."""
    assert ":".join(("a:b", "c")) == ":".join(("a", "b:c"))
    one = pseudonymise(pd.Series(["c"]), key=KEY, domain="a:b")
    other = pseudonymise(pd.Series(["b:c"]), key=KEY, domain="a")
    assert one[0] != other[0]


def study_file(folder: Path, title: str) -> Path:
    folder.mkdir()
    (folder / "areas.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "A"}, "geometry": '
        '{"type": "Polygon", "coordinates": [[[-2.9, 53.4], [-2.8, 53.4], [-2.8, 53.5], [-2.9, 53.4]]]}}]}'
    )
    (folder / "contacts.csv").write_text("start,area,person,premises\n2022-05-01,A,LONEBIRD77,LONEBIRD77\n")
    (folder / "incidents.csv").write_text("start,area,person\n2022-05-01,A,LONEBIRD77\n")
    inputs = "".join(
        f'[inputs.{kind}]\nkind = "{kind}"\nfile = "{kind}.csv"\nkey = "COMMONGROUND_KEY"\n'
        for kind in ("contacts", "incidents")
    )
    (folder / "study.toml").write_text(
        f"""title = "{title}"\nquestion = "?"\n[areas]\nfile = "areas.geojson"\ncode = "code"\n[operation]\nname = "Op"
treated = ["A"]\nbefore = ["2022-01-01", "2023-01-01"]\nafter = ["2023-01-01", "2024-01-01"]\n[comparison]
rule = "none"\n{inputs}[outcomes.contacts]\nlabel = "Contacts"\ninput = "contacts"\ngoal = "access"\ngood = "rise"
[policy]\nprofile = "partner"\nas_of = 2024-06-30\n"""
    )
    return folder / "study.toml"


def test_a_study_links_its_own_inputs_and_no_other_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONGROUND_KEY", hashlib.sha256(b"any").hexdigest())
    elm, oak = (read_study(study_file(tmp_path / name, name))[0] for name in ("Elm", "Oak"))
    assert elm is not None
    assert oak is not None
    contacts = elm.records("contacts").frame
    assert contacts["person"][0] == elm.records("incidents").frame["person"][0]
    assert contacts["person"][0] != contacts["premises"][0]
    assert contacts["person"][0] != oak.records("contacts").frame["person"][0]


# --- guessing


def postcodes() -> list[str]:
    """Every postcode that one district could have: 10 sectors by 20 x 20 letters."""
    inward = "ABDEFGHJLNPQRSTUWXYZ"
    return [f"L7 {sector}{a}{b}" for sector, a, b in itertools.product(range(10), inward, inward)]


def found_by_guessing(pseudonyms: set[str], made: Callable[[str], str]) -> int:
    return len(pseudonyms & {made(guess) for guess in postcodes()})


def test_a_dictionary_of_postcodes_opens_every_unkeyed_hash_and_no_pseudonym() -> None:
    homes = pd.Series(postcodes()[::40])
    unkeyed = {hashlib.sha256(home.encode()).hexdigest()[:32] for home in homes}
    assert found_by_guessing(unkeyed, lambda guess: hashlib.sha256(guess.encode()).hexdigest()[:32]) == len(homes)
    ours = set(pseudonymise(homes, key=None, domain="premises"))
    tries: list[Callable[[str], str]] = [
        lambda guess: hashlib.sha256(guess.encode()).hexdigest()[:32],
        lambda guess: hashlib.sha256(f"8:premises:{guess}".encode()).hexdigest()[:32],
        lambda guess: hmac.new(bytes(32), f"8:premises:{guess}".encode(), "sha256").hexdigest()[:32],
        lambda guess: hmac.new(b"premises", guess.encode(), "sha256").hexdigest()[:32],
    ]
    assert [found_by_guessing(ours, made) for made in tries] == [0, 0, 0, 0]
    assert len(ours) == len(homes)


def test_telephone_numbers_are_opened_by_the_key_only() -> None:
    numbers = pd.Series([f"07700 900{last:03d}" for last in range(1000)])  # Ofcom's numbers for drama
    ours = pseudonymise(numbers, key=KEY, domain="person")
    without = {hashlib.sha256(number.encode()).hexdigest()[:32] for number in numbers}
    withit = {hmac.new(KEY, f"6:person:{number}".encode(), "sha256").hexdigest()[:32] for number in numbers}
    assert not set(ours) & without
    assert set(ours) == withit  # so the key stays with the analyst


# --- what leaves


def town(order: np.ndarray | None = None, rename: str = "p") -> pd.DataFrame:
    """Sixty people in two areas, the first met sixty times, the next fifty-nine, and so on."""
    rows = [(f"{rename}{who}", "AB"[who % 2], f"2022-{1 + i % 12:02d}-0{1 + who % 9}") for who in range(60)
            for i in range(60 - who)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["person", "area", "start"])
    return frame if order is None else frame.iloc[order].reset_index(drop=True)


def published(frame: pd.DataFrame, book: Path) -> tuple[str, str]:
    spans = pd.DataFrame({"source": ["contacts"], "start": ["2022-01-01"], "end": ["2023-01-01"]})
    records = read_records(frame, "contacts").with_coverage(spans)
    counted = tally(records, every="year", count="persons")
    plan = Plan(measures=("persons", "events"))
    shown = [
        protect(counted.as_count(unit), hierarchy=("A", "B"), plan=plan, ledger=book, as_of="2024-01-01")
        for unit in ("persons", "events")
    ]
    text = "\n".join(one.to_frame().to_csv() + one.summary() + repr(one) for one in shown)
    return text, book.read_text(encoding="utf-8")


def test_no_pseudonym_its_frequency_or_its_place_in_the_file_leaves(tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(len(town()))
    first = published(town(), tmp_path / "a.ledger")
    assert published(town(order), tmp_path / "b.ledger") == first  # the order of first appearance
    assert published(town(rename="someone else "), tmp_path / "c.ledger") == first  # the pseudonyms themselves
    text, rows = first
    for name in set(read_records(town(), "contacts").frame["person"]):
        assert name[:12] not in text + rows


def test_no_pseudonym_is_in_any_file_of_a_release_or_in_its_ledger(canary: Any) -> None:
    rows = canary.study.located("contacts").frame
    names = {str(value)[:16] for column in ("person", "premises", "event") for value in rows[column].dropna()}
    assert len(names) > 300
    files = {**canary.files(), "ledger": canary.study.ledger_path.read_bytes()}
    for name, data in files.items():
        text = data.decode("latin-1")
        assert not {pseudonym for pseudonym in names if pseudonym in text}, name


# --- the key itself


def everything_about(error: BaseException) -> Iterator[str]:
    """What an error, its causes and every frame it went through hold, as a debugger that prints locals would."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        frames = error.__traceback__
        inside = frames.tb_next if frames else None  # the first frame is the test's own
        yield "".join(traceback.TracebackException(type(error), error, inside, capture_locals=True).format())
        error = error.__cause__ or error.__context__  # type: ignore[assignment]


def failing(*_: object) -> None:
    raise RuntimeError("full")


def test_a_failure_under_way_shows_the_key_in_no_frame_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = hashlib.sha256(b"any").digest()
    file = kept(tmp_path / "key", key)
    monkeypatch.setattr("commonground.pseudonyms._message", failing)
    with pytest.raises(RuntimeError, match="full") as caught:
        pseudonymise(pd.Series(["A1"]), key=file, domain="person")
    shown = "\n".join(everything_about(caught.value))
    assert "pseudonymise" in shown
    for form in (repr(key), key.hex(), repr(key)[2:20]):
        assert form not in shown

    def careless(key: bytes) -> None:
        failing()

    with pytest.raises(RuntimeError) as leaking:
        careless(key)
    assert repr(key)[2:20] in "\n".join(everything_about(leaking.value))


def test_the_key_of_a_study_prints_nothing_and_is_not_pickled() -> None:
    made = study_key(KEY, "Elm")
    secret = hmac.new(KEY, b"study:3:Elm:", "sha256").digest()
    for said in (repr(made), str(made), f"{made}", str(vars(type(made)).keys())):
        assert secret.hex() not in said
        assert repr(secret)[2:12] not in said
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(made)
