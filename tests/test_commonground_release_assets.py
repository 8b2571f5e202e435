"""Third parties' files come from installed packages and are the ones that were reviewed."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace

import folium
import pytest

from commonground.release import assets
from commonground.release.assets import ASSETS, DROPPED, AssetError, csp_hash, embedded, leaflet_script, leaflet_style

# Subresource integrity published by Leaflet for 1.9.4 (leafletjs.com, "Download", and its Quick Start Guide)
PUBLISHED = {
    "leaflet.js": "20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo=",
    "leaflet.css": "p4NxAoJBhIIN+hmNHrzRCf9tD/miZyoHS5obTRR9BMY=",
}


def test_the_pinned_hashes_are_the_ones_leaflet_publishes() -> None:
    for asset in ASSETS.values():
        name = asset.path.rsplit("/", 1)[1]
        assert base64.b64encode(bytes.fromhex(asset.sha256)).decode() == PUBLISHED[name]


def test_every_installed_file_has_its_pinned_hash() -> None:
    for asset in {*ASSETS.values(), *assets._IMAGES.values()}:
        assert hashlib.sha256(assets._read(asset)).hexdigest() == asset.sha256


def test_a_changed_file_is_refused() -> None:
    with pytest.raises(AssetError, match="not the file that was reviewed"):
        assets._read(replace(assets._SCRIPT, sha256="0" * 64))


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(AssetError, match="pip install no-such-package"):
        assets._read(replace(assets._SCRIPT, package="no-such-package"))


def test_every_address_that_a_stock_folium_map_names_is_known() -> None:
    for _, url in (*folium.Map.default_js, *folium.Map.default_css):
        assert url in ASSETS or url in DROPPED
        embedded(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.jsdelivr.net/npm/leaflet@1.9.4/dist/leaflet.js?x",
        "http://cdn.jsdelivr.net/npm/leaflet@1.9.4/dist/leaflet.js",
        "https://example.org/leaflet.js",
        "leaflet.js",
    ],
)
def test_an_address_that_is_not_exactly_in_the_table_is_refused(url: str) -> None:
    with pytest.raises(AssetError, match="not in the table"):
        embedded(url)


def test_nothing_in_the_embedded_files_can_be_fetched() -> None:
    assert "sourceMappingURL" not in leaflet_script()
    assert all(inside.startswith("data:image/png;base64,") for inside in re.findall(r"url\(([^)]*)\)", leaflet_style()))
    assert "@import" not in leaflet_style()
    assert "\r" not in leaflet_script() + leaflet_style()


def test_the_licence_notice_of_leaflet_stays() -> None:
    assert "Vladimir Agafonkin" in leaflet_script()


def test_the_csp_hash_is_the_one_of_the_specification() -> None:
    # W3C, Content Security Policy Level 3, section 8.2: alert('Hello, world.');
    assert csp_hash("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"


def test_django_is_not_imported() -> None:
    program = (
        "import sys, commonground.release.assets as a; a.leaflet_script(); "
        "print('django' in sys.modules, 'js_lib_leaflet' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
