"""Answers: does a text hold one of the raw values, without keeping those values."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Needles"]

MOST_WORDS = 8  # words compared as one phrase
LONG = 8  # letters and digits from which a value is also found inside a longer word
DECIMALS = 5  # of numbers such as coordinates: about a metre

_WORD = re.compile(r"-?\d+\.\d+|\w+(?:['’-]\w+)*")
_DECIMAL = re.compile(r"-?\d+\.\d{3,}")
_ODD = 0x9E3779B97F4A7C15  # any odd number has an inverse modulo 2**64
_INVERSE = pow(_ODD, -1, 2**64)

Hashes = NDArray[np.uint64]


class Needles:
    """Raw values of the live data, kept only as keyed hashes.

    A value is found as a word or phrase, whatever its case, spacing and punctuation; as a number, at five decimals (so
    "51.523410, -0.123450" is found however it is written, in either order); and, from eight letters and digits with a
    letter among them, inside any longer run of text.

    Parameters
    ----------
    values : iterable of str
        Person codes, pseudonyms, premises, coordinate pairs, telephone numbers.
    public : iterable of str
        Values that may be shown, such as the names of areas; they are dropped.

    Attributes
    ----------
    ignored : int
        Different values too short to be told from ordinary text: under four characters, whole numbers of five digits
        or fewer, and decimals on their own.

    Examples
    --------
    >>> needles = Needles(["P-00417", "Flat 3, 12 Gasworks Lane"])
    >>> list(needles.find("seen at flat 3 12 GASWORKS lane"))
    [8]
    """

    def __init__(self, values: Iterable[str] = (), *, public: Iterable[str] = ()) -> None:
        self._key = secrets.token_bytes(16)
        self._digests: set[bytes] = set()
        self._lengths: set[int] = set()
        self._most_words = 0
        self.ignored = 0
        shown = {"".join(_words(str(value))) for value in public}
        inside: dict[int, set[int]] = {}
        done: set[str] = set(shown)
        for value in map(str, values):
            words = _words(value)
            run = "".join(words)
            if not words or run in done:
                continue
            done.add(run)
            if _too_short(words):
                self.ignored += 1
                continue
            for phrase in (run, "".join(words[::-1])) if all(map(_is_decimal, words)) else (run,):
                self._digests.add(self._digest(phrase))
                self._lengths.add(len(phrase))
            self._most_words = max(self._most_words, min(len(words) + 1, MOST_WORDS))
            if len(run) >= LONG and run.isalnum() and not run.isdigit():
                inside.setdefault(len(run), set()).add(int(_windows(*_prefix(np.array([*map(ord, run)])), len(run))[0]))
        self._inside = {length: np.array(sorted(found), dtype=np.uint64) for length, found in inside.items()}

    def __repr__(self) -> str:
        return "Needles(...)"

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("Needles stay in memory; build them again from the records.")

    def find(self, text: str) -> Iterator[int]:
        """Yield the offset of each raw value in a text.

        Parameters
        ----------
        text : str
            Any text.

        Yields
        ------
        int
            Offset of the first character.
        """
        yield from sorted({*self._find_words(text), *self._find_inside(text)} if self else ())

    def found(self, text: str) -> bool:
        """Say whether a text holds any raw value.

        Parameters
        ----------
        text : str
            Any text.
        """
        return next(self.find(text), None) is not None

    def _find_words(self, text: str) -> Iterator[int]:
        """Search words and phrases, joined as they stand next to each other."""
        at = [(match.start(), word) for match in _WORD.finditer(text) if (word := _normal(match[0]))]
        words = [word for _, word in at]
        if not words:
            return
        ends = np.cumsum([0, *map(len, words)])
        wanted = np.zeros(max(self._lengths) + 2, dtype=bool)
        wanted[list(self._lengths)] = True
        seen: dict[str, bool] = {}
        for width in range(1, min(self._most_words, len(words)) + 1):
            # Only phrases as long as some value are put together and hashed.
            lengths = np.minimum(ends[width:] - ends[:-width], len(wanted) - 1)
            for i in np.flatnonzero(wanted[lengths]):
                phrase = "".join(words[i : i + width])
                if phrase not in seen:
                    seen[phrase] = self._digest(phrase) in self._digests
                if seen[phrase]:
                    yield at[i][0]

    def _find_inside(self, text: str) -> Iterator[int]:
        """Search long values in the text with everything but letters and digits taken out."""
        if not self._inside:
            return
        low = text.casefold() if len(text.casefold()) == len(text) else text.lower()
        codes = np.frombuffer(low.encode("utf-32-le", "replace"), dtype=np.uint32)
        offsets = np.flatnonzero(np.isin(codes, [c for c in np.unique(codes) if chr(c).isalnum()]))
        codes = codes[offsets]
        prefix, powers = _prefix(codes)
        for length, hashes in self._inside.items():
            windows = _windows(prefix, powers, length)
            rare = np.zeros(1 << 16, dtype=bool)  # most windows are dropped by the top bits alone
            rare[hashes >> np.uint64(48)] = True
            likely = np.flatnonzero(rare[windows >> np.uint64(48)])
            for start in likely[np.isin(windows[likely], hashes)]:
                if self._digest("".join(map(chr, codes[start : start + length]))) in self._digests:
                    yield int(offsets[start])

    def _digest(self, phrase: str) -> bytes:
        return hashlib.blake2b(phrase.encode("utf-8", "replace"), key=self._key, digest_size=16).digest()


def _words(text: str) -> list[str]:
    return [word for match in _WORD.finditer(text) if (word := _normal(match[0]))]


def _normal(word: str) -> str:
    """Return letters and digits in one case; numbers with decimals at five of them."""
    if _DECIMAL.fullmatch(word):
        return f"{float(word):.{DECIMALS}f}"
    return "".join(filter(str.isalnum, word.casefold()))


def _is_decimal(word: str) -> bool:
    return _DECIMAL.fullmatch(word) is not None


def _too_short(words: list[str]) -> bool:
    run = "".join(words)
    if len(words) == 1 and _is_decimal(words[0]):
        return True
    return len(run) < 4 or (run.isdigit() and len(run) < 6)


def _prefix(codes: NDArray[Any]) -> tuple[Hashes, Hashes]:
    """Return running sums of code j times inverse**j, and the powers that undo them; wraps modulo 2**64 on purpose."""
    codes = codes.astype(np.uint64) + np.uint64(1)
    down, up = (np.full(len(codes) + 1, base, dtype=np.uint64) for base in (_INVERSE, _ODD))
    down[0] = up[0] = 1
    down, up = np.cumprod(down, dtype=np.uint64), np.cumprod(up, dtype=np.uint64)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(codes * down[:-1], dtype=np.uint64)])
    return sums, up


def _windows(sums: Hashes, powers: Hashes, length: int) -> Hashes:
    """Hash every window of this length, whatever stands before it."""
    many = max(len(sums) - length, 0)
    hashes: Hashes = (sums[length : length + many] - sums[:many]) * powers[:many]
    return hashes
