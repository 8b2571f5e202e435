"""How is a table of displacement said in one paragraph, without a word that no number of it bears out?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from commonground.dashboard.displacement_rows import CANNOT_TELL, MARGIN
from evaluation.kinds import UNSEEN

__all__ = ["paragraph_of"]

Row = Mapping[str, Any]
_GONE = "missing by "
_NOTHING = "Nothing could be compared, so nothing can be said of displacement; what was missing is listed."


def paragraph_of(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Return one paragraph: a sentence an outcome, a clause a row.

    Parameters
    ----------
    table : DataFrame
        Of a displacement report.
    labels : mapping of outcome to words

    Returns
    -------
    str
    """
    sentences = []
    for name, rows in table[table["outcome"] != ""].groupby("outcome", sort=False):
        listed: list[Row] = [{str(key): cell for key, cell in row.items()} for row in rows.to_dict("records")]
        margins = [row["value"] for row in listed if row["measure"] == MARGIN]
        clauses = [_clause(row, margins[0] if margins else math.nan) for row in listed]
        told = "; ".join(clause for clause in [*clauses, _untold(listed)] if clause)
        sentences.append(f"{labels[str(name)]}: {told}.")
    return " ".join(sentences) or _NOTHING


def _clause(row: Row, margin: float) -> str:
    measure = str(row["measure"])
    if measure in ("operation area", "ring", "both together"):
        return _difference(row, margin)
    if measure.startswith(_GONE):
        return _missing(row)
    if measure.startswith("could be by "):
        return _could_be(row)
    if measure.startswith("reports against: "):
        return _reports(row)
    words = _PLAIN.get(measure)
    return words(row) if words else ""


def _difference(row: Row, margin: float) -> str:
    where = {"both together": "in both together"}.get(row["measure"], f"in the {row['measure']}")
    seen, reading = _number(row["could_have_seen"]), row["reading"]
    told = {
        "rose": "a rise",
        "fell": "a fall",
        CANNOT_TELL: f"cannot tell, since less than {seen} either way can pass unseen",
        "no change that matters": f"no change that matters, where {seen} would have been seen",
    }[reading]
    if reading == CANNOT_TELL and row["measure"] == "ring" and not math.isnan(margin):
        told += f" and {_number(margin)} would matter"
    bounds = f"{_amount(row['low'])} to {_amount(row['high'])}"
    return f"{where} {_amount(row['value'])} than the comparison areas lead one to expect ({bounds}), {told}"


def _together(row: Row) -> str:
    reading = str(row["reading"])
    told = f"read together, {reading}"
    if reading == "what displacement looks like":
        told += f" ({row['value']:.2f} of the missing), which does not prove that people moved"
    if reading.startswith(CANNOT_TELL) and row["could_have_seen"] < math.inf:
        share = row["could_have_seen"]
        told += f": up to {min(share, 1):.2f} of the missing could be in the ring unseen"
    return told


def _quotient(row: Row) -> str:
    if row["reading"] == "nothing to displace":
        return "the displacement quotient has no reading, since there was no fall to displace"
    if math.isinf(row["low"]):
        return "the displacement quotient cannot tell, since the fall is within chance"
    told = {
        "fell in the ring too": "the ring fell too",
        "rose in the ring": "the ring rose",
        CANNOT_TELL: "cannot tell",
    }[row["reading"]]
    return f"the displacement quotient is {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}), {told}"


def _similarity(row: Row) -> str:
    told = "some areas differ" if row["reading"] != CANNOT_TELL else "cannot tell which areas differ, if any"
    return (
        f"the share of areas with events whose part in the pattern is not shown to differ is {row['value']:.2f}, {told}"
    )


def _surface(row: Row) -> str:
    side = "rose" if row["measure"] == "greatest rise" else "fell"
    reading, _, zone = str(row["reading"]).partition(" in: ")
    chance = "cannot tell, since chance can do this" if reading.startswith(CANNOT_TELL) else "more than chance does"
    change = f"{row['value']:.2f} times (family-wise {_p(row['p'])})"
    return f"the share of events {side} most in {_the(zone)}, {change}, {chance}"


