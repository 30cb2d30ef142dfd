"""One small made table in every format that is read, by the format's own library where a registry has it.

QIIME 2's library is in no package registry, so its archive is put together by hand after its layout;
MetaPhlAn, Kraken 2, Bracken, mothur and SingleM are programs, so their text is written as their manuals
document it.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

GENERA = ("Blautia", "Roseburia", "Sutterella")
COUNTS = ((30, 20, 5), (10, 0, 7), (60, 80, 9))  # genera x samples
SAMPLES = ("one", "two", "three")
Names = Sequence[str]
_ROOT = "00000000-0000-4000-8000-000000000000"


def text(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    rows = "".join(f"{g}\t" + "\t".join(map(str, row)) + "\n" for g, row in zip(genera, COUNTS, strict=True))
    return ("taxon\t" + "\t".join(samples) + "\n" + rows).encode()


def zipped(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    return archive({"table.tsv": text(samples, genera)})


def archive(members: dict[str, bytes]) -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return buffer.getvalue()


def biom_json(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    """BIOM 1.0, by biom-format; ids are put in afterwards, since it refuses some that files may hold."""
    import biom

    made = biom.Table(np.array(COUNTS, dtype=float), list("fgh"), list("abc"))
    record = json.loads(made.to_json("a test"))
    for rows, names in ((record["rows"], genera), (record["columns"], samples)):
        for row, name in zip(rows, names, strict=True):
            row["id"] = name
    return json.dumps(record).encode()


def biom_hdf5(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    """BIOM 2.1, by biom-format and h5py."""
    import io

    import biom
    import h5py

    made = biom.Table(np.array(COUNTS, dtype=float), list("fgh"), list("abc"))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        made.to_hdf5(file, "a test")
        for axis, names in (("observation", genera), ("sample", samples)):
            del file[f"{axis}/ids"]
            file[f"{axis}/ids"] = np.array([name.encode() for name in names], dtype=object)
    return buffer.getvalue()


def artifact(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    data = biom_hdf5(samples, genera)
    return archive(
        {
            f"{_ROOT}/VERSION": b"QIIME 2\narchive: 6\nframework: 2025.4.0\n",
            f"{_ROOT}/metadata.yaml": f"uuid: {_ROOT}\ntype: FeatureTable[Frequency]\n".encode(),
            f"{_ROOT}/checksums.md5": f"{hashlib.md5(data).hexdigest()}  data/feature-table.biom\n".encode(),
            f"{_ROOT}/data/feature-table.biom": data,
        }
    )


def h5ad(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    """AnnData's file, by anndata and h5py."""
    import tempfile
    import warnings

    import anndata
    import pandas as pd
    from scipy import sparse

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        made = anndata.AnnData(
            sparse.csr_matrix(np.array(COUNTS, dtype=float).T),
            obs=pd.DataFrame(index=list(samples)), var=pd.DataFrame(index=list(genera)),
        )  # fmt: skip
        made.write_h5ad(Path(folder) / "t.h5ad")
        return (Path(folder) / "t.h5ad").read_bytes()


def workbook(samples: Names = SAMPLES, genera: Names = GENERA, more: Sequence[object] = ()) -> bytes:
    """An Excel workbook, by openpyxl."""
    import io

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["taxon", *samples])
    for genus, row in zip(genera, COUNTS, strict=True):
        sheet.append([genus, *row])
    if more:
        sheet.append(list(more))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def metaphlan(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    percent = 100 * np.array(COUNTS) / np.sum(COUNTS, axis=0)
    rows = ["k__Bacteria\t" + "\t".join(["100"] * len(samples))]
    rows += [
        f"k__Bacteria|g__{g}\t" + "\t".join(f"{v:.5f}" for v in row)
        for g, row in zip(genera, percent, strict=True)
    ]
    return "\n".join(["#mpa_vJan25", "clade_name\t" + "\t".join(samples), *rows, ""]).encode()


def kraken(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    """Reports joined by KrakenTools: the one form of Kraken 2 with several samples."""
    head = f"#Number of Samples: {len(samples)}\n#Total Number of Seqs: 0\n"
    head += "".join(f"#S{k}\t{name}\n" for k, name in enumerate(samples, 1))
    head += "#perc\ttot_all\ttot_lvl\t" + "".join(f"{k}_all\t{k}_lvl\t" for k in range(1, len(samples) + 1))
    head += "lvl_type\ttaxid\tname\n"
    lines = [("R", "1", "root", np.sum(COUNTS, axis=0)), ("D", "2", "Bacteria", np.sum(COUNTS, axis=0))]
    lines += [("G", str(k), genus, row) for k, (genus, row) in enumerate(zip(genera, COUNTS, strict=True), 3)]
    body = "".join(
        "1\t0\t0\t" + "".join(f"{n}\t{n}\t" for n in row) + f"{rank}\t{number}\t{name}\n"
        for rank, number, name, row in lines
    )
    return (head + body).encode()


def bracken(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    head = "name\ttaxonomy_id\ttaxonomy_lvl\t" + "\t".join(
        f"{s}.bracken_num\t{s}.bracken_frac" for s in samples
    )
    rows = [
        f"{g}\t{k}\tG\t" + "\t".join(f"{n}\t0.1" for n in row)
        for k, (g, row) in enumerate(zip(genera, COUNTS, strict=True), 3)
    ]
    return "\n".join([head, *rows, ""]).encode()


def singlem(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    rows = [
        f"{s}\t{COUNTS[j][k]}\tRoot; d__Bacteria; g__{g}"
        for k, s in enumerate(samples) for j, g in enumerate(genera)
    ]  # fmt: skip
    return "\n".join(["sample\tcoverage\ttaxonomy", *rows, ""]).encode()


def psmelt(samples: Names = SAMPLES, genera: Names = GENERA) -> bytes:
    rows = [f"{j},{s},{COUNTS[j][k]},{g}" for k, s in enumerate(samples) for j, g in enumerate(genera)]
    return "\n".join(["OTU,Sample,Abundance,Genus", *rows, ""]).encode()


Maker = Callable[..., bytes]
TEXTS: dict[str, Maker] = {
    "table.tsv": text,
    "metaphlan.tsv": metaphlan,
    "kraken.txt": kraken,
    "bracken.tsv": bracken,
    "singlem.tsv": singlem,
    "psmelt.csv": psmelt,
}
PACKED: dict[str, Maker] = {
    "table.tsv.gz": lambda *names: gzip.compress(text(*names)),
    "table.tsv.bz2": lambda *names: bz2.compress(text(*names)),
    "table.tsv.xz": lambda *names: lzma.compress(text(*names)),
    "table.zip": zipped,
}
CONTAINERS: dict[str, Maker] = {
    "json.biom": biom_json,
    "hdf5.biom": biom_hdf5,
    "table.qza": artifact,
    "table.h5ad": h5ad,
    "table.xlsx": workbook,
}
LIBRARIES = {"json.biom": "biom", "hdf5.biom": "biom", "table.qza": "biom", "table.h5ad": "anndata",
             "table.xlsx": "openpyxl"}  # fmt: skip
EVERY: dict[str, Maker] = {**TEXTS, **PACKED, **CONTAINERS}
