"""Places where somebody would hide a value from the inspection, each tried; and ordinary files that look like them."""

from __future__ import annotations

import base64
import bz2
import codecs
import gzip
import io
import json
import lzma
import random
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from openpyxl.worksheet.datavalidation import DataValidation

from commonground.disclosure.inspection import Expectation, Needles, inspect, inspect_bytes
from commonground.disclosure.inspection.readers import READERS
from commonground.errors import CommonGroundError

SECRET = "person-7f3a9c21"
PHONE = "07700 900123"  # Ofcom's numbers for drama
SENTENCE = f"before {SECRET} after"
KNOWS = Expectation(needles=Needles([SECRET]))
CSV = b"area,contacts\nNorth,25\n"
POINT_HEX = shapely.to_wkb(shapely.Point(-0.071234, 51.523417), hex=True)
BIG_POINT_HEX = shapely.to_wkb(shapely.Point(-0.071234, 51.523417), hex=True, byte_order=0)


def checks(name: str, data: bytes, expectation: Expectation | None = None) -> set[str]:
    return {finding.check for finding in inspect_bytes(name, data, expectation)}


def page(body: str = "", head: str = "") -> bytes:
    return f'<!DOCTYPE html><html lang="en"><head><title>Areas</title>{head}</head><body>{body}</body></html>'.encode()


def png(kind: bytes, body: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 2, 8, 2, 0, 0, 0)), (kind, body), (b"IDAT", zlib.compress(b"\0" * 8))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")])


def zipped(*members: tuple[str, bytes], extra: bytes = b"", date: int = 1980) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (date, 1, 1, 0, 0, 0) if date == 1980 else (date, 5, 17, 22, 41, 0))
            info.extra = extra
            archive.writestr(info, content)
    return stream.getvalue()


def workbook(change: Callable[[openpyxl.Workbook], object]) -> bytes:
    book = openpyxl.Workbook()
    for row in (["area", "contacts"], ["North", 25], ["South", 30]):
        book.active.append(row)
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def choices(book: openpyxl.Workbook) -> None:
    listed = DataValidation(type="list", formula1='"North,South"')
    listed.add("A2:A9")
    book.active.add_data_validation(listed)


def notebook(cell: dict[str, object] | None = None, **top: object) -> bytes:
    plain = {"cell_type": "markdown", "metadata": {}, "source": "x"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [plain | (cell or {})]} | top
    ).encode()


def output(**more: object) -> bytes:
    return notebook({"cell_type": "code", "execution_count": 1, "outputs": [{"output_type": "display_data"} | more]})


def in_json(content: bytes) -> bytes:
    return json.dumps({"z": base64.b64encode(content).decode()}).encode()


def gzip_with(extra: bytes = b"", made: int = 0) -> bytes:
    raw = gzip.compress(CSV, mtime=made)
    return (
        raw
        if not extra
        else raw[:3] + bytes([raw[3] | 4]) + raw[4:10] + struct.pack("<H", len(extra)) + extra + raw[10:]
    )


