"""A good file of every kind that is read, and the function that the commands read it with."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from eubiosis.compute import run_lock
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.compute.run_folder import MANIFEST, RunFolder, unfinished
from eubiosis.compute.run_lock import LOCK, RunLock
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.frame import Table
from eubiosis.population.stool.hdf5_child import HeldTable, read_held
from eubiosis.population.stool.unpack import MOST_BYTES, Opened

Reader = Callable[[Path, bytes], object]


@dataclass(frozen=True)
class Kind:
    """A good file and its reader.

    ``tree`` says that hypothesis draws other trees of it, ``guarded`` that the program itself reads it in a
    child process with limits, so that a case that hangs or crashes is ended there; ``allowed`` are errors
    that the reader documents beside findings.
    """

    good: bytes
    reader: Reader
    tree: bool = False
    guarded: bool = False
    allowed: tuple[type[Exception], ...] = ()

    @property
    def weight(self) -> int:
        """How often the kind comes, beside the others."""
        return 1 if self.tree else 2


def workflow(folder: Path, content: bytes) -> object:
    """Check a workflow and the tables it names."""
    from eubiosis.workflow.files.tables import check_all

    path = folder / "workflow.yaml"
    path.write_bytes(content)
    findings = FindingCollector()
    found = check_all(path, findings)
    str(FindingsError(findings.findings))
    return found


def question(folder: Path, content: bytes) -> object:
    """Read a question."""
    from eubiosis.workflow.question import read_question

    path = folder / "question.yaml"
    path.write_bytes(content)
    return read_question(path)


def stool(name: str) -> Reader:
    """Return a reader of stool tables in files of a name.

    HDF5 is read in this process, which is a child that can be ended; one file in a hundred takes the way of
    the program, through a child of its own.
    """

    def read(folder: Path, content: bytes) -> object:
        from eubiosis.population.stool import hdf5_files
        from eubiosis.population.stool.table import read_profiles

        own = hdf5_files._held, hdf5_files.LEAST_SECONDS
        if zlib.crc32(content) % 100:
            hdf5_files._held = _held_here
        hdf5_files.LEAST_SECONDS = 2.0
        path = folder / name
        path.write_bytes(content)
        try:
            return read_profiles(path)
        finally:
            hdf5_files._held, hdf5_files.LEAST_SECONDS = own

    return read


def _held_here(opened: Opened, group_column: str, findings: FindingCollector) -> HeldTable:
    del findings
    source = io.BytesIO(opened.data) if opened.data else str(opened.path)
    held = read_held(source, group_column=group_column, rank_pattern="genus$|family$", most=MOST_BYTES)
    return unpack(pack(held), HeldTable)


def metadata(folder: Path, content: bytes) -> object:
    """Read the groups of samples."""
    from eubiosis.population.stool.groups import read_groups

    path, findings = folder / "people.csv", FindingCollector()
    path.write_bytes(content)
    found = read_groups(path, "sample_id", "group", findings)
    findings.raise_if_any()
    return found


def trial_table(name: str) -> Reader:
    """Return a reader of a real trial's table."""

    def read(folder: Path, content: bytes) -> object:
        from eubiosis.workflow.files.trial_table import read_trial_table

        path = folder / name
        path.write_bytes(content)
        return read_trial_table(path)

    return read


def therapy(folder: Path, content: bytes) -> object:
    """Read a therapy that a biologist added."""
    from eubiosis.therapy.catalogue import products

    (folder / "inulin.yaml").write_bytes(content)
    return products.__wrapped__(folder)


def sbml(folder: Path, content: bytes) -> object:
    """Read a model, as the engine does before it compiles."""
    from eubiosis.engine.sbml import read_sbml

    del folder
    return read_sbml(content.decode("utf-8", "replace"))


def chunk(folder: Path, content: bytes) -> object:
    """Read a chunk as it lies on disk; it counts as missing unless it is whole."""
    store = ChunkStore(folder, "key")
    (folder / "gut-00000.chunk").write_bytes(content)
    return store.read("gut-00000"), store.foreign()


def signed_chunk(folder: Path, content: bytes) -> object:
    """Read a chunk whose checksum fits though its content was made elsewhere."""
    from eubiosis.workflow.trial_chunk import kept_chunk

    store = ChunkStore(folder, "key")
    store.write("gut-00000", content)
    return kept_chunk(store, "gut-00000")


