"""Read a SAS transport file (XPT, version 5 or 8) into columns, without losing a row or a zero.

The format is that of SAS technical note TS-140 and its successor for version 8: records of 80 bytes, a
description of 140 bytes for each variable, numbers in IBM's hexadecimal floating point. A reader of our own,
because other libraries give 5.4e-79 for zero, drop or invent trailing rows of blanks, and are not needed for
anything else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector

XportColumn: TypeAlias = "NDArray[np.float64] | list[str]"
RECORD = 80
_LIBRARY = (b"HEADER RECORD*******LIBRARY ", b"HEADER RECORD*******LIBV8   ")
_MEMBER = (b"HEADER RECORD*******MEMBER  ", b"HEADER RECORD*******MEMBV8  ")
_VARIABLES = (b"HEADER RECORD*******NAMESTR ", b"HEADER RECORD*******NAMSTV8 ")
_ROWS = (b"HEADER RECORD*******OBS     ", b"HEADER RECORD*******OBSV8   ")
_EPOCH = date(1960, 1, 1)
_DATES = ("DATE", "DDMMYY", "MMDDYY", "YYMMDD", "E8601DA", "IS8601DA", "B8601DA", "WEEKDATE", "WORDDATE")
_MOMENTS = ("DATETIME", "E8601DT", "IS8601DT", "B8601DT")


@dataclass(frozen=True)
class _Variable:
    name: str
    text: bool
    start: int
    length: int
    format: str


def read_xport(raw: bytes, file: str, findings: FindingCollector) -> Mapping[str, XportColumn] | None:
    """Return the columns of the one data set of a transport file; report what is wrong.

    Numbers are float64, NaN where missing; texts are without trailing blanks; dates and moments are ISO 8601
    text. Where a file holds text columns only, trailing rows of blanks cannot be told from the padding of the
    last record: that is a finding, for a numeric column settles it.
    """
    if not raw.startswith(_LIBRARY):
        findings.add(
            file, "", "no SAS transport file", allowed="XPT of version 5 or 8",
            next_step="export the data set as XPT or CSV",
        )  # fmt: skip
        return None
    described = _find(raw, _VARIABLES, 0)
    begin = _find(raw, _ROWS, described)
    variables = _variables(raw, described, begin) if 0 <= described < begin else []
    if not variables or len(raw) % RECORD:
        findings.add(
            file, "", "the transport file is cut off or damaged", allowed="whole records of 80 bytes",
            next_step="transfer it again, in binary mode",
        )  # fmt: skip
        return None
    body = raw[begin + RECORD :]
    if _find(body, _MEMBER, 0) >= 0:
        findings.add(
            file, "", "several data sets in one file", allowed="one", next_step="export them one by one"
        )
        return None
    width = max(one.start + one.length for one in variables)
    cells = _cells(body, width, variables, _stated_rows(raw, begin), file, findings)
    return None if cells is None else _columns(cells, variables, file, findings)


def _find(raw: bytes, headers: tuple[bytes, ...], start: int) -> int:
    """Return where a record with one of the headers begins, from a place on; -1 where there is none."""
    for header in headers:
        place = raw.find(header, max(start, 0))
        while place >= 0 and place % RECORD:
            place = raw.find(header, place + 1)
        if place >= 0:
            return place
    return -1


def _variables(raw: bytes, described: int, begin: int) -> list[_Variable]:
    """Return the variables that the file describes; none where the description is damaged."""
    header = raw[described : described + RECORD]
    long = header.startswith(_VARIABLES[1])
    count = int(header[54:58]) if header[54:58].isdigit() else 0
    if described + RECORD + 140 * count > begin:
        return []
    found = []
    for k in range(count):
        record = raw[described + RECORD + 140 * k :][:140]
        short, named = record[8:16], record[88:120].rstrip(b" \0") if long else b""
        found.append(
            _Variable(
                (named or short).decode("latin-1").rstrip(" \0"),
                int.from_bytes(record[0:2], "big") == 2,
                int.from_bytes(record[84:88], "big"),
                int.from_bytes(record[4:6], "big"),
                record[56:64].decode("latin-1").strip(" \0").upper(),
            )
        )
    sound = all(one.length >= 1 and (one.text or one.length <= 8) for one in found)
    return found if sound else []


def _stated_rows(raw: bytes, begin: int) -> int | None:
    """Return the number of rows that the header of version 8 states, None where it states none."""
    header = raw[begin : begin + RECORD]
    words = header[48:].split() if header.startswith(_ROWS[1]) else []
    return int(words[0]) if words and words[0].isdigit() and int(words[0]) else None


def _cells(
    body: bytes,
    width: int,
    variables: list[_Variable],
    stated: int | None,
    file: str,
    findings: FindingCollector,
) -> NDArray[np.uint8] | None:
    """Return the rows as bytes, shape (rows, width), without the blanks that fill the last record."""
    whole = len(body) // width
    cells = np.frombuffer(body[: whole * width], dtype=np.uint8).reshape(whole, width)
    if stated is not None:
        return cells[:stated]
    blank = np.all(cells == 0x20, axis=1)
    rows = whole
    while rows and blank[rows - 1] and (whole - rows + 1) * width < RECORD:
        rows -= 1
    if rows < whole and all(one.text for one in variables):
        findings.add(
            file, f"row {rows + 1}", "blank rows at the end cannot be told from the padding of the file",
            allowed="a numeric column beside the text, which is never blank",
            next_step="export it with a numeric column, such as a row number",
        )  # fmt: skip
        return None
    return cells[:rows]


def _columns(
    cells: NDArray[np.uint8], variables: list[_Variable], file: str, findings: FindingCollector
) -> dict[str, XportColumn]:
    columns: dict[str, XportColumn] = {}
    for one in variables:
        if one.name in columns:
            findings.add(file, f"column {one.name}", "the column is there twice", next_step="rename one")
        part = np.ascontiguousarray(cells[:, one.start : one.start + one.length])
        columns[one.name] = _texts(part, one, file, findings) if one.text else _dated(_numbers(part), one)
    return columns


def _numbers(part: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return IBM floating point numbers, of up to 8 bytes each (rows, bytes), as float64.

    The value is the sign, a fraction of 56 bits and 16 to the exponent less 64. A fraction of zero is a zero
    where the first byte is zero and one of the missing values ".", "_", "A" to "Z" where it is that letter.

    >>> _numbers(np.array([[0x41, 0x10], [0x00, 0x00], [0x2E, 0x00]], dtype=np.uint8)).tolist()
    [1.0, 0.0, nan]
    """
    padded = np.zeros((len(part), 8), dtype=np.uint8)
    padded[:, : part.shape[1]] = part
    bits = padded.view(">u8").ravel().astype(np.uint64)
    fraction = bits & np.uint64((1 << 56) - 1)
    exponent = ((bits >> np.uint64(56)) & np.uint64(0x7F)).astype(np.int64)
    size = np.ldexp(fraction.astype(np.float64), 4 * (exponent - 64) - 56)
    values = np.where(bits >> np.uint64(63) == 1, -size, size)
    first = padded[:, 0]
    missing = (fraction == 0) & (first != 0) & (first != 0x80)
    return np.where(missing, np.nan, np.where(fraction == 0, 0.0, values))


def _dated(values: NDArray[np.float64], one: _Variable) -> XportColumn:
    if one.format in _MOMENTS:
        start = datetime(1960, 1, 1)  # SAS knows no time zone
        return ["" if np.isnan(v) else (start + timedelta(seconds=float(v))).isoformat() for v in values]
    if one.format in _DATES:
        return ["" if np.isnan(v) else (_EPOCH + timedelta(days=int(v))).isoformat() for v in values]
    return values


def _texts(part: NDArray[np.uint8], one: _Variable, file: str, findings: FindingCollector) -> list[str]:
    words, place = np.unique(part.view(f"S{one.length}").ravel(), return_inverse=True)
    texts = []
    for k, word in enumerate(words.tolist()):
        try:
            texts.append(word.decode("utf-8").rstrip(" \0"))
        except UnicodeDecodeError:
            row = int(np.flatnonzero(place == k)[0]) + 1
            findings.add(
                file, f"row {row}, column {one.name}", "not UTF-8 text", allowed="UTF-8",
                next_step="export the data set in UTF-8",
            )  # fmt: skip
            texts.append("")
    return [texts[k] for k in place.tolist()]
