"""When did it happen, whichever of the usual British and ISO ways it was written?"""

from __future__ import annotations

import pandas as pd

__all__ = ["parse_dates"]

# Pattern of the text -> strptime format. British day-first only: 12/31/2022 is refused, never guessed to be American.
_FORMATS = {
    r"\d{4}-\d{2}-\d{2}": "%Y-%m-%d",
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}": "%Y-%m-%d %H:%M",
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}": "%Y-%m-%d %H:%M:%S",
    r"\d{1,2}/\d{1,2}/\d{4}": "%d/%m/%Y",
    r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}": "%d/%m/%Y %H:%M",
    r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}": "%d/%m/%Y %H:%M:%S",
    r"\d{1,2}/\d{1,2}/\d{2}": "%d/%m/%y",
    r"\d{1,2} [A-Za-z]{3} \d{4}": "%d %b %Y",
    r"\d{1,2} [A-Za-z]{4,9} \d{4}": "%d %B %Y",
}
_MONTH = r"\d{4}-\d{2}"
_ZONED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})"
EARLIEST = pd.Timestamp("1900-01-01")


def parse_dates(values: pd.Series, timezone: str) -> tuple[pd.Series, pd.Series]:
    """Read British and ISO dates, date-times and months into civil time.

    Parameters
    ----------
    values : Series
        Text, or dates already. ``31/12/2022``, ``2022-12-31``, ``31 Dec 2022``, each with or without a time; ``2022-12``.
    timezone : str
        Zone of the place; texts with an offset (``Z``, ``+01:00``) are moved to it.

    Returns
    -------
    start : Series of datetime64
        NaT where the text is missing or is not a date.
    end : Series of datetime64
        End of the span for a month without a day (half-open), else NaT.
    """
    none = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(timezone).dt.tz_localize(None).astype("datetime64[us]"), none
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return values.astype("datetime64[us]"), none
    text = values.astype("str").str.strip().str.replace(".", "/", regex=False).str.replace(r"\s+", " ", regex=True)
    text = text.where(~text.str.fullmatch(r"\d{1,2}-\d{1,2}-\d{2,4}(?: .*)?", na=False), text.str.replace("-", "/"))
    raw = values.astype("str").str.strip()
    start, end = none.copy(), none.copy()
    for pattern, form in _FORMATS.items():
        hit = text.str.fullmatch(pattern, na=False)
        if hit.any():
            unified = text[hit].str.replace("T", " ", n=1, regex=False) if form.startswith("%Y") else text[hit]
            start[hit] = pd.to_datetime(unified, format=form, errors="coerce").astype("datetime64[us]")
    month = text.str.fullmatch(_MONTH, na=False)
    if month.any():
        start[month] = pd.to_datetime(text[month], format="%Y-%m", errors="coerce").astype("datetime64[us]")
        end[month] = start[month] + pd.offsets.MonthBegin(1)
    zoned = raw.str.fullmatch(_ZONED, na=False)
    if zoned.any():
        moved = pd.to_datetime(raw[zoned], format="ISO8601", utc=True, errors="coerce").dt.tz_convert(timezone)
        start[zoned] = moved.dt.tz_localize(None).astype("datetime64[us]")
    return start, end
