"""How is a cell written as text, whatever the file stored it as?"""

from __future__ import annotations

import pandas as pd

from commonground.records.schemas import MULTIPLE, SYNONYMS, VOCABULARIES

__all__ = ["as_text", "entries", "tidy"]


def as_text(values: pd.Series) -> pd.Series:
    """Return stripped text; blank is missing, and whole numbers kept as 12.0 (as Excel and pandas do) are 12."""
    plain = values.convert_dtypes() if pd.api.types.is_float_dtype(values.dtype) else values
    text = plain.astype("str").str.strip()
    return text.mask(text == "")


def tidy(values: pd.Series, name: str) -> pd.Series:
    """Return a text column's cells; words of a closed list in their one spelling, several entries set apart alike."""
    text = as_text(values)
    if name in MULTIPLE:
        text = text.str.replace(r"\s*;[\s;]*", "; ", regex=True).str.strip("; ")
        return text.mask(text == "")
    if name not in VOCABULARIES:
        return text
    word = text.str.casefold().str.replace(r"[\s_]+", " ", regex=True)
    return word.replace(SYNONYMS[name])


def entries(values: pd.Series, name: str) -> pd.Series:
    """Return the single entries of a text column, one a row, on a repeating index; missing ones left out."""
    filled = values.dropna()
    if name not in MULTIPLE:
        return filled
    single = filled.str.split(r"\s*;\s*", regex=True).explode().astype("str").str.strip()
    return single[single != ""]
