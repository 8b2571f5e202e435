"""Every file of the canary town's release is attacked, and a file of each kind spoiled on purpose is caught."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
from shapely.geometry import Point

from commonground.disclosure.inspection import inspect, inspect_bytes
from commonground.errors import NotReleasable
from commonground.release.writer import write_release

Spoiler = Callable[[bytes, str], bytes]


# -- spoiling a file ---------------------------------------------------------------------------------------------------


def before(end: bytes, data: bytes, more: str) -> bytes:
    """Put a text before the last occurrence of an ending."""
    head, found, tail = data.rpartition(end)
    assert found, "the file does not end as expected"
    return head + more.encode() + found + tail


def packed(text: str) -> str:
    return base64.b64encode(f"somebody was {text} here".encode()).decode()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    return data[:33] + chunk(kind, body) + data[33:]  # after the header


def as_table(data: bytes, change: Callable[[list[list[str]]], None]) -> bytes:
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    change(rows)
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def column(data: bytes, text: str) -> bytes:
    def add(rows: list[list[str]]) -> None:
        for at, row in enumerate(rows):
            row.append(text if at else "ref")

    return as_table(data, add)


def book(data: bytes, change: Callable[[openpyxl.Workbook], object]) -> bytes:
    opened = openpyxl.load_workbook(io.BytesIO(data))
    change(opened)
    out = io.BytesIO()
    opened.save(out)
    return out.getvalue()


def part(data: bytes, name: str, content: str) -> bytes:
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def hidden_sheet(opened: openpyxl.Workbook, text: str) -> None:
    sheet = opened.create_sheet("more")
    sheet.append([text])
    sheet.sheet_state = "veryHidden"


def keyed(data: bytes, value: Callable[[str], object], text: str) -> bytes:
    return json.dumps(json.loads(data) | {"more": value(text)}).encode()


# How a renderer of each kind of file could go wrong. A new kind of file must be taught to this table.
SPOILERS: dict[str, dict[str, Spoiler]] = {
    ".html": {
        "comment": lambda data, text: before(b"</body>", data, f"<!-- {text} -->"),
        "data attribute": lambda data, text: before(b"</body>", data, f'<p data-ref="{escape(text)}">x</p>'),
        "script": lambda data, text: before(b"</body>", data, f"<script>var more={json.dumps([text])}</script>"),
        "packed script": lambda data, text: before(b"</body>", data, f"<script>var more='{packed(text)}'</script>"),
        "json": lambda data, text: before(
            b"</body>", data, f'<script type="application/json">{json.dumps({"a": {"b": text}})}</script>'
        ),
        "meta": lambda data, text: before(b"</head>", data, f'<meta name="description" content="{escape(text)}">'),
        "frame": lambda data, text: before(b"</body>", data, f'<iframe srcdoc="{escape(f"<p>{text}</p>")}"></iframe>'),
        "hidden": lambda data, text: before(b"</body>", data, f"<p hidden>{escape(text)}</p>"),
    },
    ".svg": {
        "metadata": lambda data, text: before(b"</svg>", data, f"<metadata>{escape(text)}</metadata>"),
        "description": lambda data, text: before(b"</svg>", data, f"<desc>{escape(text)}</desc>"),
        "comment": lambda data, text: before(b"</svg>", data, f"<!-- {text} -->"),
        "attribute": lambda data, text: before(b"</svg>", data, f'<g aria-label="{escape(text)}"/>'),
    },
    ".png": {
        "text": lambda data, text: with_chunk(data, b"tEXt", b"Title\0" + text.encode()),
        "packed text": lambda data, text: with_chunk(data, b"zTXt", b"Title\0\0" + zlib.compress(text.encode())),
        "international text": lambda data, text: with_chunk(data, b"iTXt", b"Title\0\0\0en\0\0" + text.encode()),
        "after the end": lambda data, text: data + text.encode(),
    },
    ".csv": {
        "column": column,
        "row": lambda data, text: as_table(data, lambda rows: rows.append([text, *rows[-1][1:]])),
        "heading": lambda data, text: as_table(data, lambda rows: rows[0].append(text)),
    },
    ".xlsx": {
        "hidden sheet": lambda data, text: book(data, lambda opened: hidden_sheet(opened, text)),
        "cell": lambda data, text: book(data, lambda opened: opened.worksheets[-1].append([text])),
        "property": lambda data, text: book(data, lambda opened: setattr(opened.properties, "keywords", text)),
        "custom property": lambda data, text: part(data, "docProps/custom.xml", f"<p>{escape(text)}</p>"),
        "unknown part": lambda data, text: part(data, "xl/more.json", json.dumps({"a": [text]})),
    },
    ".json": {
        "value": lambda data, text: keyed(data, lambda t: t, text),
        "packed": lambda data, text: keyed(data, packed, text),
        "json in json": lambda data, text: keyed(data, lambda t: json.dumps({"b": json.dumps([t])}), text),
    },
    ".txt": {"line": lambda data, text: data + text.encode() + b"\n"},
}


IN_EVERY_PLACE = ("the lone person", "the road in degrees", "a note")


def kinds(files: dict[str, bytes]) -> dict[tuple[str, str], str]:
    """Return one file for each folder and kind of the release: whatever is rendered later is covered too."""
    found: dict[tuple[str, str], str] = {}
    for name in files:
        path = PurePosixPath(name)
        found.setdefault((str(path.parent), path.suffix), name)
    return found


def secrets(canary: Any) -> dict[str, tuple[str, set[str]]]:
    """Return what must not leave, each with the checks of which one must name it."""
    road = gpd.GeoSeries([Point(canary.road)], crs=27700).to_crs(4326).iloc[0]
    birds = canary.birds
    return {
        "the lone person": (birds["lone"], {"raw value"}),
        "the person in seven months": (birds["monthly"], {"raw value"}),
        "the flat": (birds["flat"], {"raw value"}),
        "the road in metres": (f"{canary.road[0]}, {canary.road[1]}", {"raw value", "coordinates"}),
        "the road in degrees": (f"{road.y:.5f}, {road.x:.5f}", {"raw value", "coordinates"}),
        "a note": (f"{birds['words']}, ring {birds['phone']}", {"raw value"}),
        "a telephone number": (birds["phone"], {"personal data"}),
        "a moment": ("2023-06-21 22:41", {"time"}),
        "midnight": ("2023-06-21T00:00", {"time"}),
        "a day": ("21 June 2023", {"time"}),
        "a path": ("/home/finch/contacts.csv", {"machine"}),
    }


# -- the release as it is ----------------------------------------------------------------------------------------------


def test_every_kind_of_file_that_a_release_holds_can_be_spoiled_here(canary: Any) -> None:
    found = {suffix for _, suffix in kinds(canary.files())}
    assert {".html", ".svg", ".png", ".csv", ".xlsx", ".json"} <= found
    assert found <= set(SPOILERS), "teach this file how a renderer of the new kind could go wrong"


def test_nothing_is_found_in_the_release(canary: Any) -> None:
    """The writer attacked it with all that is known of the live data; here as a stranger with the folder would."""
    assert inspect(canary.out) == ()
    assert inspect(canary.out / "manifest.json", expectation=canary.expectation) == ()


def test_no_canary_is_in_any_file_however_it_is_read(canary: Any) -> None:
    """Without the inspection: the words of the files, packed ones unpacked."""
    text = "\n".join(readable(name, data) for name, data in canary.files().items()).casefold()
    assert "finch" in text  # the search does read them
    for bird in (*canary.birds.values(), *map(str, canary.road), *map(str, canary.edge)):
        assert bird.casefold() not in text
    raw = canary.study.located("contacts").frame
    for column_ in ("person", "premises", "event"):
        assert not [value for value in raw[column_].dropna().unique() if value.casefold() in text]


def test_no_date_of_a_record_is_in_any_file(canary: Any) -> None:
    """Exact dates link a release to a police log; only declared days may be named."""
    text = "\n".join(readable(name, data) for name, data in canary.files().items())
    declared = {day.isoformat() for day in canary.expectation.dates}
    days = canary.study.located("contacts").frame["start"].dt.normalize().drop_duplicates()
    others = [day for day in days if f"{day:%Y-%m-%d}" not in declared]
    assert len(others) > 100
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%-d %B %Y", "%-d %b %Y", "%B %-d, %Y", "%Y%m%d"):
        there = [written for day in others if (written := f"{day:{form}}") in text]
        assert not [w for w in there if re.search(rf"(?<!\d){re.escape(w)}(?!\d)", text)], form
    day = others[0]
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%-d %B %Y"):
        leak = f"block,contacts,first\r\nFinch 6,25,{day:{form}}\r\n".encode()
        assert "time" in {finding.check for finding in inspect_bytes("a.csv", leak, canary.expectation)}


def readable(name: str, data: bytes) -> str:
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "\n".join(archive.read(member).decode("utf-8", "replace") for member in archive.namelist())
    texts = [data.decode("utf-8", "replace")]
    for match in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data):
        texts.append(base64.b64decode(match).decode("utf-8", "replace"))
    return "\n".join(texts)


# -- renderers that do wrong -------------------------------------------------------------------------------------------


def refused(name: str, data: bytes, canary: Any, tmp_path: Path) -> str:
    """Return what the writer says when it is given a spoiled file; nothing may be written."""
    with pytest.raises(NotReleasable, match="nothing was written") as caught:
        write_release(
            tmp_path / "out", {name: data}, origins=[canary.contents.registered], expectation=canary.expectation
        )
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


@pytest.mark.parametrize("secret", ["the lone person", "the road in degrees"])
def test_the_writer_refuses_a_spoiled_file_of_every_kind(secret: str, canary: Any, tmp_path: Path) -> None:
    text, expected = secrets(canary)[secret]
    files = canary.files()
    for (_, suffix), name in kinds(files).items():
        place, spoil = next(iter(SPOILERS[suffix].items()))
        other = name.replace("manifest", "more")  # the manifest itself is the writer's
        said = refused(other, spoil(files[name], text), canary, tmp_path)
        assert any(f": {check}: " in said for check in expected), (name, place)
        assert text not in said


def cases(canary: Any) -> Iterator[tuple[str, str, str]]:
    """Every secret in one place of most kinds of file, three of them in every place: file, place, secret."""
    files = canary.files()
    for suffix in sorted({suffix for _, suffix in kinds(files)}):
        name = min((name for name in files if name.endswith(suffix)), key=lambda name: len(files[name]))
        first, *others = SPOILERS[suffix]
        every = IN_EVERY_PLACE if suffix in (".xlsx", ".json") else secrets(canary)  # large; read as others are
        yield from ((name, first, secret) for secret in every)
        yield from ((name, place, secret) for place in others for secret in IN_EVERY_PLACE)


def test_every_secret_is_found_wherever_a_renderer_puts_it(canary: Any) -> None:
    files, known = canary.files(), secrets(canary)
    missed = []
    for name, place, secret in cases(canary):
        text, expected = known[secret]
        spoiled = SPOILERS[PurePosixPath(name).suffix][place](files[name], text)
        if not {finding.check for finding in inspect_bytes(name, spoiled, canary.expectation)} & expected:
            missed.append((name, place, secret))
    assert missed == []
