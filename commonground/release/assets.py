"""Which installed file stands for an address on the web, and whether it is the file that was reviewed.

A map made with folium names its scripts by their address at a third party. Here each address is looked up, exactly, in
a table; the file comes from an installed package and must have the hash written beside it. Nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from commonground.errors import CommonGroundError

__all__ = ["ASSETS", "DROPPED", "Asset", "AssetError", "csp_hash", "embedded", "leaflet_script", "leaflet_style"]


class AssetError(CommonGroundError):
    """A file that a page asks for is unknown, missing or not the one that was reviewed."""


@dataclass(frozen=True)
class Asset:
    """A file of an installed package.

    Parameters
    ----------
    package : str
        Name of the distribution.
    path : str
        Path inside it, as its RECORD gives it.
    sha256 : str
        Hash of the bytes that were reviewed.
    """

    package: str
    path: str
    sha256: str


def _leaflet(path: str, sha256: str) -> Asset:
    return Asset("django-js-lib-leaflet", f"js_lib_leaflet/static/js_lib_leaflet/{path}", sha256)


# Leaflet 1.9.4 (BSD-2-Clause, its notice stays in the file) as packed in django-js-lib-leaflet 1.9.4.1. folium 0.20
# names 1.9.3, which differs from 1.9.4 by fixes only (Leaflet's CHANGELOG, 2023-05-18).
_SCRIPT = _leaflet("leaflet.js", "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a")
_STYLE = _leaflet("leaflet.css", "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6")
_IMAGES = {
    "images/layers.png": _leaflet(
        "images/layers.png", "1dbbe9d028e292f36fcba8f8b3a28d5e8932754fc2215b9ac69e4cdecf5107c6"
    ),
    "images/layers-2x.png": _leaflet(
        "images/layers-2x.png", "066daca850d8ffbef007af00b06eac0015728dee279c51f3cb6c716df7c42edf"
    ),
    "images/marker-icon.png": _leaflet(
        "images/marker-icon.png", "574c3a5cca85f4114085b6841596d62f00d7c892c7b03f28cbfa301deb1dc437"
    ),
}

#: Every address that is replaced, exactly as folium writes it.
ASSETS = {
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js": _SCRIPT,
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.css": _STYLE,
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.4/dist/leaflet.js": _SCRIPT,
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.4/dist/leaflet.css": _STYLE,
}

#: Every address that folium names and our maps do without: popups, icons and legends are made without them.
DROPPED = frozenset(
    {
        "https://code.jquery.com/jquery-3.7.1.min.js",
        "https://cdn.jsdelivr.net/npm/bootstrap@5.2.2/dist/js/bootstrap.bundle.min.js",
        "https://cdn.jsdelivr.net/npm/bootstrap@5.2.2/dist/css/bootstrap.min.css",
        "https://netdna.bootstrapcdn.com/bootstrap/3.0.0/css/bootstrap-glyphicons.css",
        "https://cdn.jsdelivr.net/npm/@fortawesome/fontawesome-free@6.2.0/css/all.min.css",
        "https://cdnjs.cloudflare.com/ajax/libs/Leaflet.awesome-markers/2.0.2/leaflet.awesome-markers.js",
        "https://cdnjs.cloudflare.com/ajax/libs/Leaflet.awesome-markers/2.0.2/leaflet.awesome-markers.css",
        "https://cdn.jsdelivr.net/gh/python-visualization/folium/folium/templates/leaflet.awesome.rotate.min.css",
        "https://cdnjs.cloudflare.com/ajax/libs/d3/3.5.5/d3.min.js",
    }
)


def embedded(url: str) -> str | None:
    """Return the text that replaces an address, or None when our maps do without it.

    Parameters
    ----------
    url : str
        The address exactly as the map names it; nothing is guessed from its shape.

    Returns
    -------
    str or None
        Text of the script or stylesheet, ready to be written into the page.

    Raises
    ------
    AssetError
        If the address is in neither table, or the installed file is missing or has other contents.
    """
    if url in DROPPED:
        return None
    if url not in ASSETS:
        raise AssetError(
            "the map asks for a file of a third party that is not in the table of reviewed files, so it would not work "
            "offline and would tell that party who looks; leave out the plugin that needs it, or use choropleth_map"
        )
    return leaflet_script() if ASSETS[url] is _SCRIPT else leaflet_style()


@cache
def leaflet_script() -> str:
    """Return Leaflet's script without the pointer to its source map, which a browser would try to open.

    Returns
    -------
    str
        The script with its licence notice.
    """
    return _read(_SCRIPT).decode("utf-8").replace("//# sourceMappingURL=leaflet.js.map", "").strip() + "\n"


@cache
def leaflet_style() -> str:
    """Return Leaflet's stylesheet with its images inside it and nothing that names another file.

    Returns
    -------
    str
        The stylesheet.
    """
    style = _read(_STYLE).decode("utf-8").replace("\r\n", "\n")
    style = re.sub(r"\s*behavior:\s*url\([^)]*\);", "", style)  # Internet Explorer's vector language
    for path, asset in _IMAGES.items():
        style = style.replace(f"url({path})", f"url(data:image/png;base64,{base64.b64encode(_read(asset)).decode()})")
    return style


def csp_hash(content: str) -> str:
    """Return the source expression that lets exactly this inline script or style run.

    Parameters
    ----------
    content : str
        Everything between the opening and the closing tag. Line ends must be LF: a parser turns CR LF into LF first.

    Returns
    -------
    str
        ``'sha256-...'`` with its quotes (W3C, Content Security Policy Level 3).

    Examples
    --------
    >>> csp_hash("alert('Hello, world.');")  # the example of the specification
    "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    """
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _read(asset: Asset) -> bytes:
    """Read an installed file and refuse it unless its hash is the reviewed one."""
    try:
        path = Path(str(metadata.distribution(asset.package).locate_file(asset.path)))
        content = path.read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise AssetError(f"{asset.path} is not installed; run `pip install {asset.package}`") from error
    if hashlib.sha256(content).hexdigest() != asset.sha256:
        raise AssetError(
            f"{asset.path} of {asset.package} is not the file that was reviewed (its sha256 differs); install the "
            "version that pyproject.toml pins, or review the new file and change the hash"
        )
    return content
