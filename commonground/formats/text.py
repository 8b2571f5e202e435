"""What does a text table hold, whatever its encoding and separator?"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter, deque
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from commonground.errors import Problem, RecordsError
from commonground.formats.headers import find_header, read_header
from commonground.formats.refusals import NoRowsError, refusal, row_problems

__all__ = ["read_text"]

SEPARATORS = (",", ";", "\t", "|", "\xac")  # 0xAC is what the NHS organisation lists use
SAMPLE = 1 << 16  # bytes looked at for separator and header
BLOCK = 1 << 22  # bytes; Arrow needs every row, quoted newlines included, to fit into one block
UNIT_SEPARATOR = "\x1f"  # stands in for 0xAC, which is two bytes in UTF-8; Arrow takes one


def read_text(
    raw: bytes, file: str, *, columns: Sequence[str] | None = None, header: bool = True
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    r"""Read a separated text table, every cell as text.

    Nothing is guessed about the kind of a column: leading zeros stay, empty cells are missing. UTF-8 (with or without a
    byte-order mark), UTF-16 with one, Windows-1252 and Latin-1; separators comma, semicolon, tab, bar and byte 0xAC;
    quoted separators and newlines; a title block above the header.

    Parameters
    ----------
    raw : bytes
        The file; gzip is unpacked.
    file : str
        Name for messages.
    columns : sequence of str, optional
        Read only these.
    header : bool
        False for a table that starts with its first record; columns are then named ``"0"``, ``"1"``, ...

    Returns
    -------
    frame : DataFrame
        Columns of dtype ``str``. The index is the row of the data from 0, so that ``index + 1`` names a row; unless
        ``columns`` is given, rows in which every cell is empty are left out.
    notes : tuple of str

    Raises
    ------
    RecordsError
        For an empty or damaged file, mixed encodings, rows of the wrong width, and all that `read_header` refuses.

    Examples
    --------
    >>> frame, notes = read_text(b"id;place\n007;\n", "sites.csv")
    >>> frame["id"].tolist(), frame["place"].isna().tolist()
    (['007'], [True])
    """
    raw = _unzipped(raw, file)
    utf8, notes = _to_utf8(raw, file)
    if not utf8 or utf8.isspace():
        raise refusal(file, "is empty", "Export it again.")
    if b"\0" in utf8:
        raise refusal(file, "is not a text table (it holds zero bytes)", "Save it as CSV in UTF-8, or name it .xlsx.")
    sample = utf8[:SAMPLE].decode("utf-8", errors="ignore")
    separator = _separator(sample)
    rows = _sample_rows(sample, separator, whole=len(utf8) <= SAMPLE)
    skipped, cells = 0, [str(position) for position in range(len(rows[0][1]))]
    if header:
        start = _header_position([cells for _, cells in rows])
        skipped, cells = rows[start]
        if start:
            notes = (*notes, f"{file}: {start} row(s) above the table (a title block) were not read.")
    found = read_header(cells, file, columns=columns)
    names = [f"column {position}" for position in range(len(cells))]
    frame = _parse(utf8, file, separator, names, skipped, [names[position] for position in found.positions])
    frame.columns = pd.Index(found.names)
    filled = frame.notna().any(axis="columns") if columns is None else pd.Series(True, index=frame.index)
    if not filled.any():
        raise NoRowsError(
            f"{file} cannot be read; nothing was read.",
            [Problem(None, file, "has a header and no rows", "Export it again, or leave the file out.")],
        )
    return frame.loc[filled], (*notes, *found.notes)


def _unzipped(raw: bytes, file: str) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        if raw and file.casefold().endswith(".gz"):
            raise refusal(file, "is not a gzip file", "Download it again, or take .gz off its name.")
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error):
        raise refusal(file, "is a damaged or cut-off gzip file", "Download or copy it again.") from None


def _to_utf8(raw: bytes, file: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the file as UTF-8 without a byte-order mark, and what had to be assumed."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if raw.startswith(mark):
            try:
                return raw.decode("utf-16").encode(), ()
            except UnicodeDecodeError:
                raise refusal(file, "is damaged UTF-16", "Save it again as CSV in UTF-8.") from None
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if _decodes(raw, "utf-8"):
        return raw, ()
    _refuse_mixture(raw, file)
    encoding, label = ("cp1252", "Windows-1252") if _decodes(raw, "cp1252") else ("latin-1", "Latin-1")
    return raw.decode(encoding).encode(), (f"{file} is not UTF-8; it was read as {label}.",)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_mixture(raw: bytes, file: str) -> None:
    """Refuse a file whose lines cannot all be in one encoding: one reading of it would garble the other half."""
    lines = [(number, line) for number, line in enumerate(raw.split(b"\n")) if not line.isascii()]
    modern = [number for number, line in lines if _decodes(line, "utf-8")]
    if not modern:
        return
    older = [number for number, line in lines if not _decodes(line, "utf-8")]
    rule = f"mixes encodings: {len(modern)} line(s) are UTF-8 and {len(older)} are Windows-1252 or Latin-1"
    first = min(modern, older, key=len)[0]
    raise refusal(file, rule, "Save each part as UTF-8 before joining them; this row is the first.", row=max(first, 1))


def _separator(sample: str) -> str:
    """Return the separator that cuts the largest share of rows to one width above 1; of equals, the wider."""
    best, most = ",", (0.0, 0)
    for candidate in SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=candidate) if row)
        width, rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1 and (rows / widths.total(), width) > most:
            best, most = candidate, (rows / widths.total(), width)
    return best


def _sample_rows(sample: str, separator: str, *, whole: bool) -> list[tuple[int, list[str]]]:
    """Return (number of the row's last line, cells) of the first rows, blank lines left out."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    rows = [(reader.line_num, cells) for cells in reader if cells]
    return rows if whole or len(rows) == 1 else rows[:-1]


def _header_position(rows: list[list[str]]) -> int:
    """Return 0, unless the first row fills less than half the usual width: then it belongs to a title block."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if 2 * sum(bool(cell.strip()) for cell in rows[0]) >= width:
        return 0
    return find_header([cells[:width] for cells in rows])  # cells beyond it are a fault of their row


def _parse(utf8: bytes, file: str, separator: str, names: list[str], skipped: int, wanted: list[str]) -> pd.DataFrame:
    if utf8.count(b'"') % 2 and _quote_left_open(utf8, separator):
        rule = "has a quotation mark that is opened and never closed"
        raise refusal(file, rule, "Close it, or save the file again from the program it came from.")
    if separator == "\xac":
        utf8, separator = utf8.replace(b"\xc2\xac", UNIT_SEPARATOR.encode()), UNIT_SEPARATOR
    ragged: list[int] = []

    def note_ragged(row: arrow_csv.InvalidRow) -> str:
        ragged.append(int(row.number or 0))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(utf8),
            # one thread: only then does Arrow number the rows it complains about
            arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names, skip_rows=skipped),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=note_ragged),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=wanted,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:  # its message quotes the row
        raise refusal(file, "is damaged: a row cannot be cut into cells", "Export the file again.") from None
    if ragged:
        rule = f"does not have the header's {len(names)} cells"
        advice = "Put cells that hold the separator in quotation marks, or export the file again."
        problems = row_problems((number - skipped for number in ragged), file, rule, advice)
        raise RecordsError(f"{len(ragged)} row(s) of {file} have the wrong width; nothing was read.", problems)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _quote_left_open(utf8: bytes, separator: str) -> bool:
    """Add one more row at the end and see whether it comes out as a row."""
    sentinel = "\x1e"
    rows = csv.reader(io.StringIO(f"{utf8.decode()}\n{sentinel}", newline=""), delimiter=separator)
    try:
        last = deque(rows, maxlen=1)
    except csv.Error:  # a cell longer than any cell: everything after the open mark
        return True
    return last[0] != [sentinel]
