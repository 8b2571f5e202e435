"""A release is handed round only when a named person signed it as it is, and while no partner objects."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from commonground.disclosure.inspection import expectation
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release import signatures
from commonground.release.approval import APPROVAL, approve, attack_release, standing, statement_text, withdraw
from commonground.release.intact import MANIFEST, differences, is_release, read_manifest
from commonground.release.signatures import name_problem, read_decisions
from commonground.release.writer import write_release

Make = Callable[..., Path]
ADA, SIAN = "Ada Lovelace", "Siân O’Neill-Okafor"
FILES = {
    "index.html": b"<!doctype html><title>One</title><p>About 25 people.</p>",
    "statement.txt": b"RELEASE STATEMENT\nNothing was found.\n",
    "tables/a.csv": b"area,value\r\nNorth,25\r\n",
}
FACTS = {
    "policy": "partner",
    "as_of": "2025-06-30",
    "periods": {"before": ["2022-01-01", "2024-01-01"], "after": ["2024-04-01", "2025-01-01"]},
}


@dataclass(frozen=True)
class Safe:
    """Stands in for a protected value."""

    released: ClassVar[bool] = True
    in_ledger: bool = True


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a release."""

    def _make(name: str = "out", files: dict[str, bytes] | None = None, **facts: Any) -> Path:
        write_release(tmp_path / name, {**FILES, **(files or {})}, origins=[Safe()], facts={**FACTS, **facts})
        return tmp_path / name

    return _make


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None], name: str = APPROVAL) -> None:
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


# --- a signature ------------------------------------------------------------------------------------------------------


def test_a_release_nobody_signed_is_not_approved(make: Make) -> None:
    folder = make()
    assert standing(folder).state == "not approved"
    assert "nobody signed" in standing(folder).summary()


def test_a_named_person_signs_the_manifest_and_the_statement_of_that_day(make: Make) -> None:
    folder = make()
    signed = approve(folder, f"  {ADA} ", on="2025-07-01")
    assert signed.state == "approved"
    assert signed.summary().startswith(f"Approved by {ADA} on 1 July 2025.")
    (line,) = json.loads((folder / APPROVAL).read_text())["decisions"]
    assert line["manifest"] == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    assert line["statement"] == hashlib.sha256(FILES["statement.txt"]).hexdigest()
    assert (line["name"], line["on"], line["decision"]) == (ADA, "2025-07-01", "approve")
    assert attack_release(folder) == ()


def test_signing_twice_writes_one_line_and_a_second_person_another(make: Make) -> None:
    folder = make()
    for name in (ADA, "ada LOVELACE", SIAN):
        approve(folder, name)
    assert [one.name for one in read_decisions(folder)] == [ADA, SIAN]
    assert [one.name for one in standing(folder).decisions] == [ADA, SIAN]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is blank"),
        (" \t ", "is blank"),
        ("ada@example.org", "an e-mail address or an account"),
        ("OFFICE\\ada l", "an e-mail address or an account"),
        ("ada_l smith", "an e-mail address or an account"),
        ("Ada L2", "an e-mail address or an account"),
        ("root", "is a single word"),
        ("<script>alert</script> Ada", "an e-mail address or an account"),
        ("<b> Ada", "is no person's name"),
        ("Ada ' -", "is no person's name"),
        ("Ada " + "x" * 80, "is no person's name"),
    ],
)
def test_a_name_that_is_no_persons_is_refused_and_not_repeated(make: Make, name: str, why: str) -> None:
    folder = make()
    with pytest.raises(CommonGroundError, match=why) as caught:
        approve(folder, name)
    assert not name.strip() or name not in str(caught.value)
    assert not (folder / APPROVAL).exists()


@pytest.mark.parametrize("name", [ADA, SIAN, "J. R. Hartley", "Nguyễn Thị Minh Khai", "李 小龙", "Noor-ul-Ain D'Souza"])
def test_names_of_people_everywhere_are_names(name: str) -> None:
    assert name_problem(name) == ""


