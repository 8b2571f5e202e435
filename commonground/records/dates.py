"""When did it happen, whichever of the usual British and ISO ways it was written?"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["EARLIEST", "parse_dates"]

EARLIEST = pd.Timestamp("1900-01-01")

# Pattern of the tidied text -> strptime format. Day before month only: 12/31/2022 is refused, never guessed American.
_DAYS = {
    r"\d{4}-\d{1,2}-\d{1,2}": "%Y-%m-%d",
    r"(?:19|20)\d{6}": "%Y%m%d",
    r"\d{1,2}/\d{1,2}/\d{4}": "%d/%m/%Y",
    r"\d{1,2}/\d{1,2}/\d{2}": "%d/%m/%y",
    r"\d{1,2} [A-Za-z]{3} \d{4}": "%d %b %Y",
    r"\d{1,2} [A-Za-z]{3} \d{2}": "%d %b %y",
    r"\d{1,2} [A-Za-z]{4,9} \d{4}": "%d %B %Y",
}
_MONTHS = {
    r"\d{4}-\d{2}": "%Y-%m",
    r"\d{1,2}/\d{4}": "%m/%Y",
    r"[A-Za-z]{3} \d{4}": "%b %Y",
    r"[A-Za-z]{4,9} \d{4}": "%B %Y",
}
_CLOCK = r"[T ]((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)$"
_ZONED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})"
# Ways to write a day that are one date each; the rest of the text is then one of the patterns above.
_TIDIED = (
    (r"\s+", " "),
    (r"^(\d{1,2})(?:st|nd|rd|th)\b", r"\1"),
    (r"(?i)\bsept\b", "Sep"),
    (r"^(\d{1,2})[.-](\d{1,2})[.-](\d{4}|\d{2})$", r"\1/\2/\3"),
    (r"^(\d{4})[./](\d{1,2})[./](\d{1,2})$", r"\1-\2-\3"),
    (r"^(\d{1,2})[- ]([A-Za-z]{3,9})[-, ]+(\d{4}|\d{2})$", r"\1 \2 \3"),
)


def parse_dates(values: pd.Series, timezone: str) -> tuple[pd.Series, pd.Series]:
    """Read British and ISO dates, date-times and months into civil time.

    Parameters
    ----------
    values : Series
        Text, or dates already: ``31/12/2022``, ``31.12.22``, ``2022-12-31``, ``31 Dec 2022``, each with or without a
        time of day; ``2022-12``, ``12/2022`` and ``December 2022`` are months.
    timezone : str
        Zone of the place; moments with an offset (``Z``, ``+01:00``) are moved to it.

    Returns
    -------
    start : Series of datetime64
        NaT where the text is missing or is not a date.
    end : Series of datetime64
        End of the span for a month without a day (half-open), else NaT.

    Examples
    --------
    >>> start, end = parse_dates(pd.Series(["31/12/2022", "2022-12", "31/02/2022"]), "Europe/London")
    >>> start.dt.strftime("%d %b").tolist(), end.dt.strftime("%d %b").tolist()
    (['31 Dec', '01 Dec', nan], [nan, '01 Jan', nan])
    """
    none = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(timezone).dt.tz_localize(None).astype("datetime64[us]"), none
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return values.astype("datetime64[us]"), none
    plain = values.convert_dtypes() if pd.api.types.is_float_dtype(values.dtype) else values  # 20221231.0
    number, texts = pd.factorize(plain.astype("str").str.strip())
    start, end = _parse_texts(pd.Series(texts, dtype="str"), timezone)
    return _spread(start, number, values.index), _spread(end, number, values.index)


def _parse_texts(raw: pd.Series, timezone: str) -> tuple[pd.Series, pd.Series]:
    """Read different texts, each once."""
    none = pd.Series(pd.NaT, index=raw.index, dtype="datetime64[us]")
    clock = raw.str.extract(_CLOCK, expand=False)
    day = raw.str.replace(_CLOCK, "", regex=True)
    for pattern, tidied in _TIDIED:
        day = day.str.replace(pattern, tidied, regex=True)
    start, end = none.copy(), none.copy()
    for pattern, form in _DAYS.items():
        hit = day.str.fullmatch(pattern, na=False)
        if hit.any():
            start[hit] = _parsed(day[hit], form)
    start += _since_midnight(clock)
    for pattern, form in _MONTHS.items():
        hit = day.str.fullmatch(pattern, na=False) & clock.isna()
        if hit.any():
            start[hit] = _parsed(day[hit], form)
            end[hit] = start[hit] + pd.offsets.MonthBegin(1)
    zoned = raw.str.fullmatch(_ZONED, na=False)
    if zoned.any():
        moved = pd.to_datetime(raw[zoned], format="ISO8601", utc=True, errors="coerce").dt.tz_convert(timezone)
        start[zoned] = moved.dt.tz_localize(None).astype("datetime64[us]")
    return start, end


def _spread(read: pd.Series, number: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(read.reindex(number).to_numpy(), index=index)  # number -1, a missing text, is not in the index


def _parsed(text: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(text, format=form, errors="coerce").astype("datetime64[us]")


def _since_midnight(clock: pd.Series) -> pd.Series:
    seconds = clock.where(clock.str.count(":") > 1, clock + ":00")
    return pd.to_timedelta(seconds, errors="coerce").fillna(pd.Timedelta(0)).astype("timedelta64[us]")
