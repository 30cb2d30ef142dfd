"""A COMBINE archive (OMEX): the named conditions as SBML, their time courses as SED-ML, and metadata.

The archive is written with the standard library, not libCombine, so that the same content gives the same
bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.output import write_whole
from eubiosis.model.exchange.metadata import manifest_xml, metadata_rdf
from eubiosis.model.exchange.sedml import TimeCourse, sedml_text
from eubiosis.model.join import consistency_errors
from eubiosis.model.labels import labels
from eubiosis.model.model import Model

_FORMAT = "http://identifiers.org/combine.specifications/"
_SBML, _RDF = f"{_FORMAT}sbml.level-3.version-2", f"{_FORMAT}omex-metadata"
# without level and version: libCombine, and so COPASI, knows none later than 1.3
_SEDML = f"{_FORMAT}sed-ml"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file knows: no clock in the archive


def write_omex(
    model: Model, path: Path, conditions: Sequence[str] = (), observables: Sequence[str] = ()
) -> Path:
    """Write some named conditions (default: all) as a COMBINE archive and return its path.

    ``observables`` are reported once a day (default: every output of the interface). Raises ``FindingsError``
    for unknown names, an existing file, a place that cannot be written, or SBML that libSBML objects to.
    """
    names = list(dict.fromkeys(conditions or model.conditions))
    reported = list(dict.fromkeys(observables or default_observables(model)))
    _check(model, path, names, reported)
    files = {f"models/{name}.xml": model.sbml(name) for name in names}
    wrong = [Finding(file, "", line) for file, text in files.items() for line in consistency_errors(text)]
    if wrong:
        raise FindingsError(wrong)
    settings = [model.conditions[name] for name in names]
    courses = [TimeCourse(s.name, f"models/{s.name}.xml", round(s.days), s.description) for s in settings]
    texts = {**files, "simulation.sedml": sedml_text(courses, reported, labels(model.content))}
    titles = [(f"./models/{s.name}.xml", s.description) for s in settings]
    titles.append(("./simulation.sedml", "time courses of the conditions, one value a day"))
    texts["metadata.rdf"] = metadata_rdf(model.content, titles)
    form = {".xml": _SBML, ".sedml": _SEDML, ".rdf": _RDF}
    entries = [(".", f"{_FORMAT}omex", False), ("./manifest.xml", f"{_FORMAT}omex-manifest", False)]
    entries += [(f"./{name}", form[Path(name).suffix], name.endswith(".sedml")) for name in texts]
    _write(path, {"manifest.xml": manifest_xml(entries), **texts})
    return path


def default_observables(model: Model) -> tuple[str, ...]:
    """Return the outputs of the interface that the joined model changes, in its order."""
    system = model.system
    changing = {*system.states, *system.assigned}
    rows = (row.id for row in model.content.interface if row.direction == "output")
    return tuple(dict.fromkeys(name for name in rows if name in changing))


def _check(model: Model, path: Path, names: Sequence[str], reported: Sequence[str]) -> None:
    findings = FindingCollector()
    for name in names:
        if name not in model.conditions:
            findings.add("--condition", name, f"condition {unknown_word(name, model.conditions)}",
                         next_step="see: eubiosis model list")  # fmt: skip
        elif model.conditions[name].days != round(model.conditions[name].days):
            findings.add("--condition", name, "its days are no whole number", allowed="1, 2, 3, ...")
    system = model.system
    known = (*system.states, *system.assigned, *system.parameters)
    for name in reported:
        if name not in known:
            findings.add("--observable", name, f"quantity {unknown_word(name, known)}",
                         next_step="see: eubiosis model show NAME")  # fmt: skip
    if path.exists():
        findings.add(str(path), "", "it exists already", next_step="choose another name")
    findings.raise_if_any()


def _write(path: Path, texts: dict[str, str]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode("utf-8"))
    try:
        write_whole(path, packed.getvalue())
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        next_step = "name a file in a folder that exists and is writable"
        raise FindingsError([Finding(str(path), "", problem, next_step=next_step)]) from error