def package(folder: Path, content: bytes) -> object:
    """Unpack a value of every kind of part."""
    del folder
    try:
        return unpack(content, _Kinds)
    except DamagedPackage:
        return None


def manifest(folder: Path, content: bytes) -> object:
    """Ask a run with this manifest how far it is, compare it, and try to replace it."""
    from eubiosis.workflow.runs import compare_runs, run_state

    run = folder / "run"
    run.mkdir()
    (run / MANIFEST).write_bytes(content)
    (run / "log.jsonl").write_bytes(content)
    str(run_state(run).words)
    try:
        return compare_runs(run, run)
    except FindingsError:
        with RunFolder(run, replace=True):
            return None


def lock(folder: Path, content: bytes) -> object:
    """Meet a lock and a log in an unfinished run."""
    from eubiosis.workflow.runs import run_state

    hidden = unfinished(folder / "run")
    hidden.mkdir()
    for name in (LOCK, "log.jsonl"):
        (hidden / name).write_bytes(content)
    os.utime(hidden / LOCK, (1e9, 1e9))
    with patch.object(run_lock, "_BEAT", 0.001):  # nobody's heart beats here
        str(run_state(folder / "run").words)
        with RunLock(hidden, shown=folder / "run"):
            return None


_Kinds = tuple[Table, dict[str, float], tuple[int, ...], "str | None", bool]


def kinds() -> dict[str, Kind]:
    """Return a good file of every kind with its reader."""
    table = PACKAGED_CONTENT / "example" / "stool.biom"
    text = "sample\tBacteroides\tRoseburia\tBlautia\n" + "".join(
        f"s{k}\t{k}\t3\t{7 * k}\n" for k in range(12)
    )
    model = (
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model>'
        '<listOfParameters><parameter id="k" value="0.25" constant="true"/>'
        '<parameter id="x" value="2" constant="false"/></listOfParameters><listOfRules>'
        '<rateRule variable="x"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><cn>-1</cn>'
        "<ci>k</ci><apply><power/><ci>x</ci><cn>2</cn></apply></apply></math></rateRule></listOfRules></model></sbml>"
    )  # fmt: skip
    record = {"origin": "simulated; prior only: not calibrated to any clinical outcome", "eubiosis": "0.1.0",
              "seeds": {"seed": 3}, "inputs": {}, "facts": {"a": 1},
              "files": {"log.jsonl": {"sha256": "0" * 64, "bytes": 3}}}  # fmt: skip
    owner = {"process": 1, "machine": "m", "boot": "b", "process_start": "1", "since": "s", "token": "t"}
    values = (Table({"a": [1.5, 2.0], "b": ["x", "y"]}), {"k": 0.5}, (1, 2), "text", True)
    packed = pack(values)
    with tempfile.TemporaryDirectory() as aside:
        store = ChunkStore(Path(aside), "key")
        store.write("gut-00000", packed)
        kept = (Path(aside) / "gut-00000.chunk").read_bytes()
    trials, briefs = PACKAGED_CONTENT / "trials", PACKAGED_CONTENT / "briefs"
    example = PACKAGED_CONTENT / "example"
    observed = Table({"subject": ["a", "b"], "arm": ["x", "y"], "visit": [0.0, 12.0], "mfis": [30.5, 28.0]})
    workflow_file, question_file = trials / "demo.yaml", briefs / "fibre_add_on.yaml"
    return {
        "workflow": Kind(workflow_file.read_bytes(), workflow),
        "workflow, other trees": Kind(workflow_file.read_bytes(), workflow, tree=True),
        "question": Kind(question_file.read_bytes(), question),
        "question, other trees": Kind(question_file.read_bytes(), question, tree=True),
        "therapy, other trees": Kind(
            (PACKAGED_CONTENT / "therapies" / "inulin.yaml").read_bytes(), therapy, tree=True
        ),
        "stool table, text": Kind(text.encode(), stool("stool.tsv")),
        "stool table, MetaPhlAn": Kind(_lines(example / "stool_metaphlan.tsv", 30), stool("profile.tsv")),
        "stool table, BIOM 1.0": Kind(_biom_1(), stool("stool.biom")),
        "stool table, BIOM 2.1": Kind(table.read_bytes(), stool("stool.biom"), guarded=True),
        "stool table, QIIME 2": Kind(_artifact(table.read_bytes()), stool("stool.qza"), guarded=True),
        "stool table, Excel": Kind((example / "stool.xlsx").read_bytes(), stool("stool.xlsx")),
        "metadata": Kind(b"sample_id,group\n" + b"".join(b"s%d,MS\n" % k for k in range(8)), metadata),
        "trial table, text": Kind(b"subject,arm,visit,mfis\na,x,0,30.5\nb,y,12,28\n", trial_table("t.csv")),
        "trial table, Parquet": Kind(observed.to_parquet(), trial_table("t.parquet")),
        "SBML": Kind(model.encode(), sbml, allowed=(ValueError,)),
        "SBML with events": Kind(_SBML_EVENTS, sbml, allowed=(ValueError,)),
        "chunk": Kind(kept, chunk),
        "chunk with a checksum that fits": Kind(packed, signed_chunk),
        "package": Kind(packed, package),
        "manifest and log": Kind(json.dumps(record).encode(), manifest),
        "lock": Kind(json.dumps(owner).encode(), lock),
    }


