"""How does an identifier become something that can be counted but not traced? The only module that sees one."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from pathlib import Path

import pandas as pd

from commonground.errors import CommonGroundError

__all__ = ["pseudonymise", "study_key"]

KEY_BYTES = 32  # as long as the SHA-256 digest: RFC 2104, section 3
DIGEST_CHARACTERS = 32  # 128 bits: no collision is to be expected below 10^18 people
FEWEST_DIFFERENT = 8  # of 32 random bytes about 30 differ, of 64 random hexadecimal characters 15
# A key in a variable is text. At 4 or 6 bits a character, 32 bytes are 64 or 43 characters; words have no digits.
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{64,}")
_BASE64 = re.compile(rb"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/_-]{43,}={0,2}")
# What stands in the top folder of what is copied, shared or released with everything in it.
_SHARED = {
    ".git": "a repository", ".hg": "a repository", ".svn": "a repository", "study.toml": "a study's folder",
    "manifest.json": "a release",
}  # fmt: skip
_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
HOW = "make one outside the project with: (umask 077; openssl rand -out FILE 32)"


def pseudonymise(values: pd.Series, *, key: bytes | str | Path | hmac.HMAC | None, domain: str) -> pd.Series:
    """Replace identifiers by keyed pseudonyms (HMAC-SHA-256, 32 hexadecimal characters).

    Parameters
    ----------
    values : Series
        Identifiers. Surrounding spaces, Unicode form and whole numbers kept as 12.0 are made alike; missing and blank
        ones are missing in the result.
    key : bytes, str, Path, HMAC or None
        At least 32 random bytes; or the name of an environment variable that holds them as 64 hexadecimal or 43 base64
        characters; or the name of a file, readable by its owner only, outside any repository, study or release. The key
        of one study is made from it by `study_key`. None: a random key that lives in this process only.
    domain : str
        What is identified (person, premises, event). The same identifier in two domains gives unrelated pseudonyms.

    Returns
    -------
    Series of str
        Same index and name.

    Raises
    ------
    CommonGroundError
        When the key is missing, short, made of words or of few different bytes, readable by others, or kept where it
        will be copied.

    Notes
    -----
    An unkeyed hash is not enough: every UK postcode is tried in seconds. Whoever holds the key can test a guess, so it
    stays with the analyst. Capital and small letters are different identifiers.

    References
    ----------
    Krawczyk, Bellare and Canetti (1997), RFC 2104.

    Examples
    --------
    >>> made = pseudonymise(pd.Series(["A1", " A1 ", None]), key=bytes(range(32)), domain="person")
    >>> made[0] == made[1], len(made[0]), made.isna().tolist()
    (True, 32, [False, False, True])
    """
    keyed = _keyed(key)
    # Excel and pandas keep 12 as 12.0 when any cell of the column is empty
    plain = values.convert_dtypes() if pd.api.types.is_float_dtype(values.dtype) else values
    text = plain.astype("str")
    names = {value: _pseudonym(keyed, domain, value) for value in text.dropna().unique()}
    return pd.Series(text.map(names).to_numpy(), index=values.index, name=values.name, dtype="str")


def study_key(key: bytes | str | Path | None, study: str) -> hmac.HMAC:
    """Return the key of one study, so that pseudonyms of two studies with one key cannot be linked.

    Parameters
    ----------
    key : bytes, str, Path or None
        As for `pseudonymise`.
    study : str
        Title of the study.

    Returns
    -------
    HMAC
        To be passed as ``key``. It prints no key, and Python does not pickle it.

    Raises
    ------
    CommonGroundError
        As `pseudonymise`.

    Notes
    -----
    The study's key is the HMAC-SHA-256 of its title under the key given: one step of the key derivation of NIST
    SP 800-108 (2022), section 4.1.
    """
    return hmac.new(_mac(_keyed(key), f"study:{_message(study, '')}").digest(), digestmod=hashlib.sha256)


def _pseudonym(keyed: hmac.HMAC, domain: str, value: str) -> str | None:
    plain = unicodedata.normalize("NFKC", value).strip()
    if not plain:
        return None  # a blank is nobody, not one person met very often
    return _mac(keyed, _message(domain, plain)).hexdigest()[:DIGEST_CHARACTERS]


def _message(domain: str, text: str) -> str:
    return f"{len(domain)}:{domain}:{text}"


def _mac(keyed: hmac.HMAC, message: str) -> hmac.HMAC:
    made = keyed.copy()
    made.update(message.encode())
    return made


def _keyed(key: bytes | str | Path | hmac.HMAC | None) -> hmac.HMAC:
    """Take the key up at once: no function that can fail later holds its bytes where a traceback would show them."""
    if key is None:
        return _process_key()
    if isinstance(key, hmac.HMAC):
        return key
    if isinstance(key, bytes):
        what, made = "the key", _taken_up(key)
    elif str(key) in os.environ:
        what, made = "the key in the environment variable", _taken_up(os.environ[str(key)].encode())
    else:
        what, made = "the key file", _from_file(Path(key))
    if made is None:
        raise CommonGroundError(
            f"{what} is too short or too regular: needed are at least {KEY_BYTES} random bytes, in text as "
            f"{2 * KEY_BYTES} hexadecimal characters; {HOW}"
        )
    return made


def _from_file(path: Path) -> hmac.HMAC | None:
    """Read a key file. No message repeats the name: where the key itself was given by mistake, that is the key."""
    try:
        found = path.is_file()
        place = _shared_place(path) if found else None
        others = found and os.name == "posix" and bool(path.stat().st_mode & _TO_OTHERS)
        content = path.read_bytes() if found and not place and not others else b""
    except (OSError, ValueError):  # too long for a name, unreadable, or with a zero byte
        found = False
    if not found:
        raise CommonGroundError(
            "the pseudonym key was not found: needed is the name of an environment variable or of a file that can be "
            f"read, not the key itself; {HOW}"
        )
    if place:
        raise CommonGroundError(
            f"the pseudonym key lies inside {place}, where it will be copied with everything else; move it outside."
        )
    if others:
        raise CommonGroundError(
            "the pseudonym key can be read by others; run chmod 600 on its file. On a drive that keeps no such rights, "
            "put the key into an environment variable."
        )
    # an editor ends a text with a new line; one among 32 random bytes belongs to them
    return _taken_up(content if len(content) == KEY_BYTES else content.strip(b"\r\n"))


def _shared_place(path: Path) -> str | None:
    """Say in what the file lies that gets copied, if it does; links are followed."""
    inside = (what for folder in path.resolve().parents for name, what in _SHARED.items() if (folder / name).exists())
    return next(inside, None)


def _taken_up(key: bytes) -> hmac.HMAC | None:
    """Return the key ready for use, or None where it cannot be random."""
    random = _HEXADECIMAL.fullmatch(key) or _BASE64.fullmatch(key) if _is_text(key) else len(key) >= KEY_BYTES
    return hmac.new(key, digestmod=hashlib.sha256) if random and len(set(key)) >= FEWEST_DIFFERENT else None


def _is_text(key: bytes) -> bool:
    try:
        return all(letter.isprintable() or letter.isspace() for letter in key.decode())
    except UnicodeDecodeError:
        return False


@functools.cache
def _process_key() -> hmac.HMAC:
    return hmac.new(secrets.token_bytes(KEY_BYTES), digestmod=hashlib.sha256)
