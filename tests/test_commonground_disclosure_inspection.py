"""Each check catches a file made bad on purpose, and lets the same file pass when it is clean."""

from __future__ import annotations

import base64
import gzip
import importlib.metadata
import io
import json
import math
import pickle
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from shapely.geometry import Point, box

from commonground.disclosure.inspection import (
    Expectation,
    Finding,
    Needles,
    boundary_vertices,
    inspect_bytes,
    inspect_folder,
)
from commonground.errors import CommonGroundError

SECRET = "person-7f3a9c21"  # stands for a pseudonym of the live data
PHONE = "07700 900123"  # Ofcom's numbers for drama
KNOWS = Expectation(needles=Needles([SECRET, "Flat 3, 12 Gasworks Lane", "51.523417, -0.071234"]))
HEADER = b"area,quarter,contacts\n"
CLEAN_CSV = HEADER + b"E01006651,2019 Q1,25\nE01006652,2019 Q1,-\n"


def checks(name: str, data: bytes, expectation: Expectation | None = None) -> set[str]:
    findings = inspect_bytes(name, data, expectation)
    assert all(isinstance(finding, Finding) and finding.message.endswith(".") for finding in findings)
    for text in (SECRET, PHONE, "Gasworks"):  # a finding never repeats what it found
        assert text not in repr(findings)
    return {finding.check for finding in findings}


# -- building files ----------------------------------------------------------------------------------------------------