def _lines(path: Path, most: int) -> bytes:
    return b"".join(path.read_bytes().splitlines(keepends=True)[:most])


def _biom_1() -> bytes:
    rows = [{"id": f"f{k}", "metadata": {"taxonomy": ["k__Bacteria", name]}} for k, name in
            enumerate(("g__Blautia", "g__Roseburia"))]  # fmt: skip
    return json.dumps(
        {"id": "t", "format": "Biological Observation Matrix 1.0.0", "format_url": "http://biom-format.org",
         "type": "OTU table", "generated_by": "a test", "date": "2026-01-01T00:00:00",
         "matrix_type": "sparse", "matrix_element_type": "float", "shape": [2, 2], "rows": rows,
         "columns": [{"id": "a", "metadata": None}, {"id": "b", "metadata": None}],
         "data": [[0, 0, 3.0], [0, 1, 4.0], [1, 0, 5.0]]}
    ).encode()  # fmt: skip


def _artifact(data: bytes) -> bytes:
    root, held = "00000000-0000-4000-8000-000000000000", io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:  # stored, so that damage reaches what is inside
        archive.writestr(f"{root}/metadata.yaml", f"uuid: {root}\ntype: FeatureTable[Frequency]\n")
        archive.writestr(f"{root}/data/feature-table.biom", data)
    return held.getvalue()


_SBML_EVENTS = b"""\
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model>
<listOfFunctionDefinitions><functionDefinition id="f"><math xmlns="http://www.w3.org/1998/Math/MathML"><lambda>
<bvar><ci>x</ci></bvar><apply><divide/><ci>x</ci><apply><plus/><cn>1</cn><ci>x</ci></apply></apply></lambda></math>
</functionDefinition></listOfFunctionDefinitions>
<listOfCompartments><compartment id="c" size="2" spatialDimensions="3" constant="true"/></listOfCompartments>
<listOfSpecies><species id="S" compartment="c" initialConcentration="1.5" hasOnlySubstanceUnits="false"
boundaryCondition="false" constant="false"/></listOfSpecies>
<listOfParameters><parameter id="k" value="0.5" constant="false"/></listOfParameters>
<listOfReactions><reaction id="r" reversible="false"><listOfReactants><speciesReference species="S"
stoichiometry="1" constant="true"/></listOfReactants><kineticLaw><math
xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>c</ci><ci>k</ci><apply><ci>f</ci><ci>S</ci></apply>
</apply></math></kineticLaw></reaction></listOfReactions>
<listOfEvents><event id="e" useValuesFromTriggerTime="true">
<trigger initialValue="true" persistent="true"><math
xmlns="http://www.w3.org/1998/Math/MathML"><apply><lt/><ci>S</ci><cn>0.5</cn></apply></math></trigger>
<listOfEventAssignments><eventAssignment variable="S"><math xmlns="http://www.w3.org/1998/Math/MathML"><cn>2</cn>
</math></eventAssignment></listOfEventAssignments></event></listOfEvents></model></sbml>
"""
