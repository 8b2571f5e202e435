"""Which colour a value gets on a map, and what the legend says about it.

Classes are declared, never taken from the data: two maps with the same classes can be laid side by side, and colours
tell nothing about where the values lie inside a class. At most five, one hue or PuOr, never a rainbow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from commonground.errors import CommonGroundError
from commonground.release.tables import cell_text

__all__ = ["DIVERGING", "HIDDEN_LABEL", "SEQUENTIAL", "ClassError", "Classes"]

#: Government Analysis Function, "Data visualisation: colours in charts" (2022): #12436D #2073BC #6BACE6, and two
#: lighter tints of the same blue for maps of four and five classes. Light is low.
SEQUENTIAL = {
    2: ("#6BACE6", "#12436D"),
    3: ("#6BACE6", "#2073BC", "#12436D"),
    4: ("#B5D6F3", "#6BACE6", "#2073BC", "#12436D"),
    5: ("#DFEEFA", "#B5D6F3", "#6BACE6", "#2073BC", "#12436D"),
}
#: ColorBrewer PuOr (Brewer 2003), safe for all common kinds of colour blindness. Purple is lower, orange higher.
DIVERGING = {
    2: ("#998EC3", "#F1A340"),
    3: ("#998EC3", "#F7F7F7", "#F1A340"),
    4: ("#5E3C99", "#B2ABD2", "#FDB863", "#E66101"),
    5: ("#5E3C99", "#B2ABD2", "#F7F7F7", "#FDB863", "#E66101"),
}
#: One neutral class for zero, small and missing: telling them apart would tell who is where.
HIDDEN_LABEL = "Too few to show, or not observed"
_MOST = 5


class ClassError(CommonGroundError, ValueError):
    """Classes that cannot be drawn, or values that fall outside them."""


@dataclass(frozen=True)
class Classes:
    """Declared classes of a map.

    Parameters
    ----------
    breaks : tuple of float
        Ascending edges, one more than classes; a class holds its lower edge and not its upper one. The first may be
        ``-inf``, the last ``inf``.
    kind : {"sequential", "diverging"}
        Diverging for changes, with the neutral class in the middle.
    unit : str
        What is counted, for the legend: ``people``, ``ratio, after over before``.

    Raises
    ------
    ClassError
        If there are not two to five classes, the edges do not ascend, or the kind is unknown.

    Examples
    --------
    >>> Classes((8, 20, 50, float("inf")), unit="people").labels
    ('8 to under 20', '20 to under 50', '50 or more')
    """

    breaks: tuple[float, ...]
    kind: str = "sequential"
    unit: str = ""

    def __post_init__(self) -> None:
        edges = tuple(float(edge) for edge in self.breaks)
        if not 2 <= len(edges) - 1 <= _MOST:
            raise ClassError(f"a map has two to {_MOST} classes, so `breaks` needs three to {_MOST + 1} edges")
        if any(math.isnan(edge) for edge in edges) or any(a >= b for a, b in pairwise(edges)):
            raise ClassError("`breaks` must be numbers in ascending order, all different")
        if self.kind not in {"sequential", "diverging"}:
            raise ClassError("`kind` must be 'sequential' (more or less) or 'diverging' (up or down)")
        object.__setattr__(self, "breaks", edges)

    @property
    def colours(self) -> tuple[str, ...]:
        """One colour a class, lowest first."""
        return (SEQUENTIAL if self.kind == "sequential" else DIVERGING)[len(self.breaks) - 1]

    @property
    def labels(self) -> tuple[str, ...]:
        """One label a class, lowest first."""
        return tuple(_label(low, high) for low, high in pairwise(self.breaks))

    def place(self, values: pd.Series | Sequence[float]) -> list[int]:
        """Return the class of each value.

        Parameters
        ----------
        values : Series or sequence of float
            Published values; missing where hidden.

        Returns
        -------
        list of int
            Positions in `colours`; -1 for the neutral class.

        Raises
        ------
        ClassError
            If a value is outside the declared edges.
        """
        numbers = pd.to_numeric(pd.Series(values)).to_numpy(dtype=float, na_value=np.nan)
        shown = ~np.isnan(numbers)
        inside = (numbers >= self.breaks[0]) & ((numbers < self.breaks[-1]) | np.isposinf(self.breaks[-1]))
        if not inside[shown].all():
            raise ClassError(
                "some values are outside the declared classes; declare wider ones (the first edge may be -inf, the "
                "last inf)"
            )
        places = np.searchsorted(self.breaks, np.where(shown, numbers, self.breaks[0]), side="right") - 1
        return [int(place) for place in np.where(shown, np.minimum(places, len(self.breaks) - 2), -1)]


def _label(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "any value"
    if math.isinf(low):
        return f"under {cell_text(high)}"
    if math.isinf(high):
        return f"{cell_text(low)} or more"
    return f"{cell_text(low)} to under {cell_text(high)}"