def test_a_single_name_is_one_when_the_study_declares_it(make: Make) -> None:
    assert approve(make(approvers=["Prince"]), "prince").decisions[0].name == "Prince"


def test_only_a_declared_approver_may_sign(make: Make) -> None:
    folder = make(approvers=[ADA])
    with pytest.raises(CommonGroundError, match="not among the approvers that the study declares"):
        approve(folder, SIAN)
    assert approve(folder, ADA).state == "approved"


@pytest.mark.parametrize("on", ["2999-01-01", dt.date(2999, 1, 1)])
def test_nobody_signs_in_the_future(make: Make, on: Any) -> None:
    with pytest.raises(CommonGroundError, match="lies in the future"):
        approve(make(), ADA, on=on)


def test_a_day_that_does_not_exist_is_refused(make: Make) -> None:
    with pytest.raises(CommonGroundError, match="is not a date"):
        approve(make(), ADA, on="2025-02-30")


def test_nobody_signs_before_the_data_were_extracted(make: Make) -> None:
    with pytest.raises(CommonGroundError, match="before the date of the extracts"):
        approve(make(), ADA, on="2025-06-29")


def test_a_release_without_a_statement_has_nothing_to_sign(tmp_path: Path) -> None:
    write_release(tmp_path / "out", {"index.html": FILES["index.html"]}, origins=[Safe()], facts=FACTS)
    with pytest.raises(CommonGroundError, match=r"holds no statement\.txt"):
        approve(tmp_path / "out", ADA)
    with pytest.raises(CommonGroundError, match=r"holds no statement\.txt"):
        statement_text(tmp_path / "out")


def test_the_statement_is_printed_without_what_a_terminal_would_obey(make: Make) -> None:
    folder = make(files={"statement.txt": b"RELEASE\n\x1b[2Jgone\n"})
    assert statement_text(folder) == "RELEASE\n\ufffd[2Jgone"


