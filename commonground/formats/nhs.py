"""Where are the clinics and pharmacies on the NHS's published lists?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from commonground.errors import RecordsError
from commonground.formats.coverage import no_spans
from commonground.formats.degrees import read_degrees
from commonground.formats.opening import file_bytes
from commonground.formats.refusals import refusal
from commonground.formats.text import read_text
from commonground.records.model import Records

__all__ = ["CITATION", "read_nhs_clinics", "read_nhs_pharmacies"]

CITATION = (
    "NHS organisation lists, NHS Choices and NHS website. "
    "Contains public sector information licensed under the Open Government Licence v3.0."
)
CLINIC_COLUMNS = {"OrganisationID": "id", "OrganisationName": "name", "Longitude": "x", "Latitude": "y"}
PHARMACY_WIDTH = 10  # code, name, three of address, town, postcode, telephone, latitude, longitude
PHARMACY_COLUMNS = {"0": "id", "1": "name", "9": "x", "8": "y"}


def read_nhs_clinics(source: Any) -> Records:
    """Read the NHS list of clinics (separator byte 0xAC, Latin-1).

    Parameters
    ----------
    source : path
        The csv file; any separator and encoding that `read_table` reads.

    Returns
    -------
    Records
        kind services, crs EPSG:4326. service (``clinic``), name, x, y (longitude and latitude, missing where the list
        has none), source. A clinic that is listed several times, once for each telephone or e-mail, is read once.
        Telephones, faxes, e-mails, web pages, addresses and postcodes are not read.

    Raises
    ------
    RecordsError
        For missing columns, rows of the wrong width, or coordinates that cannot be right.
    """
    path = Path(source)
    table, notes = read_text(file_bytes(path), path.name, columns=list(CLINIC_COLUMNS))
    return _services(table.rename(columns=CLINIC_COLUMNS), path.name, service="clinic", notes=notes)


def read_nhs_pharmacies(source: Any) -> Records:
    """Read the NHS list of pharmacies, which has no header.

    Parameters
    ----------
    source : path
        The csv file: code, name, three lines of address, town, postcode, telephone, latitude, longitude.

    Returns
    -------
    Records
        As `read_nhs_clinics`, with service ``pharmacy``.

    Raises
    ------
    RecordsError
        When rows do not have 10 cells, or coordinates cannot be right.
    """
    path = Path(source)
    table, notes = read_text(file_bytes(path), path.name, header=False)
    if len(table.columns) != PHARMACY_WIDTH:
        rule = f"has {len(table.columns)} columns; the pharmacy list has {PHARMACY_WIDTH} and no header"
        raise refusal(path.name, rule, "Download the list again.")
    table = table[list(PHARMACY_COLUMNS)].rename(columns=PHARMACY_COLUMNS)
    return _services(table, path.name, service="pharmacy", notes=notes)


def _services(table: pd.DataFrame, file: str, *, service: str, notes: tuple[str, ...]) -> Records:
    x, y, problems = read_degrees(table["x"], table["y"], file)
    if problems:
        raise RecordsError(f"{file} has rows that cannot be read; nothing was read.", problems)
    listed = table.assign(x=x, y=y)
    unique = listed[~listed.duplicated() | listed["id"].isna()]
    shared = int(unique["id"].dropna().duplicated().sum())
    said = (
        (len(listed) - len(unique), "row(s) repeat an ID, name and place and were read once"),
        (shared, "row(s) repeat an ID under another name or place; all were kept"),
        (int(unique["x"].isna().sum()), f"{service} row(s) have no coordinates; they are kept, and on no map"),
    )
    frame = unique[["name", "x", "y"]].assign(service=service, source=f"NHS list: {file}").reset_index(drop=True)
    return Records(
        "services",
        frame[["service", "name", "x", "y", "source"]],
        no_spans(),
        crs="EPSG:4326",
        published=CITATION,
        notes=(*notes, *(f"{file}: {count} {text}." for count, text in said if count)),
    )