def png(*extra: tuple[bytes, bytes], after: bytes = b"", pixels: bytes = b"\0\0\0\0" * 2, tail: bytes = b"") -> bytes:
    """A picture of one by two pixels, with more chunks if asked."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 2, 8, 2, 0, 0, 0)), *extra]
    parts += [(b"IDAT", zlib.compress(pixels) + tail), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + after


def page(body: str = "", head: str = "") -> bytes:
    return f'<!DOCTYPE html><html lang="en"><head><title>Areas</title>{head}</head><body>{body}</body></html>'.encode()


def packed(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def workbook(change: Callable[[openpyxl.Workbook], None] = lambda book: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Contacts by area, protected"])
    sheet.append(["area", "quarter", "contacts"])
    sheet.append(["E01006651", "2019 Q1", 25])
    sheet.append(["E01006652", "2019 Q1", 30])
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def areas() -> gpd.GeoDataFrame:
    shapes = [box(0.05, 51.55, 0.06, 51.56), box(0.06, 51.55, 0.07, 51.56)]
    return gpd.GeoDataFrame({"area": ["E01006651", "E01006652"], "contacts": [25, 30]}, geometry=shapes, crs=4326)


def geopackage(frame: gpd.GeoDataFrame, tmp_path: Path, *statements: str) -> bytes:
    path = tmp_path / "areas.gpkg"
    path.unlink(missing_ok=True)
    frame.to_file(path, driver="GPKG", layer="areas")
    with sqlite3.connect(path) as store:
        for statement in statements:
            store.execute(statement)
    store.close()
    return path.read_bytes()


def notebook(*cells: dict[str, object], **metadata: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}).encode()


def code(
    *outputs: dict[str, object], source: str = "area_change(before, after)", **metadata: object
) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": list(outputs), "execution_count": 1}


def shown(**data: object) -> dict[str, object]:
    kinds = {"html": "text/html", "png": "image/png", "plain": "text/plain", "jpeg": "image/jpeg"}
    return {"output_type": "display_data", "metadata": {}, "data": {kinds[k]: v for k, v in data.items()}}


def geojson(*geometries: dict[str, object], **properties: object) -> bytes:
    features = [{"type": "Feature", "properties": properties, "geometry": geometry} for geometry in geometries]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


SQUARE = {"type": "Polygon", "coordinates": [[[0.05, 51.55], [0.06, 51.55], [0.06, 51.56], [0.05, 51.55]]]}
LONE = {"type": "Point", "coordinates": [0.071234, 51.523417]}


# -- clean files -------------------------------------------------------------------------------------------------------


def clean_files(tmp_path: Path) -> dict[str, bytes]:
    stream = io.BytesIO()
    areas().to_parquet(stream)
    table = "<table><tr><th>area</th><th>contacts</th></tr><tr><td>North</td><td>25</td></tr></table>"
    cited = '<p>Source: <a href="https://data.police.uk/">police.uk</a>, see https://example.org/report</p>'
    return {
        "areas.csv": CLEAN_CSV,
        "areas.tsv": b"area\tchange\nNorth\t-12.5\nSouth\t+3\n",
        "areas.json": json.dumps(
            {"areas": [{"area": "North", "contacts": 25}], "source": "https://data.police.uk/"}
        ).encode(),
        "areas.geojson": geojson(SQUARE, area="E01006651", contacts=25),
        "index.html": page(table + cited + '<img alt="a map" src="map.png">'),
        "map.svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        b'<title>Contacts</title><path d="M10 5ZM1.123 50.123L2.5 3"/></svg>',
        "map.png": png((b"tEXt", b"Software\0Common Ground"), (b"tEXt", b"Title\0Contacts by area")),
        "tables.xlsx": workbook(),
        "areas.gpkg": geopackage(areas(), tmp_path),
        "areas.parquet": stream.getvalue(),
        "story.ipynb": notebook(
            {"cell_type": "markdown", "metadata": {}, "source": "# What changed?"},
            code(shown(html=table, png=base64.b64encode(png()).decode(), plain="   area  contacts\n0  North  25")),
            kernelspec={"name": "python3"},
        ),
        "all.zip": packed(areas_csv=CLEAN_CSV, map_png=png()),
        "areas.csv.gz": gzip.compress(CLEAN_CSV),
        "notes.md": b"# Limits\n\n| area | contacts |\n| --- | --- |\n| North | 25 |\n\nSee <https://example.org>.\n",
        "release.txt": "Rate ratio 1.8 (0.99, 3.1); data as of 2019-06-30; £1,200,000 in 2019-20.".encode(),
        "study.toml": b'question = "Did harm move?"\nstart = 2019-04-01\n',
        "page.css": b"a:hover{background:url(images/arrow.png)} .b{color:#B123DD}",
        "page.js": b'const ns="http://www.w3.org/2000/svg"; // https://example.org/licence\nlet a=b?10:20;',
    }


def test_clean_files_of_every_kind_give_no_finding(tmp_path: Path) -> None:
    for name, data in clean_files(tmp_path).items():
        assert inspect_bytes(name, data) == (), name


def test_clean_files_pass_when_everything_is_checked(tmp_path: Path) -> None:
    strict = Expectation(
        needles=KNOWS.needles,
        vertices=boundary_vertices(areas()),
        columns=frozenset({"area", "quarter", "contacts", "change"}),
        count_columns=frozenset({"contacts"}),
        finest_time="quarter",
    )
    for name, data in clean_files(tmp_path).items():
        assert inspect_bytes(name, data, strict) == (), name


def test_a_map_page_with_leaflet_inlined_passes() -> None:
    files = importlib.metadata.distribution("django-js-lib-leaflet").files or []
    script, style = (
        Path(str(next(f for f in files if f.name == name).locate())).read_text("utf-8")
        for name in ("leaflet.js", "leaflet.css")
    )
    assert "https://leafletjs.com" in script
    shape = geojson(SQUARE, area="North").decode()
    view = 'var map=L.map("map",{center:[51.59,0.07],zoom:12});'
    whole = page(
        f'<div id="map"></div><script>{view}L.geoJSON({shape}).addTo(map);</script>',
        f"<style>{style}</style><script>{script}</script>",
    )
    assert inspect_bytes("map.html", whole) == ()
    assert (
        inspect_bytes("map.html", whole, Expectation(vertices=boundary_vertices(areas()), needles=KNOWS.needles)) == ()
    )


def test_the_source_of_leaflet_with_addresses_in_its_comments_passes() -> None:
    files = importlib.metadata.distribution("django-js-lib-leaflet").files or []
    source = Path(str(next(f for f in files if f.name == "leaflet-src.js").locate())).read_bytes()
    assert b"'https://tile.openstreetmap.org/{z}/{x}/{y}.png" in source
    assert inspect_bytes("leaflet-src.js", source) == ()


# -- raw values, wherever they hide ------------------------------------------------------------------------------------


def hiding_places(tmp_path: Path) -> dict[str, tuple[str, bytes]]:
    wrapped = base64.b64encode(f"before {SECRET} after".encode()).decode()
    spreadsheet = workbook(lambda book: book.create_sheet("more").append([SECRET]))
    frame = areas().assign(area=SECRET)
    stream = io.BytesIO()
    areas().assign(contacts=[SECRET, "x"]).to_parquet(stream)
    deleted = ["PRAGMA secure_delete=off", f"CREATE TABLE gone AS SELECT '{SECRET}' AS a", "DROP TABLE gone"]
    nested = json.dumps({"a": [{"b": {"c": json.dumps({"d": SECRET})}}]}).encode()
    return {
        "csv cell": ("a.csv", HEADER + f"North,2019 Q1,{SECRET.upper()}\n".encode()),
        "csv with other punctuation": ("a.csv", HEADER + b"North,2019 Q1,PERSON 7F3A 9C21\n"),
        "text inside a longer word": ("a.txt", f"x_{SECRET.replace('-', '')}_y".encode()),
        "phrase": ("a.md", b"seen at FLAT 3 - 12 gasworks lane"),
        "json key": ("a.json", json.dumps({SECRET: 1}).encode()),
        "json in json": ("a.json", nested),
        "json escapes": ("a.json", ('"' + "".join(f"\\u{ord(c):04x}" for c in SECRET) + '"').encode()),
        "html entities": ("a.html", page("".join(f"&#{ord(c)};" for c in SECRET))),
        "html comment": ("a.html", page(f"<!-- {SECRET} -->")),
        "html attribute": ("a.html", page(f'<p data-key="{SECRET}">North</p>')),
        "html script": ("a.html", page(f'<script>var rows=[{{"id":"{SECRET}"}}]</script>')),
        "html json": ("a.html", page(f'<script type="application/json">{{"id":"{SECRET}"}}</script>')),
        "html text cut by markup": ("a.html", page(f"<p>{SECRET[:8]}<b>{SECRET[8:]}</b></p>")),
        "html style": ("a.html", page(head=f"<style>.{SECRET}{{color:red}}</style>")),
        "html frame": ("a.html", page(f'<iframe srcdoc="&lt;p&gt;{SECRET}&lt;/p&gt;"></iframe>')),
        "html base64": ("a.html", page(f"<script>atob('{wrapped}')</script>")),
        "html data address": ("a.html", page(f'<img alt="" src="data:image/svg+xml,%3Csvg%3E{SECRET}%3C/svg%3E">')),
        "html picture": ("a.html", page(f'<img alt="" src="data:image/png;base64,{titled_picture()}">')),
        "base64 of gzip": ("a.json", in_json(gzip.compress(SECRET.encode() * 3))),
        "base64 of zlib": ("a.json", in_json(zlib.compress(SECRET.encode() * 3))),
        "hexadecimal": ("a.txt", f"before {SECRET} after".encode().hex().encode()),
        "base64 twice": ("a.txt", base64.b64encode(wrapped.encode())),
        "svg metadata": ("a.svg", f"<svg><metadata>{SECRET}</metadata></svg>".encode()),
        "png text": ("a.png", png((b"tEXt", b"Title\0" + SECRET.encode()))),
        "png packed text": ("a.png", png((b"zTXt", b"Title\0\0" + zlib.compress(SECRET.encode())))),
        "png international text": ("a.png", png((b"iTXt", b"Title\0\1\0en\0\0" + zlib.compress(SECRET.encode())))),
        "png camera data": ("a.png", png((b"eXIf", SECRET.encode()))),
        "png tail": ("a.png", png(after=SECRET.encode())),
        "xlsx cell": ("a.xlsx", spreadsheet),
        "xlsx property": ("a.xlsx", workbook(lambda book: setattr(book.properties, "keywords", SECRET))),
        "zip in zip": ("a.zip", packed(inner_zip=packed(a_csv=CLEAN_CSV + SECRET.encode()))),
        "zip name": ("a.zip", packed(**{f"{SECRET}_csv": CLEAN_CSV})),
        "gzip": ("a.csv.gz", gzip.compress(CLEAN_CSV + SECRET.encode())),
        "gpkg cell": ("a.gpkg", geopackage(frame, tmp_path)),
        "gpkg deleted row": ("a.gpkg", geopackage(areas(), tmp_path, *deleted)),
        "parquet cell": ("a.parquet", stream.getvalue()),
        "parquet note": ("a.parquet", parquet({"area": ["North"]}, note={"geo": SECRET})),
        "parquet unused category": ("a.parquet", unused_category()),
        "notebook output": ("a.ipynb", notebook(code(shown(html=f"<b>{SECRET}</b>")))),
        "notebook picture": ("a.ipynb", notebook(code(shown(png=titled_picture())))),
        "notebook stream": ("a.ipynb", notebook(code({"output_type": "stream", "name": "stdout", "text": [SECRET]}))),
        "notebook metadata": ("a.ipynb", notebook(code(), title=SECRET)),
        "toml": ("a.toml", f'who = "{SECRET}"'.encode()),
        "file name": (f"{SECRET}.csv", CLEAN_CSV),
        "coordinates, turned round": ("a.txt", b"[-0.0712340, 51.5234170]"),
    }  # fmt: skip


def titled_picture() -> str:
    return base64.b64encode(png((b"tEXt", b"Title\0" + SECRET.encode()))).decode()


def in_json(content: bytes) -> bytes:
    return json.dumps({"z": base64.b64encode(content).decode()}).encode()


def parquet(columns: dict[str, list[object]], note: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(note), stream)
    return stream.getvalue()


def unused_category() -> bytes:
    stream = io.BytesIO()
    table = pa.table({"area": pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["North", SECRET]))})
    pq.write_table(table, stream)
    return stream.getvalue()


def test_a_raw_value_is_found_wherever_it_hides(tmp_path: Path) -> None:
    missed = [
        place for place, (name, data) in hiding_places(tmp_path).items() if "raw value" not in checks(name, data, KNOWS)
    ]
    assert missed == []


def test_nothing_is_found_where_no_raw_value_is_known(tmp_path: Path) -> None:
    other = Expectation(needles=Needles(["person-00000000"]))
    for name, data in hiding_places(tmp_path).values():
        assert "raw value" not in {finding.check for finding in inspect_bytes(name, data, other)}


def test_needles_keep_no_value_and_leave_the_process_by_no_door() -> None:
    needles = Needles([SECRET, "12", "ab", "51.523417"], public=["Kingsway"])
    assert SECRET not in repr(vars(needles))
    assert needles.ignored == 3
    with pytest.raises(TypeError, match="stay in memory"):
        pickle.dumps(needles)
    assert not list(Needles(["Kingsway"], public=["kingsway"]).find("Kingsway"))
    assert not Needles([])


def test_a_telephone_number_of_the_live_data_is_found_however_it_is_grouped() -> None:
    needles = Needles([PHONE])
    for written in ("07700900123", "07700-900-123", "0770 0900 123", "(07700) 900123"):
        assert list(needles.find(f"call {written}")), written
    assert not list(needles.find("107700900123"))


# -- generic checks, each with a bad file ------------------------------------------------------------------------------

BAD: dict[str, tuple[str, bytes, str]] = {
    "phone": ("a.txt", f"call {PHONE}".encode(), "personal data"),
    "phone with a hard space": ("a.txt", "call 07700\u00a0900123".encode(), "personal data"),
    "phone with an invisible character": ("a.txt", "call 07700\u200b900123".encode(), "personal data"),
    "phone in a csv": ("a.csv", HEADER + f"North,2019 Q1,{PHONE}\n".encode(), "personal data"),
    "postcode in a page": ("a.html", page("<p>near IG1 2AB</p>"), "personal data"),
    "e-mail in a script": ("a.html", page("<script>var who='a.person@example.org'</script>"), "personal data"),
    "NHS number in json": ("a.json", b'{"n": 9434765919}', "personal data"),
    "NINO in markdown": ("a.md", b"AB 12 34 56 C", "personal data"),
    "vehicle mark in a comment": ("a.html", page("<!-- AB12 CDE -->"), "personal data"),
    "pair in prose": ("a.txt", b"found at 51.523417, -0.071234", "coordinates"),
    "point in geojson": ("a.geojson", geojson(LONE), "coordinates"),
    "point in an inline script": ("a.html", page(f"<script>L.geoJSON({json.dumps(LONE)})</script>"), "coordinates"),
    "marker": ("a.html", page("<script>L.marker([51.523417, -0.071234]).addTo(map)</script>"), "coordinates"),
    "heat": (
        "a.html", page("<script>L.heatLayer([[51.523417,-0.071,1],[51.524,-0.072123,1]])</script>"),
        "coordinates",
    ),
    "places in json": ("a.json", b'[{"lat": 51.523417, "lon": -0.071234}]', "coordinates"),
    "columns of places": ("a.csv", b"area,easting,northing\nNorth,543210,188123\n", "coordinates"),
    "geometry as text": ("a.csv", b"area,shape\nNorth,POINT (0.0712 51.5234)\n", "coordinates"),
    "moment": ("a.csv", b"area,when\nNorth,2019-03-02T23:40:00\n", "time"),
    "British moment": ("a.txt", b"02/03/2019 23:40", "time"),
    "home folder": ("a.txt", b"read /home/akeller/data.csv", "machine"),
    "Windows folder": ("a.json", json.dumps({"path": r"C:\Users\akeller\data.csv"}).encode(), "machine"),
    "shared drive": ("a.txt", rb"\\fileserver\outreach\list.xlsx", "machine"),
    "file address": ("a.html", page('<a href="file:///data/list.csv">list</a>'), "machine"),
    "script from elsewhere": (
        "a.html", page('<script src="https://cdn.example.org/a.js"></script>'),
        "external address",
    ),
    "without a scheme": ("a.html", page('<img alt="" src="//cdn.example.org/a.png">'), "external address"),
    "style from elsewhere": (
        "a.html", page(head='<link rel="stylesheet" href="https://example.org/a.css">'),
        "external address",
    ),
    "srcset": ("a.html", page('<img alt="" srcset="a.png 1x, https://example.org/b.png 2x">'), "external address"),
    "form": ("a.html", page('<form action="https://example.org/"></form>'), "external address"),
    "refresh": (
        "a.html", page(head='<meta http-equiv="refresh" content="0;url=https://example.org/">'),
        "external address",
    ),
    "css url": ("a.html", page('<p style="background:url(https://example.org/a.png)">x</p>'), "external address"),
    "css import": ("a.css", b'@import "//example.org/a.css";', "external address"),
    "tiles": (
        "a.html", page("<script>L.tileLayer('https://{s}.tile.example.org/{z}/{x}/{y}.png')</script>"),
        "external address",
    ),
    "fetch": ("a.html", page("<script>fetch(where)</script>"), "external address"),
    "call in an attribute": ("a.html", page('<p onclick="navigator.sendBeacon(u)">x</p>'), "external address"),
    "picture in a note": ("a.md", b"![map](https://example.org/a.png)", "external address"),
    "picture in a drawing": (
        "a.svg", b'<svg><image xlink:href="https://example.org/a.png"/></svg>',
        "external address",
    ),
    "frame": (
        "a.html", page('<iframe srcdoc="&lt;img src=https://example.org/a.png&gt;"></iframe>'),
        "external address",
    ),
    "entity": ("a.svg", b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>', "hidden content"),
    "formula": ("a.csv", HEADER + b'North,2019 Q1,"=HYPERLINK(""x"")"\n', "formula"),
    "formula by at": ("a.csv", HEADER + b"North,@SUM(A1),25\n", "formula"),
    "bytes after a picture": ("a.png", png(after=b"more"), "hidden content"),
    "more than pixels": ("a.png", png(pixels=b"\0" * 90), "hidden content"),
    "bytes after the pixels": ("a.png", png(tail=b"more"), "hidden content"),
    "note in a picture": ("a.png", png((b"tEXt", b"Author\0A Keller")), "hidden content"),
    "unknown part of a picture": ("a.png", png((b"prVt", b"x")), "hidden content"),
    "damaged picture": ("a.png", png()[:-20], "unreadable"),
    "comment in an archive": ("a.zip", packed(a_csv=CLEAN_CSV)[:-2] + b"\x04\0more", "hidden content"),
    "bytes after gzip": ("a.csv.gz", gzip.compress(CLEAN_CSV) + b"more", "hidden content"),
    "damaged archive": ("a.zip", packed(a_csv=CLEAN_CSV)[:40], "unreadable"),
    "unknown kind": ("a.pdf", b"%PDF-1.7", "unknown type"),
    "no suffix": ("notes", b"hello", "unknown type"),
    "pickle": ("a.pkl", pickle.dumps([1]), "unknown type"),
    "unknown kind inside": ("a.zip", packed(a_pickle=b"x"), "unknown type"),
    "another kind than its name": ("a.csv", png(), "unreadable"),
    "text called a picture": ("a.png", b"hello", "unreadable"),
    "font in a page": (
        "a.html", page(head="<style>@font-face{src:url(data:font/woff2;base64,d09GMgABAAAA)}</style>"),
        "unknown type",
    ),
    "broken json": ("a.json", b"{", "unreadable"),
    "one key twice": ("a.json", b'{"area": "North", "area": "South"}', "hidden content"),
    "deep json": ("a.json", b"[" * 100_000, "unreadable"),
    "Latin-1": ("a.txt", "café".encode("latin-1"), "unreadable"),
    "zero bytes": ("a.txt", b"a" * 99 + b"\0", "hidden content"),
    "error in a notebook": (
        "a.ipynb", notebook(code({"output_type": "error", "ename": "E", "evalue": "x", "traceback": []})),
        "hidden content",
    ),
    "timings in a notebook": (
        "a.ipynb", notebook(code(execution={"iopub.execute_input": "2024-01-01T10:00:00Z"})),
        "time",
    ),
    "unknown metadata in a notebook": ("a.ipynb", notebook(code(), widgets={}), "hidden content"),
    "path in a notebook": (
        "a.ipynb", notebook(code({"output_type": "stream", "text": "/tmp/ipykernel_41/1.py"})),
        "machine",
    ),
    "picture of another kind in a notebook": ("a.ipynb", notebook(code(shown(jpeg="/9j/4AAQ"))), "unknown type"),
    "note in parquet": ("a.parquet", parquet({"area": ["North"]}, note={"author": "x"}), "hidden content"),
    "bytes in parquet": ("a.parquet", parquet({"area": [b"\x01\x02"]}), "unreadable"),
    "damaged parquet": ("a.parquet", b"PAR1 nothing PAR1", "unreadable"),
    "damaged gpkg": ("a.gpkg", b"SQLite format 3\0" + b"x" * 200, "unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_in_any_file_is_found(case: str) -> None:
    name, data, expected = BAD[case]
    assert expected in checks(name, data), case


def hide(book: openpyxl.Workbook) -> None:
    book.create_sheet("rows").sheet_state = "veryHidden"


WORKBOOKS: dict[str, tuple[Callable[[openpyxl.Workbook], object], str]] = {
    "hidden sheet": (hide, "hidden content"),
    "hidden row": (lambda book: setattr(book.active.row_dimensions[3], "hidden", True), "hidden content"),
    "hidden column": (lambda book: setattr(book.active.column_dimensions["B"], "hidden", True), "hidden content"),
    "named range": (lambda book: book.defined_names.add(DefinedName("rows", attr_text="Sheet!$A$1")), "hidden content"),
    "comment": (lambda book: setattr(book.active["A3"], "comment", Comment("ask", "A Keller")), "hidden content"),
    "author": (lambda book: setattr(book.properties, "creator", "A Keller"), "machine"),
    "formula": (lambda book: book.active.append(["South", "2019 Q1", "=SUM(C3:C4)"]), "formula"),
    "link": (lambda book: book.active.append(["South", "=HYPERLINK(\"https://example.org\")", 25]), "formula"),
    "phone in a cell": (lambda book: book.active.append(["South", "2019 Q1", PHONE]), "personal data"),
    "moment as a number": (lambda book: book.active.append(["South", datetime(2019, 3, 2, 23, 40), 25]), "time"),
    "path": (lambda book: setattr(book.properties, "description", "/home/akeller/list.xlsx"), "machine"),
    "header": (lambda book: setattr(book.active.oddHeader.left, "text", f"call {PHONE}"), "personal data"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORKBOOKS)
def test_what_a_workbook_hides_is_found(case: str) -> None:
    change, expected = WORKBOOKS[case]
    assert expected in checks("a.xlsx", workbook(change)), case  # type: ignore[arg-type]


def with_part(name: str, content: bytes) -> bytes:
    stream = io.BytesIO(workbook())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("xl/pivotCache/pivotCacheRecords1.xml", b"<r><s v='x'/></r>", "hidden content"),
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>", "external address"),
        ("xl/vbaProject.bin", b"x", "hidden content"),
        ("xl/printerSettings/printerSettings1.bin", b"x", "hidden content"),
        ("customXml/item1.xml", b"<a/>", "hidden content"),
        ("xl/worksheets/sheet9.xml", b"<worksheet/>", "hidden content"),
        ("xl/media/image1.jpeg", b"\xff\xd8\xff", "unknown type"),
        ("xl/drawings/drawing1.xml", f"<a><t>{PHONE}</t></a>".encode(), "personal data"),
        ("xl/more.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "unreadable"),
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            b'<Relationships><Relationship Id="r" Type="image" TargetMode="External" Target="https://example.org/a.png"/>'
            b"</Relationships>",
            "external address",
        ),
    ],
)
def test_parts_that_no_reader_of_a_workbook_sees_are_found(name: str, content: bytes, expected: str) -> None:
    assert expected in checks("a.xlsx", with_part(name, content))


def test_bytes_between_the_members_of_an_archive_are_found() -> None:
    inner = packed(a_csv=CLEAN_CSV)
    assert "hidden content" in checks("a.zip", b"PK\x03\x04 not a member " + inner)


def test_a_geopackage_is_read_table_by_table(tmp_path: Path) -> None:
    extra = geopackage(areas(), tmp_path, "CREATE TABLE notes AS SELECT 'call 07700 900123' AS note")
    assert checks("a.gpkg", extra) == {"hidden content", "personal data"}
    free = geopackage(areas(), tmp_path, "CREATE TABLE gone AS SELECT zeroblob(9000) AS a", "DROP TABLE gone")
    assert "hidden content" in checks("a.gpkg", free)
    points = areas().set_geometry([Point(0.0512, 51.5512), Point(0.0612, 51.5512)], crs=4326)
    assert "coordinates" in checks("a.gpkg", geopackage(points, tmp_path))


def test_points_in_a_parquet_file_are_found() -> None:
    stream = io.BytesIO()
    areas().set_geometry([Point(0.0512, 51.5512), Point(0.0612, 51.5512)], crs=4326).to_parquet(stream)
    assert "coordinates" in checks("a.parquet", stream.getvalue())


def test_files_packed_too_deeply_or_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = CLEAN_CSV
    for _ in range(12):
        nested = gzip.compress(nested)
    assert "unreadable" in checks("a.gz", nested)
    monkeypatch.setattr("commonground.disclosure.inspection.archives.MOST_BYTES", 1000)
    assert "unreadable" in checks("a.zip", packed(a_csv=HEADER + b"North,2019 Q1,25\n" * 100))
    assert "unreadable" in checks("a.csv.gz", gzip.compress(HEADER + b"North,2019 Q1,25\n" * 100))


# -- checks that need an expectation -----------------------------------------------------------------------------------


def test_corners_that_are_not_of_the_reference_boundaries_are_found(tmp_path: Path) -> None:
    known = Expectation(vertices=boundary_vertices(areas()))
    moved = {"type": "Polygon", "coordinates": [[[0.05, 51.55], [0.0567, 51.5512], [0.06, 51.56], [0.05, 51.55]]]}
    assert checks("a.geojson", geojson(moved), known) == {"coordinates"}
    assert checks("a.geojson", geojson(moved)) == set()
    script = page("<script>L.polygon([[51.55,0.05],[51.5512,0.0567],[51.56,0.06],[51.55,0.05]])</script>")
    assert "coordinates" in checks("a.html", script, known)
    shifted = areas().set_geometry(areas().translate(0.0001234))
    assert "coordinates" in checks("a.gpkg", geopackage(shifted, tmp_path), known)


def test_metres_are_compared_as_metres() -> None:
    metres = areas().to_crs(27700)
    known = Expectation(vertices=boundary_vertices(metres))
    whole = metres.to_json(to_wgs84=False, drop_id=True).encode()
    assert checks("a.geojson", whole, known) == set()
    moved = metres.set_geometry(metres.translate(25)).to_json(to_wgs84=False, drop_id=True).encode()
    assert checks("a.geojson", moved, known) == {"coordinates"}


def test_a_place_declared_public_may_be_shown() -> None:
    clinic = json.dumps({"type": "Point", "coordinates": [0.071234, 51.523417]}).encode()
    assert checks("a.geojson", clinic) == {"coordinates"}
    known = Expectation(vertices=boundary_vertices(areas()) | {(0.071234, 51.523417)})
    assert checks("a.geojson", clinic, known) == set()


def test_columns_that_were_not_declared_are_found(tmp_path: Path) -> None:
    known = Expectation(columns=frozenset({"area", "Quarter", "contacts"}))
    assert checks("a.csv", CLEAN_CSV, known) == set()
    frame = areas().assign(note="x")
    stream = io.BytesIO()
    frame.to_parquet(stream)
    table = "<table><tr><th>area</th><th>note</th></tr><tr><td>North</td><td>x</td></tr></table>"
    for name, data in {
        "a.csv": b"area,note\nNorth,x\n",
        "a.html": page(table),
        "a.md": b"| area | note |\n| --- | --- |\n| North | x |\n",
        "a.json": b'[{"area": "North", "note": "x"}]',
        "a.geojson": geojson(SQUARE, note="x"),
        "a.xlsx": workbook(lambda book: setattr(book.active["B2"], "value", "note")),
        "a.gpkg": geopackage(frame, tmp_path),
        "a.parquet": stream.getvalue(),
        "a.ipynb": notebook(code(shown(html=table))),
    }.items():
        assert "undeclared column" in checks(name, data, known), name


def test_small_counts_are_found_in_tables_of_every_kind(tmp_path: Path) -> None:
    known = Expectation(count_columns=frozenset({"contacts"}), k=8)
    small = areas().assign(contacts=[3, 30])
    stream = io.BytesIO()
    small.to_parquet(stream)
    table = "<table><tr><th>area</th><th>contacts</th></tr><tr><td>North</td><td> 7 </td></tr></table>"
    for name, data in {
        "a.csv": HEADER + b"North,2019 Q1,7\n",
        "a.html": page(table),
        "b.html": page('<script>var rows=[{"area":"North","contacts":3}]</script>'),
        "c.html": page('<script>var rows={"contacts":[25,3]}</script>'),
        "a.json": b'{"North": {"contacts": 3}}',
        "a.geojson": geojson(SQUARE, contacts=1),
        "a.xlsx": workbook(lambda book: setattr(book.active["C3"], "value", 3)),
        "a.gpkg": geopackage(small, tmp_path),
        "a.parquet": stream.getvalue(),
    }.items():
        assert "small number" in checks(name, data, known), name
    assert checks("a.csv", HEADER + b'North,2019 Q1,8\nSouth,2019 Q1,0\nEast,2019 Q3,"1,203"\n', known) == set()
    assert checks("a.csv", b"area,rate\nNorth,3\n", known) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("seen at 23:40", True),
        ("on 2019-03-02", True),
        ("on 02/03/2019", True),
        ("on 2 March 2019", True),
        ("from 2019-01-01 to 2019-03-31", False),
        ("2019 Q1, 25:1, 1.10.2, 31/02/2019", False),
        ("from 1 October 2013", False),
        ("in February 2019", False),
    ],
)
def test_times_finer_than_the_policy_are_found(text: str, found: bool) -> None:
    known = Expectation(finest_time="quarter")
    for name, data in {
        "a.txt": text.encode(),
        "a.html": page(f"<p>{text}</p>"),
        "a.json": json.dumps([text]).encode(),
    }.items():
        assert ("time" in checks(name, data, known)) is found, name


def test_month_ends_are_finer_than_years_and_declared_days_may_be_named() -> None:
    march = b"from 2019-03-01"
    assert checks("a.txt", march, Expectation(finest_time="month")) == set()
    assert checks("a.txt", march, Expectation(finest_time="year")) == {"time"}
    assert checks("a.txt", march, Expectation(finest_time="year", dates=frozenset({date(2019, 3, 1)}))) == set()


def test_phrases_may_be_allowed_one_by_one() -> None:
    assert checks("a.txt", f"call {PHONE}".encode(), Expectation(allowed=frozenset({PHONE}))) == set()
    assert checks("a.txt", b"call 07700 900124", Expectation(allowed=frozenset({PHONE}))) == {"personal data"}


def test_the_running_account_is_found_as_a_whole_word() -> None:
    known = Expectation(names=frozenset({"akeller"}))
    assert checks("a.txt", b"made by AKeller", known) == {"machine"}
    assert checks("a.txt", b"bakellery", known) == set()


def test_the_names_of_this_machine_are_taken_where_they_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "akeller")
    monkeypatch.setattr("socket.gethostname", lambda: "oak")
    assert Expectation().names == {"akeller"}
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    assert Expectation().names == frozenset()


def test_an_expectation_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="finest_time"):
        Expectation(finest_time="day")
    with pytest.raises(ValueError, match="give 2 or more"):
        Expectation(k=1)
    with pytest.raises(ValueError, match="coordinate reference system"):
        boundary_vertices(gpd.GeoSeries([box(0, 0, 1, 1)]))
    assert "51.5" not in repr(Expectation(vertices=boundary_vertices(areas())))


# -- folders -----------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_to_the_last_hidden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    (folder / ".checkpoints").mkdir(parents=True)
    (folder / "areas.csv").write_bytes(CLEAN_CSV)
    assert inspect_folder(folder) == ()
    (folder / ".checkpoints" / "old.csv").write_text(f"note\n{PHONE}\n", "utf-8")
    (folder / "large.csv").write_bytes(CLEAN_CSV * 100)
    monkeypatch.setattr("commonground.disclosure.inspection.walk.MOST_BYTES", 4_000)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "link.csv").symlink_to(tmp_path)
    found = {(finding.file, finding.check) for finding in inspect_folder(folder)}
    assert found == {
        (".checkpoints/old.csv", "personal data"),
        (".DS_Store", "unknown type"),
        ("large.csv", "unreadable"),
        ("link.csv", "machine"),
    }


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommonGroundError, match="no such folder"):
        inspect_folder(tmp_path / "none")


def test_many_alike_findings_are_cut_short_and_say_so() -> None:
    rows = b"".join(b"North,07700 9%05d,25\n" % i for i in range(3_000))
    found = inspect_bytes("a.csv", HEADER + rows)
    assert 1 <= len(found) <= 25
    features = geojson(*[LONE] * 50)
    many = inspect_bytes("a.geojson", features)
    assert many[-1].where == "further places"


def test_a_large_map_is_read_to_its_end() -> None:
    ring = [[0.05 + math.sin(i) / 90, 51.55 + math.cos(i) / 90] for i in range(30)]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    whole = page(f"<script>L.geoJSON({geojson(*[shape] * 1_000, area='North').decode()})</script>")
    assert len(whole) > 1_000_000
    found = inspect_bytes("map.html", whole, Expectation(needles=KNOWS.needles, vertices=boundary_vertices(areas())))
    assert {finding.check for finding in found} == {"coordinates"}  # corners that no boundary has


def test_the_tables_pandas_writes_pass() -> None:
    frame = pd.DataFrame({"area": ["E01006651"], "percent": [55.123], "ratio": [1.234], "low": [0.991]})
    stream = io.BytesIO()
    frame.to_excel(stream, index=False)
    for name, data in {
        "a.html": page(frame.to_html()),
        "a.csv": frame.to_csv(index=False).encode(),
        "a.json": frame.to_json(orient="records").encode(),
        "a.xlsx": stream.getvalue(),
        "a.txt": frame.to_string().encode(),
    }.items():
        assert inspect_bytes(name, data) == (), name
