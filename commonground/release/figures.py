"""What a chart is, and how it becomes the same bytes every time.

Nothing of a machine or a moment is in the files: fonts come with matplotlib, ids are salted with a constant, dates and
versions are left out. Figures are made without pyplot, so nothing is kept between charts and no window is needed.
"""

from __future__ import annotations

import base64
import io
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from commonground.release.escape import clean, text

__all__ = [
    "BLUE",
    "INK",
    "ORANGE",
    "PLUM",
    "RULE",
    "SOFT",
    "TEAL",
    "Chart",
    "Look",
    "check_chart",
    "rendered",
    "wrapped",
]

# Government Analysis Function, "Data visualisation: colours in charts" (2022).
BLUE, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
INK, SOFT, RULE = "#1D2529", "#4A5459", "#C9D1D6"
_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "font.size": 11,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and inspected
    "svg.hashsalt": "common-ground",
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": RULE,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.8,
}
_DPI = 144
_WIDTH = 9.0  # inches
_LEFT = 2.1  # inches for labels
_MOST_WORDS = 10


@dataclass(frozen=True, repr=False)
class Chart:
    """A picture in two formats and in words.

    Parameters
    ----------
    png, svg : bytes
        The picture, at 144 dots an inch, and as vectors.
    alt : str
        The same in words, with the values.
    title : str
        Its title.
    width, height : int
        Size in pixels at which a page shows it.
    """

    png: bytes = field(repr=False)
    svg: bytes = field(repr=False)
    alt: str
    title: str
    width: int
    height: int

    def __repr__(self) -> str:
        return f"Chart({self.title})"

    @property
    def source(self) -> str:
        """The vectors as a ``data:`` address for an ``img`` element."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode("ascii")


@dataclass(frozen=True)
class Look:
    """How something is drawn: sign, fill and stroke, so that colour is never the only carrier."""

    colour: str
    marker: str
    line: str
    filled: bool = True
    sign: str = ""


def check_chart(title: str, parts: int) -> None:
    """Refuse a chart that has nothing to draw or a title that is no finding.

    Parameters
    ----------
    title : str
        The finding.
    parts : int
        How many things there are to draw.

    Raises
    ------
    ValueError
        If the title has no or more than ten words, or there is nothing to draw.
    """
    if not 1 <= len(title.split()) <= _MOST_WORDS:
        raise ValueError(f"a chart's title says the finding in {_MOST_WORDS} words or fewer; shorten it")
    if parts < 1:
        raise ValueError("there is nothing to draw; pass at least one row")


def rendered(
    draw: Callable[[Axes], None], title: str, alt: str, *, height: float, left: float = _LEFT, right: float = 0.97
) -> Chart:
    """Draw on a fresh figure and return it in both formats.

    Parameters
    ----------
    draw : callable
        Draws on the axes it is given.
    title : str
        The finding, above the axes.
    alt : str
        The same in words, with the values.
    height : float
        Inches.
    left : float
        Inches left of the axes, for labels.
    right : float
        Share of the width at which the axes end.

    Returns
    -------
    Chart
        Identical bytes for identical input.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI)
        below, above = 0.7 / height, 0.85 / height
        axes = figure.add_axes((left / _WIDTH, below, right - left / _WIDTH, 1 - below - above))
        figure.text(
            0.15 / _WIDTH, 1 - 0.18 / height, clean(title), fontsize=15, fontweight="bold", va="top", color=BLUE
        )
        axes.tick_params(axis="both", length=0, pad=6)
        draw(axes)
        png, svg = io.BytesIO(), io.BytesIO()
        canvases: tuple[Any, Any] = (FigureCanvasAgg(figure), FigureCanvasSVG(figure))  # both ship half their types
        canvases[0].print_png(png, metadata={"Software": None})
        canvases[1].print_svg(svg, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Chart(
        png.getvalue(),
        _labelled(svg.getvalue(), title, alt),
        clean(alt),
        clean(title),
        int(_WIDTH * 96),
        int(height * 96),
    )


def wrapped(label: object, width: int = 22) -> str:
    """Break a label into lines.

    Parameters
    ----------
    label : object
        Its text is cleaned first.
    width : int
        Characters a line.

    Returns
    -------
    str
        At most three lines; what is longer ends with an ellipsis.
    """
    return "\n".join(textwrap.wrap(clean(label), width, max_lines=3, placeholder=" …"))


def _labelled(svg: bytes, title: str, alt: str) -> bytes:
    """Take out what names other addresses and put in what a screen reader says."""
    drawing = svg.decode("utf-8")
    drawing = re.sub(r"<!DOCTYPE.*?>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"\s*<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    words = f'<title id="t">{text(title)}</title><desc id="d">{text(alt)}</desc>'
    drawing = re.sub(r"<svg ([^>]*)>", rf'<svg role="img" aria-labelledby="t d" \1>{words}', drawing, count=1)
    return drawing.encode("utf-8")
