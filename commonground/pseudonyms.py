"""How does an identifier become something that can be counted but not traced? The only module that sees one."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import secrets
import unicodedata
from pathlib import Path

import pandas as pd

from commonground.errors import CommonGroundError

__all__ = ["pseudonymise"]

KEY_BYTES = 32  # as long as the SHA-256 digest: RFC 2104, section 3
DIGEST_CHARACTERS = 32  # 128 bits: no collision is to be expected below 10^18 people


def pseudonymise(values: pd.Series, *, key: bytes | str | Path | None, domain: str) -> pd.Series:
    """Replace identifiers by keyed pseudonyms (HMAC-SHA-256, 32 hexadecimal characters).

    Parameters
    ----------
    values : Series
        Identifiers. Surrounding spaces, Unicode form and whole numbers kept as 12.0 are made alike; missing and blank
        ones are missing in the result.
    key : bytes, str, Path or None
        At least 32 random bytes, or the name of an environment variable or of a file that holds them. The file must lie
        outside any repository. None: a random key that lives in this process only.
    domain : str
        What is identified (person, premises, event). The same identifier in two domains gives unrelated pseudonyms.

    Returns
    -------
    Series of str
        Same index and name.

    Raises
    ------
    CommonGroundError
        When the key is missing, short, of few different bytes, or kept inside a repository.

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
    secret = _read_key(key)
    # Excel and pandas keep 12 as 12.0 when any cell of the column is empty
    plain = values.convert_dtypes() if pd.api.types.is_float_dtype(values.dtype) else values
    text = plain.astype("str")
    names = {value: _pseudonym(secret, domain, value) for value in text.dropna().unique()}
    return pd.Series(text.map(names).to_numpy(), index=values.index, name=values.name, dtype="str")


def _pseudonym(secret: bytes, domain: str, value: str) -> str | None:
    plain = unicodedata.normalize("NFKC", value).strip()
    if not plain:
        return None  # a blank is nobody, not one person met very often
    message = f"{len(domain)}:{domain}:{plain}".encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:DIGEST_CHARACTERS]


def _read_key(key: bytes | str | Path | None) -> bytes:
    if key is None:
        return _process_key()
    if isinstance(key, bytes):
        return _strong(key, "the key")
    name = str(key)
    if name in os.environ:
        return _strong(os.environ[name].encode(), "the key in the environment variable")
    return _strong(_key_file(Path(name)), "the key file")


def _key_file(path: Path) -> bytes:
    """Read a key file. No message repeats the name: where the key itself was given by mistake, that is the key."""
    try:
        found = path.is_file()
        inside = found and any((folder / ".git").exists() for folder in path.resolve().parents)
        content = path.read_bytes().strip(b"\r\n") if found and not inside else b""
    except (OSError, ValueError):  # too long for a name, unreadable, or with a zero byte
        found = inside = False
    if not found:
        raise CommonGroundError(
            "the pseudonym key was not found: needed is the name of an environment variable or of a file that can be "
            "read, not the key itself; make one outside the project with: openssl rand -out FILE 32"
        )
    if inside:
        raise CommonGroundError(
            "the pseudonym key lies inside a repository, where it will be copied with the code; move it outside."
        )
    return content


def _strong(key: bytes, what: str) -> bytes:
    if len(key) < KEY_BYTES or len(set(key)) < KEY_BYTES // 4:
        raise CommonGroundError(
            f"{what} is too short or too regular: needed are at least {KEY_BYTES} random bytes; "
            "make one with: openssl rand -out FILE 32"
        )
    return key


@functools.cache
def _process_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)
