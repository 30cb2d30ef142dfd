"""Open a file that somebody sent: unpacked, bounded, told apart by what it begins with, not by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from eubiosis.core.csv_arrow import Tick
from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import display_name

MOST_BYTES = 1024**3  # of unpacked text: a table of 20,000 samples by 20,000 taxa
MOST_JSON = 256 * 1024**2  # of BIOM 1.0, which takes tenfold its size in memory
LONGEST_LINE = 64 * 1024**2  # of a text table
_MOST_DICTIONARY = 256 * 1024**2  # that an xz file may ask for
_Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor
_CHUNK = 1 << 20
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, which is full of zero bytes
_DAMAGED = (
    zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError,
    UnicodeDecodeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A file ready to be told apart: ``data`` is unpacked, and empty for containers that are read in place.

    ``container`` is "" for text, "hdf5", "xlsx" or "qza".
    """

    path: Path
    name: str
    data: bytes = b""
    container: str = ""


def open_table(
    path: Path, findings: FindingCollector, most: int = MOST_BYTES, tick: Tick | None = None
) -> Opened | None:
    """Return an opened file; what is missing, damaged, locked or too large is a finding.

    ``tick`` is told how many bytes of the file are taken, of how many.
    """
    name = display_name(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
            if head.startswith(HDF5_MAGIC):
                return Opened(path, name, container="hdf5")
            if head.startswith(_ZIP_MAGIC):
                return _zip(path, name, findings, most)
            stream.seek(0)
            return _bounded(_ticking(_plain(stream, head), stream, tick), path, name, findings, most)
    except FileNotFoundError:
        findings.add(name, "", "the file is missing", next_step="correct the path")
    except IsADirectoryError:
        findings.add(name, "", "this is a folder", allowed="a file", next_step="name the table in it")
    except _DAMAGED as error:
        findings.add(name, "", f"damaged archive ({_short(error)})", next_step="pack or copy the file again")
    except RuntimeError as error:  # zipfile's word for an archive with a password
        findings.add(name, "", f"the archive cannot be opened ({_short(error)})", next_step="unpack it first")
    except OSError as error:
        text = error.strerror or _short(error)
        findings.add(
            name, "", f"the file cannot be read ({text})", allowed="a readable file",
            next_step="copy the file again, or unpack it first",
        )  # fmt: skip
    return None


def _plain(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return _gzip_chunks(stream)
    if head.startswith(b"BZh"):
        return _unpacked(stream, bz2.BZ2Decompressor)
    if head.startswith(b"\xfd7zXZ\x00"):
        return _unpacked(stream, lambda: lzma.LZMADecompressor(memlimit=_MOST_DICTIONARY))
    return iter(lambda: stream.read(_CHUNK), b"")


def _ticking(chunks: Iterator[bytes], stream: BinaryIO, tick: Tick | None) -> Iterator[bytes]:
    whole = 0 if tick is None else os.fstat(stream.fileno()).st_size
    for chunk in chunks:
        if tick is not None:
            tick(stream.tell(), whole)
        yield chunk


def _unpacked(stream: BinaryIO, begin: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Unpack the streams of a file, one behind the other, a bounded piece at a time."""
    packed, data = begin(), b""
    while True:
        if packed.eof:
            data = (packed.unused_data or stream.read(_CHUNK)).lstrip(b"\0")
            if not data:
                return
            packed = begin()
        elif packed.needs_input and not data:
            data = stream.read(_CHUNK)
            if not data:
                message = "it ends too early"
                raise EOFError(message)
        piece, data = packed.decompress(data, _CHUNK), b""
        if piece:
            yield piece


def _gzip_chunks(stream: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        while chunk := packed.read(_CHUNK):
            yield chunk


def _bounded(
    chunks: Iterator[bytes], path: Path, name: str, findings: FindingCollector, most: int
) -> Opened | None:
    """Gather a text; what is too large, binary or one endless line is refused before it is held."""
    gathered: list[bytes] = []
    size, line, number, json, text = 0, 0, 1, False, True
    for chunk in chunks:
        if not gathered:
            json, text = chunk.lstrip()[:1] == b"{", not chunk.startswith(_WIDE)
            most = min(most, MOST_JSON) if json else most
        size += len(chunk)
        if size > most:
            findings.add(
                name,
                "",
                f"more than {most:,} bytes when unpacked",
                allowed=f"{most:,} bytes of {'BIOM 1.0' if json else 'text'}",
                next_step="leave out taxa that nobody carries, or write the table as BIOM 2.1",
            )
            return None
        if text and b"\0" in chunk:
            findings.add(
                name, f"byte {size - len(chunk) + chunk.index(0)}", "binary data in a text table",
                allowed="a text table in UTF-8, BIOM, .qza, .h5ad or .xlsx", next_step="export as text",
            )  # fmt: skip
            return None
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        line = line + len(chunk) if last < 0 else len(chunk) - last - 1
        number += chunk.count(b"\n")
        if line > LONGEST_LINE and not json:
            findings.add(
                name, f"line {number}", f"a line of more than {LONGEST_LINE:,} characters",
                allowed=f"lines of up to {LONGEST_LINE:,} characters",
                next_step="check that the lines end as text lines do",
            )  # fmt: skip
            return None
        gathered.append(chunk)
    return Opened(path, name, b"".join(gathered))


def _zip(path: Path, name: str, findings: FindingCollector, most: int) -> Opened | None:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX/")]
        if "[Content_Types].xml" in members:
            return Opened(path, name, container="xlsx")
        if any(m.count("/") == 1 and m.endswith("/metadata.yaml") for m in members):
            return Opened(path, name, container="qza")
        if len(members) != 1:
            findings.add(
                name,
                "",
                f"an archive of {len(members)} files",
                allowed="one table in one archive",
                next_step="unpack it and name the table",
            )
            return None
        with archive.open(members[0]) as stream:
            chunks = iter(lambda: stream.read(_CHUNK), b"")
            return _bounded(chunks, path, f"{name}/{members[0]}", findings, most)


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]


def as_text(opened: Opened, findings: FindingCollector) -> str | None:
    """Return the text of an opened file; other encodings than UTF-8 are a finding."""
    data = opened.data
    for mark, word in ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            findings.add(
                opened.name, "", f"{word} text", allowed="UTF-8", next_step="save the table as UTF-8 text"
            )
            return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.add(
            opened.name,
            f"byte {error.start}",
            "not UTF-8 text",
            allowed="a text table in UTF-8, BIOM, .qza, .h5ad or .xlsx",
            next_step="save the table as UTF-8 text",
        )
        return None