def parquet(columns: dict[str, list[object]], note: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    table = pa.table(columns)
    if note:
        fields = [pa.field(field.name, field.type, metadata=note) for field in table.schema]
        table = table.cast(pa.schema(fields))
    pq.write_table(table, stream)
    return stream.getvalue()


def store(tmp_path: Path, *statements: str) -> bytes:
    path = tmp_path / "areas.gpkg"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        for statement in ("CREATE TABLE gpkg_contents (table_name TEXT)", *statements):
            database.execute(statement)
    database.close()
    return path.read_bytes()


def deflated(content: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(content) + machine.flush()


def shifted(text: str, start: int) -> str:
    """Write ASCII with the signs of another block of Unicode."""
    return "".join(chr(start + ord(sign)) for sign in text)


def digits(text: str, zero: int) -> str:
    return "".join(chr(zero + int(sign)) if sign.isdigit() else sign for sign in text)


CYRILLIC = SECRET.translate(str.maketrans("aeopc", "\u0430\u0435\u043e\u0440\u0441"))
OCTAL = "".join(f"\\{ord(sign):03o}" for sign in SECRET)
BRACES = "".join(f"\\u{{{ord(sign):x}}}" for sign in SECRET)
STYLE = "".join(f"\\{ord(sign):06x}" for sign in SECRET)
CODES = ",".join(str(ord(sign)) for sign in SENTENCE)

RAW: dict[str, tuple[str, bytes]] = {
    "digits of another script": ("a.txt", digits(SECRET, 0x660).encode()),
    "full-width letters": ("a.txt", shifted(SECRET, 0xFEE0).encode()),
    "letters that look alike": ("a.txt", CYRILLIC.encode()),
    "invisible tags": ("a.txt", shifted(SECRET, 0xE0000).encode()),
    "zero-width signs": ("a.txt", "\u200b".join(SECRET).encode()),
    "soft hyphens": ("a.txt", "\u00ad".join(SECRET).encode()),
    "entities twice": ("a.html", page("".join(f"&amp;#{ord(sign)};" for sign in SECRET))),
    "octal escapes": ("a.js", f"var a='{OCTAL}'".encode()),
    "escapes in braces": ("a.js", f"var a='{BRACES}'".encode()),
    "escapes of styles": ("a.css", f"a::after{{content:'{STYLE}'}}".encode()),
    "quoted-printable": ("a.txt", "".join(f"={ord(sign):02X}" for sign in SECRET).encode()),
    "character codes": ("a.html", page(f"<script>String.fromCharCode({CODES})</script>")),
    "base32": ("a.txt", base64.b32encode(SENTENCE.encode())),
    "hexadecimal with blanks": ("a.txt", SENTENCE.encode().hex(" ").encode()),
    "deflated in base64": ("a.json", in_json(deflated(SENTENCE.encode() * 5))),
    "one code in base64": ("a.json", json.dumps([base64.b64encode(SECRET.encode()).decode()]).encode()),
    "one code in base64, cut": ("a.txt", base64.b64encode(SECRET.encode()).rstrip(b"=")),
    "palette": ("a.png", png(b"PLTE", (SECRET * 3)[:45].encode())),
    "transparency": ("a.png", png(b"tRNS", SECRET.encode())),
    "after a workbook": ("a.xlsx", workbook(lambda book: None) + SECRET.encode()),
    "extra field of a member": ("a.zip", zipped(("a.csv", CSV), extra=b"\x99\x99\x0f\0" + SECRET.encode())),
    "extra field of gzip": ("a.csv.gz", gzip_with(SECRET.encode())),
    "note of a parquet column": ("a.parquet", parquet({"area": ["North"]}, {"note": SECRET})),
    "style variable": ("a.html", page(f'<p style="--who:{SECRET}">x</p>')),
    "class of a drawing": ("a.svg", f'<svg><g class="{SECRET}"/></svg>'.encode()),
    "three archives deep": ("a.zip", zipped(("b.zip", zipped(("c.zip", zipped(("d.csv", CSV + SECRET.encode()))))))),
}  # fmt: skip


@pytest.mark.parametrize("place", RAW)
def test_a_raw_value_is_found_in_a_hiding_place(place: str) -> None:
    name, data = RAW[place]
    assert "raw value" in checks(name, data, KNOWS)
    assert "raw value" not in checks(name, data, Expectation(needles=Needles(["person-00000000"])))


ANY: dict[str, tuple[str, bytes, str]] = {
    "phone in digits of another script": ("a.txt", digits(PHONE, 0x660).encode(), "personal data"),
    "phone in escapes of a style": (
        "a.html", page(head="<style>a::after{content:'" + "".join(f"\\{ord(c):06x}" for c in PHONE) + "'}</style>"),
        "personal data",
    ),
    "phone in a number format": (
        "a.xlsx", workbook(lambda book: setattr(book.active["A2"], "number_format", f'"{PHONE}"')), "personal data",
    ),
    "UTF-16": ("a.txt", SECRET.encode("utf-16"), "unreadable"),
    "UTF-16 in base64": ("a.json", in_json(SENTENCE.encode("utf-16-le")), "unreadable"),
    "reading order turned round": ("a.txt", "\u202eenohp".encode(), "hidden content"),
    "another encoding": ("a.html", page(head='<meta charset="utf-7">'), "unreadable"),
    "image set": (
        "a.html", page(head="<style>a{background:image-set('https://example.org/a.png' 1x)}</style>"),
        "external address",
    ),
    "escaped url of a style": (
        "a.html", page(head=r"<style>a{background:\75\72\6c(https://example.org/a.png)}</style>"), "external address",
    ),
    "picture named below": ("a.md", b"![m][1]\n\n[1]: https://example.org/a.png\n", "external address"),
    "attributes": ("a.svg", b'<svg><circle data-lat="51.523417" data-lon="-0.071234"/></svg>', "coordinates"),
    "drawing in degrees": ("a.svg", b'<svg viewBox="-1 50 2 3"><circle cx="-0.07" cy="51.52"/></svg>', "coordinates"),
    "drawing in metres": ("a.svg", b'<svg viewBox="538000 180000 2000 2000"><path/></svg>', "coordinates"),
    "two lists of a script": (
        "a.html", page("<script>var lat=[51.523417,51.53],lon=[-0.071234,-0.08]</script>"), "coordinates",
    ),
    "two lists": ("a.json", b'{"lat":[51.523417],"lon":[-0.071234]}', "coordinates"),
    "columns of a table": ("a.json", b'{"easting":[538914],"northing":[181123]}', "coordinates"),
    "texts": ("a.json", b'{"lat":"51.523417","lon":"-0.071234"}', "coordinates"),
    "texts of metres": ("a.json", b'{"e":"538914","n":"181123"}', "coordinates"),
    "millionths": ("a.json", b'{"lat_e6":51523417,"lon_e6":-71234}', "coordinates"),
    "one flat list": ("a.json", b"[51.523417,-0.071234,51.534123,-0.081234]", "coordinates"),
    "shape in hexadecimal": ("a.csv", f"area,shape\nNorth,{POINT_HEX}\n".encode(), "coordinates"),
    "shape, other byte order": ("a.json", json.dumps({"s": BIG_POINT_HEX}).encode(), "coordinates"),
    "geohash": ("a.csv", b"area,place\nNorth,gcpvj0duq53s\n", "coordinates"),
    "hexagon": ("a.csv", b"area,place\nNorth,8b194ad32167fff\n", "coordinates"),
    "plus code": ("a.csv", b"area,place\nNorth,9C3XGWFH+9G2\n", "coordinates"),
    "three words": ("a.csv", b"area,what3words\nNorth,filled.count.soap\n", "coordinates"),
    "grid columns": ("a.csv", b"area,Grid E,Grid N\nNorth,538914,181123\n", "coordinates"),
    "columns of any name": ("a.csv", b"a,area,b\n51.523417,North,-0.071234\n", "coordinates"),
    "a second table below": ("a.csv", CSV + b"\nlat,lon\n51.523417,-0.071234\n", "coordinates"),
    "columns of a sheet": (
        "a.xlsx", workbook(lambda book: book.active.append([51.523417, -0.071234])), "coordinates",
    ),
    "named metres": ("a.txt", b"easting 538914 northing 181123", "coordinates"),
    "letters and metres": ("a.txt", b"E538914 N181123", "coordinates"),
    "degrees and minutes": ("a.txt", "51\u00b031'24.3\"N 0\u00b004'16.4\"W".encode(), "coordinates"),
    "geo address": ("a.txt", b"geo:51.523417,-0.071234", "coordinates"),
    "a road": (
        "a.geojson", b'{"type":"LineString","coordinates":[[0.071234,51.523417],[0.0713,51.5235]]}', "coordinates",
    ),
    "a house": (
        "a.geojson",
        b'{"type":"Polygon","coordinates":[[[0.0712,51.5234],[0.0713,51.5234],[0.0713,51.5235],[0.0712,51.5234]]]}',
        "coordinates",
    ),
    "cells that hold objects": ("a.parquet", parquet({"p": [{"lat": 51.523417, "lon": -0.071234}]}), "coordinates"),
    "picture data of a notebook": (
        "a.ipynb", output(data={"application/vnd.plotly.v1+json": {"data": [{"lat": [51.523], "lon": [-0.0712]}]}}),
        "coordinates",
    ),
    "unknown key of a notebook": ("a.ipynb", notebook(notes=PHONE), "personal data"),
    "unknown key of a cell": ("a.ipynb", notebook({"note": PHONE}), "hidden content"),
    "unknown key of an output": ("a.ipynb", output(data={}, note=PHONE), "hidden content"),
    "formula in full width": ("a.csv", "area,n\n\uff1d1+1,25\n".encode(), "formula"),
    "list of choices": ("a.xlsx", workbook(choices), "hidden content"),
    "number format that shows nothing": (
        "a.xlsx", workbook(lambda book: setattr(book.active["B2"], "number_format", ";;;")), "hidden content",
    ),
    "column of no width": (
        "a.xlsx", workbook(lambda book: setattr(book.active.column_dimensions["B"], "width", 0.1)), "hidden content",
    ),
    "row of no height": (
        "a.xlsx", workbook(lambda book: setattr(book.active.row_dimensions[2], "height", 0.5)), "hidden content",
    ),
    "chunk longer than it can be": ("a.png", png(b"gAMA", b"more than four bytes"), "hidden content"),
    "one name twice": ("a.zip", zipped(("a.csv", CSV), ("b.csv", CSV)).replace(b"b.csv", b"a.csv"), "hidden content"),
    "name with backslashes": ("a.zip", zipped(("..\\..\\a.csv", CSV)), "machine"),
    "bzip2 in base64": ("a.json", in_json(bz2.compress(SENTENCE.encode())), "unknown type"),
    "xz in base64": ("a.json", in_json(lzma.compress(SENTENCE.encode())), "unknown type"),
}  # fmt: skip


@pytest.mark.parametrize("place", ANY)
def test_what_is_wrong_in_any_file_is_found_in_a_hiding_place(place: str) -> None:
    name, data, expected = ANY[place]
    assert expected in checks(name, data), place


def test_an_index_of_boxes_without_its_table_is_found(tmp_path: Path) -> None:
    boxes = (
        "CREATE VIRTUAL TABLE rtree_x_geom USING rtree(id, a, b, c, d)",
        "INSERT INTO rtree_x_geom VALUES (1,0,1,0,1)",
    )
    assert "hidden content" in checks("a.gpkg", store(tmp_path, *boxes))
    view = f"CREATE VIEW more AS SELECT '{PHONE}' AS note"
    assert {"hidden content", "personal data"} <= checks("a.gpkg", store(tmp_path, view))


MADE = {
    "picture": ("a.png", png(b"tIME", struct.pack(">HBBBBB", 2024, 5, 17, 22, 41, 0))),
    "archive": ("a.zip", zipped(("a.csv", CSV), date=2024)),
    "gzip": ("a.csv.gz", gzip_with(made=1_700_000_000)),
    "workbook": ("a.xlsx", workbook(lambda book: setattr(book.properties, "created", datetime(2024, 5, 17, 22, 41)))),
    "page": ("a.html", page(head='<meta name="date" content="2024-05-17 22:41">')),
    "drawing": ("a.svg", b"<svg><metadata><date>2024-05-17T22:41:00</date></metadata></svg>"),
}


@pytest.mark.parametrize("kind", MADE)
def test_when_a_file_was_made_is_found_where_it_may_not_say_so(kind: str) -> None:
    name, data = MADE[kind]
    assert "time" not in checks(name, data)
    assert "time" in checks(name, data, Expectation(made=False))


@pytest.mark.parametrize(
    ("finest", "period", "found"),
    [
        ("quarter", "2023-05", True),
        ("quarter", "May 2023", True),
        ("quarter", "2023 Q2", False),
        ("year", "2023 Q2", True),
        ("year", "2023", False),
        ("month", "2023-05", False),
    ],
)
def test_counts_by_a_period_finer_than_the_policy_are_found(finest: str, period: str, found: bool) -> None:
    known = Expectation(count_columns=frozenset({"contacts"}), finest_time=finest)
    assert ("time" in checks("a.csv", f"period,contacts\n{period},25\n".encode(), known)) is found
    assert "time" not in checks("a.csv", f"period,source\n{period},scheme\n".encode(), known)


def test_ordinary_files_that_look_like_hiding_places_pass() -> None:
    strict = Expectation(needles=KNOWS.needles, made=False)
    for name, data in {
        "greek.txt": "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1 \u0438 \u041c\u043e\u0441\u043a\u0432\u0430".encode(),
        "chart.svg": b'<svg viewBox="0 0 648 104"><path d="M52.1234 1.2345L55.0 2.0"/><g x="1.1" y="52.25"/></svg>',
        "icon.svg": b'<svg viewBox="0 0 24 32"><circle cx="12" cy="11.5" r="4"/></svg>',
        "rates.csv": b"area,percent,ratio\nNorth,55.123,1.234\nSouth,52.1,1.9\n",
        "large.csv": b"borough,residents,addresses\nNorth,312000,141000\nSouth,290123,130456\n",
        "ages.json": b'{"ages":[18,25,35,45,55,65,75,85,95],"labels":["18 to 24","25 and over"]}',
        "words.csv": b"area,team\nNorth,outreachteam\nSouth,gcseclass\n",
        "code.js": b"var re=/\\bda\\d+\\s/,s='\\u00a0\\u2028',t=s.replace(/a/g,'\\\\'),lat=0,lon=0;",
        "page.css": b".icon::before{content:'\\201c\\00a0'}a{background:url(images/a.png)}",
        "names.md": b"![A map](map.png) and [a link][1]\n\n[1]: https://example.org/report\n",
        "hash.json": json.dumps({"sha256": "01" + "ab" * 31}).encode(),
        "area.zip": zipped(("a.csv", CSV)),
    }.items():
        assert inspect_bytes(name, data, strict) == (), name


def test_what_the_inspection_does_not_see_is_what_it_says() -> None:
    """The notes of `inspect_bytes`: values changed by arithmetic or encryption. Each line here is a limit."""
    for hidden in (SECRET[::-1], codecs.encode(SECRET, "rot13"), base64.b85encode(SENTENCE.encode()).decode()):
        assert checks("a.txt", hidden.encode(), KNOWS) == set()


def test_a_damaged_file_is_a_finding_and_never_an_error(tmp_path: Path) -> None:
    """Bytes changed at random, files cut short, and a shape with a curve."""
    whole = {
        "a.xlsx": workbook(lambda book: None), "a.png": png(b"tEXt", b"Title\0x"), "a.zip": zipped(("a.csv", CSV)),
        "a.gz": gzip_with(), "a.parquet": parquet({"area": ["North"]}), "a.ipynb": notebook(), "a.json": b'{"a":[1]}',
        "a.gpkg": store(tmp_path, "CREATE TABLE x (b BLOB)", "INSERT INTO x VALUES (x'0108000000')"), "a.html": page(),
    }  # fmt: skip
    chance = random.Random(7)
    for name, data in whole.items():
        for _ in range(40):
            spoiled = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            inspect_bytes(name, bytes(spoiled[: chance.randint(1, len(spoiled))]))
    curve = "CREATE TABLE x (b BLOB)", f"INSERT INTO x VALUES (x'{struct.pack('<BII', 1, 8, 0).hex()}')"
    assert "unknown type" in checks("a.gpkg", store(tmp_path, *curve))


def test_a_reader_that_stumbles_has_not_read_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> Iterator[object]:
        raise LookupError(data)

    monkeypatch.setitem(READERS, ".csv", broken)
    assert checks("a.csv", CSV) == {"unreadable"}
    assert CSV.decode() not in repr(inspect_bytes("a.csv", CSV))


@pytest.mark.parametrize(
    "name",
    ["a.pdf", "a.jpg", "a.webp", "a.tif", "a.xls", "a.xlsm", "a.docx", "a.ods", "a.kml", "a.gml", "a.shp", "a.dbf",
     "a.feather", "a.npy", "a.pkl", "a.sqlite", "a.xml", "a.log", "a.tar", "a.7z", "a.bz2", "a.xz", "a.exe", "a.woff2",
     "a", ".hidden"],
)  # fmt: skip
def test_every_other_kind_of_file_is_refused(name: str) -> None:
    assert "unknown type" in checks(name, b"x")


def test_one_function_reads_a_file_or_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.csv").write_bytes(CSV)
    assert inspect(folder) == inspect(folder / "a.csv") == ()
    (folder / "notes.txt").write_text(f"call {PHONE}", "utf-8")
    assert [finding.check for finding in inspect(folder)] == ["personal data"]
    assert [finding.file for finding in inspect(folder / "notes.txt")] == ["notes.txt"]
    (folder / SECRET).mkdir()
    assert {finding.check for finding in inspect(folder, expectation=KNOWS)} == {"personal data", "raw value"}
    assert SECRET not in repr(inspect(folder, expectation=KNOWS))
    with pytest.raises(CommonGroundError, match="no such file or folder"):
        inspect(tmp_path / "none")
