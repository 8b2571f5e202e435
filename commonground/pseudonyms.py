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
        Identifiers; surrounding spaces and Unicode form are made alike, missing stays missing.
    key : bytes, str, Path or None
        At least 32 random bytes, or the name of an environment variable or of a file that holds them. The file must lie
        outside any repository. None: a random key that lives in this process only.
    domain : str
        What is identified (person, premises, event). The same identifier in two domains gives unrelated pseudonyms.

    Returns
    -------
    Series
        Same index.

    Raises
    ------
    CommonGroundError
        When the key is missing, short, of one repeated byte, or kept inside a repository.

    References
    ----------
    Krawczyk, Bellare and Canetti (1997), RFC 2104. An unkeyed hash is not enough: every UK postcode is tried in seconds.
    """
    secret = _read_key(key)
    known = values.dropna().astype("str").unique()
    names = {value: _pseudonym(secret, domain, value) for value in known}
    return values.astype("str").map(names).astype("str").rename(values.name)


def _pseudonym(secret: bytes, domain: str, value: str) -> str:
    plain = unicodedata.normalize("NFKC", value).strip()
    message = f"{len(domain)}:{domain}:{plain}".encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:DIGEST_CHARACTERS]


def _read_key(key: bytes | str | Path | None) -> bytes:
    if key is None:
        return _process_key()
    if isinstance(key, bytes):
        return _strong(key, "the key")
    name = str(key)
    if name in os.environ:
        return _strong(os.environ[name].encode(), f"the key in the environment variable {name}")
    path = Path(name)
    if not path.is_file():
        raise CommonGroundError(
            "the pseudonym key was not found: needed is an environment variable or a file of that name; "
            "make one outside the project with: openssl rand -out FILE 32"
        )
    if any((folder / ".git").exists() for folder in path.resolve().parents):
        raise CommonGroundError(
            "the pseudonym key lies inside a repository, where it will be copied with the code; move it outside."
        )
    return _strong(path.read_bytes().strip(b"\r\n"), "the key file")


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