def _centre(row: Row) -> str:
    unseen = f"cannot tell, since less than about {row['could_have_seen']:,.0f} m can pass unseen"
    told = "a move" if row["reading"] == "moved" else unseen
    return f"the centre moved {row['value']:,.0f} m ({_p(row['p'])}), {told}"


def _distance(row: Row) -> str:
    unseen = f"cannot tell, since less than about {row['could_have_seen']:,.0f} m can pass unseen"
    told = unseen if row["reading"] == CANNOT_TELL else str(row["reading"])
    way = "further" if row["value"] > 0 else "nearer"
    return f"the nearest service is {abs(row['value']):,.0f} m {way} on average ({_p(row['p'])}), {told}"


def _missing(row: Row) -> str:
    dimension, level = _kind(row)
    if row["reading"] == CANNOT_TELL:
        return ""  # said of all such dimensions together
    told = "missing" if row["reading"] == "missing" else "none missing"
    bounds = f"{_amount(-row['high'])} to {_amount(-row['low'])}"
    change = f"{_amount(-row['value'])} in operation area and ring than before ({bounds})"
    return f"by {dimension}, {level} has {change}, {told}"


def _could_be(row: Row) -> str:
    dimension, level = _kind(row)
    bounds = f"{_number(row['low'])} to {_number(row['high'])}"
    if row["reading"] == UNSEEN:
        return f"by {dimension}, {level} could hold {bounds} of what is missing, and no source sees this"
    if row["reading"] == CANNOT_TELL:
        return ""
    return f"by {dimension}, {bounds} of what is missing are with none of these records"


def _untold(rows: Sequence[Row]) -> str:
    """Say of all dimensions together of which nothing can be told, and how much could have been seen."""
    doubtful = [row for row in rows if str(row["measure"]).startswith(_GONE) and row["reading"] == CANNOT_TELL]
    told = ", ".join(f"{_kind(row)[0]} (less than {_number(row['could_have_seen'])})" for row in doubtful)
    return f"cannot tell whether any are missing by {told}, each of which can pass unseen" if doubtful else ""


def _kind(row: Row) -> tuple[str, str]:
    dimension, level = str(row["measure"]).split(" by ", 1)[1].split(": ", 1)
    return dimension, level


def _reports(row: Row) -> str:
    against = str(row["measure"]).removeprefix("reports against: ")
    fall = f"cannot tell, since a fall to more than {row['could_have_seen']:.2f} can pass unseen"
    told = {"rose": "a rise", "fell": "a fall"}.get(str(row["reading"]), fall)
    bounds = f"{row['low']:.2f} to {row['high']:.2f}"
    return f"set against {against}, these records became {row['value']:.2f} times as many ({bounds}), {told}"


def _explained(row: Row) -> str:
    told = f"a change of the share reported to {row['value']:.2f} times would explain all of it"
    if row["reading"] == "no range declared":
        return told
    inside = "inside" if str(row["reading"]).startswith("inside") else "outside"
    return f"{told}, {inside} the declared range ({row['low']:.2f} to {row['high']:.2f})"


_PLAIN = {
    "ring and operation area": _together,
    "displacement quotient": _quotient,
    "pattern similarity": _similarity,
    "greatest rise": _surface,
    "greatest fall": _surface,
    "move of the centre": _centre,
    "distance to the nearest service": _distance,
    "change of reporting that explains all": _explained,
}


def _amount(value: float) -> str:
    """Say a difference as more or fewer."""
    if math.isnan(value):
        return "an unknown number more or fewer"
    return f"{_number(abs(value))} {'fewer' if value < 0 else 'more'}"


def _number(value: float) -> str:
    return "any number" if math.isinf(value) else "an unknown number" if math.isnan(value) else f"{value:,.1f}"


def _p(p: float) -> str:
    return "p below .001" if p < 0.001 else f"p {p:.3f}"


def _the(zone: str) -> str:
    return f"the {zone}" if zone in ("operation area", "ring") else zone
