"""Whether what the clinical prior takes from the model is as old as the tables it was measured with."""

from __future__ import annotations

import hashlib

from eubiosis.core.clinical_prior import EXPOSURES, THERAPIES
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.model_forms import FORMS, TAXA
from eubiosis.core.output import write_whole
from eubiosis.model.content import Content
from eubiosis.model.coupling_data import ROWS
from eubiosis.model.sensitivity import sensitivity_key

KEY_FILE = "calibration/prior.sha256"
_TABLES = (ROWS, FORMS, TAXA, THERAPIES, "conditions/conditions.tsv", "conditions/changes.tsv")


def clinical_key(content: Content) -> str:
    """Hash everything that exposures, gains and totals depend on."""
    digest = hashlib.sha256(sensitivity_key(content).encode())
    for name in _TABLES:
        digest.update(name.encode() + b"\0" + (content.folder / name).read_bytes() + b"\0")
    return digest.hexdigest()


def write_clinical_key(content: Content) -> None:
    """Write the hash of what the measured tables came from into the content folder."""
    write_whole(content.folder / KEY_FILE, clinical_key(content) + "\n")


def demand_fresh_clinical(content: Content) -> None:
    """Raise ``FindingsError`` where exposures, gains and totals are older than what they come from."""
    file = content.folder / KEY_FILE
    if file.is_file() and file.read_text(encoding="utf-8").strip() == clinical_key(content):
        return
    problem = "exposures, gains and totals are older than the tables they were measured with"
    step = "measure them again: eubiosis model derive, with --content for a folder of your own"
    raise FindingsError([Finding(content.file(EXPOSURES), "", problem, next_step=step)])
