"""How does a notebook show a self-contained page?"""

from __future__ import annotations

import html
from dataclasses import dataclass, field

__all__ = ["MapView"]


@dataclass(frozen=True, repr=False)
class MapView:
    """A self-contained map for notebooks.

    Parameters
    ----------
    html : str
        What `choropleth_map` or `self_contained` returned.
    title : str
        Of the frame, read by screen readers.
    height : int
        In pixels.
    """

    html: str = field(repr=False)
    title: str = "Map"
    height: int = 720

    def __repr__(self) -> str:
        return f"MapView({self.title})"

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own that may run its scripts and reach nothing else."""
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts" width="100%" height="{self.height}" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )
