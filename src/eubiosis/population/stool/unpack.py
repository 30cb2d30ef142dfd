"""Open a file that somebody sent: unpacked, bounded, told apart by what it begins with, not by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import display_name

MOST_BYTES = 2 * 1024**3  # of unpacked text: a table of 20,000 samples by 20,000 taxa
_Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor
_CHUNK = 1 << 20
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"
_DAMAGED = (
    zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError
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


def open_table(path: Path, findings: FindingCollector, most: int = MOST_BYTES) -> Opened | None:
    """Return an opened file; what is missing, damaged, locked or too large is a finding."""
    name = display_name(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
            if head.startswith(HDF5_MAGIC):
                return Opened(path, name, container="hdf5")
            if head.startswith(_ZIP_MAGIC):
                return _zip(path, name, findings, most)
            stream.seek(0)
            return _plain(stream, head, path, name, findings, most)
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
        findings.add(name, "", f"the file cannot be read ({text})", allowed="a readable file")
    return None


def _plain(
    stream: BinaryIO, head: bytes, path: Path, name: str, findings: FindingCollector, most: int
) -> Opened | None:
    packed: _Decompressor | None = None
    if head.startswith(b"\x1f\x8b"):
        return _bounded(_gzip_chunks(stream), path, name, findings, most)
    if head.startswith(b"BZh"):
        packed = bz2.BZ2Decompressor()
    elif head.startswith(b"\xfd7zXZ\x00"):
        packed = lzma.LZMADecompressor()
    chunks = _chunks(stream) if packed is None else _unpacked(stream, packed)
    return _bounded(chunks, path, name, findings, most)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _unpacked(stream: BinaryIO, packed: _Decompressor) -> Iterator[bytes]:
    for chunk in _chunks(stream):
        if packed.eof:
            return
        yield packed.decompress(chunk)
    if not packed.eof:
        message = "it ends too early"
        raise EOFError(message)


def _gzip_chunks(stream: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        while chunk := packed.read(_CHUNK):
            yield chunk


def _bounded(
    chunks: Iterator[bytes], path: Path, name: str, findings: FindingCollector, most: int
) -> Opened | None:
    gathered, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            findings.add(
                name,
                "",
                f"more than {most:,} bytes when unpacked",
                allowed=f"{most:,} bytes of text",
                next_step="leave out taxa that nobody carries, or write the table as BIOM",
            )
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