# --- the files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: (f / "index.html").write_bytes(FILES["index.html"] + b" "), "changed: index.html"),
        (lambda f: (f / "tables" / "a.csv").unlink(), "missing: tables/a.csv"),
        (lambda f: (f / "tables" / "b.csv").write_bytes(b"area\r\n"), "not of this release: tables/b.csv"),
        (lambda f: (f / ".hidden").write_bytes(b""), "not of this release: .hidden"),
        (lambda f: (f / "more").symlink_to(f.parent), "not of this release: more"),
        (lambda f: rewrite(f, lambda m: m["files"].update({"index.html": "0" * 64}), MANIFEST), "changed: index.html"),
        (lambda f: rewrite(f, lambda m: m["files"].pop("index.html"), MANIFEST), "not of this release: index.html"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_refused_and_voids_what_was_signed(
    make: Make, harm: Callable[[Path], Any], said: str
) -> None:
    signed, unsigned = make("signed"), make("unsigned")
    approve(signed, ADA)
    for folder in (signed, unsigned):
        harm(folder)
        with pytest.raises(CommonGroundError, match="not as it was written") as caught:
            approve(folder, SIAN)
        assert f"  {said}\n" in str(caught.value)
        assert str(folder.parent) not in str(caught.value)
    assert standing(signed).state == "void"
    assert "sign it again" in standing(signed).summary()
    assert not (unsigned / APPROVAL).exists()


def test_every_difference_is_listed_at_once(make: Make) -> None:
    folder = make()
    (folder / "index.html").write_bytes(b"")
    (folder / "tables" / "a.csv").unlink()
    (folder / "note.txt").write_bytes(b"")
    assert differences(folder, read_manifest(folder)) == (
        "changed: index.html",
        "missing: tables/a.csv",
        "not of this release: note.txt",
    )


def test_the_name_of_a_stray_file_that_tells_something_is_withheld(make: Make) -> None:
    folder = make()
    (folder / "call 07700 900123.txt").write_bytes(b"")
    with pytest.raises(CommonGroundError, match=r"not of this release: \(name withheld\)\.txt") as caught:
        approve(folder, ADA)
    assert "07700" not in str(caught.value)


def test_an_edited_fact_of_the_manifest_makes_an_approval_void(make: Make) -> None:
    folder = make()
    approve(folder, ADA)
    rewrite(folder, lambda manifest: manifest.update(policy="public"), MANIFEST)
    assert standing(folder).state == "void"


def test_an_approval_copied_from_another_release_is_void(make: Make) -> None:
    mine, other = make(), make("other", files={"index.html": b"<!doctype html><title>Two</title>"})
    approve(other, ADA)
    shutil.copy(other / APPROVAL, mine / APPROVAL)
    assert standing(mine).state == "void"
    assert approve(mine, SIAN).state == "approved"
    assert [one.name for one in standing(mine).decisions] == [SIAN]


def test_files_are_attacked_again_before_anybody_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that an earlier version let through: its attack saw less."""
    with monkeypatch.context() as weaker:
        weaker.setattr("commonground.release.writer.inspect_bytes", lambda *_: ())
        leak = b"<!doctype html><p>Ring 07700 900123.</p>"
        write_release(tmp_path / "out", {**FILES, "a.html": leak}, origins=[Safe()], facts=FACTS)
    with pytest.raises(CommonGroundError, match=r"nothing was signed\.\n  a\.html .*personal data") as caught:
        approve(tmp_path / "out", ADA)
    assert "07700" not in str(caught.value)
    assert not (tmp_path / "out" / APPROVAL).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"tool": "another 1.0", "files": {}}',
        b'{"tool": "commonground 0.1", "files": []}',
        b'{"tool": "commonground 0.1", "files": {"/etc/hostname": "%s"}}' % (b"0" * 64),
        b'{"tool": "commonground 0.1", "files": {"../out/a": "%s"}}' % (b"0" * 64),
        b'{"tool": "commonground 0.1", "files": {"a": 1}}',
        b"[" * 100_000,
    ],
)
def test_a_folder_that_is_no_release_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    for refuse in (lambda: approve(tmp_path, ADA), lambda: standing(tmp_path)):
        with pytest.raises(CommonGroundError, match="not one that `commonground run` wrote"):
            refuse()
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_a_folder_without_a_manifest_is_no_release(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "lost"):
        assert not is_release(folder)
        with pytest.raises(CommonGroundError, match="is no release") as caught:
            approve(folder, ADA)
        assert str(tmp_path) not in str(caught.value)


# --- the release lag --------------------------------------------------------------------------------------------------


def test_the_release_lag_is_reckoned_from_the_day_of_the_approval(make: Make) -> None:
    folder = make(as_of="2025-01-31")
    with pytest.raises(
        NotReleasable, match=r"after ended less than 3 months before 31 March 2025.*on or after 1 April"
    ):
        approve(folder, ADA, on="2025-03-31")
    assert approve(folder, ADA, on="2025-04-01").state == "approved"


def test_the_public_profile_waits_longer_and_the_open_one_does_not_wait(make: Make) -> None:
    recent = {"after": ["2025-01-01", "2025-06-30"]}
    with pytest.raises(NotReleasable, match=r"less than 6 months.*on or after 30 December 2025"):
        approve(make(policy="public", periods=recent), ADA, on="2025-12-29")
    assert approve(make("open", policy="open", periods=recent), ADA, on="2025-06-30").state == "approved"


@pytest.mark.parametrize(
    "facts", [{"periods": {}}, {"periods": []}, {"periods": {"after": ["soon"]}}, {"as_of": None}, {"as_of": "soon"}]
)
def test_a_manifest_that_does_not_say_how_old_it_is_is_refused(make: Make, facts: dict[str, Any]) -> None:
    with pytest.raises(CommonGroundError, match="its age cannot be checked"):
        approve(make(**facts), ADA)


def test_an_unknown_profile_has_no_lag_and_is_refused(make: Make) -> None:
    with pytest.raises(CommonGroundError, match="the profile is public, partner or open"):
        approve(make(policy="lenient"), ADA)


# --- a partner's veto -------------------------------------------------------------------------------------------------


def test_while_a_veto_stands_nobody_can_approve(make: Make) -> None:
    folder = make()
    objected = approve(folder, "Jo Day", partner="Outreach & Co", veto=True, reason="Shows <b>one</b> house.")
    assert objected.state == "vetoed"
    assert "Jo Day for Outreach & Co" in objected.summary()
    assert "<b>" not in (folder / APPROVAL).read_text()  # no reader takes it for markup
    with pytest.raises(NotReleasable, match=r"Vetoed by Jo Day for Outreach & Co.*nobody can approve"):
        approve(folder, ADA)
    assert [one.decision for one in read_decisions(folder)] == ["veto"]


def test_only_the_partner_that_objected_takes_its_veto_back(make: Make) -> None:
    folder = make()
    approve(folder, "Jo Day", partner="Outreach", veto=True)
    approve(folder, "Al Night", partner="The clinic", veto=True)
    with pytest.raises(CommonGroundError, match="no veto of this partner stands"):
        withdraw(folder, "Jo Day", partner="Police")
    assert withdraw(folder, "Somebody Else", partner="outreach").state == "vetoed"
    assert withdraw(folder, "Al Night", partner="The  clinic").state == "not approved"
    with pytest.raises(CommonGroundError, match="no veto of this partner stands"):
        withdraw(folder, "Al Night", partner="The clinic")


def test_what_was_approved_before_a_veto_must_be_approved_again_after_it(make: Make) -> None:
    folder = make()
    approve(folder, ADA)
    approve(folder, "Jo Day", partner="Outreach", veto=True)
    assert standing(folder).state == "vetoed"
    assert withdraw(folder, "Jo Day", partner="Outreach").state == "not approved"
    assert approve(folder, ADA).state == "approved"
    assert [one.decision for one in read_decisions(folder)] == ["approve", "veto", "withdraw", "approve"]


def test_a_veto_outlives_what_is_done_to_the_folder(make: Make) -> None:
    folder = make()
    (folder / "index.html").write_bytes(b"changed")
    assert approve(folder, "Jo Day", partner="Outreach", veto=True).state == "vetoed"
    kept = (folder / APPROVAL).read_bytes()
    again = make("again", files={"index.html": b"<!doctype html><title>New</title>"})
    (again / APPROVAL).write_bytes(kept)
    with pytest.raises(NotReleasable, match="Vetoed"):
        approve(again, ADA)


def test_a_new_release_in_the_same_folder_voids_what_was_signed_and_keeps_a_veto(make: Make) -> None:
    folder = make()
    approve(folder, ADA)
    signed = (folder / APPROVAL).read_bytes()
    make()
    assert (folder / APPROVAL).read_bytes() == signed
    assert standing(folder).state == "approved"  # the same bytes are the same release
    make(files={"index.html": b"<!doctype html><title>New</title>"})
    assert standing(folder).state == "void"
    approve(folder, "Jo Day", partner="Outreach", veto=True)
    make(files={"index.html": b"<!doctype html><title>Newer</title>"})
    with pytest.raises(NotReleasable, match="Vetoed"):
        approve(folder, ADA)


def test_a_partner_is_needed_and_one_of_those_declared(make: Make) -> None:
    folder = make(partners=["Outreach"], approvers=[ADA])
    with pytest.raises(CommonGroundError, match="name the partner"):
        approve(folder, "Jo Day", veto=True)
    with pytest.raises(CommonGroundError, match="not among those that the study declares"):
        approve(folder, "Jo Day", partner="The mill", veto=True)
    with pytest.raises(CommonGroundError, match=r"is blank.*name one of them"):
        approve(folder, "", partner="The mill", veto=True)
    assert approve(folder, "Jo Day", partner="outreach", veto=True).decisions[0].partner == "Outreach"


def test_a_reason_that_tells_something_is_not_kept(make: Make) -> None:
    folder = make()
    with pytest.raises(CommonGroundError, match="the attack on it found something") as caught:
        approve(folder, "Jo Day", partner="Outreach", veto=True, reason="Ask 07700 900123 about it.")
    assert "07700" not in str(caught.value)
    with pytest.raises(CommonGroundError, match="longer than 300 characters"):
        approve(folder, "Jo Day", partner="Outreach", veto=True, reason="too long " * 40)
    assert not (folder / APPROVAL).exists()


# --- the list of decisions --------------------------------------------------------------------------------------------


def in_line(number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["decisions"][number].update(values)


@pytest.mark.parametrize(
    "harm",
    [
        in_line(0, name="Somebody Else"),
        in_line(0, on="2024-01-01"),
        in_line(0, manifest="0" * 64),
        in_line(0, previous="1" * 64),
        in_line(1, decision="approve"),
        in_line(1, hash="0" * 64),
        in_line(0, extra="x"),
        in_line(0, name=["Ada"]),
        lambda content: content["decisions"].pop(0),
        lambda content: content["decisions"].reverse(),
        lambda content: content["decisions"].insert(1, content["decisions"][0]),
        lambda content: content.pop("version"),
        lambda content: content.update(decisions={"a": 1}),
    ],
)
def test_a_list_that_was_changed_by_hand_is_seen(make: Make, harm: Callable[[dict[str, Any]], None]) -> None:
    folder = make()
    approve(folder, ADA)
    approve(folder, "Jo Day", partner="Outreach", veto=True)
    rewrite(folder, harm)
    for refuse in (lambda: standing(folder), lambda: approve(folder, ADA), lambda: read_decisions(folder)):
        with pytest.raises(CommonGroundError, match="was changed by hand"):
            refuse()
    assert attack_release(folder) == ()


@pytest.mark.parametrize("forged", [{"name": "\x1b[2J Ada"}, {"on": "soon"}, {"decision": "bless"}, {"partner": ""}])
def test_a_forged_line_with_a_good_hash_must_still_make_sense(make: Make, forged: dict[str, str]) -> None:
    folder = make()
    approve(folder, "Jo Day", partner="Outreach", veto=True)
    (line,) = json.loads((folder / APPROVAL).read_text())["decisions"]
    one = signatures.Decision(**{**line, **forged}).sealed(signatures.START)
    rewrite(folder, lambda content: content["decisions"][0].update(vars(one)))
    with pytest.raises(CommonGroundError, match="was changed by hand"):
        standing(folder)


@pytest.mark.parametrize("content", [b"", b"\xff", b"null", b'{"version": 1}', b"[" * 100_000])
def test_a_file_that_is_no_list_of_decisions_is_refused(make: Make, content: bytes) -> None:
    folder = make()
    (folder / APPROVAL).write_bytes(content)
    with pytest.raises(CommonGroundError, match="was changed by hand"):
        standing(folder)


def test_a_list_of_a_later_version_is_not_guessed_at(make: Make) -> None:
    folder = make()
    approve(folder, ADA)
    rewrite(folder, lambda content: content.update(version=2))
    with pytest.raises(CommonGroundError, match="by a later version of commonground"):
        standing(folder)


def test_two_who_decide_at_once_are_both_written(make: Make) -> None:
    folder = make()
    partners = [f"Partner {letter}" for letter in "ABCDEFGH"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda partner: approve(folder, "Jo Day", partner=partner, veto=True), partners))
    assert sorted(one.partner for one in standing(folder).decisions) == partners


def test_what_fails_while_it_is_written_leaves_the_old_list_and_nothing_beside_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make()
    approve(folder, ADA)
    before = (folder / APPROVAL).read_bytes()

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(signatures.os, "fsync", broken)
    with pytest.raises(OSError, match="No space left"):
        approve(folder, SIAN)
    assert (folder / APPROVAL).read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_signer_who_has_the_name_of_the_account_is_no_finding(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the machine of Ada, whose account is called ada."""
    folder = make()
    monkeypatch.setattr(expectation.getpass, "getuser", lambda: "lovelace")
    approve(folder, ADA)
    assert attack_release(folder) == ()
    (folder / APPROVAL).rename(folder / "copy.json")  # positive control: elsewhere the name is found
    assert {finding.check for finding in attack_release(folder)} == {"machine"}
